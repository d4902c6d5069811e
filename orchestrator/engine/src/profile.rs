//! First part of an event's turn: dedupe, profile, counters, segments (semantics 1).

use std::sync::Arc;

use domain::event::{Event, EventBody};
use domain::ids::SegmentName;
use domain::journey::enrollment::State;
use domain::journey::scope::{EnrollmentScope, EventView};
use domain::time::Instant;

use crate::catalog::Catalog;
use crate::codec;
use crate::history::HistoryItem;
use crate::transaction::{Table, Write};
use crate::turn::{Begun, Loaded};

/// Remembers the message. False if it was seen before: nothing else may happen then.
pub(crate) fn remember(
    loaded: &mut Loaded,
    event: &Event,
    partition: u16,
    begun: &mut Begun,
) -> bool {
    let (id, for_good) = event.identity();
    if loaded.has_seen(id, event.received_at) {
        return false;
    }
    let customer = &mut loaded.customer;
    if let Some(block) = customer.seen.remember(id, event.received_at, for_good) {
        begun.writes.push(Write {
            table: Table::Meta,
            key: codec::spill_key(partition, customer.key(), block.number),
            value: Some(codec::encode(&block)),
        });
        loaded.add_spilled(&block);
    }
    true
}

/// Merges the event into the profile and the counters.
pub(crate) fn apply(loaded: &mut Loaded, event: &Arc<Event>, catalog: &Catalog, begun: &mut Begun) {
    begun.record(HistoryItem::Event(event.clone()));
    let customer = &mut loaded.customer;
    match &event.body {
        EventBody::Track { name, .. } => {
            if !customer.count(name, event.occurred_at) {
                begun.record(HistoryItem::NotCounted);
            }
        }
        EventBody::Identify { traits } => {
            let zone = customer.zone.clone();
            let set = customer.set_traits(traits);
            if !set.zone_known {
                begun.record(HistoryItem::UnknownZone);
            }
            if !set.not_kept.is_empty() {
                begun.record(HistoryItem::TraitsNotKept(set.not_kept));
            }
            if customer.zone != zone {
                follow_zone(loaded, catalog);
            }
        }
        EventBody::Consent(change) => {
            let origin = event.customer.key();
            customer.consent.record_as(origin, change.clone(), event.occurred_at);
        }
        // What was stopped since then is stopped again.
        EventBody::StopsLifted(channel) => customer
            .suppressions
            .retain(|stop| stop.channel != *channel || stop.since > event.occurred_at),
    }
}

/// A change of zone moves what waits for a local time (semantics 14). An instant that has passed
/// in the new zone is due at once.
pub(crate) fn follow_zone(loaded: &mut Loaded, catalog: &Catalog) {
    let customer = &mut loaded.customer;
    let zone = catalog.zone(customer.zone.as_ref());
    for enrollment in &mut customer.enrollments {
        if let State::Waiting { due: Some(due), due_at, .. } = &mut enrollment.state
            && due.follows_zone()
        {
            *due_at = due.resolve(zone);
        }
    }
}

/// Which segments the customer has just come into.
///
/// Definitions that are newer than the customer's last evaluation get a baseline from the state
/// before this input; members at that moment count as new only where `backfill` says so.
#[derive(Debug, Default)]
pub(crate) struct SegmentEdges {
    /// Segments entered at this input.
    pub entered: Vec<SegmentName>,
    /// Segments that it was a member of when they were published.
    pub backfilled: Vec<SegmentName>,
}

/// Evaluates definitions that this customer has not met yet, before the input changes anything.
pub(crate) fn baseline(loaded: &mut Loaded, catalog: &Catalog, now: Instant) -> SegmentEdges {
    let parts = catalog.parts();
    let customer = &mut loaded.customer;
    let mut edges = SegmentEdges::default();
    if customer.segments_revision == parts.segments_revision {
        return edges;
    }
    let known = customer.segments_revision;
    customer.segments_revision = parts.segments_revision;
    // A segment that is gone must not be remembered as a membership.
    customer.segments.retain(|name| {
        parts.segments.iter().any(|segment| segment.name == *name && segment.since <= known)
    });
    if !loaded.recorded {
        // Nobody was a member of anything before the first word of her.
        return edges;
    }
    for segment in parts.segments.iter().filter(|segment| segment.since > known) {
        let scope = EnrollmentScope::of_customer(customer, None, now);
        if segment.when.evaluate_bool(&scope).unwrap_or(false) {
            edges.backfilled.push(segment.name.clone());
        }
    }
    for name in &edges.backfilled {
        join(&mut customer.segments, name);
    }
    edges
}

fn join(segments: &mut Vec<SegmentName>, name: &SegmentName) {
    if let Err(at) = segments.binary_search(name) {
        segments.insert(at, name.clone());
    }
}

/// Evaluates every segment after the input and finds the edges.
pub(crate) fn edges(
    loaded: &mut Loaded,
    catalog: &Catalog,
    event: Option<EventView<'_>>,
    begun: &mut Begun,
    edges: &mut SegmentEdges,
) {
    let customer = &mut loaded.customer;
    for segment in &catalog.parts().segments {
        let scope = EnrollmentScope::of_customer(customer, event, begun.now);
        let member = segment.when.evaluate_bool(&scope).unwrap_or(false);
        match (customer.segments.binary_search(&segment.name), member) {
            (Err(at), true) => {
                customer.segments.insert(at, segment.name.clone());
                edges.entered.push(segment.name.clone());
                begun.record(HistoryItem::SegmentEntered(segment.name.clone()));
            }
            (Ok(at), false) => {
                customer.segments.remove(at);
                begun.record(HistoryItem::SegmentLeft(segment.name.clone()));
            }
            (Ok(_), true) | (Err(_), false) => {}
        }
    }
}
