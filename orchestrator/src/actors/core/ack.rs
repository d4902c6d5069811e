//! Who waits until something is durable.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use runtime::Reply;

use crate::telemetry::trace::{Origins, TraceParent};

/// One item of a batch that waits for all of its items to be durable.
#[derive(Clone, Debug)]
pub struct Ack {
    batch: Arc<Batch>,
    item: u32,
}

#[derive(Debug)]
struct Batch {
    remaining: AtomicUsize,
    reply: Mutex<Option<Reply<()>>>,
    origins: Origins,
}

impl Ack {
    /// An acknowledgement of `items` items, answered when the last is durable.
    pub fn new(items: usize, reply: Reply<()>) -> Self {
        Self::of(items, reply, Origins::Unknown)
    }

    /// As [`Self::new`], of what somebody sent inside of spans.
    pub fn of(items: usize, reply: Reply<()>, origins: Origins) -> Self {
        let reply = Mutex::new(Some(reply));
        let batch = Batch { remaining: AtomicUsize::new(items), reply, origins };
        Self { batch: Arc::new(batch), item: 0 }
    }

    /// That of one item, by its place in the batch.
    pub fn item(&self, item: usize) -> Self {
        // No batch has so many.
        Self { batch: self.batch.clone(), item: u32::try_from(item).unwrap_or(u32::MAX) }
    }

    /// The span inside of which the item was sent.
    pub(super) fn origin(&self) -> Option<TraceParent> {
        self.batch.origins.of(self.item as usize)
    }

    pub(super) fn one_done(&self) {
        if self.batch.remaining.fetch_sub(1, Ordering::AcqRel) == 1 {
            let reply = self.batch.reply.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(reply) = reply {
                reply.send(());
            }
        }
    }
}
