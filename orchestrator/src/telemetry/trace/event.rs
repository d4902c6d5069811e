//! Events that did nothing to any enrollment: what was noted of them, and why nothing came of them.

use std::sync::Arc;

use domain::event::{Event, EventBody};
use domain::ids::{CustomerKey, JourneyName};
use domain::time::Instant;
use engine::history::{HistoryItem, NotEntered};
use engine::{Input, Loaded, Partition};

use super::watch::enrollment_of;
use super::{Point, Senders, TraceParent, Tracer};

/// An event that is traced, if nothing else will tell of it.
#[derive(Debug)]
pub(super) struct Came {
    event: Arc<Event>,
    origin: Option<TraceParent>,
    number: u16,
}

/// What became of an event that did nothing to any enrollment.
#[derive(Debug)]
pub enum Did {
    /// Its message id was known already.
    Repeated,
    /// It is in the profile; these journeys did not take the customer in because of it.
    Recorded(Vec<(JourneyName, NotEntered)>),
}

/// An event that did nothing to any enrollment.
#[derive(Debug)]
pub struct Idle {
    /// The event. Of what it says only its type leaves, and a name that a journey waits for.
    pub event: Arc<Event>,
    /// What became of it.
    pub did: Did,
    /// Whether a journey is entered by events of its name: then the name is ours to tell.
    pub known: bool,
    /// Whose.
    pub customer: CustomerKey,
    /// In which partition.
    pub partition: u16,
    /// The instant of the turn.
    pub at: Instant,
    /// Its place among the events of the turn.
    pub number: u16,
    /// The span inside of which it was sent.
    pub origin: Option<TraceParent>,
    /// When the turn began, in microseconds of the tracer's clock.
    pub began_us: u64,
    /// When it was decided.
    pub decided_us: u64,
    /// When it was durable.
    pub durable_us: u64,
}

impl Idle {
    /// What its trace is about.
    pub fn point(&self) -> Point {
        Point::Event(self.customer, self.at, self.began_us, self.number)
    }

    /// The type of the event.
    pub fn kind(&self) -> &'static str {
        match self.event.body {
            EventBody::Track { .. } => "track",
            EventBody::Identify { .. } => "identify",
            EventBody::Consent(_) => "consent",
            EventBody::StopsLifted(_) => "stops_lifted",
        }
    }
}

/// The events among the inputs of a turn that are traced: the draw comes before anything is kept.
pub(super) fn sampled(tracer: &Tracer, inputs: &[Input], senders: &Senders) -> Vec<Came> {
    if !tracer.samples_events() {
        return Vec::new();
    }
    let events = inputs.iter().filter_map(|input| match input {
        Input::Event { event, .. } => Some(event),
        _ => None,
    });
    let wanted = events.enumerate().filter(|(_, event)| tracer.samples_event(event));
    let came = wanted.map(|(at, event)| Came {
        event: event.clone(),
        origin: senders.of(at),
        number: u16::try_from(at).unwrap_or(u16::MAX),
    });
    came.collect()
}

/// Those that did nothing to any enrollment. What is due in the same turn counts as done by the
/// last event: its own trace points at that event's sender.
pub(super) fn idle(
    came: Vec<Came>,
    items: &[HistoryItem],
    loaded: &Loaded,
    partition: &Partition,
    at: Instant,
    times_us: (u64, u64),
) -> Vec<Idle> {
    let mut found = Vec::new();
    for Came { event, origin, number } in came {
        let own =
            |item: &HistoryItem| matches!(item, HistoryItem::Event(it) if Arc::ptr_eq(it, &event));
        let did = match items.iter().position(own) {
            Some(first) => match recorded(&items[first + 1..]) {
                Some(did) => did,
                None => continue,
            },
            // It goes to whoever the customer was merged into, and is told of there.
            None if loaded.customer.tombstone.is_some() => continue,
            None => Did::Repeated,
        };
        let known = match &event.body {
            EventBody::Track { name, .. } => !partition.catalog().entered_by_event(name).is_empty(),
            EventBody::Identify { .. } | EventBody::Consent(_) | EventBody::StopsLifted(_) => false,
        };
        found.push(Idle {
            did,
            known,
            customer: loaded.customer.key(),
            partition: partition.id(),
            at,
            number,
            origin,
            began_us: times_us.0,
            decided_us: times_us.1,
            durable_us: times_us.1,
            event,
        });
    }
    found
}

/// What an event did, by the items behind it; none if it touched an enrollment.
fn recorded(behind: &[HistoryItem]) -> Option<Did> {
    let next = |item: &&HistoryItem| !matches!(item, HistoryItem::Event(_));
    let mut refused = Vec::new();
    for item in behind.iter().take_while(next) {
        if enrollment_of(item).is_some() {
            return None;
        }
        if let HistoryItem::NotEntered { journey, reason } = item {
            refused.push((journey.clone(), *reason));
        }
    }
    Some(Did::Recorded(refused))
}
