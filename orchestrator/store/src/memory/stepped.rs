//! The store without threads: the simulation decides when a group is formed, when its barrier
//! ends, and when the process dies in between.

use crate::{
    backend::Backend,
    error::{OpenError, ReadError, Refused},
    group::{Former, Group},
    memory::MemoryBackend,
    open::Settings,
    queue::Queue,
    read::{Limit, Page, Range, Read, Row},
    recovery::{self, Recovered},
    sink::Durable,
    table::Table,
    transaction::Transaction,
};
use std::collections::VecDeque;

/// What survives a crash: every durable row, and no other.
#[derive(Debug)]
pub struct Disk(MemoryBackend);

impl Disk {
    /// An empty disk for a store with these settings.
    pub fn new(settings: &Settings) -> Result<Self, OpenError> {
        Ok(Disk(MemoryBackend::new(settings.checked()?.len())))
    }
}

/// A store that does nothing by itself. The same calls give the same rows, always.
#[derive(Debug)]
pub struct SteppedStore {
    disk: MemoryBackend,
    queue: Queue,
    former: Former,
    /// Groups that were written but whose barrier has not ended, oldest first.
    staged: VecDeque<Group>,
    trim_below: u64,
}

impl SteppedStore {
    /// Opens what is on the disk.
    pub fn open(disk: Disk, settings: &Settings) -> Result<(Self, Recovered), OpenError> {
        let tables = settings.checked()?.len();
        let Disk(disk) = disk;
        let recovered = if disk.is_empty() {
            recovery::create(&disk, tables, settings.partitions)?
        } else {
            recovery::recover(&disk, settings.partitions)?
        };
        let store = SteppedStore {
            disk,
            queue: Queue::new(tables, recovered.sequences.clone()),
            former: Former::new(tables, &recovered),
            staged: VecDeque::new(),
            trim_below: 0,
        };
        Ok((store, recovered))
    }

    /// As [`Store::submit`](crate::Store::submit).
    pub fn submit(&mut self, transactions: Vec<Transaction>) -> Result<(), Refused> {
        let pushed = self.queue.push(transactions);
        pushed.map_err(|(reason, transactions)| Refused { reason, transactions })
    }

    /// As [`Store::trim_groups`](crate::Store::trim_groups).
    pub fn trim_groups(&mut self, commit: u64) {
        self.trim_below = self.trim_below.max(commit);
    }

    /// Transactions that wait to be staged.
    pub fn queued(&self) -> usize {
        self.queue.depth().0
    }

    /// Groups that wait for their barrier.
    pub fn staged(&self) -> usize {
        self.staged.len()
    }

    /// Writes the next group of at most `transactions_max` transactions (and the usual limits)
    /// without a barrier: a crash may lose it, no reader sees it. Its commit sequence.
    pub fn stage_next_group(&mut self, transactions_max: usize) -> Option<u64> {
        let transactions = self.queue.take_group(transactions_max);
        if transactions.is_empty() {
            return None;
        }
        let group = self.former.form(transactions, self.trim_below);
        let commit = group.durable.commit;
        self.staged.push_back(group);
        Some(commit)
    }

    /// Ends the barrier of the oldest staged group: its rows are durable and visible.
    pub fn barrier(&mut self) -> Option<Durable> {
        let Group { durable, writes } = self.staged.pop_front()?;
        self.disk.commit(durable.commit, writes).expect("every table was checked at submit");
        Some(durable)
    }

    /// Stages the next group and ends its barrier: what the committer's thread does in one turn.
    pub fn commit_next_group(&mut self) -> Option<Durable> {
        if self.staged.is_empty() {
            self.stage_next_group(usize::MAX)?;
        }
        self.barrier()
    }

    /// The process dies. What was queued is gone; of the staged groups a prefix chosen by `seed`
    /// had reached the disk (none, some or all: the order of groups is kept, none is torn).
    pub fn crash(mut self, seed: u64) -> Disk {
        let kept = seed % (self.staged.len() as u64 + 1);
        for _ in 0..kept {
            self.barrier();
        }
        Disk(self.disk)
    }
}

impl Read for SteppedStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        self.disk.get(table, key)
    }

    fn scan(&self, table: Table, range: &Range, limit: Limit) -> Result<Page, ReadError> {
        self.disk.scan(table, range, limit)
    }

    fn last(&self, table: Table, range: &Range) -> Result<Option<Row>, ReadError> {
        self.disk.last(table, range)
    }
}
