//! Bytes of a file as lines of bounded length, unpacked where they are gzip.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

/// First bytes of gzip. The content decides, not the name of the file.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Size of the read buffers.
const BUFFER_BYTES: usize = 64 * 1024;

/// How far a file has been read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes taken from the file (compressed ones, where it is compressed).
    pub bytes_read: u64,
    /// Size of the file; `None` for a stream.
    pub bytes_total: Option<u64>,
    /// Lines read.
    pub lines: u64,
    /// Events made.
    pub events: u64,
    /// Rejects made.
    pub rejects: u64,
}

/// A file or stream to import.
pub struct Input {
    lines: Box<dyn BufRead + Send>,
    read: Arc<AtomicU64>,
    total: Option<u64>,
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input").field("total", &self.total).finish_non_exhaustive()
    }
}

impl Input {
    /// A file, plain or gzip.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let total = file.metadata()?.len();
        Self::with_total(Box::new(file), Some(total))
    }

    /// A stream (standard input, bytes in memory), plain or gzip.
    pub fn stream(from: impl Read + Send + 'static) -> io::Result<Self> {
        Self::with_total(Box::new(from), None)
    }

    fn with_total(from: Box<dyn Read + Send>, total: Option<u64>) -> io::Result<Self> {
        let read = Arc::new(AtomicU64::new(0));
        let counting = Counting { from, read: Arc::clone(&read) };
        let mut plain = BufReader::with_capacity(BUFFER_BYTES, counting);
        let gzip = plain.fill_buf()?.starts_with(&GZIP_MAGIC);
        let lines: Box<dyn BufRead + Send> = if gzip {
            Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(plain)))
        } else {
            Box::new(plain)
        };
        Ok(Self { lines, read, total })
    }

    pub(super) fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    pub(super) fn bytes_total(&self) -> Option<u64> {
        self.total
    }

    /// Appends the next line with its line end to `line`. `None` at the end of the file; `false`
    /// if the line did not fit into `room` bytes: then the rest of it was skipped.
    pub(super) fn line(&mut self, line: &mut Vec<u8>, room: usize) -> io::Result<Option<bool>> {
        let start = line.len();
        let mut fits = true;
        loop {
            let chunk = self.lines.fill_buf()?;
            if chunk.is_empty() {
                return Ok((line.len() > start || !fits).then_some(fits));
            }
            let end = chunk.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
            let used = end.unwrap_or(chunk.len());
            let free = room.saturating_sub(line.len() - start);
            fits &= used <= free;
            line.extend_from_slice(&chunk[..used.min(free)]);
            self.lines.consume(used);
            if end.is_some() {
                return Ok(Some(fits));
            }
        }
    }
}

/// Counts what goes through.
struct Counting {
    from: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
