//! The narrow read interface: point reads, pages in key order, and the last row of a range.

use crate::{error::ReadError, table::Table};

/// A row: key and value.
pub type Row = (Vec<u8>, Vec<u8>);

/// A half-open range of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// First key that belongs to it.
    pub from: Vec<u8>,
    /// First key after it; `None` means to the end of the table.
    pub until: Option<Vec<u8>>,
}

impl Range {
    /// The whole table.
    pub fn all() -> Self {
        Range { from: Vec::new(), until: None }
    }

    /// All keys from this one on.
    pub fn from(key: impl Into<Vec<u8>>) -> Self {
        Range { from: key.into(), until: None }
    }

    /// All keys that begin with `prefix`.
    pub fn prefix(prefix: impl Into<Vec<u8>>) -> Self {
        let from: Vec<u8> = prefix.into();
        // The first key after the prefix: its last byte that can grow, plus one.
        let until = from.iter().rposition(|byte| *byte != 0xff).map(|last| {
            let mut until = from[..=last].to_vec();
            until[last] += 1;
            until
        });
        Range { from, until }
    }

    /// The rest of this range from `key` on, to go on after a page.
    pub fn resume(&self, key: Vec<u8>) -> Self {
        Range { from: key, until: self.until.clone() }
    }

    /// Whether no key can lie in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.until.as_ref().is_some_and(|until| *until <= self.from)
    }
}

/// How much one page may hold. A page has at least one row if the range has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Most rows; zero is taken as one.
    pub rows: usize,
    /// The page ends after the row that reaches this size, in bytes of keys and values.
    pub bytes: usize,
}

impl Limit {
    /// Up to `rows` rows and 4 MiB, so that one page never holds much memory.
    pub fn rows(rows: usize) -> Self {
        Limit { rows, bytes: 4 * 1024 * 1024 }
    }
}

/// Rows in key order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The rows.
    pub rows: Vec<Row>,
    /// Where the next page begins ([`Range::resume`]); `None` when the range is exhausted.
    pub next: Option<Vec<u8>>,
}

/// Reading. Only durable rows are seen. A page is consistent in itself; two reads are not one
/// snapshot, and a point read may already see a row of a group whose sink call is still to come.
pub trait Read: Send + Sync {
    /// The row under `key`.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError>;

    /// The rows under `keys`, in their order.
    fn get_many(&self, table: Table, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, ReadError> {
        keys.iter().map(|key| self.get(table, key)).collect()
    }

    /// The rows of a range in key order, one page.
    fn scan(&self, table: Table, range: &Range, limit: Limit) -> Result<Page, ReadError>;

    /// The last row of a range.
    fn last(&self, table: Table, range: &Range) -> Result<Option<Row>, ReadError>;
}

/// Collects rows into a page under a limit: the one place where a page ends.
pub(crate) fn page<E>(rows: impl Iterator<Item = Result<Row, E>>, limit: Limit) -> Result<Page, E> {
    let mut page = Page::default();
    let mut bytes = 0;
    for row in rows {
        let (key, value) = row?;
        if page.rows.len() >= limit.rows.max(1) || (bytes >= limit.bytes && !page.rows.is_empty()) {
            page.next = Some(key);
            break;
        }
        bytes += key.len() + value.len();
        page.rows.push((key, value));
    }
    Ok(page)
}
