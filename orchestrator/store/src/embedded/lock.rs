//! One process per store: an advisory lock on a file that names its holder.
//!
//! The system drops the lock when the process ends, however it ends, so a stale file is harmless.

use crate::error::OpenError;
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::Path,
};

/// Name of the lock file in the store's directory.
pub(crate) const LOCK_FILE: &str = "store.lock";

/// Holds the lock for as long as it lives.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    file: File,
}

impl DirectoryLock {
    /// Takes the lock, or says who has it.
    pub(crate) fn acquire(directory: &Path) -> Result<Self, OpenError> {
        let path = directory.join(LOCK_FILE);
        let io = |what: &str| OpenError::io(format!("{what} {}", path.display()));
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(io("open lock file"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // The holder may be writing its pid just now: then it stays unknown.
                let pid = match file.read_to_string(&mut text) {
                    Ok(_) => text.trim().parse().ok(),
                    Err(_) => None,
                };
                return Err(OpenError::InUse { directory: directory.to_owned(), pid });
            }
            Err(TryLockError::Error(error)) => return Err(io("lock")(error)),
        }
        file.set_len(0).map_err(io("write lock file"))?;
        file.rewind().map_err(io("write lock file"))?;
        writeln!(file, "{}", std::process::id()).map_err(io("write lock file"))?;
        Ok(DirectoryLock { file })
    }
}

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        // Closing the file alone would not end the lock while another thread starts a program:
        // until that program runs, its process has the file open as well.
        let _ = self.file.unlock();
    }
}
