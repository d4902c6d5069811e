//! Same-instant candidates of one customer, in order, through the contact policy (semantics 16
//! to 21).
//!
//! Called by the second part of a turn. This file is the order and the verdicts; what is asked
//! stands in `question`, what a hand-over writes in `hand_over`, later attempts in `retry`,
//! messages that an operator sends again in `redrive`.

mod hand_over;
mod question;
mod redrive;
mod retry;

pub use question::would;

use std::sync::Arc;

use domain::ids::{ChannelName, EnrollmentId, SendId, StepId, VersionNo};
use domain::journey::definition::{Journey, NodeIndex};
use domain::journey::enrollment::{Phase, Sending, State};
use domain::journey::machine::Input as Told;
use domain::journey::steps::{Kind, Send, Step};
use domain::time::Instant;
use domain::value::Text;
use domain::verdict::{Decision, RuleKind, Verdict};
use policies::{Candidate, arbitrate, release_spread};

use crate::audience;
use crate::catalog::{Catalog, Control};
use crate::counters::CounterKey;
use crate::history::HistoryItem;
use crate::journeys::{position, tell};
use crate::partition::{Grant, Partition, Slots};
use crate::turn::{Begun, Loaded};
use crate::waiting::Waiting;

pub(crate) use hand_over::spend;
pub(crate) use question::stands_in_the_way;

/// Most rounds in one turn: each round decides what the one before made reachable. Journeys have
/// no loops, so this is out of reach; it bounds the damage of a defect.
const ROUNDS_MAX: usize = 64;

/// One message that asks the gate now.
#[derive(Clone, Debug)]
struct Asking {
    enrollment: EnrollmentId,
    version: VersionNo,
    journey: Arc<Journey>,
    node: NodeIndex,
    /// The entry key: tells two enrollments of one journey apart in words that its author chose.
    key: Text,
}

impl Asking {
    fn step(&self) -> (&StepId, &Send) {
        let node = &self.journey.nodes[usize::from(self.node)];
        match &node.step {
            Step::Send(send) => (&node.id, send),
            // `collect` takes only enrollments that are parked on a send.
            _ => unreachable!("an enrollment in state sending stands on a send step"),
        }
    }
}

/// Passes everything that wants to go now through the gate.
pub(crate) fn run(
    partition: &mut Partition,
    loaded: &mut Loaded,
    begun: &mut Begun,
    slots: &mut dyn Slots,
) {
    let catalog = partition.catalog().clone();
    // What follows a send counts from the commit that decides it (semantics 8), not from receipt.
    begun.at = begun.now;
    retry::run(partition, loaded, begun, slots, &catalog);
    redrive::run(partition, loaded, begun, slots, &catalog);
    for _ in 0..ROUNDS_MAX {
        let asking = collect(loaded, begun, &catalog);
        if asking.is_empty() {
            return;
        }
        for one in asking {
            ask(partition, loaded, begun, slots, &catalog, &one);
        }
        begun.slot = None;
        begun.line_up = false;
    }
}

fn collect(loaded: &Loaded, begun: &Begun, catalog: &Catalog) -> Vec<Asking> {
    let mut found = Vec::new();
    for enrollment in &loaded.customer.enrollments {
        let State::Sending(sending) = &enrollment.state else {
            continue;
        };
        let Some(journey) = catalog.version(enrollment.version) else {
            continue;
        };
        if catalog.control(&journey.name) == Control::Paused {
            continue;
        }
        let asking = Asking {
            enrollment: enrollment.id,
            version: enrollment.version,
            journey: journey.clone(),
            node: enrollment.at,
            key: enrollment.key.clone(),
        };
        let now = begun.now;
        let asks = match sending.phase {
            Phase::New => true,
            Phase::Held => sending.next_at <= now,
            Phase::Planned => {
                let (_, step) = asking.step();
                let channel = step.channels.get(usize::from(sending.channel));
                sending.next_at <= now
                    || begun.line_up
                    || begun
                        .slot
                        .as_ref()
                        .is_some_and(|free| channel.is_some_and(|(channel, _)| channel == free))
            }
        };
        if asks {
            found.push((sending.send, sending.valid_until, asking));
        }
    }
    in_order(found)
}

fn in_order(found: Vec<(SendId, Instant, Asking)>) -> Vec<Asking> {
    if found.len() < 2 {
        return found.into_iter().map(|(_, _, asking)| asking).collect();
    }
    let mut candidates: Vec<Candidate<'_, &Asking>> = found
        .iter()
        .map(|(send, valid_until, asking)| {
            let (id, step) = asking.step();
            Candidate {
                priority: step.priority,
                value_micros: step.value_micros,
                valid_until: *valid_until,
                journey: asking.journey.name.as_str(),
                step: id.as_str(),
                key: &asking.key,
                send: *send,
                payload: asking,
            }
        })
        .collect();
    arbitrate(&mut candidates);
    candidates.into_iter().map(|candidate| candidate.payload.clone()).collect()
}

fn sending(loaded: &mut Loaded, id: EnrollmentId) -> Option<&mut Sending> {
    let at = position(loaded, id)?;
    match &mut loaded.customer.enrollments[at].state {
        State::Sending(sending) => Some(sending),
        State::Waiting { .. } => None,
    }
}

/// Asks channel after channel until one answers with something else than "the next one".
fn ask(
    partition: &mut Partition,
    loaded: &mut Loaded,
    begun: &mut Begun,
    slots: &mut dyn Slots,
    catalog: &Catalog,
    asking: &Asking,
) {
    let (_, step) = asking.step();
    loop {
        let Some(at) = sending(loaded, asking.enrollment).map(|sending| sending.channel) else {
            return;
        };
        let Some((channel, _)) = step.channels.get(usize::from(at)) else {
            return;
        };
        let verdict = question::of(loaded, begun.now, catalog, asking, channel);
        match verdict.decision {
            Decision::Allow => {
                allowed(partition, loaded, begun, slots, catalog, asking, verdict);
                return;
            }
            Decision::HoldUntil(until) => {
                hold(loaded, begun, catalog, asking, channel, until, verdict);
                return;
            }
            Decision::NextChannel if usize::from(at) + 1 < step.channels.len() => {
                record(loaded, begun, asking, channel, verdict, false);
                if let Some(sending) = sending(loaded, asking.enrollment) {
                    sending.channel += 1;
                }
            }
            Decision::NextChannel | Decision::Refuse => {
                refuse(loaded, begun, catalog, asking, channel, verdict);
                return;
            }
        }
    }
}

fn record(
    loaded: &mut Loaded,
    begun: &mut Begun,
    asking: &Asking,
    channel: &ChannelName,
    verdict: Verdict,
    sent: bool,
) {
    let Some(send) = sending(loaded, asking.enrollment).map(|sending| sending.send) else {
        return;
    };
    begun.record(HistoryItem::Decided {
        send,
        enrollment: asking.enrollment,
        journey: asking.journey.name.clone(),
        step: asking.step().0.clone(),
        channel: channel.clone(),
        verdict,
        sent,
    });
}

fn deciding_kind(verdict: &Verdict) -> RuleKind {
    verdict.deciding().map_or(RuleKind::Validity, |rule| rule.kind)
}

fn hold(
    loaded: &mut Loaded,
    begun: &mut Begun,
    catalog: &Catalog,
    asking: &Asking,
    channel: &ChannelName,
    until: Instant,
    verdict: Verdict,
) {
    let key = CounterKey::Held(asking.version, asking.node, deciding_kind(&verdict));
    begun.deltas.push((key, 1));
    record(loaded, begun, asking, channel, verdict, false);
    let spread_ms = catalog.channel(channel).map_or(0, |info| info.spread_ms);
    if let Some(sending) = sending(loaded, asking.enrollment) {
        let spread = until.plus_ms(release_spread(sending.send, spread_ms));
        // Spreading must not turn a hold into an expiry.
        sending.next_at = spread.min(sending.valid_until.plus_ms(-1)).max(until);
        sending.phase = Phase::Held;
    }
}

fn refuse(
    loaded: &mut Loaded,
    begun: &mut Begun,
    catalog: &Catalog,
    asking: &Asking,
    channel: &ChannelName,
    verdict: Verdict,
) {
    let kind = deciding_kind(&verdict);
    begun.deltas.push((CounterKey::Refused(asking.version, asking.node, kind), 1));
    record(loaded, begun, asking, channel, verdict, false);
    if let Some(at) = position(loaded, asking.enrollment) {
        loaded.customer.enrollments[at].skip_next_send = false;
        let outcome = format!("refused:{}", kind.as_str());
        tell(loaded, at, Told::SendDone { outcome: &outcome, refused: true }, catalog, begun);
    }
}

/// The gate allows it: it goes if a connection slot is free, else it waits for one.
fn allowed(
    partition: &mut Partition,
    loaded: &mut Loaded,
    begun: &mut Begun,
    slots: &mut dyn Slots,
    catalog: &Catalog,
    asking: &Asking,
    verdict: Verdict,
) {
    let (_, step) = asking.step();
    let Some(current) = sending(loaded, asking.enrollment).cloned() else {
        return;
    };
    let (channel, _) = &step.channels[usize::from(current.channel)];
    let called = begun.slot.as_ref() == Some(channel);
    let grant = match step.kind {
        // Nothing is handed over: she is a member with this commit.
        Kind::Audience => Grant::Accepted,
        _ if called || !partition.others_wait(channel) => slots.take(channel),
        _ => Grant::None,
    };
    if grant == Grant::None {
        partition.wait(Waiting::new(channel, step.priority, &current, loaded.customer.key()));
        if current.phase != Phase::Planned {
            begun.changed = true;
        }
        if let Some(sending) = sending(loaded, asking.enrollment) {
            sending.phase = Phase::Planned;
            // The timer only watches over its validity: a free slot wakes it.
            sending.next_at = sending.valid_until;
        }
        return;
    }
    record(loaded, begun, asking, channel, verdict, true);
    hand_over::run(partition, loaded, begun, catalog, asking, &current, grant);
    if step.kind == Kind::Audience {
        audience::join(loaded, begun, catalog, channel, step, current.send);
    }
    let sent = catalog.name(channel.as_str());
    begun.deltas.push((CounterKey::Sent(asking.version, asking.node, sent), 1));
    if let Some(at) = position(loaded, asking.enrollment) {
        loaded.customer.enrollments[at].last_send = Some(current.send);
        tell(loaded, at, Told::SendDone { outcome: "sent", refused: false }, catalog, begun);
    }
}
