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
    /// A send was to be tried again.
    Retry(Retry),
    /// An outcome came home.
    Outcome(Settled),
    /// An event did nothing to any enrollment.
    Idle(Box<Idle>),
    /// A provider reported something.
    Report(Box<Reported>),
}

/// A send that was to be tried again; whether it was, its attempt says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retry {
    pub(super) send: SendId,
    pub(super) version: VersionNo,
    /// The outcome of the attempt before, or the activation that found no slot.
    pub(super) before: Point,
    pub(super) at: Instant,
    pub(super) began_us: u64,
    pub(super) decided_us: u64,
}

/// What has become durable.
#[derive(Debug)]
pub(super) struct Ripe {
    tracer: Tracer,
    partition: u16,
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

/// A turn that is watched, and the sends that it was to try again.
pub(super) struct Watched {
    watch: Watch,
    retries: Vec<SendId>,
}

impl Core {
    /// Before a turn, while traces are exported.
    pub(super) fn watch(
        &self,
        loaded: &Loaded,
        inputs: &[Input],
        senders: Option<Senders>,
    ) -> Option<Watched> {
        let (traces, senders) = (self.traces.as_ref()?, senders?);
        let retries = inputs.iter().filter_map(|input| match input {
            Input::Retry(send) => Some(*send),
            _ => None,
        });
        let retries = retries.collect();
        Some(Watched { watch: Watch::new(&traces.tracer, loaded, inputs, senders), retries })
    }

    /// Behind its gate, before its commit.
    pub(super) fn noted(
        &self,
        watched: Option<Watched>,
        begun: &Begun,
        loaded: &Loaded,
        at: Instant,
    ) -> Vec<Noted> {
        let (Some(traces), Some(Watched { watch, retries })) = (&self.traces, watched) else {
            return Vec::new();
        };
        let tracer = &traces.tracer;
        let (began_us, decided_us) = (watch.began_us(), tracer.now_us());
        let items: &[HistoryItem] = begun.items();
        let done = watch.done(tracer, begun, loaded, &self.partition, at);
        let activations = done.activations.into_iter();
        let mut noted: Vec<Noted> =
            activations.map(|one| Noted::Activation(Arc::new(one))).collect();
        noted.extend(done.idle.into_iter().map(|idle| Noted::Idle(Box::new(idle))));
        noted.extend(retries.into_iter().filter_map(|send| {
            let row = &self.partition.open(send)?.row;
            let (number, version) = (row.info.attempts, row.info.version);
            let before = match number {
                // Sent again on an operator's word, it found no slot then.
                ..=1 => Point::Retried(send, row.ledger.counted_at),
                number => Point::Settled(send, number - 1),
            };
            Some(Noted::Retry(Retry { send, version, before, at, began_us, decided_us }))
        }));
        let reports = items.iter().filter_map(|item| self.reported(item, loaded));
        let reports = reports.map(|it| Reported { at, began_us, decided_us, ..it });
        noted.extend(reports.map(|it| Noted::Report(Box::new(it))));
        noted
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
    pub(super) fn ripe(&mut self, durable: u64, partition: u16) -> Ripe {
        let count = self.pending.partition_point(|(seq, _)| *seq <= durable);
        let noted = self.pending.drain(..count).map(|(_, noted)| noted).collect();
        Ripe { tracer: self.tracer.clone(), partition, noted }
    }
}

impl Ripe {
    /// The activation that asked for an attempt.
    pub(super) fn of_attempt(&mut self, attempt: &Attempt) -> Option<Arc<Activation>> {
        let found = self.noted.iter_mut().find(|noted| match noted {
            Noted::Activation(activation) => activation.sends(attempt.send),
            Noted::Retry(retry) => retry.send == attempt.send,
            Noted::Outcome(_) | Noted::Report(_) | Noted::Idle(_) => false,
        })?;
        if let Noted::Retry(retry) = found {
            let again = self.tracer.samples(attempt.enrollment);
            *found = Noted::Activation(Arc::new(retry.activation(attempt, self.partition, again)));
        }
        match found {
            Noted::Activation(activation) => Some(activation.clone()),
            Noted::Retry(_) | Noted::Outcome(_) | Noted::Report(_) | Noted::Idle(_) => None,
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
                // Nothing was attempted: the policy held it, or there was no slot.
                Noted::Retry(_) => {}
            }
        }
    }
}

impl Retry {
    fn activation(&self, attempt: &Attempt, partition: u16, sampled: bool) -> Activation {
        Activation {
            enrollment: attempt.enrollment,
            journey: attempt.journey.clone(),
            version: Some(self.version),
            customer: attempt.customer.key(),
            partition,
            at: self.at,
            inputs: Inputs::of(&[engine::Input::Retry(self.send)]),
            before: Some(self.before),
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
