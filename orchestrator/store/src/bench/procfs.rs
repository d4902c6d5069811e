//! What the system knows about this process. Zero where it does not say.

use std::fs;

/// A reading.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Process {
    /// Bytes that this process caused to be sent to the disk.
    pub(super) written_bytes: u64,
    /// Processor time of all threads, in microseconds.
    pub(super) cpu_us: u64,
    /// Resident memory.
    pub(super) rss_bytes: u64,
}

/// The kernel counts processor time in ticks of this length, on every Linux platform we run on.
const TICK_US: u64 = 10_000;

/// Size of a page in `/proc/self/statm`.
const PAGE_BYTES: u64 = 4096;

impl Process {
    pub(super) fn measure() -> Self {
        Process {
            written_bytes: written_bytes().unwrap_or(0),
            cpu_us: cpu_us().unwrap_or(0),
            rss_bytes: rss_bytes().unwrap_or(0),
        }
    }
}

fn written_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/io").ok()?;
    text.lines().find_map(|line| line.strip_prefix("write_bytes: "))?.parse().ok()
}

fn cpu_us() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    // The name in brackets may hold blanks: count from its end. User and system time are the
    // 12th and 13th field after it.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((user + system) * TICK_US)
}

fn rss_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * PAGE_BYTES)
}
