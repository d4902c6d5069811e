//! The committer: the one thread that writes.
//!
//! While one barrier runs, what arrives is gathered; then all of it, up to the group limits, is
//! committed as one. There is no timer: an idle store commits a lone transaction at once. Started
//! by [`Store`](crate::Store); nothing else may call [`Backend::commit`] after that.

use crate::{
    backend::Backend,
    error::CommitError,
    group::{Former, GROUP_TRANSACTIONS_MAX},
    open::Monotonic,
    queue::{Intake, Queue},
    sink::DurableSink,
    stats::Counters,
    transaction::Transaction,
};
use std::sync::{
    Arc, Condvar, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

/// Every so many commits each table gets a heartbeat row. 1,024 keeps the rows read at open few
/// and the cost below one byte per transaction.
pub const HEARTBEAT_COMMITS: u64 = 1024;

/// What the store's handle, the committer and the watchdog share.
pub(crate) struct Shared {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) queue: Mutex<Queue>,
    pub(crate) arrived: Condvar,
    pub(crate) counters: Counters,
    /// Group rows below this commit may be deleted.
    pub(crate) trim_below: AtomicU64,
    /// The commit under way, 0 when there is none.
    pub(crate) under_way: AtomicU64,
}

impl Shared {
    /// The queue. A thread that panicked with the lock held left it whole: no method of the
    /// queue can panic between two changes that belong together.
    pub(crate) fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for work. `None` when the store is closed and nothing waits any more.
    fn next_group(&self) -> Option<Vec<Transaction>> {
        let mut queue = self.queue();
        loop {
            let group = queue.take_group(GROUP_TRANSACTIONS_MAX);
            if !group.is_empty() {
                return Some(group);
            }
            if queue.intake != Intake::Open {
                return None;
            }
            queue = self.arrived.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn fail(&self, error: &CommitError) {
        self.queue().intake = Intake::Failed(error.clone());
    }
}

/// Marks the store failed if the committer's thread unwinds (only a panicking sink or engine
/// can cause that): callers must be refused instead of waiting for ever.
struct FailOnUnwind<'a>(&'a Shared);

impl Drop for FailOnUnwind<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let commit = self.0.under_way.load(Ordering::Relaxed);
            let reason = "the committer panicked".to_owned();
            self.0.fail(&CommitError { commit, reason });
        }
    }
}

/// Runs until the store is closed or a barrier fails.
pub(crate) fn run(
    shared: &Shared,
    mut former: Former,
    sink: &dyn DurableSink,
    monotonic: &Monotonic,
) {
    let _guard = FailOnUnwind(shared);
    while let Some(transactions) = shared.next_group() {
        let group = former.form(transactions, shared.trim_below.load(Ordering::Relaxed));
        let mut durable = group.durable;
        shared.under_way.store(durable.commit, Ordering::Relaxed);
        let started = monotonic();
        let result = shared.backend.commit(durable.commit, group.writes);
        durable.took = monotonic().saturating_sub(started);
        shared.under_way.store(0, Ordering::Relaxed);
        match result {
            Ok(()) => {
                shared.counters.committed(&durable);
                sink.durable(&durable);
            }
            Err(reason) => {
                let error = CommitError { commit: durable.commit, reason };
                tracing::error!(commit = error.commit, reason = %error.reason, "commit failed");
                shared.fail(&error);
                sink.failed(&error);
                return;
            }
        }
    }
}
