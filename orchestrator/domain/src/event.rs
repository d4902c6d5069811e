//! An event: an immutable fact about a customer that came in.

use serde::{Deserialize, Serialize};

use crate::consent::ConsentChange;
use crate::ids::{ChannelName, CustomerId, EventName};
use crate::time::Instant;
use crate::value::Map;

/// What the message ids of imported events start with. Such an id is remembered for good, so that
/// an import can be repeated months later (semantics 4); without this beginning it is the same id
/// as that of an event that came in live. Nobody else may use it.
pub const IMPORTED: &str = "import:";

/// Largest event in bytes, as [`Event::bytes`] counts. Three times what the tracking API takes as
/// JSON: a number of four characters there takes nine bytes here. A turn takes in several events,
/// writes all of them into one row, and must fit into a transaction of the store.
pub const EVENT_BYTES_MAX: usize = 96 * 1024;

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

impl Event {
    /// What its names, texts and values take in a record, at most, in bytes.
    pub fn bytes(&self) -> usize {
        let body = match &self.body {
            EventBody::Track { name, properties } => name.as_str().len() + properties.bytes(),
            EventBody::Identify { traits } => traits.bytes(),
            EventBody::Consent(change) => {
                let channel = change.channel.as_ref().map_or(0, |name| name.as_str().len());
                let topic = change.topic.as_ref().map_or(0, |name| name.as_str().len());
                channel + topic + change.source.len()
            }
            EventBody::StopsLifted(channel) => channel.as_str().len(),
        };
        self.customer.as_str().len() + self.message_id.len() + body
    }

    /// The id by which a repeat is recognised, and whether it is remembered for good.
    pub fn identity(&self) -> (&str, bool) {
        match self.message_id.strip_prefix(IMPORTED) {
            Some(id) => (id, true),
            None => (&self.message_id, false),
        }
    }
}

/// Somebody said that two customers are one (semantics 28).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// The one that becomes part of the other, as it was named.
    pub previous: CustomerId,
    /// The one that goes on.
    pub into: CustomerId,
    /// When it was said.
    pub at: Instant,
}

impl Alias {
    /// Whom it may be about: a previous id that nobody is known under stands for the anonymous one.
    pub fn ids(&self) -> [CustomerId; 3] {
        let anonymous = CustomerId::anonymous(self.previous.as_str());
        [self.previous.clone(), anonymous, self.into.clone()]
    }
}

/// What is recorded of customers, on its way into a server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Recorded {
    /// Something happened.
    Event(Event),
    /// Two of them are one.
    Alias(Alias),
}

impl Recorded {
    /// When it happened, or was said.
    pub fn at(&self) -> Instant {
        match self {
            Self::Event(event) => event.occurred_at,
            Self::Alias(alias) => alias.at,
        }
    }
}

impl From<Event> for Recorded {
    fn from(event: Event) -> Self {
        Self::Event(event)
    }
}

impl From<Alias> for Recorded {
    fn from(alias: Alias) -> Self {
        Self::Alias(alias)
    }
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
    /// An operator lifted the stops on addresses of this channel.
    StopsLifted(ChannelName),
}
