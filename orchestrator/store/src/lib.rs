//! Durable tables of opaque rows with one write path.
//!
//! Owns the rule that a change exists when it is durable: callers [`Store::submit`] transactions,
//! one committer thread per database gathers them into groups, and a [`DurableSink`] hears of each
//! group after its barrier. Called by the composition root and the partition actors. It must never
//! know what a row means, never show a reader a row that is not durable, and never report a group
//! durable after a failed barrier.
//!
//! Two backends stand behind [`Backend`]: [`embedded`] (files) and [`memory`]. The simulation
//! drives the memory backend without threads through [`memory::SteppedStore`].

pub mod bench;
pub mod embedded;
pub mod memory;

mod backend;
mod committer;
mod error;
mod group;
mod open;
mod queue;
mod read;
mod recovery;
mod sink;
mod stats;
mod store;
mod table;
mod transaction;
mod watchdog;

pub use backend::{Backend, Usage, Visit};
pub use committer::HEARTBEAT_COMMITS;
pub use error::{CommitError, OpenError, ReadError, Reason, Refused};
pub use group::{GROUP_BYTES_MAX, GROUP_TRANSACTIONS_MAX, GroupEntry, GroupRow, group_key};
pub use open::{Monotonic, Settings};
pub use queue::{QUEUE_BYTES_MAX, QUEUE_TRANSACTIONS_MAX};
pub use read::{Limit, Page, Range, Read, Row};
pub use recovery::Recovered;
pub use sink::{Durable, DurableSink, Stall};
pub use stats::Stats;
pub use store::Store;
pub use table::{Access, RESERVED_PREFIX, TABLES_MAX, Table, TableSpec};
pub use transaction::{TRANSACTION_BYTES_MAX, Transaction, Write};
pub use watchdog::COMMIT_STALL_LIMIT;
