//! What the rest of the process gives a partition actor.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use runtime::{Clock, Returns};
use store::Store;

use crate::actors::Published;
use crate::actors::contact_policy::Look;
use crate::actors::core::SharedCore;
use crate::actors::ingest::LateDirectory;
use crate::actors::scheduler::SharedTimers;
use crate::actors::walker::NextWalk;
use crate::telemetry::metrics::Metrics;

/// What the rest of the process gives a partition actor.
#[derive(Debug)]
pub struct Wiring {
    /// What it shares with its neighbours on the arbiter.
    pub core: SharedCore,
    /// Where transactions go.
    pub store: Store,
    /// The one clock.
    pub clock: Clock,
    /// Timers, shared with the scheduler.
    pub timers: SharedTimers,
    /// Wakes the scheduler.
    pub armed: Returns<()>,
    /// Wakes the contact-policy actor.
    pub looks: Returns<Look>,
    /// What is published.
    pub published: Arc<Published>,
    /// Which of a channel's actors is on this arbiter.
    pub arbiter: usize,
    /// When the walker has work next.
    pub next_walk: NextWalk,
    /// The other partitions, once all have started.
    pub directory: LateDirectory,
    /// Highest durable sequence, set by the committer.
    pub durable: Arc<AtomicU64>,
    /// The newest snapshots of all partitions.
    pub snapshots: Arc<Snapshots>,
    /// The metrics of the process.
    pub metrics: Arc<Metrics>,
    /// Active customers kept at most.
    pub active_max: usize,
}

/// The group commit of each partition's newest durable snapshot.
#[derive(Debug)]
pub struct Snapshots(Vec<AtomicU64>);

impl Snapshots {
    /// As a start found them.
    pub fn new(commits: impl Iterator<Item = u64>) -> Self {
        Self(commits.map(AtomicU64::new).collect())
    }

    /// Takes note of a newer one, and says before which group commit nobody needs a row.
    pub(super) fn taken(&self, partition: u16, commit: u64) -> u64 {
        self.0[usize::from(partition)].fetch_max(commit, Ordering::AcqRel);
        self.0.iter().map(|commit| commit.load(Ordering::Acquire)).min().unwrap_or(0)
    }
}
