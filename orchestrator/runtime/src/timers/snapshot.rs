//! Snapshots of the timers: chunks of bytes, written a few at a time while the timers go on, and
//! read back at start.
//!
//! The snapshot is not of one instant: an entry that was inserted while it was written may be in it
//! or not. It is right all the same if the reader then replays every change that was committed
//! after the snapshot was begun: a missing entry comes from the replay, a stale one is recognised
//! at fire. Entries move only forward (hour, minute, sorted, in hand), and the snapshot goes
//! through the hours first and takes everything later in one step, so none slips through while it
//! moves.
//!
//! Chunk (little endian): magic "CTIM", version u8, last u8, reserved u16, number u32, runs u32,
//! then per run: hour i64, count u32, count times (offset ms u32, key 16 B); at the end xxh3-64 of
//! all before it.

use std::collections::BTreeMap;

use thiserror::Error;
use xxhash_rust::xxh3::xxh3_64;

use super::{Bucket, Due, Entry, HOUR_MS, Timers};

const MAGIC: [u8; 4] = *b"CTIM";
const VERSION: u8 = 1;
const HEAD_BYTES: usize = 16;
const RUN_HEAD_BYTES: usize = 12;
const ENTRY_BYTES: usize = 20;
const SUM_BYTES: usize = 8;

/// Entries per chunk: 256 KiB each, so that one chunk is written in well under a millisecond and
/// fits any store's value limit.
const ENTRIES_PER_CHUNK: usize = 13_000;

/// Why a snapshot can't be used; the timers are then rebuilt from the records.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SnapshotError {
    /// Not a chunk of a timer snapshot, cut short, or changed on the way.
    #[error("chunk {number} of the timer snapshot is damaged")]
    Damaged {
        /// Which chunk, from 0.
        number: u32,
    },
    /// Written by a version of the program that this one does not know.
    #[error("the timer snapshot has version {version}, this program reads {VERSION}")]
    Version {
        /// The version found.
        version: u8,
    },
    /// A chunk is missing, repeated or out of order.
    #[error("chunk {expected} of the timer snapshot is missing")]
    Missing {
        /// The number that should have come.
        expected: u32,
    },
}

/// How far the snapshot that is being written has come.
#[derive(Debug, Default)]
pub(super) struct Progress {
    number: u32,
    /// The bucket to go on with, and how many of its entries are written.
    hour: i64,
    written: usize,
    /// The chunks of everything that is not in an hour bucket, once the hours are done.
    rest: Option<std::vec::IntoIter<Chunk>>,
}

/// Runs of entries on their way into bytes.
#[derive(Debug, Default)]
struct Chunk {
    runs: u32,
    entries: usize,
    body: Vec<u8>,
}

impl Chunk {
    fn add_run(&mut self, hour: i64, entries: &[Entry]) {
        self.runs += 1;
        self.entries += entries.len();
        self.body.reserve(RUN_HEAD_BYTES + entries.len() * ENTRY_BYTES);
        let count = u32::try_from(entries.len()).expect("no more than a chunk holds");
        self.body.extend_from_slice(&hour.to_le_bytes());
        self.body.extend_from_slice(&count.to_le_bytes());
        for entry in entries {
            self.body.extend_from_slice(&entry.offset_ms.to_le_bytes());
            self.body.extend_from_slice(&entry.key);
        }
    }

    fn room(&self) -> usize {
        ENTRIES_PER_CHUNK - self.entries
    }

    fn into_bytes(self, number: u32, last: bool) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD_BYTES + self.body.len() + SUM_BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&[VERSION, u8::from(last), 0, 0]);
        bytes.extend_from_slice(&number.to_le_bytes());
        bytes.extend_from_slice(&self.runs.to_le_bytes());
        bytes.extend_from_slice(&self.body);
        let sum = xxh3_64(&bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        bytes
    }
}

impl Timers {
    /// Begins a snapshot; one that was under way is given up. All changes committed up to now must
    /// have been inserted; the reader replays those that are committed from now on.
    pub fn begin_snapshot(&mut self) {
        self.snapshot = Some(Progress { hour: i64::MIN, ..Progress::default() });
    }

    /// The next chunk of the snapshot that was begun, at most about 256 KiB; `None` after the last.
    /// Timers may be inserted and taken between the calls.
    pub fn next_chunk(&mut self) -> Option<Vec<u8>> {
        let mut progress = self.snapshot.take()?;
        let number = progress.number;
        progress.number += 1;
        if progress.rest.is_none() {
            let chunk = self.chunk_of_hours(&mut progress);
            if chunk.runs > 0 {
                self.snapshot = Some(progress);
                return Some(chunk.into_bytes(number, false));
            }
            progress.rest = Some(self.chunks_of_rest().into_iter());
        }
        let rest = progress.rest.as_mut().expect("made above");
        let chunk = rest.next().unwrap_or_default();
        let last = rest.len() == 0;
        if !last {
            self.snapshot = Some(progress);
        }
        Some(chunk.into_bytes(number, last))
    }

    fn chunk_of_hours(&self, progress: &mut Progress) -> Chunk {
        let mut chunk = Chunk::default();
        for (hour, bucket) in self.hours.range(progress.hour..) {
            // Buckets of hours only grow at their end, so the count says what is written.
            let from = if *hour == progress.hour { progress.written } else { 0 };
            let until = bucket.entries.len().min(from + chunk.room());
            if from < until {
                chunk.add_run(*hour, &bucket.entries[from..until]);
            }
            (progress.hour, progress.written) = (*hour, until);
            if until < bucket.entries.len() {
                break;
            }
        }
        chunk
    }

    /// All that is not in an hour bucket, in one step: these entries move from call to call.
    fn chunks_of_rest(&self) -> Vec<Chunk> {
        let near = self.near.iter().map(|reverse| &reverse.0);
        let loose = self.sorted.iter().chain(near).chain(&self.in_hand);
        let mut hours: BTreeMap<i64, Vec<Entry>> = BTreeMap::new();
        for Due { due_ms, key } in loose {
            let hour = due_ms.div_euclid(HOUR_MS);
            let offset_ms = super::offset(due_ms - hour * HOUR_MS);
            hours.entry(hour).or_default().push(Entry { offset_ms, key: *key });
        }
        if let Some(hour_ms) = self.hour_ms {
            let entries = hours.entry(hour_ms / HOUR_MS).or_default();
            entries.extend(self.minutes.values().flat_map(|bucket| &bucket.entries));
        }
        let mut chunks = vec![Chunk::default()];
        for (hour, entries) in &mut hours {
            // Sets are walked in no order; the bytes of a snapshot shall not depend on that.
            entries.sort_unstable();
            for part in entries.chunks(ENTRIES_PER_CHUNK) {
                if chunks.last().is_none_or(|chunk| chunk.room() < part.len()) {
                    chunks.push(Chunk::default());
                }
                chunks.last_mut().expect("one at least").add_run(*hour, part);
            }
        }
        chunks
    }
}

/// Reads a snapshot back, chunk by chunk in order.
#[derive(Debug, Default)]
pub struct Loader {
    hours: BTreeMap<i64, Bucket>,
    entries: usize,
    number: u32,
    last_seen: bool,
}

impl Loader {
    /// Nothing read yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the next chunk.
    ///
    /// # Errors
    /// [`SnapshotError`]; the loader is of no use then.
    pub fn chunk(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        let damaged = SnapshotError::Damaged { number: self.number };
        let (content, sum) = bytes.split_last_chunk::<SUM_BYTES>().ok_or(damaged)?;
        if !content.starts_with(&MAGIC) || xxh3_64(content) != u64::from_le_bytes(*sum) {
            return Err(damaged);
        }
        let (head, mut body) = content.split_first_chunk::<HEAD_BYTES>().ok_or(damaged)?;
        if head[4] != VERSION {
            return Err(SnapshotError::Version { version: head[4] });
        }
        let [number, runs] = [8, 12].map(|at| u32_at(head, at));
        if number != self.number || self.last_seen {
            return Err(SnapshotError::Missing { expected: self.number });
        }
        for _ in 0..runs {
            body = self.run(body).ok_or(damaged)?;
        }
        if !body.is_empty() {
            return Err(damaged);
        }
        self.last_seen = head[5] == 1;
        self.number += 1;
        Ok(())
    }

    /// The timers, once the last chunk has been read. Replay the changes since the snapshot next.
    ///
    /// # Errors
    /// [`SnapshotError::Missing`] when it has not.
    pub fn finish(self) -> Result<Timers, SnapshotError> {
        if !self.last_seen {
            return Err(SnapshotError::Missing { expected: self.number });
        }
        Ok(Timers { hours: self.hours, waiting: self.entries, ..Timers::default() })
    }

    /// Reads one run off the front of `body` and answers what follows it; `None` if it is damaged.
    fn run<'a>(&mut self, body: &'a [u8]) -> Option<&'a [u8]> {
        let (head, body) = body.split_first_chunk::<RUN_HEAD_BYTES>()?;
        let (hour, count) = head.split_first_chunk::<8>()?;
        let hour = i64::from_le_bytes(*hour);
        let count = usize::try_from(u32_at(count, 0)).ok()?;
        let (content, rest) = body.split_at_checked(count.checked_mul(ENTRY_BYTES)?)?;
        let bucket = self.hours.entry(hour).or_default();
        bucket.entries.reserve_exact(count);
        let entries = content.chunks_exact(ENTRY_BYTES).map(|bytes| {
            let mut key = [0; 16];
            key.copy_from_slice(&bytes[4..]);
            Entry { offset_ms: u32_at(bytes, 0), key }
        });
        let before = bucket.entries.len();
        bucket.entries.extend(entries);
        let (mut first_ms, mut last_ms) = (bucket.first_ms, 0);
        for entry in &bucket.entries[before..] {
            first_ms = first_ms.min(entry.offset_ms);
            last_ms = last_ms.max(entry.offset_ms);
        }
        bucket.first_ms = first_ms;
        self.entries += count;
        (i64::from(last_ms) < HOUR_MS).then_some(rest)
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}
