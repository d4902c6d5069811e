//! What is written: rows, the transaction that holds them together, and their sizes.

use crate::table::Table;

/// Largest transaction, in bytes as counted by [`Transaction::bytes`]. A transaction is never
/// split, so it bounds the memory and the barrier of one group; a larger one is refused.
pub const TRANSACTION_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What a row costs beside its key and value, for limits: an estimate of the record's header.
const ROW_OVERHEAD_BYTES: usize = 16;

/// One row to be put (`Some`) or deleted (`None`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Where it goes; never [`Table::GROUPS`].
    pub table: Table,
    /// Opaque key, 1 byte to 1,024 bytes.
    pub key: Vec<u8>,
    /// Opaque value; `None` deletes the row.
    pub value: Option<Vec<u8>>,
}

impl Write {
    /// A row that is put.
    pub fn put(table: Table, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        Write { table, key: key.into(), value: Some(value.into()) }
    }

    /// A row that is deleted.
    pub fn delete(table: Table, key: impl Into<Vec<u8>>) -> Self {
        Write { table, key: key.into(), value: None }
    }

    pub(crate) fn bytes(&self) -> usize {
        ROW_OVERHEAD_BYTES + self.key.len() + self.value.as_ref().map_or(0, Vec::len)
    }
}

/// Rows of one partition that become durable together or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The partition that decided it, below the store's partition count.
    pub partition: u16,
    /// The partition's own sequence: 1, 2, 3 … without a gap over the life of the store.
    pub seq: u64,
    /// The rows. Of two writes to one key the later one holds.
    pub writes: Vec<Write>,
    /// Opaque bytes for the group row: what must be known again at start without a full scan.
    pub note: Vec<u8>,
}

impl Transaction {
    /// The size that counts against the limits of queue, group and transaction, in bytes.
    pub fn bytes(&self) -> usize {
        ROW_OVERHEAD_BYTES + self.note.len() + self.writes.iter().map(Write::bytes).sum::<usize>()
    }
}
