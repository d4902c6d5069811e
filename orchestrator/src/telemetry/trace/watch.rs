//! Watches one turn: what it did to which enrollment.

use std::sync::atomic::{AtomicBool, AtomicU64};

use domain::ids::{EnrollmentId, JourneyName, SendId, VersionNo};
use domain::journey::enrollment::{Enrollment, ExitReason};
use domain::time::Instant;
use domain::verdict::Decision;
use engine::history::HistoryItem;
use engine::ledger::SendRow;
use engine::merge::{Parcel, Word};
use engine::{Begun, Input, Loaded, Partition};

use super::event::{self, Came};
use super::{Activation, Decided, Idle, Inputs, Point, Senders, TraceParent, Tracer};

/// Most spans of senders that one activation points at: turns with more events have come to a
/// customer that is far behind.
pub(super) const ORIGINS_MAX: usize = 8;

/// What is remembered from before a turn.
#[derive(Debug)]
pub struct Watch {
    began_us: u64,
    inputs: Inputs,
    before: Vec<(EnrollmentId, VersionNo, Point)>,
    origins: Vec<TraceParent>,
    came: Vec<Came>,
}

/// What one turn did.
#[derive(Debug, Default)]
pub struct Done {
    /// To which enrollments.
    pub activations: Vec<Activation>,
    /// Events that did nothing to any.
    pub idle: Vec<Idle>,
}

/// A turn behind its gate.
#[derive(Clone, Copy)]
struct Turn<'a> {
    tracer: &'a Tracer,
    begun: &'a Begun,
    loaded: &'a Loaded,
    partition: &'a Partition,
    at: Instant,
    decided_us: u64,
}

impl Watch {
    /// Before the turn.
    pub fn new(tracer: &Tracer, loaded: &Loaded, inputs: &[Input], senders: Senders) -> Self {
        let came = event::sampled(tracer, inputs, &senders);
        let mut origins = senders.all;
        origins.truncate(ORIGINS_MAX);
        let known = |one: &Enrollment| (one.id, one.version, Point::of(one));
        let mut before: Vec<_> = loaded.customer.enrollments.iter().map(known).collect();
        for input in inputs {
            // Enrollments that another customer leaves: they go on from where they stood there.
            if let Input::Merge { word: Word::Absorb(parcel), .. } = input
                && !parcel.is_nothing_to(&loaded.customer)
            {
                before.extend(parcel.enrollments().iter().map(known));
            }
        }
        Self { began_us: tracer.now_us(), inputs: Inputs::of(inputs), before, origins, came }
    }

    /// When the turn began, in microseconds of the tracer's clock.
    pub fn began_us(&self) -> u64 {
        self.began_us
    }

    /// What the turn is given.
    pub fn inputs(&self) -> Inputs {
        self.inputs
    }

    /// Behind the gate, before the commit: what the turn did.
    pub fn done(
        mut self,
        tracer: &Tracer,
        begun: &Begun,
        loaded: &Loaded,
        partition: &Partition,
        at: Instant,
    ) -> Done {
        let decided_us = tracer.now_us();
        let (came, items) = (std::mem::take(&mut self.came), begun.items());
        let times_us = (self.began_us, decided_us);
        let idle = match came.is_empty() {
            true => Vec::new(),
            false => event::idle(came, items, loaded, partition, at, times_us),
        };
        let turn = Turn { tracer, begun, loaded, partition, at, decided_us };
        Done { activations: self.activations(&turn), idle }
    }

    fn activations(&self, turn: &Turn<'_>) -> Vec<Activation> {
        let (begun, loaded, items) = (turn.begun, turn.loaded, turn.begun.items());
        // Those that leave with their customer stand where they are taken in.
        let left = begun.left(&loaded.customer.id).map_or(&[][..], Parcel::enrollments);
        let now = || loaded.customer.enrollments.iter().chain(left);
        let standing = |id| now().find(|one| one.id == id);
        let mut ids: Vec<EnrollmentId> = self.before.iter().map(|(id, ..)| *id).collect();
        let others = now().map(|one| one.id).chain(items.iter().filter_map(enrollment_of));
        for id in others {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        let mut found = Vec::new();
        for id in ids {
            let before = self.before.iter().find(|(known, ..)| *known == id);
            let told = items.iter().filter(move |item| enrollment_of(item) == Some(id));
            let stood = before.map(|(.., stood)| *stood);
            let (mut stood, mut point) = (stood, standing(id).map_or(Point::Ended, Point::of));
            if stood == Some(point) && told.clone().next().is_none() {
                continue;
            }
            let again = again(told.clone())
                .filter(|_| stood == Some(point) || (stood.is_none() && point == Point::Ended));
            let repeated = again.and_then(|send| repeats(send, items, loaded));
            if let Some(send) = again {
                // A message is sent again, whether its enrollment has ended or stays where it is:
                // each time is a point of its own, behind the outcome that it repeats.
                stood = Some(repeated.map_or(point, settled));
                point = Point::Retried(send, turn.at);
            }
            let version = standing(id).map(|one| one.version).or(before.map(|known| known.1));
            let version = version.or(repeated.map(|row| row.info.version));
            let mut activation = self.activation(turn, id, version, (stood, point));
            told.for_each(|item| activation.take(item));
            if activation.version.is_none() {
                // It came and went in this very turn: entries are into the version in force.
                let current = turn.partition.catalog().current(&activation.journey);
                activation.version = current.map(|(version, _)| version);
            }
            found.push(activation);
        }
        found
    }

    /// One of which nothing has been told yet.
    fn activation(
        &self,
        turn: &Turn<'_>,
        enrollment: EnrollmentId,
        version: Option<VersionNo>,
        (before, point): (Option<Point>, Point),
    ) -> Activation {
        let journey = version.and_then(|version| turn.partition.catalog().version(version));
        Activation {
            enrollment,
            journey: journey.map_or_else(|| JourneyName::from(""), |one| one.name.clone()),
            version,
            customer: turn.loaded.customer.key(),
            partition: turn.partition.id(),
            at: turn.at,
            inputs: self.inputs,
            before,
            point,
            origins: self.origins.clone(),
            step: None,
            exit: None,
            decisions: Vec::new(),
            began_us: self.began_us,
            decided_us: turn.decided_us,
            durable_us: AtomicU64::new(0),
            sampled: turn.tracer.samples(enrollment),
            failed: false,
            exported: AtomicBool::new(false),
        }
    }
}

/// The row of the send that this one repeats on an operator's word.
fn repeats<'a>(send: SendId, items: &[HistoryItem], loaded: &'a Loaded) -> Option<&'a SendRow> {
    let of = items.iter().find_map(|item| match item {
        HistoryItem::Redriven { of, send: new } if *new == send => Some(*of),
        _ => None,
    })?;
    loaded.sends.as_deref()?.iter().find(|row| row.ledger.send == of)
}

/// Where the last attempt of a send left it.
fn settled(row: &SendRow) -> Point {
    Point::Settled(row.ledger.send, row.info.attempts)
}

/// The send of a decision that begins an enrollment's part of a turn, where it does not enter.
fn again<'a>(mut told: impl Iterator<Item = &'a HistoryItem>) -> Option<SendId> {
    match told.next()? {
        HistoryItem::Decided { send, .. } => Some(*send),
        _ => None,
    }
}

impl Activation {
    fn take(&mut self, item: &HistoryItem) {
        match item {
            HistoryItem::Entered { journey, .. } => self.journey = journey.clone(),
            HistoryItem::Step { step, .. } | HistoryItem::Migrated { step, .. } => {
                self.step = Some(step.clone());
            }
            HistoryItem::Exited { journey, reason, .. } => {
                self.journey = journey.clone();
                self.exit = Some(reason.as_str());
                self.failed |= matches!(reason, ExitReason::Error(_));
            }
            HistoryItem::Decided { send, journey, step, channel, verdict, sent, .. } => {
                self.journey = journey.clone();
                let rule = match verdict.decision {
                    Decision::Allow => None,
                    _ => verdict.deciding().map(|rule| (rule.kind, rule.rule.clone())),
                };
                self.step = self.step.take().or_else(|| Some(step.clone()));
                self.decisions.push(Decided {
                    send: *send,
                    step: step.clone(),
                    channel: channel.clone(),
                    decision: verdict.decision,
                    rule,
                    sent: *sent,
                });
            }
            _ => {}
        }
    }
}

/// Whose item it is, where it is about one enrollment.
pub(super) fn enrollment_of(item: &HistoryItem) -> Option<EnrollmentId> {
    match item {
        HistoryItem::Entered { enrollment, .. }
        | HistoryItem::Step { enrollment, .. }
        | HistoryItem::Exited { enrollment, .. }
        | HistoryItem::Decided { enrollment, .. }
        | HistoryItem::Migrated { enrollment, .. } => Some(*enrollment),
        _ => None,
    }
}
