//! What the system knows about a process. Zero where it does not say. Read by every bench, that of
//! the store and those of the composition root.

use std::fs;

/// The kernel counts processor time in ticks of this length, on every Linux platform we run on.
const TICK_US: u64 = 10_000;

/// A reading of one process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Process {
    /// Bytes that it caused to be sent to the disk.
    pub written_bytes: u64,
    /// Processor time of all its threads, in microseconds.
    pub cpu_us: u64,
    /// Resident memory.
    pub rss_bytes: u64,
    /// The most resident memory that it ever had.
    pub peak_rss_bytes: u64,
}

impl Process {
    /// Reads a process.
    pub fn of(pid: u32) -> Self {
        Self {
            written_bytes: field(pid, "io", "write_bytes:").unwrap_or(0),
            cpu_us: cpu_us(pid).unwrap_or(0),
            rss_bytes: field(pid, "status", "VmRSS:").unwrap_or(0) * 1024,
            peak_rss_bytes: field(pid, "status", "VmHWM:").unwrap_or(0) * 1024,
        }
    }

    /// Reads this process.
    pub fn own() -> Self {
        Self::of(std::process::id())
    }
}

fn field(pid: u32, file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn cpu_us(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold blanks: count from its end. User and system time are the
    // 12th and 13th field after it.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((user + system) * TICK_US)
}

/// Nanoseconds that this thread has had a core: what others do on the machine does not count.
pub fn thread_core_ns() -> Option<u64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}
