//! The body of a request that is given away only at the last moment, and remembers that it was.
//!
//! The head says how long the body is. Until the body was asked for, the other side has an
//! incomplete request at most, and must not act on it (RFC 9112 8): that is the point up to which
//! an attempt may still be withdrawn.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::Notify;

use crate::channel::Permit;

/// What is known of a body, by whoever sent it.
#[derive(Debug, Default)]
pub(super) struct HandOver {
    given: AtomicBool,
    withdrawn: AtomicBool,
    /// Rung when the body is given away.
    pub(super) bell: Notify,
}

impl HandOver {
    /// Whether the body was given away.
    pub(super) fn is_given(&self) -> bool {
        self.given.load(Ordering::Acquire)
    }

    /// Whether the permit did not hold when the body was asked for.
    pub(super) fn is_withdrawn(&self) -> bool {
        self.withdrawn.load(Ordering::Acquire)
    }
}

/// A body that asks its permit before it goes.
pub(super) struct Held {
    bytes: Option<Bytes>,
    permit: Arc<dyn Permit>,
    state: Arc<HandOver>,
}

impl Held {
    pub(super) fn new(bytes: Bytes, permit: Arc<dyn Permit>) -> (Self, Arc<HandOver>) {
        let state = Arc::new(HandOver::default());
        (Self { bytes: Some(bytes), permit, state: state.clone() }, state)
    }
}

impl fmt::Debug for Held {
    /// Without what it says: that is about a customer.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("state", &self.state).finish_non_exhaustive()
    }
}

/// The permit did not hold when the body was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the permit of the attempt was withdrawn")]
pub(super) struct Withdrawn;

impl Body for Held {
    type Data = Bytes;
    type Error = Withdrawn;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Withdrawn>>> {
        let Some(bytes) = self.bytes.take() else { return Poll::Ready(None) };
        if !self.permit.holds() {
            self.state.withdrawn.store(true, Ordering::Release);
            return Poll::Ready(Some(Err(Withdrawn)));
        }
        self.state.given.store(true, Ordering::Release);
        self.state.bell.notify_one();
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
