//! What a table is: a number, a name and how it is used. The meaning of its rows is the caller's.

use crate::error::OpenError;

/// Most tables of one store, the store's own [`Table::GROUPS`] included. Each table costs the
/// embedded backend a write buffer and a set of files; more than six would thin them out.
pub const TABLES_MAX: usize = 6;

/// Keys that begin with these bytes belong to the store (heartbeat rows). They sort after every
/// key that a caller may write, are refused by `submit` and never seen by a reader.
pub const RESERVED_PREFIX: [u8; 16] = [0xff; 16];

/// The key of the heartbeat row that every table has.
pub(crate) const HEARTBEAT_KEY: [u8; 17] = [0xff; 17];

/// A table, by its place: 0 is the store's own, the caller's follow from 1 in the order in which
/// they were given at open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table(pub u8);

impl Table {
    /// One row per group commit, written by the store itself. Readable, never writable.
    pub const GROUPS: Table = Table(0);

    /// The place as an index.
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// How a table is used: the embedded backend tunes its files after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read and overwritten at random keys; nearly every read finds its row.
    Random,
    /// Appended, read seldom, never overwritten.
    Append,
    /// Small, or short-lived rows: written, read and deleted soon.
    Small,
}

/// Name and use of one of the caller's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableSpec {
    /// Lower-case name, `[a-z][a-z0-9_]{0,31}`, fixed for the life of the store.
    pub name: &'static str,
    /// How it is used.
    pub access: Access,
}

/// The store's own table as it stands before the caller's.
pub(crate) const GROUPS_SPEC: TableSpec = TableSpec { name: "groups", access: Access::Small };

/// The store's own table followed by the caller's, checked.
pub(crate) fn all(given: &[TableSpec]) -> Result<Vec<TableSpec>, OpenError> {
    if given.len() + 1 > TABLES_MAX {
        return Err(OpenError::Layout(format!(
            "{} tables given, at most {} are possible",
            given.len(),
            TABLES_MAX - 1
        )));
    }
    let mut tables = vec![GROUPS_SPEC];
    for spec in given {
        let mut letters = spec.name.chars();
        let good = letters.next().is_some_and(|first| first.is_ascii_lowercase())
            && spec.name.len() <= 32
            && letters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !good {
            return Err(OpenError::Layout(format!("bad table name {:?}", spec.name)));
        }
        if tables.iter().any(|other| other.name == spec.name) {
            return Err(OpenError::Layout(format!("table {:?} is given twice", spec.name)));
        }
        tables.push(*spec);
    }
    Ok(tables)
}
