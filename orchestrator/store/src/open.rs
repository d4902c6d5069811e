//! Settings that every backend needs.

use crate::{error::OpenError, table, table::TableSpec, watchdog::COMMIT_STALL_LIMIT};
use std::{fmt, sync::Arc, time::Duration};

/// The monotonic clock, handed in by the composition root: time since any fixed instant. Used
/// only to measure how long commits take.
pub type Monotonic = Arc<dyn Fn() -> Duration + Send + Sync>;

/// What a store is, whatever it is kept in.
#[derive(Clone)]
pub struct Settings {
    /// Number of partitions, 1 to 4,096; fixed when the store is created.
    pub partitions: u16,
    /// Name of the hash that places a key in a partition; fixed when the store is created. The
    /// store never hashes: the name only guards against another placement later.
    pub hash: &'static str,
    /// The caller's tables, at most five, in the order of their numbers from 1; fixed when the
    /// store is created.
    pub tables: Vec<TableSpec>,
    /// The watchdog's limit for one commit.
    pub stall_limit: Duration,
    /// The clock.
    pub monotonic: Monotonic,
}

impl Settings {
    /// Settings with the standard watchdog limit.
    pub fn new(
        partitions: u16,
        hash: &'static str,
        tables: Vec<TableSpec>,
        monotonic: Monotonic,
    ) -> Self {
        Settings { partitions, hash, tables, stall_limit: COMMIT_STALL_LIMIT, monotonic }
    }

    /// All tables, the store's own first.
    pub(crate) fn checked(&self) -> Result<Vec<TableSpec>, OpenError> {
        if self.partitions == 0 || self.partitions > 4096 {
            return Err(OpenError::Layout(format!(
                "{} partitions, but 1 to 4096 are possible",
                self.partitions
            )));
        }
        table::all(&self.tables)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("partitions", &self.partitions)
            .field("hash", &self.hash)
            .field("tables", &self.tables)
            .field("stall_limit", &self.stall_limit)
            .finish_non_exhaustive()
    }
}
