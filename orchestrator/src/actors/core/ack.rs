//! Who waits until something is durable.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use runtime::Reply;

use crate::telemetry::trace::TraceParent;

/// One batch that waits for its items to be durable.
#[derive(Clone, Debug)]
pub struct Ack(Arc<Batch>);

#[derive(Debug)]
struct Batch {
    remaining: AtomicUsize,
    reply: Mutex<Option<Reply<()>>>,
    origin: Option<TraceParent>,
}

impl Ack {
    /// An acknowledgement of `items` items, answered when the last is durable.
    pub fn new(items: usize, reply: Reply<()>) -> Self {
        Self::of(items, reply, None)
    }

    /// As [`Self::new`], of what somebody sent inside a span.
    pub fn of(items: usize, reply: Reply<()>, origin: Option<TraceParent>) -> Self {
        let reply = Mutex::new(Some(reply));
        Self(Arc::new(Batch { remaining: AtomicUsize::new(items), reply, origin }))
    }

    /// The span inside of which the items were sent.
    pub(super) fn origin(&self) -> Option<TraceParent> {
        self.0.origin
    }

    pub(super) fn one_done(&self) {
        if self.0.remaining.fetch_sub(1, Ordering::AcqRel) == 1 {
            let reply = self.0.reply.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(reply) = reply {
                reply.send(());
            }
        }
    }
}
