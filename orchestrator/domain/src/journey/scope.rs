//! What expressions of a journey can read: the customer, the event, the enrollment, its steps.
//!
//! ```text
//! customer.id  customer.zone  customer.created_at
//! customer.traits.<name>  customer.events["<name>"].count | first | last
//! customer.segments                       names of the segments it is a member of
//! event.name  event.properties.<name>  event.occurred_at  event.received_at
//! enrollment.id  enrollment.journey  enrollment.key  enrollment.entered_at
//! steps.<id>.outcome                      ids with other signs: steps["cart-1"].outcome
//! now                                     milliseconds since 1970, like every instant
//! ```

use std::sync::Arc;

use crate::customer::{Counter, Customer};
use crate::expression::Scope;
use crate::ids::EventName;
use crate::journey::definition::Journey;
use crate::journey::enrollment::{Enrollment, Trigger};
use crate::time::Instant;
use crate::value::{Map, Text, Value};

/// The event that an expression sees as `event`, by reference.
#[derive(Clone, Copy, Debug)]
pub struct EventView<'a> {
    /// Its name, for `track` events.
    pub name: Option<&'a EventName>,
    /// Its properties.
    pub properties: &'a Map,
    /// When it happened.
    pub occurred_at: Instant,
    /// When it was received.
    pub received_at: Instant,
}

impl<'a> EventView<'a> {
    /// The event that enrolled somebody.
    pub fn of_trigger(trigger: &'a Trigger) -> Self {
        Self {
            name: trigger.event.as_ref(),
            properties: &trigger.properties,
            occurred_at: trigger.occurred_at,
            received_at: trigger.received_at,
        }
    }
}

/// What an expression can read at one moment of one customer.
#[derive(Clone, Copy, Debug)]
pub struct EnrollmentScope<'a> {
    customer: &'a Customer,
    event: Option<EventView<'a>>,
    enrollment: Option<(&'a Journey, &'a Enrollment)>,
    now: Instant,
}

impl<'a> EnrollmentScope<'a> {
    /// Inside an enrollment: `event` is what enrolled the customer.
    pub fn new(
        customer: &'a Customer,
        journey: &'a Journey,
        enrollment: &'a Enrollment,
        now: Instant,
    ) -> Self {
        let event = Some(EventView::of_trigger(&enrollment.trigger));
        Self { customer, event, enrollment: Some((journey, enrollment)), now }
    }

    /// Inside an enrollment, looking at an event that has just come.
    pub fn with_event(self, event: EventView<'a>) -> Self {
        Self { event: Some(event), ..self }
    }

    /// Outside of enrollments: entries and segments.
    pub fn of_customer(customer: &'a Customer, event: Option<EventView<'a>>, now: Instant) -> Self {
        Self { customer, event, enrollment: None, now }
    }
}

/// What a rule of the contact policy can read of a customer: her traits and nothing else.
#[derive(Clone, Copy, Debug)]
pub struct TraitsScope<'a>(pub &'a Map);

impl Scope for TraitsScope<'_> {
    fn get(&self, path: &[Arc<str>]) -> Option<Value> {
        match path {
            [root, field, rest @ ..] if &**root == "customer" && &**field == "traits" => {
                within(self.0, rest)
            }
            _ => None,
        }
    }
}

fn text(text: &str) -> Option<Value> {
    Some(Value::from(text))
}

fn at(instant: Instant) -> Option<Value> {
    Some(Value::Int(instant.0))
}

/// The value at the rest of a path inside a map.
fn within(map: &Map, path: &[Arc<str>]) -> Option<Value> {
    let Some((first, rest)) = path.split_first() else {
        return Some(Value::Map(map.clone()));
    };
    let mut value = map.get(first)?;
    for name in rest {
        let Value::Map(map) = value else {
            return None;
        };
        value = map.get(name)?;
    }
    Some(value.clone())
}

fn counter(counter: &Counter, path: &[Arc<str>]) -> Option<Value> {
    let count = Value::Int(i64::try_from(counter.count).unwrap_or(i64::MAX));
    match path.first().map(|name| &**name) {
        None => Some(Value::Map(Map::from([
            (Text::from("count"), count),
            (Text::from("first"), Value::Int(counter.first.0)),
            (Text::from("last"), Value::Int(counter.last.0)),
        ]))),
        Some("count") => Some(count),
        Some("first") => at(counter.first),
        Some("last") => at(counter.last),
        Some(_) => None,
    }
}

fn customer_value(customer: &Customer, path: &[Arc<str>]) -> Option<Value> {
    let (first, rest) = path.split_first()?;
    match &**first {
        "id" => text(customer.id.as_str()),
        "zone" => text(customer.zone.as_ref()?.name()),
        "created_at" => at(customer.created_at),
        "traits" => within(&customer.traits, rest),
        "events" => match rest.split_first() {
            Some((name, rest)) => match customer.counters.get(&**name) {
                Some(known) => counter(known, rest),
                // An event that never came has happened zero times: a number, not an error.
                None if rest.first().is_some_and(|field| &**field == "count") => {
                    Some(Value::Int(0))
                }
                None => None,
            },
            None => Some(Value::Map(
                customer
                    .counters
                    .iter()
                    .filter_map(|(name, known)| {
                        Some((Text::from(name.as_str()), counter(known, &[])?))
                    })
                    .collect(),
            )),
        },
        "segments" => Some(Value::List(
            customer.segments.iter().map(|name| Value::from(name.as_str())).collect(),
        )),
        _ => None,
    }
}

fn event_value(event: &EventView<'_>, path: &[Arc<str>]) -> Option<Value> {
    let (first, rest) = path.split_first()?;
    match &**first {
        "name" => text(event.name?.as_str()),
        "properties" => within(event.properties, rest),
        "occurred_at" => at(event.occurred_at),
        "received_at" => at(event.received_at),
        _ => None,
    }
}

fn enrollment_value(
    journey: &Journey,
    enrollment: &Enrollment,
    path: &[Arc<str>],
) -> Option<Value> {
    match &**path.first()? {
        "id" => text(&enrollment.id.to_string()),
        "journey" => text(journey.name.as_str()),
        "key" => text(&enrollment.key),
        "entered_at" => at(enrollment.entered_at),
        _ => None,
    }
}

fn step_value(journey: &Journey, enrollment: &Enrollment, path: &[Arc<str>]) -> Option<Value> {
    let (id, rest) = path.split_first()?;
    if rest.first().is_some_and(|field| &**field != "outcome") {
        return None;
    }
    let outcome = text(enrollment.outcome(journey.node_by_id(id)?)?);
    if rest.is_empty() {
        return Some(Value::Map(Map::from([(Text::from("outcome"), outcome?)])));
    }
    outcome
}

impl Scope for EnrollmentScope<'_> {
    fn get(&self, path: &[Arc<str>]) -> Option<Value> {
        let (root, rest) = path.split_first()?;
        match &**root {
            "customer" => customer_value(self.customer, rest),
            "event" => event_value(self.event.as_ref()?, rest),
            "enrollment" => enrollment_value(self.enrollment?.0, self.enrollment?.1, rest),
            "steps" => step_value(self.enrollment?.0, self.enrollment?.1, rest),
            "now" => at(self.now),
            _ => None,
        }
    }
}
