//! What the simulated business does: journeys that use every kind of send (a webhook and an
//! audience among them), wait and ending, one frequency cap, and the events of a few customers.

use domain::event::EventBody;
use domain::ids::EventName;
use domain::value::{Map, Text, Value};
use serde_json::json;

use super::faults::Rng;
use crate::engine::given::{AUDIENCE, Given};

/// Marketing messages per customer in any [`CAP_WINDOW_MS`].
pub(crate) const CAP_LIMIT: usize = 2;
/// The window of the cap: 6 hours.
pub(crate) const CAP_WINDOW_MS: i64 = 6 * 3_600_000;
/// The events of the scenario, with the journey that each enters.
pub(crate) const ENTERED_BY: [(&str, &str); 3] =
    [("Signed Up", "welcome"), ("Cart Updated", "cart"), ("Order Completed", "receipt")];

/// Waits without an event, the step after each, and their length in milliseconds.
pub(crate) const WAITS: [(&str, &str, i64); 2] =
    [("three-hours", "thank", 3 * 3_600_000), ("two-hours", "remind", 2 * 3_600_000)];

/// The definitions.
pub(crate) fn definitions() -> Given {
    Given::new()
        .cost("email", 700, 3)
        .rules(json!([{"name": "two-in-six-hours", "frequency_cap": {
            "limit": CAP_LIMIT, "window": {"rolling": "PT6H"}, "counts": "accepted",
            "scope": {"classes": ["marketing"]}}}]))
        .journey(
            "welcome",
            json!({
            "enter": {"event": "Signed Up", "reentry": "parallel"},
            "max_event_age": "P9D",
            "steps": [
                {"send": {"id": "greet", "channels": [{"email": "hello"}], "class": "marketing",
                    "valid_for": "P2D"}},
                {"wait": {"id": "three-hours", "for": "PT3H"}},
                {"send": {"id": "thank", "channels": [{"email": "hello"}], "class": "transactional",
                    "valid_for": "P2D"}},
                {"audience": {"id": "leave", "leave": AUDIENCE}},
                {"wait": {"id": "half-hour", "for": "PT30M"}}]}),
        )
        .journey(
            "cart",
            json!({
            "enter": {"event": "Cart Updated", "reentry": "parallel"},
            "goal": {"event": "Order Completed"},
            "catch_up": {"spread": {"over": "PT1H"}},
            "max_event_age": "P9D",
            "steps": [
                {"wait": {"id": "two-hours", "for": "PT2H"}},
                {"send": {"id": "remind", "channels": [{"email": "hello"}], "class": "marketing",
                    "valid_for": "PT12H", "priority": 80}},
                {"wait": {"id": "sign-up", "until": {"event": "Signed Up"}, "for": "PT4H"}},
                {"send": {"id": "insist", "channels": [{"email": "hello"}], "class": "marketing",
                    "valid_for": "P1D"}}]}),
        )
        .journey(
            "receipt",
            json!({
            "enter": {"event": "Order Completed", "reentry": "parallel"},
            "max_event_age": "P9D",
            "steps": [
                {"send": {"id": "receipt", "channels": [{"email": "hello"}],
                    "class": "transactional", "valid_for": "P2D"}},
                {"webhook": {"id": "tell", "channel": "email", "valid_for": "P2D"}},
                {"audience": {"id": "join", "join": AUDIENCE}}]}),
        )
}

/// What the client has to tell: each customer's address and consent first, then `events` events.
pub(crate) fn told(rng: &mut Rng, customers: usize, events: usize) -> Vec<(String, EventBody)> {
    let mut told = Vec::new();
    for customer in 0..customers {
        let id = format!("customer-{customer}");
        let address = format!("{id}@example.com");
        let traits = Map::from([(Text::from("email"), Value::from(address.as_str()))]);
        told.push((id.clone(), EventBody::Identify { traits }));
        told.push((id, EventBody::Consent(crate::engine::given::granted())));
    }
    for _ in 0..events {
        let id = format!("customer-{}", rng.index(customers));
        let name = match rng.below(6) {
            0 | 1 => "Signed Up",
            2 | 3 => "Cart Updated",
            4 => "Order Completed",
            _ => "Page Viewed",
        };
        let name = EventName::from(name);
        told.push((id, EventBody::Track { name, properties: Map::new() }));
    }
    told
}
