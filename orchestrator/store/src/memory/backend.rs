//! Tables as ordered maps.

use crate::{
    backend::{Backend, Usage, Visit},
    error::ReadError,
    read::{self, Limit, Page, Range, Read, Row},
    table::{HEARTBEAT_KEY, Table},
    transaction::Write,
};
use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{PoisonError, RwLock, RwLockReadGuard},
};

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// Rows in memory, durable for as long as the value lives.
#[derive(Debug)]
pub struct MemoryBackend {
    tables: RwLock<Vec<Rows>>,
}

impl MemoryBackend {
    /// An empty backend with so many tables, the store's own included.
    pub fn new(tables: usize) -> Self {
        MemoryBackend { tables: RwLock::new(vec![Rows::new(); tables]) }
    }

    /// Whether nothing was ever written.
    pub(crate) fn is_empty(&self) -> bool {
        self.tables().iter().all(BTreeMap::is_empty)
    }

    fn tables(&self) -> RwLockReadGuard<'_, Vec<Rows>> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, table: Table, f: impl FnOnce(&Rows) -> T) -> Result<T, ReadError> {
        let tables = self.tables();
        let rows = tables.get(table.index());
        rows.map(f).ok_or_else(|| ReadError(format!("unknown table {}", table.0)))
    }
}

/// The rows of a range without the heartbeat row, which sorts after every other.
fn rows_of<'a>(
    rows: &'a Rows,
    range: &Range,
) -> impl DoubleEndedIterator<Item = (&'a Vec<u8>, &'a Vec<u8>)> {
    let end = &HEARTBEAT_KEY[..];
    let until = range.until.as_deref().map_or(end, |until| until.min(end));
    let from = range.from.as_slice().min(until);
    rows.range::<[u8], _>((Bound::Included(from), Bound::Excluded(until.max(from))))
}

impl Read for MemoryBackend {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        self.with(table, |rows| rows.get(key).cloned())
    }

    fn scan(&self, table: Table, range: &Range, limit: Limit) -> Result<Page, ReadError> {
        self.with(table, |rows| {
            if range.is_empty() {
                return Ok(Page::default());
            }
            let rows = rows_of(rows, range);
            read::page(rows.map(|(key, value)| Ok((key.clone(), value.clone()))), limit)
        })?
    }

    fn last(&self, table: Table, range: &Range) -> Result<Option<Row>, ReadError> {
        self.with(table, |rows| {
            if range.is_empty() {
                return None;
            }
            rows_of(rows, range).next_back().map(|(key, value)| (key.clone(), value.clone()))
        })
    }
}

impl Backend for MemoryBackend {
    fn commit(&self, _commit: u64, writes: Vec<Write>) -> Result<(), String> {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        for Write { table, key, value } in writes {
            let rows = tables.get_mut(table.index()).ok_or("unknown table")?;
            match value {
                Some(value) => rows.insert(key, value),
                None => rows.remove(&key),
            };
        }
        Ok(())
    }

    fn all_rows(&self, visit: &mut Visit<'_>) -> Result<(), ReadError> {
        let tables = self.tables();
        for (number, rows) in tables.iter().enumerate() {
            for (key, value) in rows {
                if visit(Table(number as u8), key, value).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn usage(&self) -> Usage {
        let bytes = |rows: &Rows| rows.iter().map(|(key, value)| key.len() + value.len()).sum();
        let sizes: Vec<usize> = self.tables().iter().map(bytes).collect();
        Usage { disk_bytes: sizes.iter().sum::<usize>() as u64, ..Usage::default() }
    }
}
