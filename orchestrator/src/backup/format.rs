//! The backup file: a gzip stream of a header line and frames.
//!
//! ```text
//! CADENCIA BACKUP 1\n
//! {"version":"…","made_at":"…","partitions":64,"hash":"…","tables":["groups",…]}\n
//! frame*  end
//! ```
//!
//! A frame is a kind (1 byte: the table's number, or 254 for a file of the data directory), the
//! key's length (u16), the value's length (u32), both little-endian, then key and value. The end is
//! the byte 255, the number of frames (u64, little-endian) and the BLAKE3 hash of everything
//! before the end. A file without it was cut short.

use std::io::{self, BufRead, Read, Write};

use serde::{Deserialize, Serialize};

/// What every backup begins with; the number is the format's version.
const MAGIC: &str = "CADENCIA BACKUP 1\n";
/// What the backups of all versions begin with.
const MAGIC_NAME: &str = "CADENCIA BACKUP ";
const FILE: u8 = 254;
const END: u8 = 255;
/// Longest header line: a few hundred bytes are needed.
const HEADER_BYTES_MAX: u64 = 64 * 1024;
/// Longest value. The largest row is the publication: a campaign of at most 64 MiB.
const VALUE_BYTES_MAX: u32 = 256 * 1024 * 1024;

/// What the rows belong to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the program that made the backup.
    pub version: String,
    /// When it was begun (RFC 3339).
    pub made_at: String,
    /// Partitions of the store.
    pub partitions: u16,
    /// Name of the hash that places customers in partitions.
    pub hash: String,
    /// Names of the tables, in the order of their numbers.
    pub tables: Vec<String>,
}

/// One thing that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A row of a table.
    Row {
        /// Number of the table.
        table: u8,
        /// The key.
        key: Vec<u8>,
        /// The value.
        value: Vec<u8>,
    },
    /// A file of the data directory.
    File {
        /// Its name below the data directory.
        name: String,
        /// What is in it.
        content: Vec<u8>,
    },
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// It cannot be read.
    #[error("cannot read the backup: {0}")]
    Io(#[from] io::Error),
    /// It is something else.
    #[error("this is no backup of Cadencia")]
    Foreign,
    /// It was made by a later version of this program.
    #[error(
        "the backup has a format that this program does not know; use the version that made it"
    )]
    Newer,
    /// It was cut short or changed.
    #[error("the backup is damaged: {0}; use another one")]
    Damaged(&'static str),
}

/// Writes a backup.
pub struct Writer<W> {
    out: W,
    hash: blake3::Hasher,
    frames: u64,
}

impl<W: Write> Writer<W> {
    /// Begins with the header.
    pub fn new(out: W, header: &Header) -> io::Result<Self> {
        let mut writer = Self { out, hash: blake3::Hasher::new(), frames: 0 };
        let line = serde_json::to_string(header)?;
        writer.put(MAGIC.as_bytes())?;
        writer.put(line.as_bytes())?;
        writer.put(b"\n")?;
        Ok(writer)
    }

    /// One row.
    pub fn row(&mut self, table: u8, key: &[u8], value: &[u8]) -> io::Result<()> {
        self.frame(table, key, value)
    }

    /// One file of the data directory.
    pub fn file(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        self.frame(FILE, name.as_bytes(), content)
    }

    fn frame(&mut self, kind: u8, key: &[u8], value: &[u8]) -> io::Result<()> {
        let too_long = |_| io::Error::new(io::ErrorKind::InvalidData, "a row is too long");
        let key_bytes = u16::try_from(key.len()).map_err(too_long)?;
        let value_bytes = u32::try_from(value.len()).map_err(too_long)?;
        self.put(&[kind])?;
        self.put(&key_bytes.to_le_bytes())?;
        self.put(&value_bytes.to_le_bytes())?;
        self.put(key)?;
        self.put(value)?;
        self.frames += 1;
        Ok(())
    }

    /// Ends it. The number of frames.
    pub fn finish(mut self) -> io::Result<(W, u64)> {
        self.out.write_all(&[END])?;
        self.out.write_all(&self.frames.to_le_bytes())?;
        self.out.write_all(self.hash.finalize().as_bytes())?;
        Ok((self.out, self.frames))
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.out.write_all(bytes)
    }
}

impl<W> std::fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("frames", &self.frames).finish_non_exhaustive()
    }
}

/// Reads a backup, frame by frame, and checks it at the end.
pub struct Reader<R> {
    input: R,
    hash: blake3::Hasher,
    frames: u64,
    header: Header,
    is_done: bool,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header.
    pub fn new(mut input: R) -> Result<Self, FormatError> {
        let mut hash = blake3::Hasher::new();
        let magic = line(&mut input)?;
        if !magic.starts_with(MAGIC_NAME.as_bytes()) {
            return Err(FormatError::Foreign);
        }
        if magic != MAGIC.as_bytes() {
            return Err(FormatError::Newer);
        }
        hash.update(&magic);
        let text = line(&mut input)?;
        hash.update(&text);
        let damaged = |_| FormatError::Damaged("its header cannot be read");
        let header = serde_json::from_slice(&text).map_err(damaged)?;
        Ok(Self { input, hash, frames: 0, header, is_done: false })
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The next frame; `None` when all were read and the end is as it should be.
    fn frame(&mut self) -> Result<Option<Frame>, FormatError> {
        let mut kind = [0];
        self.take(&mut kind)?;
        if kind == [END] {
            return self.end().map(|()| None);
        }
        let (mut key_bytes, mut value_bytes) = ([0; 2], [0; 4]);
        self.take(&mut key_bytes)?;
        self.take(&mut value_bytes)?;
        let value_bytes_read = u32::from_le_bytes(value_bytes);
        if value_bytes_read > VALUE_BYTES_MAX {
            return Err(FormatError::Damaged("a row is too long"));
        }
        let key = self.bytes(u32::from(u16::from_le_bytes(key_bytes)))?;
        let value = self.bytes(value_bytes_read)?;
        self.hash.update(&kind).update(&key_bytes).update(&value_bytes);
        self.hash.update(&key).update(&value);
        self.frames += 1;
        if kind == [FILE] {
            let damaged = |_| FormatError::Damaged("a name is no text");
            let name = String::from_utf8(key).map_err(damaged)?;
            return Ok(Some(Frame::File { name, content: value }));
        }
        Ok(Some(Frame::Row { table: kind[0], key, value }))
    }

    /// As much as there is, at most so many bytes: a damaged length must not take memory.
    fn bytes(&mut self, length: u32) -> Result<Vec<u8>, FormatError> {
        let mut bytes = Vec::new();
        let read = (&mut self.input).take(u64::from(length)).read_to_end(&mut bytes);
        if read.map_err(cut)? < length as usize {
            return Err(CUT_SHORT);
        }
        Ok(bytes)
    }

    fn take(&mut self, bytes: &mut [u8]) -> Result<(), FormatError> {
        self.input.read_exact(bytes).map_err(cut)
    }

    fn end(&mut self) -> Result<(), FormatError> {
        let (mut frames, mut hash) = ([0; 8], [0; 32]);
        self.take(&mut frames)?;
        self.take(&mut hash)?;
        if self.hash.finalize() != blake3::Hash::from(hash) {
            return Err(FormatError::Damaged("its checksum is wrong"));
        }
        if u64::from_le_bytes(frames) != self.frames {
            return Err(FormatError::Damaged("rows are missing"));
        }
        // Also reads what the compression checks at its end.
        match self.input.fill_buf().map_err(cut)?.is_empty() {
            true => Ok(()),
            false => Err(FormatError::Damaged("something follows its end")),
        }
    }
}

const CUT_SHORT: FormatError = FormatError::Damaged("it was cut short");

/// Damage shows as an end too early or as nonsense of the compression.
fn cut(error: io::Error) -> FormatError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => CUT_SHORT,
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            FormatError::Damaged("it cannot be unpacked")
        }
        _ => FormatError::Io(error),
    }
}

fn line(input: &mut impl BufRead) -> Result<Vec<u8>, FormatError> {
    let mut bytes = Vec::new();
    match input.take(HEADER_BYTES_MAX).read_until(b'\n', &mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Err(FormatError::Foreign),
        Err(error) => Err(cut(error)),
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Frame, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let frame = self.frame();
        self.is_done = !matches!(frame, Ok(Some(_)));
        frame.transpose()
    }
}

impl<R> std::fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("header", &self.header).finish_non_exhaustive()
    }
}
