//! An enrollment: one customer in one journey version.

use serde::{Deserialize, Serialize};

use crate::event::{Event, EventBody};
use crate::ids::{EnrollmentId, EventName, SendId, VersionNo};
use crate::journey::definition::NodeIndex;
use crate::time::{Due, Instant};
use crate::value::{Map, Text};

/// One customer in one journey version, with its own id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Enrollment {
    /// Its id; `enrollment.id` in traces.
    pub id: EnrollmentId,
    /// The version it stays on until it exits or is migrated.
    pub version: VersionNo,
    /// The entry key; empty where the journey has none.
    pub key: Text,
    /// When it entered.
    pub entered_at: Instant,
    /// The node it stands on.
    pub at: NodeIndex,
    /// How many steps it has entered: the `visit` of send ids.
    pub visits: u32,
    /// What it is doing there.
    pub state: State,
    /// What enrolled it.
    pub trigger: Trigger,
    /// Outcomes of steps, by node, in the order in which they came.
    pub outcomes: Vec<(NodeIndex, Text)>,
    /// The nearest preceding send, for waits on engagement events (semantics 9).
    pub last_send: Option<SendId>,
    /// The next send is refused as `skipped_catch_up` (semantics 11).
    pub skip_next_send: bool,
}

impl Enrollment {
    /// What it keeps of whatever enrolled it, in bytes.
    pub fn bytes(&self) -> usize {
        self.key.len() + self.trigger.bytes()
    }
}

/// What an enrollment is doing on its node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum State {
    /// Waiting for a time, an event, or both.
    Waiting {
        /// The intent of the timer, re-resolved when the customer's zone changes.
        due: Option<Due>,
        /// The intent, resolved; [`Instant::MAX`] where there is no timer.
        due_at: Instant,
        /// Its lateness was already dealt with: it fires without another catch-up.
        caught_up: bool,
    },
    /// Parked on a send (semantics 8).
    Sending(Sending),
}

/// A message that has not gone yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sending {
    /// Id of the send, on the channel tried now.
    pub send: SendId,
    /// When the step was reached.
    pub created_at: Instant,
    /// The message may go at `t` if `t < valid_until`.
    pub valid_until: Instant,
    /// Index of the channel tried now.
    pub channel: u8,
    /// When it passes the gate next.
    pub next_at: Instant,
    /// Where it stands.
    pub phase: Phase,
}

/// Where a parked message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Just reached; the gate has not seen it.
    New,
    /// The gate holds it.
    Held,
    /// The gate allows it; no connection slot is free.
    Planned,
}

/// What enrolled a customer: kept for expressions and templates.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    /// Name of the event; `None` for entries by segment, schedule or API.
    pub event: Option<EventName>,
    /// Properties of the event, or the payload of an API entry.
    pub properties: Map,
    /// When it happened.
    pub occurred_at: Instant,
    /// When it was received.
    pub received_at: Instant,
}

impl Trigger {
    /// What it takes in a record, at most, in bytes, its instants aside.
    pub fn bytes(&self) -> usize {
        let event = self.event.as_ref().map_or(0, |event| event.as_str().len());
        event + self.properties.bytes()
    }

    /// The trigger that an event makes.
    pub fn from_event(event: &Event) -> Self {
        let (name, properties) = match &event.body {
            EventBody::Track { name, properties } => (Some(name.clone()), properties.clone()),
            EventBody::Identify { .. } | EventBody::Consent(_) | EventBody::StopsLifted(_) => {
                (None, Map::new())
            }
        };
        Self {
            event: name,
            properties,
            occurred_at: event.occurred_at,
            received_at: event.received_at,
        }
    }
}

/// Why an enrollment ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExitReason {
    /// The last step was done.
    Completed,
    /// The goal was reached.
    Goal,
    /// An exit condition held.
    ExitCondition,
    /// An `exit` step, with its text.
    ExitStep(String),
    /// A send was refused and the step says to exit.
    Refused,
    /// A wait's date had passed and the step says to exit.
    PastDate,
    /// The journey was stopped.
    Stopped,
    /// Its customer was merged into one that was in the same journey already.
    Withdrawn,
    /// Something that validation should have prevented; the text says what.
    Error(String),
}

impl ExitReason {
    /// The stable word in metrics, API and console.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Goal => "goal",
            Self::ExitCondition => "exit_condition",
            Self::ExitStep(_) => "exit_step",
            Self::Refused => "refused",
            Self::PastDate => "past_date",
            Self::Stopped => "stopped",
            Self::Withdrawn => "withdrawn",
            Self::Error(_) => "error",
        }
    }
}

impl Enrollment {
    /// When this enrollment wants to be looked at next; [`Instant::MAX`] for never.
    pub fn next_at(&self) -> Instant {
        match &self.state {
            State::Waiting { due_at, .. } => *due_at,
            State::Sending(sending) => sending.next_at,
        }
    }

    /// The outcome of a step, the latest if it was entered more than once.
    pub fn outcome(&self, node: NodeIndex) -> Option<&str> {
        self.outcomes.iter().rev().find(|(at, _)| *at == node).map(|(_, outcome)| &**outcome)
    }
}
