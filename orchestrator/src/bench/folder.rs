//! The directory of a measurement: made at the start, gone at the end.

use std::fs;
use std::path::{Path, PathBuf};

use super::{BenchError, cannot};

/// A directory with nothing in it; removed with everything in it when this is dropped.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Below a directory of the caller's choice, or among the temporary ones.
    pub(super) fn new(parent: Option<&Path>) -> Result<Self, BenchError> {
        let parent = parent.map_or_else(std::env::temp_dir, Path::to_owned);
        let path = parent.join(format!("cadencia-bench-{}", std::process::id()));
        fs::create_dir_all(&parent).map_err(cannot("make the directory of the measurement"))?;
        fs::create_dir(&path).map_err(cannot("make the directory of the measurement"))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, path = %self.0.display(), "cannot remove the directory");
        }
    }
}

/// Bytes of all files below a directory. Files that go meanwhile count nothing.
pub(super) fn disk_bytes(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => disk_bytes(&entry.path()),
            Ok(found) => found.len(),
            Err(_) => 0,
        })
        .sum()
}
