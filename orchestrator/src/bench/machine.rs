//! What the figures were measured on.

use serde::Serialize;

/// The machine.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Machine {
    /// Cores that this process may use.
    pub cores: usize,
    /// Memory, rounded to whole GiB.
    pub memory_gib: u64,
}

impl Machine {
    /// This one.
    pub(super) fn this() -> Self {
        let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let kib = text.lines().find_map(|line| {
            line.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse::<u64>().ok()
        });
        let gib = kib.unwrap_or(0) as f64 / (1024.0 * 1024.0);
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: gib.round() as u64,
        }
    }
}

/// Processes that wanted a core in the last minute, this one included: how busy the machine was.
pub(super) fn load_average() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().and_then(|load| load.parse().ok()).unwrap_or(0.0)
}
