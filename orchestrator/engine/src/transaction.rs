//! What a turn wants written, all or nothing.

/// The tables of the engine. The numbers are part of the format on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Table {
    /// One record per customer.
    Customers = 0,
    /// One row per turn: what came in and what was decided.
    History = 1,
    /// One row per send: the ledger, and the outbox while the send is open.
    Sends = 2,
    /// Definitions, controls, snapshots, cursors, spilled dedupe rows.
    Meta = 3,
}

impl Table {
    /// Every table, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Customers, Self::History, Self::Sends, Self::Meta];

    /// Its name on disk.
    pub fn name(self) -> &'static str {
        match self {
            Self::Customers => "customers",
            Self::History => "history",
            Self::Sends => "sends",
            Self::Meta => "meta",
        }
    }
}

/// One row written, or deleted where there is no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The table.
    pub table: Table,
    /// The key, as `codec` makes it.
    pub key: Vec<u8>,
    /// The row; `None` deletes.
    pub value: Option<Vec<u8>>,
}

/// What one turn wants written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The partition that decided.
    pub partition: u16,
    /// Its position in the partition: one more than that of the transaction before.
    pub seq: u64,
    /// The rows.
    pub writes: Vec<Write>,
    /// Its share of the group record: what a restart must know without reading customers.
    pub note: Vec<u8>,
}
