//! Counters for metrics. They describe; nothing decides by them.

use crate::sink::Durable;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A reading of the store's counters since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Group commits.
    pub commits: u64,
    /// Transactions in them.
    pub transactions: u64,
    /// Rows in them.
    pub rows: u64,
    /// Bytes of keys and values in them.
    pub bytes: u64,
    /// Time spent in commits, in microseconds.
    pub commit_us: u64,
    /// The longest commit, in microseconds.
    pub commit_us_max: u64,
    /// Commits that went over the watchdog's limit.
    pub stalls: u64,
    /// Batches refused because the queue was full.
    pub refused_full: u64,
    /// Transactions waiting now.
    pub queued_transactions: u64,
    /// Bytes waiting now.
    pub queued_bytes: u64,
    /// The last durable group commit.
    pub last_commit: u64,
}

/// The counters behind [`Stats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    commits: AtomicU64,
    transactions: AtomicU64,
    rows: AtomicU64,
    bytes: AtomicU64,
    commit_us: AtomicU64,
    commit_us_max: AtomicU64,
    stalls: AtomicU64,
    refused_full: AtomicU64,
    last_commit: AtomicU64,
}

impl Counters {
    pub(crate) fn starting_at(last_commit: u64) -> Self {
        Counters { last_commit: AtomicU64::new(last_commit), ..Counters::default() }
    }

    pub(crate) fn committed(&self, group: &Durable) {
        let us = u64::try_from(group.took.as_micros()).unwrap_or(u64::MAX);
        self.commits.fetch_add(1, Relaxed);
        self.transactions.fetch_add(group.transactions as u64, Relaxed);
        self.rows.fetch_add(group.rows as u64, Relaxed);
        self.bytes.fetch_add(group.bytes as u64, Relaxed);
        self.commit_us.fetch_add(us, Relaxed);
        self.commit_us_max.fetch_max(us, Relaxed);
        self.last_commit.store(group.commit, Relaxed);
    }

    pub(crate) fn stalled(&self) {
        self.stalls.fetch_add(1, Relaxed);
    }

    pub(crate) fn refused_full(&self) {
        self.refused_full.fetch_add(1, Relaxed);
    }

    pub(crate) fn read(&self, queued: (usize, usize)) -> Stats {
        Stats {
            commits: self.commits.load(Relaxed),
            transactions: self.transactions.load(Relaxed),
            rows: self.rows.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            commit_us: self.commit_us.load(Relaxed),
            commit_us_max: self.commit_us_max.load(Relaxed),
            stalls: self.stalls.load(Relaxed),
            refused_full: self.refused_full.load(Relaxed),
            queued_transactions: queued.0 as u64,
            queued_bytes: queued.1 as u64,
            last_commit: self.last_commit.load(Relaxed),
        }
    }
}
