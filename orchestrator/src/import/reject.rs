//! What could not be read, kept with its place and the reason.

use std::io::{self, Write};

use super::REJECT_RAW_MAX_BYTES;

/// A record (or a whole group) that made no event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// Line of the file, from 1, where the record starts.
    pub line: u64,
    /// Why: lower case, without a full stop.
    pub reason: String,
    /// The record as it stood, without its line end; cut at [`REJECT_RAW_MAX_BYTES`].
    pub raw: Vec<u8>,
}

impl Reject {
    pub(super) fn new(line: u64, reason: impl Into<String>, raw: &[u8]) -> Self {
        let raw = raw.strip_suffix(b"\n").unwrap_or(raw);
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
        let raw = raw[..raw.len().min(REJECT_RAW_MAX_BYTES)].to_vec();
        Self { line, reason: reason.into(), raw }
    }
}

/// Writes rejects as NDJSON: `{"line": 12, "reason": "...", "raw": "..."}`.
#[derive(Debug)]
pub struct RejectsFile<W> {
    to: W,
    count: u64,
}

impl<W: Write> RejectsFile<W> {
    /// Onto a writer, best a buffered one.
    pub fn new(to: W) -> Self {
        Self { to, count: 0 }
    }

    /// Adds one. Bytes that are no UTF-8 are shown as replacement characters.
    pub fn write(&mut self, reject: &Reject) -> io::Result<()> {
        self.count += 1;
        let line = serde_json::json!({
            "line": reject.line,
            "reason": reject.reason,
            "raw": String::from_utf8_lossy(&reject.raw),
        });
        writeln!(self.to, "{line}")
    }

    /// How many were written.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Hands the writer back, flushed.
    pub fn finish(mut self) -> io::Result<W> {
        self.to.flush()?;
        Ok(self.to)
    }
}
