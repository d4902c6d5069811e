//! The storage engine behind the backend trait: the only file that speaks to it.
//!
//! The engine writes a batch to its journal, syncs it, and only then applies it to its tables, so
//! a reader never sees a row that is not durable.

use crate::{
    backend::{Backend, Usage, Visit},
    embedded::{
        lock::DirectoryLock,
        side_file::SideFile,
        tuning::{self, Memory},
        write_out::WriteOut,
    },
    error::{OpenError, ReadError},
    read::{self, Limit, Page, Range, Read, Row},
    table::{HEARTBEAT_KEY, Table, TableSpec},
    transaction::Write,
};
use fjall::{Database, Keyspace, PersistMode, Readable};
use std::{ops::Bound, path::Path};

/// An open engine. The fields drop in this order: the directory's lock goes last.
pub(crate) struct Engine {
    write_out: WriteOut,
    keyspaces: Vec<Keyspace>,
    database: Database,
    side_file: SideFile,
    _lock: Option<DirectoryLock>,
}

fn engine(error: fjall::Error) -> OpenError {
    OpenError::Engine(describe(&error))
}

/// The engine's error in words; its own text is a debug print.
fn describe(error: &fjall::Error) -> String {
    match error {
        fjall::Error::Io(error) => error.to_string(),
        fjall::Error::Poisoned => "an earlier write failed, the engine stopped".to_owned(),
        fjall::Error::JournalRecovery(error) => format!("journal is damaged: {error:?}"),
        other => format!("{other:?}"),
    }
}

fn write_out(
    data: &Path,
    keyspaces: &[Keyspace],
    tables: &[TableSpec],
    memory: &Memory,
) -> Result<WriteOut, OpenError> {
    let full = |table| tuning::buffer_bytes(table, memory);
    let buffers = keyspaces.iter().cloned().zip(tables.iter().map(full)).collect();
    WriteOut::start(data.to_owned(), buffers).map_err(OpenError::io("start a thread"))
}

impl Engine {
    /// Creates the engine's files.
    pub(crate) fn create(
        data: &Path,
        tables: &[TableSpec],
        memory: &Memory,
        side_file: SideFile,
    ) -> Result<Self, OpenError> {
        let database = tuning::database(data, memory).open().map_err(engine)?;
        let keyspaces = tables
            .iter()
            .map(|table| database.keyspace(table.name, || tuning::keyspace(table)))
            .collect::<Result<Vec<_>, _>>()
            .map_err(engine)?;
        let write_out = write_out(data, &keyspaces, tables, memory)?;
        Ok(Engine { write_out, keyspaces, database, side_file, _lock: None })
    }

    /// Opens the engine's files, all tables must exist.
    pub(crate) fn open(
        data: &Path,
        tables: &[TableSpec],
        memory: &Memory,
        side_file: SideFile,
        lock: DirectoryLock,
    ) -> Result<Self, OpenError> {
        let database = tuning::database(data, memory).open().map_err(|error| match error {
            fjall::Error::Io(_) | fjall::Error::Locked => engine(error),
            other => OpenError::Corrupt(describe(&other)),
        })?;
        for table in tables {
            if !database.keyspace_exists(table.name) {
                return Err(OpenError::Corrupt(format!("table {} is missing", table.name)));
            }
        }
        let keyspaces = tables
            .iter()
            .map(|table| database.keyspace(table.name, || tuning::keyspace(table)))
            .collect::<Result<Vec<_>, _>>()
            .map_err(engine)?;
        let write_out = write_out(data, &keyspaces, tables, memory)?;
        Ok(Engine { write_out, keyspaces, database, side_file, _lock: Some(lock) })
    }

    pub(crate) fn side_file(&self) -> &SideFile {
        &self.side_file
    }

    fn keyspace(&self, table: Table) -> Result<&Keyspace, ReadError> {
        let keyspace = self.keyspaces.get(table.index());
        keyspace.ok_or_else(|| ReadError(format!("unknown table {}", table.0)))
    }

    /// The rows of a range, without the heartbeat row, as of now.
    fn rows(&self, table: Table, range: &Range) -> Result<fjall::Iter, ReadError> {
        let end = &HEARTBEAT_KEY[..];
        let until = range.until.as_deref().map_or(end, |until| until.min(end));
        let bounds = (Bound::Included(range.from.as_slice()), Bound::Excluded(until));
        Ok(self.database.snapshot().range::<&[u8], _>(self.keyspace(table)?, bounds))
    }
}

fn row(guard: fjall::Guard) -> Result<Row, ReadError> {
    let (key, value) = guard.into_inner().map_err(|error| ReadError(describe(&error)))?;
    Ok((key.to_vec(), value.to_vec()))
}

/// Whether a range holds no possible key: the engine must not be asked for it.
fn is_void(range: &Range) -> bool {
    range.is_empty() || range.from.as_slice() >= &HEARTBEAT_KEY[..]
}

impl Read for Engine {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        let value = self.keyspace(table)?.get(key);
        let value = value.map_err(|error| ReadError(describe(&error)))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn scan(&self, table: Table, range: &Range, limit: Limit) -> Result<Page, ReadError> {
        if is_void(range) {
            return Ok(Page::default());
        }
        read::page(self.rows(table, range)?.map(row), limit)
    }

    fn last(&self, table: Table, range: &Range) -> Result<Option<Row>, ReadError> {
        if is_void(range) {
            return Ok(None);
        }
        self.rows(table, range)?.next_back().map(row).transpose()
    }
}

impl Backend for Engine {
    fn commit(&self, commit: u64, mut writes: Vec<Write>) -> Result<(), String> {
        // Neighbours in the write buffer are found from each other's place: fewer cache misses.
        writes.sort_unstable_by(|a, b| (a.table, &a.key).cmp(&(b.table, &b.key)));
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncData));
        let mut touched = 0;
        for Write { table, key, value } in writes {
            touched |= 1 << table.0;
            let keyspace = self.keyspace(table).map_err(|error| error.0)?;
            match value {
                Some(value) => batch.insert(keyspace, key, value),
                None => batch.remove(keyspace, key),
            }
        }
        batch.commit().map_err(|error| describe(&error))?;
        self.side_file
            .note(commit)
            .map_err(|error| format!("cannot write the side file: {error}"))?;
        self.write_out.committed(touched).map_err(describe)
    }

    fn all_rows(&self, visit: &mut Visit<'_>) -> Result<(), ReadError> {
        let snapshot = self.database.snapshot();
        for (number, keyspace) in self.keyspaces.iter().enumerate() {
            for guard in snapshot.iter(keyspace) {
                let (key, value) =
                    guard.into_inner().map_err(|error| ReadError(describe(&error)))?;
                if visit(Table(number as u8), &key, &value).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn usage(&self) -> Usage {
        // A failing look at the journal's size must not disturb the metrics.
        let journal_bytes = self.database.journal_disk_space().unwrap_or(0);
        let tables: u64 = self.keyspaces.iter().map(Keyspace::disk_space).sum();
        Usage {
            disk_bytes: journal_bytes + tables,
            journal_bytes,
            cache_bytes: self.database.cache_size(),
            compactions: self.database.active_compactions() as u64,
            pending_flushes: self.database.outstanding_flushes() as u64,
        }
    }

    fn close(&self) -> Result<(), String> {
        let synced = self.database.persist(PersistMode::SyncAll);
        synced.map_err(|error| describe(&error))?;
        self.side_file.sync().map_err(|error| format!("cannot sync the side file: {error}"))
    }
}
