//! The last durable commit, kept beside the engine's files.
//!
//! The engine cuts its journal at the first entry that it can't decode and goes on without a
//! word. This file is the second witness: after each barrier the commit's sequence is written
//! here, and at open a store that comes back with fewer commits is refused.
//!
//! It may lag behind the tables (it is not synced: a process kill keeps it, a power cut may take
//! the last entries), but it never leads them, because it is written after the barrier. Two slots
//! are written in turn, each with a checksum, so that a torn write leaves the other one.

use crate::error::OpenError;
use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::unix::fs::FileExt,
    path::Path,
};
use xxhash_rust::xxh3::xxh3_64;

/// Name of the file in the store's directory.
pub(crate) const SIDE_FILE: &str = "store.durable";

/// Distance of the slots: no sector and no page holds both.
const SLOT_BYTES: u64 = 4096;
const MAGIC: [u8; 8] = *b"durable1";
const ENTRY_BYTES: usize = 24;

/// The open file.
#[derive(Debug)]
pub(crate) struct SideFile {
    file: File,
}

impl SideFile {
    /// Creates the file with commit 0 in both slots, synced.
    pub(crate) fn create(directory: &Path) -> Result<(), OpenError> {
        let path = directory.join(SIDE_FILE);
        let io = || OpenError::io(format!("create {}", path.display()));
        let mut content = vec![0; 2 * SLOT_BYTES as usize];
        for slot in [0, SLOT_BYTES as usize] {
            content[slot..slot + ENTRY_BYTES].copy_from_slice(&entry(0));
        }
        let mut file = File::create(&path).map_err(io())?;
        file.write_all(&content).map_err(io())?;
        file.sync_all().map_err(io())
    }

    /// Opens the file; the highest commit in it.
    pub(crate) fn open(directory: &Path) -> Result<(Self, u64), OpenError> {
        let path = directory.join(SIDE_FILE);
        let file = match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(OpenError::Corrupt(format!("{SIDE_FILE} is missing")));
            }
            Err(error) => return Err(OpenError::io(format!("open {}", path.display()))(error)),
        };
        let commit = [0, SLOT_BYTES].into_iter().filter_map(|at| read_slot(&file, at)).max();
        match commit {
            Some(commit) => Ok((SideFile { file }, commit)),
            None => Err(OpenError::Corrupt(format!("{SIDE_FILE} holds no valid entry"))),
        }
    }

    /// Notes that `commit` is durable. Commits take the slots in turn.
    pub(crate) fn note(&self, commit: u64) -> std::io::Result<()> {
        self.file.write_all_at(&entry(commit), (commit % 2) * SLOT_BYTES)
    }

    /// Sets both slots at open, to what was found in the tables.
    pub(crate) fn reset(&self, commit: u64) -> std::io::Result<()> {
        self.file.write_all_at(&entry(commit), 0)?;
        self.file.write_all_at(&entry(commit), SLOT_BYTES)?;
        self.file.sync_all()
    }

    /// Syncs the file at an orderly close.
    pub(crate) fn sync(&self) -> std::io::Result<()> {
        self.file.sync_all()
    }
}

fn entry(commit: u64) -> [u8; ENTRY_BYTES] {
    let mut entry = [0; ENTRY_BYTES];
    entry[..8].copy_from_slice(&MAGIC);
    entry[8..16].copy_from_slice(&commit.to_be_bytes());
    let sum = xxh3_64(&entry[..16]);
    entry[16..].copy_from_slice(&sum.to_be_bytes());
    entry
}

fn read_slot(file: &File, at: u64) -> Option<u64> {
    let mut found = [0; ENTRY_BYTES];
    file.read_exact_at(&mut found, at).ok()?;
    let commit = u64::from_be_bytes(found[8..16].try_into().ok()?);
    (entry(commit) == found).then_some(commit)
}
