//! The write budget: what one event costs in rows and bytes, and how fast the store alone goes.
//!
//! An event here is the least that any later change may cost: one overwritten record, one
//! appended row, and its share of a group row; optionally one random load before it. Called by
//! the bench of the composition root, never in production.

mod limits;
mod load;
pub mod procfs;

pub use limits::append_fsync_per_s;

use crate::{
    Access, OpenError, Settings, Stats, Store, TableSpec, Usage,
    embedded::{self, Memory},
    open::Monotonic,
};
use load::{Load, Meter};
use procfs::Process;
use std::{path::PathBuf, sync::Arc, time::Duration};

/// Bytes of a record's value: half of them random, so that compression gains what it would gain
/// on real records.
pub const RECORD_BYTES: usize = 450;

/// Bytes of an appended row's value.
pub const ROW_BYTES: usize = 120;

/// Bytes of a transaction's note in the group row.
pub const NOTE_BYTES: usize = 24;

/// What to measure.
#[derive(Clone)]
pub struct Budget {
    /// A new or empty directory on the disk to be measured.
    pub directory: PathBuf,
    /// Records that exist before the measurement.
    pub records: u64,
    /// Partitions.
    pub partitions: u16,
    /// For how long events are written.
    pub duration: Duration,
    /// Threads that load and submit, each for its own partitions.
    pub threads: u16,
    /// Whether each event first reads its record.
    pub loads: bool,
    /// Of 100 events, how many go to the busiest 5 % of records; 5 means uniform keys.
    pub hot_percent: u64,
    /// Events that may wait to become durable, over all threads.
    pub in_flight: usize,
    /// Whether the appended row's key leads with the sequence instead of the partition.
    pub sequence_first: bool,
    /// Memory of the engine.
    pub memory: Memory,
    /// Seed of keys and values.
    pub seed: u64,
    /// The clock.
    pub monotonic: Monotonic,
}

impl std::fmt::Debug for Budget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Budget").field("records", &self.records).finish_non_exhaustive()
    }
}

impl Budget {
    /// The standard measurement: uniform keys, one load for each event, two threads, 64
    /// partitions, 4,096 events in flight.
    pub fn new(directory: PathBuf, records: u64, duration: Duration, clock: Monotonic) -> Self {
        Budget {
            directory,
            records,
            partitions: 64,
            duration,
            threads: 2,
            loads: true,
            hot_percent: 5,
            in_flight: 4096,
            sequence_first: false,
            memory: Memory::default(),
            seed: 1,
            monotonic: clock,
        }
    }
}

/// What was measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Records written per second before the measurement.
    pub preload_per_s: f64,
    /// Durable events.
    pub events: u64,
    /// Durable events per second.
    pub events_per_s: f64,
    /// Rows written per event, the group row's share and heartbeats included.
    pub rows_per_event: f64,
    /// Bytes of keys and values per event.
    pub payload_bytes_per_event: f64,
    /// Bytes that the process caused to be written, per event, background work of the time of
    /// measurement included.
    pub written_bytes_per_event: f64,
    /// The same after the background work that the events left behind is done.
    pub settled_bytes_per_event: f64,
    /// Events per group commit.
    pub events_per_commit: f64,
    /// Median, 99th percentile and longest of the commits, in milliseconds.
    pub commit_ms: (f64, f64, f64),
    /// Processor time per event, in microseconds, of all threads.
    pub cpu_us_per_event: f64,
    /// Resident memory at the end, in MiB.
    pub rss_mib: f64,
    /// Disk use at the end, per record.
    pub disk_bytes_per_record: f64,
    /// Plain appends of the same payload with one sync per 512, per second, in the same directory.
    pub append_fsync_per_s: f64,
    /// Time to open the store again, in milliseconds. Closing writes nothing out, so that it is
    /// the same after a kill.
    pub reopen_ms: f64,
    /// Commits over the watchdog's limit.
    pub stalls: u64,
}

/// Fills a new store and measures it.
pub fn write_budget(budget: &Budget) -> Result<Report, OpenError> {
    let append_fsync_per_s = append_fsync_per_s(&budget.directory, &budget.monotonic)?;
    let table = |name, access| TableSpec { name, access };
    let tables = vec![table("records", Access::Random), table("rows", Access::Append)];
    let clock = budget.monotonic.clone();
    let settings = Settings::new(budget.partitions, "xxh3-64", tables, clock.clone());
    let mut options = embedded::Options::new(budget.directory.join("store"));
    options.memory = budget.memory;
    let meter = Arc::new(Meter::default());
    let (store, _) = embedded::open(&options, &settings, meter.clone())?;

    let load = Load::new(budget, &store, &meter);
    let began = clock();
    load.preload();
    settle(&store);
    let preload = clock() - began;
    meter.forget();
    let before = (store.stats(), Process::own());
    let began = clock();
    load.run();
    let took = (clock() - began).as_secs_f64();
    let after = (store.stats(), Process::own());
    settle(&store);
    let settled = Process::own();
    let usage = store.usage();
    store.close();
    drop(store);
    let began = clock();
    let (store, _) = embedded::open(&options, &settings, meter.clone())?;
    let reopen = clock() - began;
    store.close();
    let mut report = report(&before, &after, &settled, took);
    report.reopen_ms = reopen.as_secs_f64() * 1000.0;
    report.preload_per_s = budget.records as f64 / preload.as_secs_f64();
    report.append_fsync_per_s = append_fsync_per_s;
    report.commit_ms = meter.quantiles();
    let Usage { disk_bytes, .. } = usage;
    report.disk_bytes_per_record = disk_bytes as f64 / budget.records as f64;
    Ok(report)
}

/// Waits until the engine's background work has come to rest.
fn settle(store: &Store) {
    let pause = load::Pause::default();
    let mut quiet = 0;
    while quiet < 5 {
        let usage = store.usage();
        let busy = usage.compactions > 0 || usage.pending_flushes > 0;
        quiet = if busy { 0 } else { quiet + 1 };
        pause.wait(Duration::from_millis(100));
    }
}

fn report(
    before: &(Stats, Process),
    after: &(Stats, Process),
    settled: &Process,
    took: f64,
) -> Report {
    let events = after.0.transactions - before.0.transactions;
    let per_event = |from: u64, to: u64| (to - from) as f64 / events.max(1) as f64;
    Report {
        events,
        events_per_s: events as f64 / took,
        rows_per_event: per_event(before.0.rows, after.0.rows),
        payload_bytes_per_event: per_event(before.0.bytes, after.0.bytes),
        written_bytes_per_event: per_event(before.1.written_bytes, after.1.written_bytes),
        settled_bytes_per_event: per_event(before.1.written_bytes, settled.written_bytes),
        events_per_commit: events as f64 / (after.0.commits - before.0.commits).max(1) as f64,
        cpu_us_per_event: per_event(before.1.cpu_us, after.1.cpu_us),
        rss_mib: settled.rss_bytes as f64 / (1024.0 * 1024.0),
        stalls: after.0.stalls,
        ..Report::default()
    }
}
