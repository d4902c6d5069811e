//! The shop's events as the calls that an application would have sent, for the event debugger; and
//! the calls of an old till that gets them wrong.

use domain::event::{Event, EventBody};
use domain::hash;
use domain::time::Instant;
use domain::value::to_json_map;
use serde_json::{Value, json};

use crate::telemetry::metrics::{EventResult, EventType};
use crate::web::Site;
use crate::web::api::tracking;
use crate::web::live_events::{Seen, Verdict};

/// What the shop is called as a source.
const SHOP: &str = "shop";
/// What the till is called.
const TILL: &str = "old-till";
/// Of so many events of the shop the till spoils one: rare enough for a page to show good ones,
/// often enough to be seen within seconds.
const SPOILT_ONE_IN: u64 = 150;

/// An event as the call that says it.
fn call(event: &Event) -> Value {
    let mut call = json!({
        "userId": event.customer.as_str(),
        "messageId": event.message_id,
        "timestamp": event.occurred_at.to_string(),
    });
    match &event.body {
        EventBody::Track { name, properties } => {
            call["type"] = "track".into();
            call["event"] = name.as_str().into();
            call["properties"] = to_json_map(properties);
        }
        EventBody::Identify { traits } => {
            call["type"] = "identify".into();
            call["traits"] = to_json_map(traits);
        }
        EventBody::Consent(change) => {
            call["type"] = "identify".into();
            call["consent"] = json!([change]);
        }
        // No till says so.
        EventBody::StopsLifted(_) => {}
    }
    call
}

/// A call as the till would have sent it: without a customer, with a date that nobody can read,
/// without a name, or cut off.
fn spoilt(event: &Event) -> String {
    let mut call = call(event);
    call["type"] = "track".into();
    call["event"] = "Receipt Printed".into();
    let fields = call.as_object_mut();
    match (fields, hash::bucket("demo-till-how", event.message_id.as_bytes(), 4)) {
        (Some(fields), 0) => drop(fields.remove("userId")),
        (Some(fields), 1) => drop(fields.insert("timestamp".to_owned(), "02/03/26 9h".into())),
        (Some(fields), 2) => drop(fields.remove("event")),
        _ => return call.to_string().chars().take(60).collect(),
    }
    call.to_string()
}

/// Whether the till spoils a call at this event: depends on the event alone.
fn is_spoilt(event: &Event) -> bool {
    hash::bucket("demo-till", event.message_id.as_bytes(), SPOILT_ONE_IN) == 0
}

/// Counts events that were taken in, and shows them if somebody looks; and hands in what the till
/// makes of some. Its calls go through the reader of the tracking API, which says what is wrong.
pub(super) fn show(site: &Site, events: &[Event], now: Instant) {
    let mut seen = Vec::new();
    if site.live_events.is_watched() {
        let taken = |event| Seen::new(now, SHOP, None, &call(event).to_string(), Verdict::Accepted);
        seen.extend(events.iter().map(taken));
    }
    for event in events {
        let kind = match event.body {
            EventBody::Track { .. } => EventType::Track,
            EventBody::Identify { .. } | EventBody::Consent(_) => EventType::Identify,
            EventBody::StopsLifted(_) => EventType::Other,
        };
        site.metrics.events(kind, EventResult::Accepted, 1);
    }
    for text in events.iter().filter(|event| is_spoilt(event)).map(spoilt) {
        if let Err((code, detail)) = tracking::read(&text, None, now) {
            site.metrics.events(EventType::Other, EventResult::Rejected, 1);
            let verdict = Verdict::Rejected { code: code.row().code.into(), detail };
            seen.push(Seen::new(now, TILL, None, &text, verdict));
        }
    }
    if !seen.is_empty() {
        site.live_events.push(seen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::{Life, START_MS};

    #[test]
    fn calls_of_the_shop_are_read_as_the_events_that_they_say() {
        let mut life = Life::new(1, 500, Instant(START_MS));
        let end = Instant(START_MS).plus_ms(3 * 86_400_000);
        let mut kinds = [0; 3];
        while let Some(event) = life.next(end) {
            let read = tracking::read(&call(&event).to_string(), None, event.received_at);
            let Ok(tracking::Item::Events(read)) = read else { panic!("{event:?}: {read:?}") };
            // A consent comes in a call of its own, which says no traits.
            let (last, before) = read.split_last().expect("a call says something");
            let is_consent = matches!(event.body, EventBody::Consent(_));
            assert_eq!(before.len(), usize::from(is_consent), "{event:?}");
            assert_eq!((&last.customer, &last.body), (&event.customer, &event.body));
            assert_eq!(last.occurred_at, event.occurred_at);
            kinds[usize::from(is_consent)] += 1;
            kinds[2] += usize::from(is_spoilt(&event));
            assert!(tracking::read(&spoilt(&event), None, event.received_at).is_err());
        }
        assert!(kinds.iter().all(|count| *count > 0), "{kinds:?}");
    }
}
