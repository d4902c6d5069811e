//! The committer's news: what is durable goes to the partitions, a failure ends the process.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use store::{CommitError, Durable, DurableSink, Stall};

use super::SNAPSHOT_COMMITS;
use crate::actors::PartitionMsg;
use crate::actors::ingest::Directory;
use crate::telemetry::metrics::Metrics;

/// Tells each partition what has become durable.
#[derive(Debug)]
pub(super) struct Sink {
    pub(super) durable: Vec<Arc<AtomicU64>>,
    pub(super) last_commit: AtomicU64,
    pub(super) directory: OnceLock<Directory>,
    pub(super) metrics: Arc<Metrics>,
}

impl DurableSink for Sink {
    fn durable(&self, group: &Durable) {
        self.metrics.commit.observe(group.took.as_secs_f64());
        self.metrics.commit_transactions.observe(group.transactions as f64);
        let directory = self.directory.get();
        for (partition, seq) in &group.partitions {
            let at = usize::from(*partition);
            self.durable[at].fetch_max(*seq, Ordering::AcqRel);
            if let Some(directory) = directory {
                // Refused only if thousands of such messages wait already: each of them will
                // read the newest sequence.
                drop(directory.all()[at].control.tell(PartitionMsg::Durable, 1));
            }
        }
        self.last_commit.store(group.commit, Ordering::Release);
        if let Some(directory) = directory {
            // One partition after the other writes a snapshot, spread evenly over the commits.
            let every = (SNAPSHOT_COMMITS / u64::from(directory.count())).max(1);
            if group.commit.is_multiple_of(every) {
                let turn = (group.commit / every) % u64::from(directory.count());
                let door = &directory.all()[turn as usize].control;
                drop(door.tell(PartitionMsg::Snapshot(group.commit), 1));
            }
        }
    }

    fn failed(&self, error: &CommitError) {
        crate::fatal::commit_failed(error);
    }

    fn stalled(&self, stall: &Stall) {
        tracing::warn!(commit = stall.commit, longer_than = ?stall.longer_than, "commit is slow");
    }
}
