//! What a backend must do: read, and make a set of rows durable as one.

use crate::{error::ReadError, read::Read, table::Table, transaction::Write};
use std::ops::ControlFlow;

/// Is shown one row after the other: table, key, value. May end it early.
pub type Visit<'a> = dyn FnMut(Table, &[u8], &[u8]) -> ControlFlow<()> + 'a;

/// What a backend occupies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes on disk (or in memory, for the memory backend).
    pub disk_bytes: u64,
    /// The journal's part of them.
    pub journal_bytes: u64,
    /// Bytes of the block cache in use.
    pub cache_bytes: u64,
    /// Background compactions running now.
    pub compactions: u64,
    /// Write buffers waiting to be written out.
    pub pending_flushes: u64,
}

/// A place where rows live. One committer calls `commit`; reads come from any thread.
pub trait Backend: Read {
    /// Makes the rows durable and then visible, all or none. `commit` numbers the group. No key
    /// comes twice. An error leaves the outcome unknown, and nothing more is written after it.
    fn commit(&self, commit: u64, writes: Vec<Write>) -> Result<(), String>;

    /// Every row, the store's own included, as of one commit: table by table, in key order.
    fn all_rows(&self, visit: &mut Visit<'_>) -> Result<(), ReadError>;

    /// What it occupies now.
    fn usage(&self) -> Usage;

    /// Called once after the last commit of an orderly close.
    fn close(&self) -> Result<(), String> {
        Ok(())
    }
}
