//! The child: writes until it is killed, and says what is durable.

use super::script::{Chance, PARTITIONS, options, settings, transaction};
use anyhow::Result;
use std::{
    io::Write,
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};
use store::{CommitError, Durable, DurableSink, embedded};

/// Transactions in flight at most, so that kills meet full and small groups.
const IN_FLIGHT_MAX: usize = 400;

/// Group rows kept, so that kills also meet trimming.
const GROUPS_KEPT: u64 = 300;

/// Prints each group and counts what is in flight.
#[derive(Default)]
struct Reporter {
    in_flight: Mutex<usize>,
    changed: Condvar,
}

impl Reporter {
    fn in_flight(&self) -> MutexGuard<'_, usize> {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, count: usize) {
        let full = |now: &mut usize| *now + count > IN_FLIGHT_MAX;
        let now = self.changed.wait_while(self.in_flight(), full);
        *now.unwrap_or_else(PoisonError::into_inner) += count;
    }
}

/// Prints one line at once. The mark at its end tells the parent that it is whole.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // The parent closes the pipe only after the kill.
    let _ = out.write_all(format!("{line} .\n").as_bytes()).and_then(|()| out.flush());
}

impl DurableSink for Reporter {
    fn durable(&self, group: &Durable) {
        let pairs = group.partitions.iter().map(|(partition, seq)| format!(" {partition}:{seq}"));
        say(&format!("durable{}", pairs.collect::<String>()));
        *self.in_flight() -= group.transactions;
        self.changed.notify_all();
    }

    fn failed(&self, error: &CommitError) {
        eprintln!("{error}");
        std::process::abort();
    }
}

/// Opens the store and writes numbered transactions for ever.
pub fn write(directory: &Path, seed: u64) -> Result<()> {
    let reporter = Arc::new(Reporter::default());
    let opened = embedded::open(&options(directory), &settings(), reporter.clone())?;
    let (store, recovered) = opened;
    say("open");
    let mut chance = Chance::new(seed);
    let mut sequences = recovered.sequences;
    loop {
        let most = if chance.below(4) == 0 { 200 } else { 8 };
        let size = 1 + chance.below(most) as usize;
        let batch = (0..size).map(|_| {
            let partition = chance.below(u64::from(PARTITIONS)) as u16;
            let last = &mut sequences[usize::from(partition)];
            *last += 1;
            transaction(partition, *last)
        });
        let batch: Vec<_> = batch.collect();
        reporter.enter(batch.len());
        store.submit(batch)?;
        store.trim_groups(store.stats().last_commit.saturating_sub(GROUPS_KEPT));
    }
}

/// Opens the store, says so, and keeps it until the input ends.
pub fn hold(directory: &Path) -> Result<()> {
    let (store, _) =
        embedded::open(&options(directory), &settings(), Arc::new(Reporter::default()))?;
    say("open");
    std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink())?;
    store.close();
    Ok(())
}
