//! Makes a data directory of a backup.
//!
//! What went out after the backup is not in it: a server that simply went on would send it again.
//! So all journeys are paused, until an operator has looked.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use engine::catalog::Control;
use runtime::Clock;
use serde::{Deserialize, Serialize};
use store::{OpenError, Settings, Table};

use super::format::{FormatError, Frame, Header};
use super::make::open;
use crate::app::{PARTITION_HASH, STORE, make_data_directory};
use crate::publish::{Publication, publication_key};
use crate::{rows, secret};

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The backup cannot be used.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The store cannot be made.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The backup is of another kind of store.
    #[error("the backup has {what}, this program needs {needed}; use version {version}")]
    Layout {
        /// What the backup has.
        what: String,
        /// What is needed.
        needed: String,
        /// Version of the program that made it.
        version: String,
    },
    /// What is published cannot be read.
    #[error("what is published cannot be read: {0}")]
    Publication(String),
    /// A file cannot be written.
    #[error("cannot write {}: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
}

/// What was restored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// When the backup was begun.
    pub made_at: String,
    /// Partitions of the store: `serve` must be told if they are not as many as usual.
    pub partitions: u16,
    /// Rows of all tables.
    pub rows: u64,
    /// Journeys that are paused now.
    pub paused: Vec<String>,
}

/// Restores a backup into a data directory without a store. Journeys that ran are paused, unless
/// they are to go on.
pub fn restore(backup: &Path, data: &Path, resume: bool) -> Result<Restored, RestoreError> {
    let mut reader = open(backup)?;
    let header = reader.header().clone();
    same_layout(&header)?;
    let monotonic = Clock::system();
    let settings = Settings::new(
        header.partitions,
        PARTITION_HASH,
        rows::specs(),
        Arc::new(move || Duration::from_micros(monotonic.monotonic_us())),
    );
    let options = store::embedded::Options::new(data.join(STORE));
    let mut restored =
        Restored { made_at: header.made_at, partitions: header.partitions, ..Restored::default() };
    let write = |error| RestoreError::Write { path: data.to_owned(), error };
    make_data_directory(data).map_err(write)?;
    let mut failed = None;
    let stored = std::iter::from_fn(|| {
        loop {
            match reader.next()? {
                Ok(Frame::File { name, content }) => {
                    if let Err(error) = put_file(data, &name, &content) {
                        return fail(&mut failed, error);
                    }
                }
                Ok(Frame::Row { table, key, value }) => {
                    restored.rows += 1;
                    let value = match resume {
                        true => Ok(value),
                        false => paused(table, &key, value, &mut restored.paused),
                    };
                    return match value {
                        Ok(value) => Some(Ok((Table(table), key, value))),
                        Err(error) => fail(&mut failed, error),
                    };
                }
                Err(error) => return fail(&mut failed, error.into()),
            }
        }
    });
    let result = store::embedded::restore(&options, &settings, stored);
    match (failed, result) {
        (Some(error), _) => Err(error),
        (None, Err(error)) => Err(error.into()),
        (None, Ok(_)) => Ok(restored),
    }
}

type StoredRow = Result<(Table, Vec<u8>, Vec<u8>), OpenError>;

/// Ends the rows; the reason is told afterwards.
fn fail(failed: &mut Option<RestoreError>, error: RestoreError) -> Option<StoredRow> {
    let text = error.to_string();
    *failed = Some(error);
    Some(Err(OpenError::Corrupt(text)))
}

fn same_layout(header: &Header) -> Result<(), RestoreError> {
    let differ = |what: String, needed: String| {
        let version = header.version.clone();
        Err(RestoreError::Layout { what, needed, version })
    };
    if header.hash != PARTITION_HASH {
        let needed = format!("`{PARTITION_HASH}`");
        return differ(format!("the partition hash `{}`", header.hash), needed);
    }
    let names = rows::specs().into_iter().map(|table| table.name.to_owned());
    let tables: Vec<String> = std::iter::once("groups".to_owned()).chain(names).collect();
    if header.tables != tables {
        return differ(format!("the tables {}", header.tables.join(", ")), tables.join(", "));
    }
    Ok(())
}

/// The row of the publication, with its journeys paused; any other row as it is.
fn paused(
    table: u8,
    key: &[u8],
    value: Vec<u8>,
    paused: &mut Vec<String>,
) -> Result<Vec<u8>, RestoreError> {
    if table != rows::table(engine::Table::Meta).0 || key != publication_key() {
        return Ok(value);
    }
    let unreadable =
        |error: engine::codec::DecodeError| RestoreError::Publication(error.to_string());
    let mut publication: Publication =
        engine::codec::decode("publication", &value).map_err(unreadable)?;
    // Also those that are published no more: enrollments of theirs go on.
    let all = publication.versions.iter();
    let journeys: BTreeSet<_> = all.map(|version| version.journey.clone()).collect();
    for journey in journeys {
        publication.controls.entry(journey.clone()).or_insert_with(|| {
            paused.push(journey.to_string());
            Control::Paused
        });
    }
    Ok(engine::codec::encode(&publication))
}

/// Only the names that a backup may have: never a path of its own choice.
fn put_file(data: &Path, name: &str, content: &[u8]) -> Result<(), RestoreError> {
    if name != secret::LINKS {
        return Err(FormatError::Damaged("it has a file that does not belong there").into());
    }
    let path = data.join(name);
    let write = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        file.write_all(content)?;
        file.sync_all()
    };
    write().map_err(|error| RestoreError::Write { path: path.clone(), error })
}
