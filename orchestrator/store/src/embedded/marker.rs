//! The format marker: what the files are, and what was fixed when they were created.
//!
//! A short text, so that an operator can read it. Its checksum tells damage from a newer format.

use crate::{error::OpenError, open::Settings, table::TableSpec};
use std::{
    fs::{self, File},
    io::Write,
    path::Path,
};
use xxhash_rust::xxh3::xxh3_64;

/// Name of the marker in the store's directory.
pub(crate) const MARKER_FILE: &str = "store.format";

/// The format that this program writes and the newest that it reads.
pub(crate) const FORMAT: u32 = 1;

/// The storage engine and its on-disk format.
const ENGINE: &str = "fjall-3";

/// What the marker holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    fields: Vec<(&'static str, String)>,
}

impl Marker {
    /// The marker for a store with these settings.
    pub(crate) fn of(settings: &Settings, tables: &[TableSpec]) -> Self {
        let names: Vec<&str> = tables.iter().map(|table| table.name).collect();
        Marker {
            fields: vec![
                ("engine", ENGINE.to_owned()),
                ("partitions", settings.partitions.to_string()),
                ("hash", settings.hash.to_owned()),
                ("tables", names.join(",")),
            ],
        }
    }

    /// Whether a marker exists.
    pub(crate) fn exists(directory: &Path) -> Result<bool, OpenError> {
        let path = directory.join(MARKER_FILE);
        path.try_exists().map_err(OpenError::io(format!("look for {}", path.display())))
    }

    /// Writes the marker: whole or not at all, and durable on return.
    pub(crate) fn write(&self, directory: &Path) -> Result<(), OpenError> {
        let path = directory.join(MARKER_FILE);
        let io = || OpenError::io(format!("write {}", path.display()));
        let mut text = format!("format {FORMAT}\n");
        for (name, value) in &self.fields {
            text.push_str(&format!("{name} {value}\n"));
        }
        text.push_str(&format!("checksum {:016x}\n", xxh3_64(text.as_bytes())));
        let temporary = directory.join("store.format.new");
        let mut file = File::create(&temporary).map_err(io())?;
        file.write_all(text.as_bytes()).map_err(io())?;
        file.sync_all().map_err(io())?;
        fs::rename(&temporary, &path).map_err(io())?;
        sync_directory(directory)
    }

    /// Reads the marker on disk and compares it with this one.
    pub(crate) fn check(&self, directory: &Path) -> Result<(), OpenError> {
        let path = directory.join(MARKER_FILE);
        let bytes = fs::read(&path).map_err(OpenError::io(format!("read {}", path.display())))?;
        let corrupt = || OpenError::Corrupt(format!("{MARKER_FILE} is damaged"));
        let text = String::from_utf8(bytes).map_err(|_| corrupt())?;
        let end = text.rfind("checksum ").ok_or_else(corrupt)?;
        let (body, sum) = text.split_at(end);
        if *sum != format!("checksum {:016x}\n", xxh3_64(body.as_bytes())) {
            return Err(corrupt());
        }
        let mut lines = body.lines();
        let format = lines.next().and_then(|line| line.strip_prefix("format "));
        let found: u32 = format.and_then(|found| found.parse().ok()).ok_or_else(corrupt)?;
        if found > FORMAT {
            return Err(OpenError::NewerFormat { found, supported: FORMAT });
        }
        for (what, given) in &self.fields {
            let line = lines.next().and_then(|line| line.split_once(' '));
            let stored = line.filter(|(name, _)| name == what).ok_or_else(corrupt)?.1;
            if stored != given {
                let (stored, given) = (stored.to_owned(), given.clone());
                return Err(OpenError::Mismatch { what, stored, given });
            }
        }
        if lines.next().is_none() { Ok(()) } else { Err(corrupt()) }
    }
}

/// Makes created, renamed and removed names in a directory durable.
pub(crate) fn sync_directory(directory: &Path) -> Result<(), OpenError> {
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(OpenError::io(format!("sync {}", directory.display())))
}
