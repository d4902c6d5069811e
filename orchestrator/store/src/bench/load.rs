//! The load: threads that read a record, change it, and submit, with a bound on what is in flight.

use super::{Budget, NOTE_BYTES, RECORD_BYTES, ROW_BYTES};
use crate::{CommitError, Durable, DurableSink, Read, Store, Table, Transaction, Write};
use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

const RECORDS: Table = Table(1);
const ROWS: Table = Table(2);

/// Events handed over at once, as a partition would.
const BATCH: usize = 64;

/// Counts what is in flight and keeps the length of every commit.
#[derive(Debug, Default)]
pub(super) struct Meter {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    in_flight: usize,
    commits_us: Vec<u32>,
    failed: bool,
}

impl Meter {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `count` more may be submitted; false when the store has failed.
    fn enter(&self, count: usize, limit: usize) -> bool {
        let full = |state: &mut State| !state.failed && state.in_flight + count > limit.max(count);
        let state = self.changed.wait_while(self.state(), full);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        state.in_flight += count;
        !state.failed
    }

    /// Waits until nothing is in flight.
    fn drain(&self) {
        let busy = |state: &mut State| !state.failed && state.in_flight > 0;
        drop(self.changed.wait_while(self.state(), busy));
    }

    /// Forgets the commits so far.
    pub(super) fn forget(&self) {
        self.state().commits_us.clear();
    }

    /// Median, 99th percentile and longest of the commits, in milliseconds.
    pub(super) fn quantiles(&self) -> (f64, f64, f64) {
        let mut sorted = self.state().commits_us.clone();
        sorted.sort_unstable();
        let at = |percent: usize| {
            let place = sorted.len().saturating_sub(1) * percent / 100;
            f64::from(sorted.get(place).copied().unwrap_or(0)) / 1000.0
        };
        (at(50), at(99), at(100))
    }
}

impl DurableSink for Meter {
    fn durable(&self, group: &Durable) {
        let mut state = self.state();
        state.in_flight -= group.transactions;
        state.commits_us.push(u32::try_from(group.took.as_micros()).unwrap_or(u32::MAX));
        drop(state);
        self.changed.notify_all();
    }

    fn failed(&self, _error: &CommitError) {
        self.state().failed = true;
        self.changed.notify_all();
    }
}

/// A wait without a wake-up: the one place of the bench that lets time pass.
#[derive(Debug, Default)]
pub(super) struct Pause {
    never: Mutex<()>,
    condvar: Condvar,
}

impl Pause {
    pub(super) fn wait(&self, duration: Duration) {
        let guard = self.never.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.condvar.wait_timeout_while(guard, duration, |()| true));
    }
}

/// The generator of keys and values (splitmix64): the same seed gives the same load.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }

    /// A value whose first half can't be compressed.
    fn value(&mut self, bytes: usize) -> Vec<u8> {
        let mut value = vec![b'-'; bytes];
        for chunk in value[..bytes / 2].chunks_mut(8) {
            let word = self.next().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        value
    }
}

/// The load of one measurement.
pub(super) struct Load<'a> {
    budget: &'a Budget,
    store: &'a Store,
    meter: &'a Meter,
    /// Next sequence of each partition.
    sequences: Mutex<Vec<u64>>,
}

impl<'a> Load<'a> {
    pub(super) fn new(budget: &'a Budget, store: &'a Store, meter: &'a Meter) -> Self {
        let sequences = Mutex::new(vec![1; usize::from(budget.partitions)]);
        Load { budget, store, meter, sequences }
    }

    /// Writes every record once.
    pub(super) fn preload(&self) {
        let mut chance = Chance(self.budget.seed ^ 0xfeed);
        let mut records = 0..self.budget.records;
        loop {
            let batch: Vec<u64> = records.by_ref().take(BATCH).collect();
            if batch.is_empty() || !self.meter.enter(batch.len(), self.budget.in_flight) {
                break;
            }
            let batch = batch.into_iter().map(|record| self.preloaded(record, &mut chance));
            self.store.submit(batch.collect()).expect("a preload stays within all limits");
        }
        self.meter.drain();
    }

    fn preloaded(&self, record: u64, chance: &mut Chance) -> Transaction {
        let partition = self.partition(record);
        let mut sequences = self.sequences.lock().unwrap_or_else(PoisonError::into_inner);
        let next = &mut sequences[usize::from(partition)];
        let seq = *next;
        *next += 1;
        let key = record_key(partition, record);
        let writes = vec![Write::put(RECORDS, key, chance.value(RECORD_BYTES))];
        Transaction { partition, seq, writes, note: vec![0; NOTE_BYTES] }
    }

    /// Writes events until the time is over and all of them are durable.
    pub(super) fn run(&self) {
        let sequences = self.sequences.lock().unwrap_or_else(PoisonError::into_inner).clone();
        std::thread::scope(|scope| {
            for thread in 0..self.budget.threads {
                let sequences = sequences.clone();
                scope.spawn(move || self.drive(thread, sequences));
            }
        });
        self.meter.drain();
    }

    fn drive(&self, thread: u16, mut sequences: Vec<u64>) {
        let Budget { duration, monotonic, threads, seed, .. } = self.budget;
        let mut chance = Chance(seed.wrapping_mul(31).wrapping_add(u64::from(thread)));
        let began = monotonic();
        while monotonic() - began < *duration {
            let mut records = Vec::with_capacity(BATCH);
            while records.len() < BATCH {
                let record = self.draw(&mut chance);
                if self.partition(record) % threads == thread {
                    records.push(record);
                }
            }
            if !self.meter.enter(BATCH, self.budget.in_flight) {
                return;
            }
            let batch = records.into_iter().map(|record| {
                let partition = self.partition(record);
                let next = &mut sequences[usize::from(partition)];
                let seq = *next;
                *next += 1;
                self.event(partition, seq, record, &mut chance)
            });
            self.store.submit(batch.collect()).expect("the load stays within all limits");
        }
    }

    /// A record: uniform, or with the given share of events on the busiest 5 %.
    fn draw(&self, chance: &mut Chance) -> u64 {
        let Budget { records, hot_percent, .. } = *self.budget;
        let hot = (records / 20).max(1);
        if hot_percent == 5 {
            chance.below(records)
        } else if chance.below(100) < hot_percent {
            chance.below(hot)
        } else {
            hot + chance.below(records.saturating_sub(hot).max(1))
        }
    }

    fn event(&self, partition: u16, seq: u64, record: u64, chance: &mut Chance) -> Transaction {
        let key = record_key(partition, record);
        let mut content = chance.value(RECORD_BYTES);
        if self.budget.loads {
            let found = self.store.get(RECORDS, &key).expect("readable").expect("preloaded");
            content[RECORD_BYTES / 2..].copy_from_slice(&found[RECORD_BYTES / 2..]);
        }
        let mut row_key = Vec::with_capacity(10);
        if self.budget.sequence_first {
            row_key.extend_from_slice(&seq.to_be_bytes());
            row_key.extend_from_slice(&partition.to_be_bytes());
        } else {
            row_key.extend_from_slice(&partition.to_be_bytes());
            row_key.extend_from_slice(&seq.to_be_bytes());
        }
        let row = Write::put(ROWS, row_key, chance.value(ROW_BYTES));
        let writes = vec![Write::put(RECORDS, key, content), row];
        Transaction { partition, seq, writes, note: vec![0; NOTE_BYTES] }
    }

    fn partition(&self, record: u64) -> u16 {
        (spread(record) % u64::from(self.budget.partitions)) as u16
    }
}

/// Spreads neighbouring numbers over the whole range, as a hash of the id would.
fn spread(record: u64) -> u64 {
    Chance(record).next()
}

fn record_key(partition: u16, record: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(18);
    key.extend_from_slice(&partition.to_be_bytes());
    key.extend_from_slice(&spread(record).to_be_bytes());
    key.extend_from_slice(&record.to_be_bytes());
    key
}
