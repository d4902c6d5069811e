//! Who is told what became durable, and what went wrong.

use crate::error::CommitError;
use std::time::Duration;

/// One group after its barrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Durable {
    /// The sequence of the group commit: 1, 2, 3 … over the life of the store.
    pub commit: u64,
    /// Highest durable sequence of each partition in the group, by partition.
    pub partitions: Vec<(u16, u64)>,
    /// Transactions in the group.
    pub transactions: usize,
    /// Rows written, the store's own included.
    pub rows: usize,
    /// Bytes of keys and values written, before the backend's own overhead.
    pub bytes: usize,
    /// How long the commit took, from the formed group to the end of its barrier.
    pub took: Duration,
}

/// A commit that has not come back for longer than the limit. It may still end well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    /// The group commit that is under way.
    pub commit: u64,
    /// At least this long.
    pub longer_than: Duration,
}

/// Hears of every group, in order, on the committer's thread. It must return quickly, must not
/// block on a caller of `submit`, and must not panic: nothing else is committed meanwhile.
pub trait DurableSink: Send + Sync {
    /// A group is durable: acknowledgements and effects up to these sequences may go out.
    fn durable(&self, group: &Durable);

    /// A barrier failed. Called at most once, and nothing is reported durable after it. Whether
    /// the process must end is the caller's decision.
    fn failed(&self, error: &CommitError);

    /// The watchdog found a commit over its limit; called on the watchdog's thread, once for each
    /// such commit.
    fn stalled(&self, stall: &Stall) {
        let _ = stall;
    }
}
