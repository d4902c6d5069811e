//! Files that documents refer to: read only from inside the campaign directory.

use std::fs;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use super::source::{FILE_MAX_BYTES, Source};

/// Where files may be read from.
#[derive(Clone, Debug)]
pub(crate) enum Files {
    /// From below this directory.
    Below(PathBuf),
    /// From nowhere: the documents are in memory.
    Nowhere,
}

impl Files {
    /// The file `name` as a document at `beside` means it, or why it cannot be had.
    pub(crate) fn read(&self, beside: &Path, name: &str) -> Result<(PathBuf, String), String> {
        let Self::Below(root) = self else {
            return Err("a file cannot be read here: the document is not in a directory".into());
        };
        let relative = Path::new(name);
        let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        let up_and_down = |part: Component<'_>| plain(part) || part == Component::ParentDir;
        if name.is_empty() || !relative.components().all(up_and_down) {
            return Err("the path must be relative to this file".into());
        }
        let path = beside.parent().unwrap_or(Path::new("")).join(relative);
        let outside = || "the file is outside of the campaign directory".to_owned();
        let root = root.canonicalize().map_err(|error| error.to_string())?;
        // Links are followed before the check, so that none leads out.
        let real = path.canonicalize().map_err(|error| format!("cannot read the file: {error}"))?;
        if !real.starts_with(&root) {
            return Err(outside());
        }
        let text = read_text(&real)?;
        Ok((path, text))
    }
}

/// Reads a text file that is not too large.
pub(crate) fn read_text(path: &Path) -> Result<String, String> {
    let file = fs::File::open(path).map_err(|error| format!("cannot read the file: {error}"))?;
    let mut bytes = Vec::new();
    file.take(FILE_MAX_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("cannot read the file: {error}"))?;
    if bytes.len() > FILE_MAX_BYTES {
        return Err(format!("the file is larger than {} KiB", FILE_MAX_BYTES / 1024));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..at]).into_owned();
        let position = Source { path: path.to_owned(), text: before }.position(at);
        format!(
            "the file is not UTF-8 text from line {}, column {}",
            position.line, position.column
        )
    })
}
