//! One file of definitions: its text, and where a byte of it stands for a reader.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Largest file that is read, in bytes. A campaign of this size cannot be reviewed; a larger file
/// is a mistake (data, not definitions) and is reported as one problem.
pub const FILE_MAX_BYTES: usize = 1024 * 1024;

/// A file by name and text.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// As it is shown in problems; `file:` keys are relative to its directory.
    pub path: PathBuf,
    /// The whole text.
    pub text: String,
}

/// A place as an editor counts it: both from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

impl Source {
    /// A file that is already in memory.
    pub fn new(path: impl AsRef<Path>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { path: path.as_ref().to_owned(), text: text.into() })
    }

    /// Line and column of a byte. A place behind the end counts as the end; one inside a
    /// character as that character.
    pub fn position(&self, offset: usize) -> Position {
        let offset = self.floor(offset);
        let before = &self.text[..offset];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Position {
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: before[line_start..].chars().filter(|char| *char != '\u{feff}').count() + 1,
        }
    }

    /// The part of a range that is on its first line, at least one character wide where the line
    /// has one: what is underlined.
    pub fn first_line(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.floor(range.start);
        let rest = &self.text[start..];
        let line_end = start + rest.find(['\n', '\r']).unwrap_or(rest.len());
        let end = self.floor(range.end).min(line_end);
        if end > start {
            return start..end;
        }
        let width = self.text[start..line_end].chars().next().map_or(0, char::len_utf8);
        start..start + width
    }

    fn floor(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}
