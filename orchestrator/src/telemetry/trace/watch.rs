//! Watches one turn: what it did to which enrollment.

use std::sync::atomic::{AtomicBool, AtomicU64};

use domain::ids::{EnrollmentId, JourneyName, SendId, VersionNo};
use domain::journey::enrollment::{Enrollment, ExitReason};
use domain::time::Instant;
use domain::verdict::Decision;
use engine::history::HistoryItem;
use engine::{Input, Loaded, Partition};

use super::{Activation, Decided, Inputs, Point, TraceParent, Tracer};

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
}

impl Watch {
    /// Before the turn.
    pub fn new(
        tracer: &Tracer,
        loaded: &Loaded,
        inputs: &[Input],
        mut origins: Vec<TraceParent>,
    ) -> Self {
        origins.truncate(ORIGINS_MAX);
        let known = |one: &Enrollment| (one.id, one.version, Point::of(one));
        Self {
            began_us: tracer.now_us(),
            inputs: Inputs::of(inputs),
            before: loaded.customer.enrollments.iter().map(known).collect(),
            origins,
        }
    }

    /// When the turn began, in microseconds of the tracer's clock.
    pub fn began_us(&self) -> u64 {
        self.began_us
    }

    /// Behind the gate, before the commit: the activations of the turn.
    pub fn activations(
        self,
        tracer: &Tracer,
        items: &[HistoryItem],
        loaded: &Loaded,
        partition: &Partition,
        at: Instant,
    ) -> Vec<Activation> {
        let now = &loaded.customer.enrollments;
        let standing = |id| now.iter().find(|one| one.id == id);
        let mut ids: Vec<EnrollmentId> = self.before.iter().map(|(id, ..)| *id).collect();
        let others = now.iter().map(|one| one.id).chain(items.iter().filter_map(enrollment_of));
        for id in others {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        let decided_us = tracer.now_us();
        let mut found = Vec::new();
        for id in ids {
            let before = self.before.iter().find(|(known, ..)| *known == id);
            let told = items.iter().filter(move |item| enrollment_of(item) == Some(id));
            let stood = before.map(|(.., stood)| *stood);
            let (mut stood, mut point) = (stood, standing(id).map_or(Point::Ended, Point::of));
            if stood == Some(point) && told.clone().next().is_none() {
                continue;
            }
            if let Some(send) = again(told.clone())
                && (stood == Some(point) || (stood.is_none() && point == Point::Ended))
            {
                // A message is sent again, whether its enrollment has ended or stays where it is:
                // each time is a point of its own.
                stood = Some(point);
                point = Point::Retried(send, at);
            }
            let version = standing(id).map(|one| one.version).or(before.map(|known| known.1));
            let journey = version.and_then(|version| partition.catalog().version(version));
            let mut activation = Activation {
                enrollment: id,
                journey: journey.map_or_else(|| JourneyName::from(""), |one| one.name.clone()),
                version,
                customer: loaded.customer.key(),
                partition: partition.id(),
                at,
                inputs: self.inputs,
                before: stood,
                point,
                origins: self.origins.clone(),
                step: None,
                exit: None,
                decisions: Vec::new(),
                began_us: self.began_us,
                decided_us,
                durable_us: AtomicU64::new(0),
                sampled: tracer.samples(id),
                failed: false,
                exported: AtomicBool::new(false),
            };
            told.for_each(|item| activation.take(item));
            found.push(activation);
        }
        found
    }
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
fn enrollment_of(item: &HistoryItem) -> Option<EnrollmentId> {
    match item {
        HistoryItem::Entered { enrollment, .. }
        | HistoryItem::Step { enrollment, .. }
        | HistoryItem::Exited { enrollment, .. }
        | HistoryItem::Decided { enrollment, .. }
        | HistoryItem::Migrated { enrollment, .. } => Some(*enrollment),
        _ => None,
    }
}
