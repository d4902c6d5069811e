//! An event: an immutable fact about a customer that came in.

use serde::{Deserialize, Serialize};

use crate::consent::ConsentChange;
use crate::ids::{CustomerId, EventName};
use crate::time::Instant;
use crate::value::Map;

/// A fact about one customer, as it was accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Whom it is about.
    pub customer: CustomerId,
    /// The id by which a repeat is recognised (semantics 4).
    pub message_id: String,
    /// When it happened, corrected for the sender's clock skew and clamped to receipt.
    pub occurred_at: Instant,
    /// When we received it. Waits and entries count from here (semantics 3).
    pub received_at: Instant,
    /// What it says.
    pub body: EventBody,
}

/// What an event says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum EventBody {
    /// Something happened (`track`).
    Track {
        /// Name of the event.
        name: EventName,
        /// Its properties.
        properties: Map,
    },
    /// Traits to merge into the profile (`identify`). A null removes a trait.
    Identify {
        /// Traits to set.
        traits: Map,
    },
    /// Permission given or withdrawn.
    Consent(ConsentChange),
}
