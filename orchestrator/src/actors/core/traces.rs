//! What one partition notes of its turns while traces are exported: kept until it is durable, then
//! told to the tracer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use domain::ids::{CustomerKey, SendId, VersionNo};
use domain::time::Instant;
use engine::history::HistoryItem;
use engine::partition::Attempt;
use engine::{Begun, Input, Loaded};

use super::{Ack, Core};
use crate::actors::Work;
use crate::telemetry::trace::{
    Activation, Attempted, Idle, Inputs, Point, Reported, Senders, Settled, Tracer, Watch,
};

/// The notes of a partition.
#[derive(Debug)]
pub(super) struct Traces {
    pub(super) tracer: Tracer,
    pending: VecDeque<(u64, Noted)>,
}

/// One note.
#[derive(Debug)]
pub(super) enum Noted {
    /// What a turn did to an enrollment.
    Activation(Arc<Activation>),
    /// An outcome came home.
    Outcome(Settled),
    /// An event did nothing to any enrollment.
    Idle(Box<Idle>),
    /// A provider reported something.
    Report(Box<Reported>),
}

/// What has become durable.
#[derive(Debug)]
pub(super) struct Ripe {
    tracer: Tracer,
    noted: Vec<Noted>,
}

/// Spans of those who sent these works.
pub(super) fn senders(works: &[Work]) -> Senders {
    let mut found = Senders::default();
    for work in works {
        match work {
            Work::Event { ack, .. } => found.add_event(ack.as_ref().and_then(Ack::origin)),
            Work::Enroll { ack, .. } => found.add(ack.as_ref().and_then(Ack::origin)),
            _ => {}
        }
    }
    found
}

impl Core {
    /// Before a turn, while traces are exported.
    pub(super) fn watch(
        &self,
        loaded: &Loaded,
        inputs: &[Input],
        senders: Option<Senders>,
    ) -> Option<Watch> {
        Some(Watch::new(&self.traces.as_ref()?.tracer, loaded, inputs, senders?))
    }

    /// Behind its gate, before its commit.
    pub(super) fn noted(
        &self,
        watch: Option<Watch>,
        begun: &Begun,
        loaded: &Loaded,
        at: Instant,
    ) -> Vec<Noted> {
        let (Some(traces), Some(watch)) = (&self.traces, watch) else {
            return Vec::new();
        };
        let tracer = &traces.tracer;
        let (inputs, began_us) = (watch.inputs(), watch.began_us());
        let decided_us = tracer.now_us();
        let items: &[HistoryItem] = begun.items();
        let done = watch.done(tracer, begun, loaded, &self.partition, at);
        let activations = done.activations.into_iter();
        let mut noted: Vec<Noted> =
            activations.map(|one| Noted::Activation(Arc::new(one))).collect();
        noted.extend(done.idle.into_iter().map(|idle| Noted::Idle(Box::new(idle))));
        for attempt in begun.attempts() {
            let told = |noted: &Noted| noted.sends(attempt.send);
            if let Some(before) = self.before(attempt).filter(|_| !noted.iter().any(told)) {
                let again = Again { attempt, before, inputs, at, began_us, decided_us };
                let sampled = tracer.samples(attempt.enrollment);
                let activation = again.activation(self.partition.id(), sampled);
                noted.push(Noted::Activation(Arc::new(activation)));
            }
        }
        let reports = items.iter().filter_map(|item| self.reported(item, loaded));
        let reports = reports.map(|it| Reported { at, began_us, decided_us, ..it });
        noted.extend(reports.map(|it| Noted::Report(Box::new(it))));
        noted
    }

    /// What an attempt that is not the first of its send comes after, and the version it is of: the
    /// outcome of the one before, or the activation that found no slot for it.
    fn before(&self, attempt: &Attempt) -> Option<(Point, VersionNo)> {
        let row = &self.partition.open(attempt.send)?.row;
        let before = match attempt.number {
            // Sent again on an operator's word, it found no slot then.
            ..=1 => Point::Retried(attempt.send, row.ledger.counted_at),
            number => Point::Settled(attempt.send, number - 1),
        };
        Some((before, row.info.version))
    }

    /// A customer's record cannot be read: a turn of it has failed before it began.
    pub(crate) fn not_loaded(&self, customer: CustomerKey) {
        if let Some(Traces { tracer, .. }) = &self.traces {
            tracer.failed(customer, self.partition.id(), self.now(), tracer.now_us());
        }
    }

    /// What a provider reported, without the times.
    fn reported(&self, item: &HistoryItem, loaded: &Loaded) -> Option<Reported> {
        let HistoryItem::Reported { send, enrollment, state, .. } = item else { return None };
        let mut rows = loaded.sends.iter().flatten();
        let info = &rows.find(|row| row.ledger.send == *send)?.info;
        let journey = self.partition.catalog().version(info.version);
        let node = journey.and_then(|journey| journey.nodes.get(usize::from(info.node)));
        Some(Reported {
            enrollment: *enrollment,
            journey: info.journey.clone(),
            version: info.version,
            step: node.map(|node| node.id.clone()),
            customer: loaded.customer.key(),
            partition: self.partition.id(),
            at: Instant::MIN,
            send: *send,
            attempt: info.attempts,
            channel: info.channel.clone(),
            state: *state,
            began_us: 0,
            decided_us: 0,
            durable_us: 0,
        })
    }

    /// Behind its commit.
    pub(super) fn note(&mut self, noted: Vec<Noted>) {
        if let Some(traces) = &mut self.traces {
            let seq = self.partition.seq();
            traces.pending.extend(noted.into_iter().map(|noted| (seq, noted)));
        }
    }
}

impl Traces {
    pub(super) fn new(tracer: Tracer) -> Self {
        Self { tracer, pending: VecDeque::new() }
    }

    /// An outcome was taken in.
    pub(super) fn outcome(
        &mut self,
        seq: u64,
        attempted: Arc<Attempted>,
        at: Instant,
        again: bool,
        began_us: u64,
    ) {
        let decided_us = self.tracer.now_us();
        let durable_us = decided_us;
        let settled = Settled { attempted, at, again, began_us, decided_us, durable_us };
        self.pending.push_back((seq, Noted::Outcome(settled)));
    }

    /// What is durable up to a sequence.
    pub(super) fn ripe(&mut self, durable: u64) -> Ripe {
        let count = self.pending.partition_point(|(seq, _)| *seq <= durable);
        let noted = self.pending.drain(..count).map(|(_, noted)| noted).collect();
        Ripe { tracer: self.tracer.clone(), noted }
    }
}

impl Noted {
    /// Whether it is the activation that asked for an attempt of this send.
    fn sends(&self, send: SendId) -> bool {
        matches!(self, Self::Activation(activation) if activation.sends(send))
    }
}

impl Ripe {
    /// The activation that asked for an attempt.
    pub(super) fn of_attempt(&self, attempt: &Attempt) -> Option<Arc<Activation>> {
        match self.noted.iter().find(|noted| noted.sends(attempt.send))? {
            Noted::Activation(activation) => Some(activation.clone()),
            Noted::Outcome(_) | Noted::Report(_) | Noted::Idle(_) => None,
        }
    }

    /// Tells all of it.
    pub(super) fn tell(self) {
        let durable_us = self.tracer.now_us();
        for noted in self.noted {
            match noted {
                Noted::Activation(activation) => self.tracer.durable(&activation),
                Noted::Report(it) => self.tracer.reported(Reported { durable_us, ..*it }),
                Noted::Outcome(settled) => self.tracer.settled(Settled { durable_us, ..settled }),
                Noted::Idle(idle) => self.tracer.idle(Idle { durable_us, ..*idle }),
            }
        }
    }
}

/// An attempt that no decision of its turn asked for: its send was decided about before.
struct Again<'a> {
    attempt: &'a Attempt,
    before: (Point, VersionNo),
    inputs: Inputs,
    at: Instant,
    began_us: u64,
    decided_us: u64,
}

impl Again<'_> {
    fn activation(&self, partition: u16, sampled: bool) -> Activation {
        let (attempt, (before, version)) = (self.attempt, self.before);
        Activation {
            enrollment: attempt.enrollment,
            journey: attempt.journey.clone(),
            version: Some(version),
            customer: attempt.customer.key(),
            partition,
            at: self.at,
            inputs: self.inputs,
            before: Some(before),
            point: Point::Retried(attempt.send, self.at),
            origins: Vec::new(),
            step: Some(attempt.step.clone()),
            exit: None,
            decisions: Vec::new(),
            began_us: self.began_us,
            decided_us: self.decided_us,
            durable_us: AtomicU64::new(0),
            sampled,
            failed: false,
            exported: AtomicBool::new(false),
        }
    }
}
