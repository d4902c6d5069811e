//! Notes: a turn's share of the group record: which sends are open, how the counts changed. A
//! restart replays those that are newer than the partition's snapshot.

use domain::ids::{CustomerKey, SendId};
use domain::time::Instant;
use serde::{Deserialize, Serialize};

use crate::counters::CounterKey;

/// What one transaction notes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Sends that became open, or whose open state changed.
    pub opened: Vec<OpenedSend>,
    /// Sends that reached their final state.
    pub closed: Vec<SendId>,
    /// Changes of counts.
    pub deltas: Vec<(CounterKey, i32)>,
    /// The newest instant that the partition had seen: time goes on from there after a restart,
    /// even if the machine's clock was set back meanwhile.
    pub at: Instant,
}

/// An open send: enough to find its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenedSend {
    /// The send.
    pub send: SendId,
    /// Whose it is.
    pub customer: CustomerKey,
    /// Its counted instant, part of its key.
    pub counted_at: Instant,
    /// `None` while it is in flight; else when the next attempt is due.
    pub retry_at: Option<Instant>,
}
