//! What a start reads from the store: who is due, who waits, which sends were open.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::time::Instant;
use engine::codec::{self, DecodeError};
use engine::ledger::SendRow;
use engine::note::{Note, OpenedSend};
use engine::partition::Snapshot;
use engine::{Catalog, Loaded, Partition};
use runtime::{Clock, Timers};
use store::{GroupRow, Limit, Range, Read, ReadError, Store};

use crate::rows;
use crate::telemetry::trace::{Interrupted, Tracer};

/// Rows read at a time.
const SCAN_ROWS: usize = 4_096;

/// Merge parcels read at a time: a customer's whole state each.
const PARCELS: usize = 64;

/// What is in the store makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A row makes no sense.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// One partition, recovered.
#[derive(Debug)]
pub struct Recovered {
    /// Its memory.
    pub partition: Partition,
    /// Its timers.
    pub timers: Timers,
    /// What the recovery itself decided (sends that were in flight), to be committed first.
    pub transactions: Vec<store::Transaction>,
    /// Its durable sequence.
    pub durable: u64,
    /// Sends that were in flight.
    pub in_flight: usize,
}

/// Reads what every partition had in memory: its newest snapshot and the notes after it.
pub fn memories(store: &Store, found: &store::Recovered) -> Result<Vec<Snapshot>, RecoverError> {
    let mut snapshots = Vec::new();
    for partition in 0..found.sequences.len() as u16 {
        snapshots.push(snapshot(store, partition)?);
    }
    replay(store, found, &mut snapshots)?;
    Ok(snapshots)
}

/// Recovers every partition. What was in flight is traced before it is durable: if this start does
/// not come so far, the next one says it again.
pub fn recover(
    store: &Store,
    found: &store::Recovered,
    snapshots: Vec<Snapshot>,
    catalog: &Arc<Catalog>,
    clock: &Clock,
    tracer: Option<&Tracer>,
) -> Result<Vec<Recovered>, RecoverError> {
    let now = Instant(clock.now_ms());
    let mut recovered = Vec::new();
    for (number, snapshot) in snapshots.into_iter().enumerate() {
        let seq = found.sequences[number];
        let mut partition = Partition::new(number as u16, catalog.clone(), seq);
        partition.recover_memory(snapshot.counters, snapshot.at);
        let timers = timers(store, &mut partition)?;
        let mut one =
            Recovered { partition, timers, transactions: Vec::new(), durable: seq, in_flight: 0 };
        one.open_sends(store, snapshot.open, now, tracer)?;
        parcels(store, &mut one.partition, now)?;
        recovered.push(one);
    }
    Ok(recovered)
}

/// Merges whose second half is not confirmed are handed over again.
fn parcels(store: &Store, partition: &mut Partition, now: Instant) -> Result<(), RecoverError> {
    let mut range = Range::prefix(codec::parcels_prefix(partition.id()));
    loop {
        let page = store.scan(rows::table(engine::Table::Meta), &range, Limit::rows(PARCELS))?;
        for (_, value) in &page.rows {
            partition.recover_parcel(codec::decode("parcel", value)?, now);
        }
        match page.next {
            Some(next) => range = range.resume(next),
            None => return Ok(()),
        }
    }
}

fn snapshot(store: &Store, partition: u16) -> Result<Snapshot, RecoverError> {
    let key = codec::snapshot_key(partition);
    match store.get(rows::table(engine::Table::Meta), &key)? {
        Some(bytes) => Ok(codec::decode("snapshot", &bytes)?),
        None => Ok(Snapshot::default()),
    }
}

/// Replays the notes that are newer than the snapshots, and lets older group rows go.
fn replay(
    store: &Store,
    found: &store::Recovered,
    snapshots: &mut [Snapshot],
) -> Result<(), RecoverError> {
    let from = snapshots.iter().map(|snapshot| snapshot.commit).min().unwrap_or(0);
    store.trim_groups(from);
    let first = from.max(found.oldest_group);
    let mut range = Range::from(store::group_key(first).to_vec());
    loop {
        let page = store.scan(store::Table::GROUPS, &range, Limit::rows(SCAN_ROWS))?;
        for (_, value) in &page.rows {
            for entry in GroupRow::decode(value)? {
                let note: Note = codec::decode("note", entry.note)?;
                snapshots[usize::from(entry.partition)].replay(entry.seq, note);
            }
        }
        match page.next {
            Some(next) => range = range.resume(next),
            None => return Ok(()),
        }
    }
}

/// Reads the header of every customer: who is due when, and whose messages wait for a slot.
fn timers(store: &Store, partition: &mut Partition) -> Result<Timers, RecoverError> {
    let mut timers = Timers::new();
    let mut range = Range::prefix(partition.id().to_be_bytes().to_vec());
    loop {
        let table = rows::table(engine::Table::Customers);
        let page = store.scan(table, &range, Limit::rows(SCAN_ROWS))?;
        for (key, value) in &page.rows {
            let Some(key) = codec::key_of(key) else {
                continue;
            };
            let header = codec::decode_customer_header(value)?;
            if header.due_at != Instant::MAX {
                timers.insert(key.0, header.due_at.0);
            }
            if header.planned {
                let customer = codec::decode_customer(key, value)?;
                partition.recover_planned(&Loaded::from_record(customer));
            }
        }
        match page.next {
            Some(next) => range = range.resume(next),
            None => return Ok(timers),
        }
    }
}

impl Recovered {
    fn open_sends(
        &mut self,
        store: &Store,
        open: BTreeMap<domain::ids::SendId, OpenedSend>,
        now: Instant,
        tracer: Option<&Tracer>,
    ) -> Result<(), RecoverError> {
        let table = rows::table(engine::Table::Sends);
        for opened in open.values() {
            let id = self.partition.id();
            let key = codec::send_key(id, opened.customer, opened.counted_at, opened.send);
            let Some(bytes) = store.get(table, &key)? else {
                continue;
            };
            let row = SendRow::decode(&bytes)?;
            if row.info.open.is_none() {
                continue;
            }
            let in_flight = opened.retry_at.is_none();
            self.in_flight += usize::from(in_flight);
            let traced = tracer.filter(|_| in_flight);
            let traced = traced.map(|tracer| (tracer, interrupted(id, opened, &row, now)));
            let decided = self.partition.recover_open(opened.customer, row, now);
            if let Some((tracer, found)) = traced {
                let again = self.partition.is_open(opened.send);
                tracer.interrupted(Interrupted { again, ..found });
            }
            self.transactions.extend(decided.map(rows::to_store));
        }
        Ok(())
    }
}

/// An attempt that was under way, for those who trace.
fn interrupted(partition: u16, opened: &OpenedSend, row: &SendRow, at: Instant) -> Interrupted {
    let info = &row.info;
    Interrupted {
        send: opened.send,
        number: info.attempts,
        enrollment: info.enrollment,
        journey: info.journey.clone(),
        version: info.version,
        step: info.open.as_ref().map(|open| open.step.clone()),
        channel: info.channel.clone(),
        again: false,
        customer: opened.customer,
        partition,
        at,
    }
}
