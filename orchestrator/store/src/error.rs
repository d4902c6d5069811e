//! Every way in which the store says no.

use crate::transaction::Transaction;
use std::{path::PathBuf, time::Duration};
use thiserror::Error;

/// A store that can't be opened. Nothing was changed unless the message says so.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The file system refused.
    #[error("cannot {what}: {source}")]
    Io {
        /// What was attempted, with the path.
        what: String,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// Another process has the store open.
    #[error("store {directory} is in use by {}", holder(.pid))]
    InUse {
        /// The store's directory.
        directory: PathBuf,
        /// The holder, where its pid could be read.
        pid: Option<u32>,
    },
    /// The directory holds other files.
    #[error("{directory} is not empty and holds no store; give an empty or a new directory")]
    NotAStore {
        /// The directory as given.
        directory: PathBuf,
    },
    /// A store is to be restored where one is already.
    #[error("{directory} holds a store already; give an empty or a new directory")]
    NotEmpty {
        /// The directory as given.
        directory: PathBuf,
    },
    /// The store's files contradict themselves.
    #[error("store is corrupt: {0}; restore it from a backup")]
    Corrupt(String),
    /// The store was written by a later version of this program.
    #[error("store has format {found}, this program reads up to {supported}; upgrade the program")]
    NewerFormat {
        /// The format on disk.
        found: u32,
        /// The newest format known here.
        supported: u32,
    },
    /// The store was created with other settings that are fixed for its life.
    #[error("store was created with {what} {stored}, but {given} is configured")]
    Mismatch {
        /// Which setting.
        what: &'static str,
        /// The value on disk.
        stored: String,
        /// The value given.
        given: String,
    },
    /// Commits that were reported durable are gone.
    #[error(
        "store lost commits: commit {expected} was durable, the last one found is {found}; \
         restore a backup, or accept the loss explicitly"
    )]
    Truncated {
        /// The commit that the side file knows to be durable.
        expected: u64,
        /// The last commit found in the tables.
        found: u64,
    },
    /// The storage engine did not come up in time.
    #[error("store did not open within {limit:?}; it may be recovering a damaged journal")]
    Stalled {
        /// The limit that passed.
        limit: Duration,
    },
    /// Bad table list or partition count: a mistake of the program.
    #[error("bad store layout: {0}")]
    Layout(String),
    /// The storage engine refused.
    #[error("storage engine: {0}")]
    Engine(String),
}

fn holder(pid: &Option<u32>) -> String {
    pid.map_or("another process".to_owned(), |pid| format!("process {pid}"))
}

impl OpenError {
    /// Wraps a system error with what was attempted.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> OpenError {
        let what = what.into();
        move |source| OpenError::Io { what, source }
    }
}

/// A read that failed: the file system or the storage engine refused, or the table is unknown.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("cannot read from the store: {0}")]
pub struct ReadError(pub String);

/// A barrier that failed. The store takes nothing more; whether the group is on disk is unknown.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("commit {commit} failed: {reason}")]
pub struct CommitError {
    /// The sequence of the group that failed.
    pub commit: u64,
    /// The storage engine's answer.
    pub reason: String,
}

/// A batch that was not taken, handed back whole: no part of it will be committed.
#[derive(Debug, Error)]
#[error("{reason}")]
pub struct Refused {
    /// Why.
    pub reason: Reason,
    /// The batch as it was given.
    pub transactions: Vec<Transaction>,
}

/// Why a batch was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Reason {
    /// The queue is full: wait for durable groups and submit again.
    #[error("the commit queue is full ({transactions} transactions, {bytes} bytes)")]
    Full {
        /// Transactions waiting.
        transactions: usize,
        /// Bytes waiting.
        bytes: usize,
    },
    /// A sequence was left out or used twice: a mistake of the caller.
    #[error("partition {partition} submitted sequence {got}, expected {expected}")]
    OutOfSequence {
        /// The partition.
        partition: u16,
        /// The sequence that must come next.
        expected: u64,
        /// The sequence given.
        got: u64,
    },
    /// The partition is not below the partition count.
    #[error("unknown partition {0}")]
    UnknownPartition(u16),
    /// The table is unknown, or the store's own.
    #[error("table {0} cannot be written")]
    UnknownTable(u8),
    /// The key is empty, too long or reserved.
    #[error("bad key of {0} bytes")]
    BadKey(usize),
    /// The transaction is larger than the limit.
    #[error("transaction of {bytes} bytes is over the limit of {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The store is closing.
    #[error("the store is closed")]
    Closed,
    /// An earlier barrier failed.
    #[error("the store has failed: {0}")]
    Failed(CommitError),
}
