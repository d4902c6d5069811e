//! Second part of an input's turn: what it means for the customer's active enrollments.

use std::sync::Arc;

use domain::customer::Customer;
use domain::event::{Event, EventBody};
use domain::ids::{EnrollmentId, EventName, VersionNo};
use domain::journey::definition::{EventMatch, Journey};
use domain::journey::enrollment::{Enrollment, ExitReason, Phase, State};
use domain::journey::machine::{self, Effect as Moved, Input as Told, Progress, World};
use domain::journey::scope::{EnrollmentScope, EventView};
use domain::journey::steps::{Send, Step};
use domain::time::Instant;

use crate::audience;
use crate::catalog::{Catalog, Control};
use crate::counters::CounterKey;
use crate::history::HistoryItem;
use crate::turn::{Begun, Loaded};

/// Events that tell what a receiver did with a message. A wait for one of them means the nearest
/// preceding send of its enrollment, unless the wait has a filter of its own (semantics 9).
const ENGAGEMENT_EVENTS: [&str; 8] = [
    "Email Delivered",
    "Email Opened",
    "Email Clicked",
    "Email Bounced",
    "Email Complained",
    "Email Unsubscribed",
    "SMS Delivered",
    "SMS Received",
];

/// Enrollments for which something holds, in the order of their journeys' names, then of entry.
fn enrollments_where(
    loaded: &Loaded,
    catalog: &Catalog,
    holds: impl Fn(&Enrollment) -> bool,
) -> Vec<(Instant, EnrollmentId, VersionNo)> {
    let found = loaded.customer.enrollments.iter().filter(|enrollment| holds(enrollment));
    let mut found: Vec<_> =
        found.map(|enrollment| (enrollment.next_at(), enrollment.id, enrollment.version)).collect();
    if found.len() > 1 {
        found.sort_by_key(|(_, _, version)| {
            catalog.version(*version).map(|journey| journey.name.clone())
        });
    }
    found
}

/// Tells one enrollment something and takes over what came of it. True if it ended.
pub(crate) fn tell(
    loaded: &mut Loaded,
    at: usize,
    told: Told<'_>,
    catalog: &Catalog,
    begun: &mut Begun,
) -> bool {
    let version = loaded.customer.enrollments[at].version;
    let Some(journey) = catalog.version(version).cloned() else {
        return false;
    };
    let zone = loaded.customer.zone.clone();
    let zone = catalog.zone(zone.as_ref());
    let now = begun.at;
    // The enrollment is taken out while it is advanced: the machine may change the customer.
    let mut enrollment = loaded.customer.enrollments.remove(at);
    let zone_before = loaded.customer.zone.clone();
    let mut world = World { customer: &mut loaded.customer, zone, effects: &mut begun.moves };
    let progress = machine::advance(&journey, &mut enrollment, told, &mut world, now);
    begun.changed = true;
    begun.moved(enrollment.id, version, &journey);
    let ended = matches!(progress, Progress::Exited(_));
    if ended {
        crate::enroll::remember_exit(loaded, &journey, &enrollment, now);
    } else {
        begun.wants_gate |= matches!(enrollment.state, State::Sending(_));
        loaded.customer.enrollments.insert(at, enrollment);
    }
    if loaded.customer.zone != zone_before {
        crate::profile::follow_zone(loaded, catalog);
    }
    ended
}

/// Ends one enrollment from outside; a message that it still held is withdrawn.
pub(crate) fn end(
    loaded: &mut Loaded,
    at: usize,
    reason: ExitReason,
    catalog: &Catalog,
    begun: &mut Begun,
) {
    let enrollment = loaded.customer.enrollments.remove(at);
    if let State::Sending(sending) = &enrollment.state {
        begun.record(HistoryItem::Withdrawn { send: sending.send });
    }
    let Some(journey) = catalog.version(enrollment.version).cloned() else {
        return;
    };
    begun.moves.push(Moved::Left(enrollment.at));
    begun.moves.push(Moved::Exited(reason));
    begun.moved(enrollment.id, enrollment.version, &journey);
    crate::enroll::remember_exit(loaded, &journey, &enrollment, begun.now);
}

fn matches(
    wanted: &EventMatch,
    name: &EventName,
    loaded: &Loaded,
    journey: &Journey,
    enrollment: &Enrollment,
    event: EventView<'_>,
    now: Instant,
) -> bool {
    if wanted.event != *name {
        return false;
    }
    let scope = EnrollmentScope::new(&loaded.customer, journey, enrollment, now).with_event(event);
    wanted.when.as_ref().is_none_or(|when| when.evaluate_bool(&scope).unwrap_or(false))
}

/// Goals, then exits, then waits, each by journey name (semantics 1).
pub(crate) fn event(loaded: &mut Loaded, event: &Arc<Event>, catalog: &Catalog, begun: &mut Begun) {
    let EventBody::Track { name, properties } = &event.body else {
        return;
    };
    if loaded.customer.enrollments.is_empty() {
        return;
    }
    let view = EventView {
        name: Some(name),
        properties,
        occurred_at: event.occurred_at,
        received_at: event.received_at,
    };
    end_matching(loaded, catalog, begun, ExitReason::Goal, |loaded, journey, enrollment, now| {
        reaches_goal(loaded, journey, enrollment, name, view, catalog, now)
    });
    end_matching(
        loaded,
        catalog,
        begun,
        ExitReason::ExitCondition,
        |loaded, journey, enrollment, now| {
            journey
                .exits
                .iter()
                .any(|exit| matches(exit, name, loaded, journey, enrollment, view, now))
        },
    );
    waits(loaded, name, view, catalog, begun);
}

fn end_matching(
    loaded: &mut Loaded,
    catalog: &Catalog,
    begun: &mut Begun,
    reason: ExitReason,
    ends: impl Fn(&Loaded, &Journey, &Enrollment, Instant) -> bool,
) {
    let now = begun.now;
    let ending = enrollments_where(loaded, catalog, |enrollment| {
        let journey = catalog.version(enrollment.version);
        journey.is_some_and(|journey| ends(loaded, journey, enrollment, now))
    });
    for (_, id, _) in ending {
        if let Some(at) = position(loaded, id) {
            end(loaded, at, reason.clone(), catalog, begun);
        }
    }
}

pub(crate) fn position(loaded: &Loaded, id: EnrollmentId) -> Option<usize> {
    loaded.customer.enrollments.iter().position(|enrollment| enrollment.id == id)
}

fn reaches_goal(
    loaded: &Loaded,
    journey: &Journey,
    enrollment: &Enrollment,
    name: &EventName,
    event: EventView<'_>,
    catalog: &Catalog,
    now: Instant,
) -> bool {
    let Some(goal) = &journey.goal else {
        return false;
    };
    // Goals use the time of occurrence (semantics 3): a late event from before the trigger is no
    // conversion, one from inside the window is, even if it arrives after it.
    if event.occurred_at < enrollment.trigger.occurred_at {
        return false;
    }
    let zone = catalog.zone(loaded.customer.zone.as_ref());
    let in_time = goal
        .within
        .as_ref()
        .is_none_or(|within| event.occurred_at <= within.after(enrollment.entered_at, zone));
    in_time && matches(&goal.matching, name, loaded, journey, enrollment, event, now)
}

fn waits(
    loaded: &mut Loaded,
    name: &EventName,
    event: EventView<'_>,
    catalog: &Catalog,
    begun: &mut Begun,
) {
    let now = begun.now;
    let met = enrollments_where(loaded, catalog, |enrollment| {
        waits_for(loaded, enrollment, name, event, catalog, now)
    });
    for (_, id, _) in met {
        if let Some(at) = position(loaded, id) {
            tell(loaded, at, Told::Event, catalog, begun);
        }
    }
}

fn waits_for(
    loaded: &Loaded,
    enrollment: &Enrollment,
    name: &EventName,
    event: EventView<'_>,
    catalog: &Catalog,
    now: Instant,
) -> bool {
    let (State::Waiting { .. }, Some(journey)) =
        (&enrollment.state, catalog.version(enrollment.version))
    else {
        return false;
    };
    let Step::Wait(wait) = &journey.nodes[usize::from(enrollment.at)].step else {
        return false;
    };
    let Some(until) = &wait.until else {
        return false;
    };
    if until.when.is_none() && ENGAGEMENT_EVENTS.contains(&name.as_str()) {
        let told = event.properties.get("send_id").and_then(|value| value.as_text());
        let ours = enrollment.last_send.map(|send| send.to_string());
        if until.event != *name || ours.is_none() || told != ours.as_deref() {
            return false;
        }
    }
    matches(until, name, loaded, journey, enrollment, event, now)
}

/// Tells every enrollment whose wait is over by now, earliest first, then by journey name. Those
/// of paused journeys stay as they are.
pub(crate) fn timers(loaded: &mut Loaded, catalog: &Catalog, begun: &mut Begun) {
    let now = begun.now;
    let mut due = enrollments_where(loaded, catalog, |enrollment| enrollment.next_at() <= now);
    due.sort_by_key(|(at, _, _)| *at);
    for (_, id, version) in due {
        let Some(journey) = catalog.version(version) else {
            continue;
        };
        if catalog.control(&journey.name) == Control::Paused {
            continue;
        }
        let Some(at) = position(loaded, id) else {
            continue;
        };
        match &loaded.customer.enrollments[at].state {
            State::Waiting { .. } => {
                tell(loaded, at, Told::Timer, catalog, begun);
            }
            State::Sending(_) => begun.wants_gate = true,
        }
    }
}

/// A customer's next due instant under a catalog: enrollments of paused journeys have none, the
/// end of a membership does not wait for a journey.
pub(crate) fn next_due(customer: &Customer, catalog: &Catalog) -> Instant {
    let running = customer.enrollments.iter().filter(|enrollment| {
        catalog
            .version(enrollment.version)
            .is_some_and(|journey| catalog.control(&journey.name) != Control::Paused)
    });
    let next = running.map(Enrollment::next_at).min().unwrap_or(Instant::MAX);
    next.min(audience::next_end(customer))
}

/// Stops and migrations that the catalog asks for.
pub(crate) fn follow_catalog(loaded: &mut Loaded, catalog: &Catalog, begun: &mut Begun) {
    let enrollments = loaded.customer.enrollments.iter();
    let pending: Vec<_> = enrollments
        .filter_map(|enrollment| Some((enrollment.id, asked_of(enrollment, catalog)?)))
        .collect();
    for (id, asked) in pending {
        let Some(at) = position(loaded, id) else {
            continue;
        };
        match asked {
            Asked::Stop => end(loaded, at, ExitReason::Stopped, catalog, begun),
            Asked::Migrate(journey, to) => migrate(loaded, at, journey, to, catalog, begun),
        }
    }
}

/// What the catalog asks of an enrollment.
enum Asked<'a> {
    Stop,
    Migrate(&'a Journey, (VersionNo, &'a Arc<Journey>)),
}

fn asked_of<'a>(enrollment: &Enrollment, catalog: &'a Catalog) -> Option<Asked<'a>> {
    let journey = catalog.version(enrollment.version)?;
    if catalog.control(&journey.name) == Control::Stopped {
        return Some(Asked::Stop);
    }
    let newer = catalog.current(&journey.name)?;
    (newer.0 != enrollment.version).then_some(Asked::Migrate(journey, newer))
}

/// Moves an enrollment to the newer version if that declares where its step went. A wait keeps
/// its due instant and a message its send where the kind of step is the same; else the new step
/// is entered as if the enrollment had just come to it, and a message that it held is withdrawn.
fn migrate(
    loaded: &mut Loaded,
    at: usize,
    journey: &Journey,
    (current, newer): (VersionNo, &Arc<Journey>),
    catalog: &Catalog,
    begun: &mut Begun,
) {
    let enrollment = &mut loaded.customer.enrollments[at];
    let old = &journey.nodes[usize::from(enrollment.at)];
    let target = newer.migrate.get(&old.id).and_then(|id| newer.node_by_id(id.as_str()));
    let Some(node) = target else {
        return;
    };
    let same_kind = old.step.is_like(&newer.nodes[usize::from(node)].step);
    begun.deltas.push((CounterKey::StepLeft(enrollment.version, enrollment.at), 1));
    enrollment.outcomes = enrollment
        .outcomes
        .iter()
        .filter_map(|(step, outcome)| {
            let id = journey.nodes[usize::from(*step)].id.as_str();
            Some((newer.node_by_id(id)?, outcome.clone()))
        })
        .collect();
    enrollment.version = current;
    enrollment.at = node;
    let step = newer.nodes[usize::from(node)].id.clone();
    if let (State::Sending(sending), false) = (&enrollment.state, same_kind) {
        begun.record(HistoryItem::Withdrawn { send: sending.send });
    }
    begun.record(HistoryItem::Migrated { enrollment: enrollment.id, step });
    if same_kind {
        begun.deltas.push((CounterKey::StepEntered(current, node), 1));
        begun.wants_gate |= asks_anew(
            &mut enrollment.state,
            &old.step,
            &newer.nodes[usize::from(node)].step,
            begun.now,
        );
    } else {
        tell(loaded, at, Told::Reenter(node), catalog, begun);
    }
}

/// A message whose channel is another one in the newer version starts over with the first: where
/// it stood (held, or in line for a slot of the old channel) means nothing there. True if it does.
fn asks_anew(state: &mut State, old: &Step, new: &Step, now: Instant) -> bool {
    let (State::Sending(sending), Step::Send(old), Step::Send(new)) = (state, old, new) else {
        return false;
    };
    let at = usize::from(sending.channel);
    let name = |step: &Send| step.channels.get(at).map(|(channel, _)| channel.clone());
    if name(old) == name(new) {
        return false;
    }
    sending.channel = 0;
    sending.phase = Phase::New;
    sending.next_at = now;
    true
}
