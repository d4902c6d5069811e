//! Last part of an input's turn: entries.

use std::sync::Arc;

use domain::customer::{ENROLLMENTS_BYTES_MAX, ENROLLMENTS_MAX, ENTRY_MEMORY_MAX, EntryMemory};
use domain::event::{Event, EventBody};
use domain::hash;
use domain::ids::{EnrollmentId, JourneyName, SegmentName, VersionNo};
use domain::journey::definition::{Entry, Journey, Reentry};
use domain::journey::enrollment::{Enrollment, State, Trigger};
use domain::journey::machine::{self, Input as Told, Progress, World};
use domain::journey::scope::{EnrollmentScope, EventView};
use domain::time::Instant;
use domain::value::{Map, Text, Value};

use crate::catalog::{Catalog, Control};
use crate::counters::CounterKey;
use crate::history::{HistoryItem, NotEntered};
use crate::profile::SegmentEdges;
use crate::turn::{Begun, Loaded};

/// Entries by this event and by the segments that it has changed, by journey name.
pub(crate) fn by_event(
    loaded: &mut Loaded,
    event: &Arc<Event>,
    edges: &SegmentEdges,
    catalog: &Catalog,
    begun: &mut Begun,
) {
    let by_name = match &event.body {
        EventBody::Track { name, .. } => catalog.entered_by_event(name),
        EventBody::Identify { .. } | EventBody::Consent(_) | EventBody::StopsLifted(_) => &[],
    };
    let mut candidates = by_edges(edges, catalog);
    if !candidates.is_empty() {
        candidates.extend(by_name);
        candidates.sort_by_key(|version| catalog.version(*version).map(|j| j.name.clone()));
    }
    // Those of an event alone are in order already.
    let candidates = if candidates.is_empty() { by_name } else { &candidates };
    for version in candidates {
        let trigger = Trigger::from_event(event);
        try_enter(loaded, *version, None, trigger, catalog, begun);
    }
}

fn by_edges(edges: &SegmentEdges, catalog: &Catalog) -> Vec<VersionNo> {
    let of = |name: &SegmentName| catalog.entered_by_segment(name).to_vec();
    let mut versions: Vec<_> = edges.entered.iter().flat_map(of).collect();
    versions.extend(edges.backfilled.iter().flat_map(of).filter(|version| {
        let entry = catalog.version(*version).map(|journey| &journey.entry);
        matches!(entry, Some(Entry::Segment { backfill: true, .. }))
    }));
    versions
}

/// Entries by segments, at an input that is no event.
pub(crate) fn by_segments(
    loaded: &mut Loaded,
    edges: &SegmentEdges,
    catalog: &Catalog,
    begun: &mut Begun,
) {
    let mut candidates = by_edges(edges, catalog);
    candidates.sort_by_key(|version| catalog.version(*version).map(|j| j.name.clone()));
    for version in candidates {
        try_enter(loaded, version, None, moment(Map::new(), begun.now), catalog, begun);
    }
}

/// A trigger that is no event: it happens now.
pub(crate) fn moment(properties: Map, now: Instant) -> Trigger {
    Trigger { event: None, properties, occurred_at: now, received_at: now }
}

/// Entry by a tick of a schedule, for members of its segment. The tick is the key's second half,
/// so that a tick that is told twice enrolls once.
pub(crate) fn by_tick(
    loaded: &mut Loaded,
    version: VersionNo,
    instant: Instant,
    catalog: &Catalog,
    begun: &mut Begun,
) {
    let Some(journey) = catalog.version(version) else {
        return;
    };
    if let Entry::Schedule { segment: Some(segment), .. } = &journey.entry
        && !loaded.customer.segments.contains(segment)
    {
        return;
    }
    let tick = format!("{instant}");
    let known = hash::text(&tick);
    let customer = &mut loaded.customer;
    let seen =
        customer.entries.iter().any(|entry| entry.journey == journey.name && entry.key == known);
    if seen {
        return;
    }
    // One tick is remembered per schedule: older ones cannot be told again, the cursor is past.
    customer.entries.retain(|entry| entry.journey != journey.name);
    let memory = EntryMemory { journey: journey.name.clone(), key: known, exited_at: None };
    customer.entries.push(memory);
    begun.changed = true;
    let trigger = moment(Map::new(), begun.now);
    try_enter(loaded, version, Some(Text::from(tick.as_str())), trigger, catalog, begun);
}

/// Entry by the API.
pub(crate) fn by_api(
    loaded: &mut Loaded,
    journey: &JourneyName,
    key: Text,
    payload: Map,
    catalog: &Catalog,
    begun: &mut Begun,
) {
    if let Some((version, _)) = catalog.current(journey) {
        let trigger = moment(payload, begun.now);
        try_enter(loaded, version, Some(key), trigger, catalog, begun);
    }
}

/// Checks one journey's entry, and enters or records why not.
fn try_enter(
    loaded: &mut Loaded,
    version: VersionNo,
    key: Option<Text>,
    trigger: Trigger,
    catalog: &Catalog,
    begun: &mut Begun,
) {
    let Some(journey) = catalog.version(version).cloned() else {
        return;
    };
    let checked = check(loaded, &journey, key, &trigger, catalog, begun.now);
    match checked {
        Ok(key) => enter(loaded, version, &journey, key, trigger, catalog, begun),
        Err(Some(reason)) => {
            let journey = journey.name.clone();
            begun.record(HistoryItem::NotEntered { journey, reason });
        }
        Err(None) => {}
    }
}

/// The entry key, or why not. `Err(None)` is the everyday case of a condition that does not hold:
/// recording it for every event would drown the history.
fn check(
    loaded: &Loaded,
    journey: &Journey,
    key: Option<Text>,
    trigger: &Trigger,
    catalog: &Catalog,
    now: Instant,
) -> Result<Text, Option<NotEntered>> {
    let view = EventView::of_trigger(trigger);
    let scope = EnrollmentScope::of_customer(&loaded.customer, Some(view), now);
    let mut entry_key = key;
    if let Entry::Event { matching, key } = &journey.entry {
        if matching.when.as_ref().is_some_and(|when| !when.evaluate_bool(&scope).unwrap_or(false)) {
            return Err(None);
        }
        entry_key = match key.as_ref().map(|key| key.evaluate(&scope)) {
            None => entry_key,
            Some(Ok(value)) => Some(key_text(&value).ok_or(Some(NotEntered::NoKey))?),
            Some(Err(_)) => return Err(Some(NotEntered::NoKey)),
        };
    }
    let key = entry_key.unwrap_or_else(|| Text::from(""));
    match catalog.control(&journey.name) {
        Control::Running => {}
        Control::Paused => return Err(Some(NotEntered::Paused)),
        // Who is enrolled by name is told; events go on for ever, and would drown the history.
        Control::Stopped if matches!(journey.entry, Entry::Api) => {
            return Err(Some(NotEntered::Stopped));
        }
        Control::Stopped => return Err(None),
    }
    let age = trigger.received_at.ms_since(trigger.occurred_at);
    if age > journey.max_event_age.elapsed_ms() {
        return Err(Some(NotEntered::TooOld));
    }
    if !may_reenter(loaded, journey, &key, catalog, now) {
        return Err(Some(NotEntered::Reentry));
    }
    let remembers = matches!(journey.reentry, Reentry::Never | Reentry::After(_));
    let bytes = loaded.customer.enrollments_bytes() + key.len() + trigger.bytes();
    if loaded.customer.enrollments.len() >= ENROLLMENTS_MAX
        || bytes > ENROLLMENTS_BYTES_MAX
        || (remembers && loaded.customer.entries.len() >= ENTRY_MEMORY_MAX)
    {
        return Err(Some(NotEntered::Limit));
    }
    Ok(key)
}

fn key_text(value: &Value) -> Option<Text> {
    match value {
        Value::Text(text) => Some(text.clone()),
        Value::Int(int) => Some(Text::from(int.to_string().as_str())),
        Value::Bool(bool) => Some(Text::from(bool.to_string().as_str())),
        Value::Float(float) => Some(Text::from(float.to_string().as_str())),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}

fn may_reenter(
    loaded: &Loaded,
    journey: &Journey,
    key: &str,
    catalog: &Catalog,
    now: Instant,
) -> bool {
    let customer = &loaded.customer;
    let active = || {
        customer.enrollments.iter().any(|enrollment| {
            &*enrollment.key == key
                && catalog
                    .version(enrollment.version)
                    .is_some_and(|other| other.name == journey.name)
        })
    };
    let memory = || {
        let hash = hash::text(key);
        customer.entries.iter().find(|known| known.journey == journey.name && known.key == hash)
    };
    match &journey.reentry {
        Reentry::Parallel => true,
        Reentry::AfterExit => !active(),
        Reentry::Never => !active() && memory().is_none(),
        Reentry::After(span) => {
            let zone = catalog.zone(customer.zone.as_ref());
            !active()
                && memory().is_none_or(|known| {
                    known.exited_at.is_some_and(|exited| span.after(exited, zone) <= now)
                })
        }
    }
}

fn enter(
    loaded: &mut Loaded,
    version: VersionNo,
    journey: &Arc<Journey>,
    key: Text,
    trigger: Trigger,
    catalog: &Catalog,
    begun: &mut Begun,
) {
    let customer = &mut loaded.customer;
    customer.entries_made += 1;
    let id = EnrollmentId::derive(customer.key(), &journey.name, &key, customer.entries_made);
    if matches!(journey.reentry, Reentry::Never | Reentry::After(_)) {
        let hash = hash::text(&key);
        customer.entries.retain(|known| !(known.journey == journey.name && known.key == hash));
        let memory = EntryMemory { journey: journey.name.clone(), key: hash, exited_at: None };
        customer.entries.push(memory);
    }
    begun.record(HistoryItem::Entered {
        journey: journey.name.clone(),
        enrollment: id,
        key: key.clone(),
    });
    begun.deltas.push((CounterKey::Entered(version), 1));
    let mut enrollment = machine::new_enrollment(id, version, key, trigger, begun.at);
    let zone = customer.zone.clone();
    let zone = catalog.zone(zone.as_ref());
    let mut world = World { customer, zone, effects: &mut begun.moves };
    let progress = machine::advance(journey, &mut enrollment, Told::Enter, &mut world, begun.at);
    begun.moved(id, version, journey);
    match progress {
        Progress::Exited(_) => remember_exit(loaded, journey, &enrollment, begun.now),
        Progress::Standing => {
            begun.wants_gate |= matches!(enrollment.state, State::Sending(_));
            loaded.customer.enrollments.push(enrollment);
        }
    }
}

/// Notes the exit where a re-entry rule counts from it.
pub(crate) fn remember_exit(
    loaded: &mut Loaded,
    journey: &Journey,
    enrollment: &Enrollment,
    now: Instant,
) {
    if !matches!(journey.reentry, Reentry::Never | Reentry::After(_)) {
        return;
    }
    let hash = hash::text(&enrollment.key);
    let known = loaded
        .customer
        .entries
        .iter_mut()
        .find(|known| known.journey == journey.name && known.key == hash);
    if let Some(known) = known {
        known.exited_at = Some(now);
    }
}
