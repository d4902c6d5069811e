//! The directory of a demo: made at the start, gone at the end unless it is to be kept.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// Directories tried before it is given up: others have their own process number in the name.
const NAMES_TRIED: u32 = 100;

/// A directory; removed with everything in it when this is dropped, unless it is to be kept.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    kept: bool,
}

/// The directory cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ScratchError {
    /// It is in use for something else.
    #[error("`{0}` is not empty; the demo begins with a new store")]
    NotEmpty(PathBuf),
    /// The system says no.
    #[error("cannot make the directory `{path}`: {error}")]
    Io {
        /// Which one.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
}

impl Scratch {
    /// A new directory among the temporary ones, readable by nobody else.
    ///
    /// # Errors
    /// [`ScratchError::Io`].
    pub fn temporary() -> Result<Self, ScratchError> {
        let parent = std::env::temp_dir();
        for number in 0..NAMES_TRIED {
            let path = parent.join(format!("cadencia-demo-{}-{number}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self { path, kept: false }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(ScratchError::Io { path, error }),
            }
        }
        let error = io::Error::from(io::ErrorKind::AlreadyExists);
        Err(ScratchError::Io { path: parent, error })
    }

    /// A directory that stays. It is made if it is not there; it must be empty.
    ///
    /// # Errors
    /// [`ScratchError`].
    pub fn kept(path: &Path) -> Result<Self, ScratchError> {
        let failed = |error| ScratchError::Io { path: path.to_owned(), error };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        if std::fs::read_dir(path).map_err(failed)?.next().is_some() {
            return Err(ScratchError::NotEmpty(path.to_owned()));
        }
        Ok(Self { path: path.to_owned(), kept: true })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "cannot remove the directory");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_directory_goes_and_a_kept_one_stays() {
        let temporary = Scratch::temporary().unwrap();
        let path = temporary.path().to_owned();
        let kept_path = path.join("kept");
        drop(Scratch::kept(&kept_path).unwrap());
        assert!(kept_path.is_dir());
        std::fs::write(kept_path.join("file"), "x").unwrap();
        assert!(matches!(Scratch::kept(&kept_path), Err(ScratchError::NotEmpty(_))));
        drop(temporary);
        assert!(!path.exists());
    }
}
