//! Takes a backup of an open store.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::ops::ControlFlow;
use std::path::Path;

use domain::time::Instant;
use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use store::{ReadError, Store};

use super::format::{FormatError, Frame, Header, Reader, Writer};
use crate::app::PARTITION_HASH;
use crate::rows;
use crate::secret;

/// What a file is called while it is being written.
pub const PARTIAL: &str = "partial";

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// It cannot be written.
    #[error("cannot write the backup: {0}")]
    Write(#[from] io::Error),
    /// The store cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// What was kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// When it was begun.
    pub made_at: String,
    /// Rows of all tables.
    pub rows: u64,
    /// Customers among them, those that were merged into others included.
    pub customers: u64,
    /// Files of the data directory.
    pub files: u64,
}

/// Writes a backup of a store, and of the secret in its data directory that signs links: without
/// it the links in messages that have gone out would be worth nothing. Slow: not for an arbiter.
pub fn make(
    store: &Store,
    partitions: u16,
    data: &Path,
    now: Instant,
    out: impl Write,
) -> Result<(), MakeError> {
    let names = rows::specs().into_iter().map(|table| table.name.to_owned());
    let header = Header {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: now.to_string(),
        partitions,
        hash: PARTITION_HASH.to_owned(),
        tables: std::iter::once("groups".to_owned()).chain(names).collect(),
    };
    let mut writer = Writer::new(GzEncoder::new(out, Compression::fast()), &header)?;
    match std::fs::read(data.join(secret::LINKS)) {
        Ok(secret) => writer.file(secret::LINKS, &secret)?,
        // It stands elsewhere, as the settings say.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    let mut failed = None;
    store.all_rows(&mut |table, key, value| match writer.row(table.0, key, value) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    })?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    let (out, _) = writer.finish()?;
    out.finish()?.flush()?;
    Ok(())
}

/// Reads a backup to its end, and says what is in it.
pub fn check(path: &Path) -> Result<Made, FormatError> {
    let mut reader = open(path)?;
    let mut made = Made { made_at: reader.header().made_at.clone(), ..Made::default() };
    let customers = rows::table(engine::Table::Customers).0;
    for frame in &mut reader {
        match frame? {
            Frame::Row { table, key, .. } => {
                made.rows += 1;
                let reserved = key.starts_with(&store::RESERVED_PREFIX);
                made.customers += u64::from(table == customers && !reserved);
            }
            Frame::File { .. } => made.files += 1,
        }
    }
    Ok(made)
}

/// A backup's frames.
pub(super) fn open(path: &Path) -> Result<Reader<impl io::BufRead + use<>>, FormatError> {
    let packed: Box<dyn Read> = Box::new(File::open(path)?);
    Reader::new(BufReader::new(GzDecoder::new(BufReader::new(packed))))
}
