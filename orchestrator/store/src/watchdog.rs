//! Watches the committer from outside: a commit that does not come back is reported, not waited
//! for.
//!
//! The engine can stall (a full write buffer, a dead background worker, a hanging disk). The
//! watchdog only reads a number; it never takes a lock that the committer holds during a commit.

use crate::{
    committer::Shared,
    sink::{DurableSink, Stall},
};
use std::{
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// A commit that takes longer is reported. Ten seconds is far above the stalls of a busy engine
/// (100 ms each) and of a slow disk, and below what an operator would want to learn later.
pub const COMMIT_STALL_LIMIT: Duration = Duration::from_secs(10);

/// Looks per limit: a stall is reported at most a quarter of the limit late.
const LOOKS_PER_LIMIT: u32 = 4;

/// Ends the watchdog's thread.
#[derive(Debug, Default)]
pub(crate) struct Leash {
    ended: Mutex<bool>,
    changed: Condvar,
}

impl Leash {
    pub(crate) fn end(&self) {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Waits for one interval; true when the watchdog shall end.
    fn wait(&self, interval: Duration) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let (ended, _) = self
            .changed
            .wait_timeout_while(ended, interval, |ended| !*ended)
            .unwrap_or_else(PoisonError::into_inner);
        *ended
    }
}

/// Runs until the leash ends it.
pub(crate) fn run(shared: &Shared, leash: &Leash, sink: &dyn DurableSink, limit: Duration) {
    let interval = (limit / LOOKS_PER_LIMIT).max(Duration::from_millis(1));
    let (mut seen, mut looks) = (0, 0);
    while !leash.wait(interval) {
        let commit = under_way(&shared.under_way);
        if commit == 0 || commit != seen {
            (seen, looks) = (commit, 0);
            continue;
        }
        looks += 1;
        if looks == LOOKS_PER_LIMIT {
            shared.counters.stalled();
            tracing::warn!(commit, limit_ms = limit.as_millis() as u64, "commit is stalled");
            sink.stalled(&Stall { commit, longer_than: limit });
        }
    }
}

fn under_way(commit: &AtomicU64) -> u64 {
    commit.load(Ordering::Relaxed)
}
