//! How a file is read: above all, when what it tells counts as received.

use domain::event::{EVENT_BYTES_MAX, Event, EventBody};
use domain::ids::CustomerId;
use domain::time::Instant;

/// When events count as received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Receipt {
    /// Now; what lies in the future is clamped to it (semantics 3).
    At(Instant),
    /// When they happened; rows without a time happened at this instant.
    AsOccurred { undated: Instant },
}

impl Receipt {
    pub(super) fn occurred_at(self, at: Option<Instant>) -> Instant {
        match self {
            Self::At(now) => at.unwrap_or(now).min(now),
            Self::AsOccurred { undated } => at.unwrap_or(undated),
        }
    }

    /// The event, or why there is none: what is too large for a turn is not sent to a server.
    pub(super) fn event(
        self,
        customer: CustomerId,
        message_id: String,
        at: Option<Instant>,
        body: EventBody,
    ) -> Result<Event, String> {
        let occurred_at = self.occurred_at(at);
        let received_at = match self {
            Self::At(now) => now,
            Self::AsOccurred { .. } => occurred_at,
        };
        let event = Event { customer, message_id, occurred_at, received_at, body };
        match event.bytes() {
            0..=EVENT_BYTES_MAX => Ok(event),
            bytes => Err(format!("an event of {bytes} bytes, at most {EVENT_BYTES_MAX}")),
        }
    }
}

/// How a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    pub(super) receipt: Receipt,
    pub(super) rejects_max: Option<u64>,
}

impl Options {
    /// Everything is received now.
    pub fn at(now: Instant) -> Self {
        Self { receipt: Receipt::At(now), rejects_max: None }
    }

    /// Everything was received when it happened, as in `simulate` and replay; rows without a time
    /// of their own (customers) happened at `undated`.
    pub fn recorded(undated: Instant) -> Self {
        Self { receipt: Receipt::AsOccurred { undated }, rejects_max: None }
    }

    /// Ends with an error once more than so many rejects have come.
    #[must_use]
    pub fn rejects_max(mut self, count: u64) -> Self {
        self.rejects_max = Some(count);
        self
    }
}
