//! A start of the modelled process on what is durable, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use domain::ids::{CustomerKey, SendId};
use domain::time::Instant;
use engine::ledger::SendRow;
use engine::note::Note;
use engine::partition::Snapshot;
use engine::{Catalog, Loaded, Partition, codec};
use store::memory::{Disk, SteppedStore};
use store::{Access, GroupRow, Range, Read, Settings, TableSpec};

use super::faults::Planted;
use super::part::{Part, rows, table};

/// What a start found.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) store: SteppedStore,
    pub(crate) parts: Vec<Part>,
    /// Sends that were in flight, with the number of their attempt.
    pub(crate) in_flight: Vec<(SendId, u16)>,
}

/// The settings of the store.
pub(crate) fn settings(partitions: u16) -> Settings {
    let specs = engine::Table::ALL
        .iter()
        .map(|table| TableSpec { name: table.name(), access: Access::Random })
        .collect();
    Settings::new(partitions, "test", specs, Arc::new(|| Duration::ZERO))
}

/// The snapshots of all partitions, with the notes that are newer.
pub(crate) fn snapshots(store: &SteppedStore, partitions: u16, replay: bool) -> Vec<Snapshot> {
    let mut snapshots: Vec<Snapshot> = (0..partitions)
        .map(|partition| {
            let key = codec::snapshot_key(partition);
            let row = store.get(table(engine::Table::Meta), &key).expect("memory can be read");
            row.map_or_else(Snapshot::default, |row| {
                codec::decode("snapshot", &row).expect("a sound snapshot")
            })
        })
        .collect();
    let from = snapshots.iter().map(|snapshot| snapshot.commit).min().unwrap_or(0);
    let range = Range::from(store::group_key(from).to_vec());
    for (_, value) in rows(store, store::Table::GROUPS, range) {
        for entry in GroupRow::decode(&value).expect("a sound group row") {
            let snapshot = &mut snapshots[usize::from(entry.partition)];
            let note: Note = codec::decode("note", entry.note).expect("a sound note");
            if replay || snapshot.seq == 0 {
                snapshot.replay(entry.seq, note);
            }
        }
    }
    snapshots
}

/// Starts on a disk.
pub(crate) fn start(
    disk: Disk,
    catalog: &Arc<Catalog>,
    partitions: u16,
    now: Instant,
    bug: Planted,
) -> Started {
    let (mut store, found) =
        SteppedStore::open(disk, &settings(partitions)).expect("what was durable can be opened");
    let snapshots = snapshots(&store, partitions, bug != Planted::NotesNotReplayed);
    store.trim_groups(snapshots.iter().map(|snapshot| snapshot.commit).min().unwrap_or(0));
    let mut started = Started { store, parts: Vec::new(), in_flight: Vec::new() };
    for (number, snapshot) in snapshots.into_iter().enumerate() {
        let seq = found.sequences[number];
        let mut partition = Partition::new(number as u16, catalog.clone(), seq);
        partition.recover_memory(snapshot.counters, snapshot.at);
        let mut part = Part::new(partition, seq);
        part.in_line = true;
        customers(&started.store, &mut part, bug);
        if bug != Planted::OpenSendsForgotten {
            for opened in snapshot.open.values() {
                let (id, send) = (number as u16, opened.send);
                let key = codec::send_key(id, opened.customer, opened.counted_at, send);
                let row = started.store.get(table(engine::Table::Sends), &key);
                let Some(row) = row.expect("memory can be read") else { continue };
                let row = SendRow::decode(&row).expect("a sound row");
                if row.info.open.is_none() {
                    continue;
                }
                if opened.retry_at.is_none() {
                    started.in_flight.push((send, row.info.attempts));
                }
                let decided = part.partition.recover_open(opened.customer, row, now);
                part.commit(decided);
            }
        }
        started.parts.push(part);
    }
    started
}

/// Who is due when, and whose messages wait for a slot.
fn customers(store: &SteppedStore, part: &mut Part, bug: Planted) {
    let range = Range::prefix(part.partition.id().to_be_bytes().to_vec());
    for (key, value) in rows(store, table(engine::Table::Customers), range) {
        let key = CustomerKey(key[2..18].try_into().expect("a customer's key has 18 bytes"));
        let header = codec::decode_customer_header(&value).expect("a sound header");
        if header.due_at != Instant::MAX && bug != Planted::TimersForgotten {
            part.timers.insert(key, header.due_at);
        }
        if header.planned {
            let customer = codec::decode_customer(key, &value).expect("a sound record");
            part.partition.recover_planned(&Loaded::from_record(customer));
        }
    }
}
