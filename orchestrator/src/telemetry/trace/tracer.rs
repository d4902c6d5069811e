//! The tracer: decides what is kept, and hands it over to be exported. Never waits.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use domain::event::Event;
use domain::hash;
use domain::ids::{CustomerKey, EnrollmentId};
use domain::time::Instant;
use domain::verdict::Decision;
use engine::ledger::Outcome;
use engine::partition::Attempt;
use policies::CountState;
use runtime::Clock;
use tokio::sync::mpsc;

use super::{Activation, Attempted, FailedTurn, Idle, Ids, Interrupted, Keyed, Reported, Settled};
use crate::telemetry::metrics::{Metrics, Signal};
use crate::telemetry::names;

/// The draw of an enrollment has so many buckets: a ratio is kept to one in a million.
const BUCKETS: u64 = 1_000_000;
/// Sets this draw apart from those of splits and holdouts.
const SALT: &str = "telemetry";
/// The same for the draw of events.
const EVENT_SALT: &str = "telemetry of an event";

/// What is kept.
#[derive(Clone, Copy, Debug)]
pub struct Sampling {
    /// Part of the enrollments that are traced, from 0 to 1.
    pub ratio: f64,
    /// Part of the events that are traced where they do nothing to any enrollment, from 0 to 1.
    pub event_ratio: f64,
    /// Activations and attempts that take longer are kept, in microseconds.
    pub slow_us: u64,
}

/// Something to be exported as one or more spans.
#[derive(Debug)]
pub enum Record {
    /// An activation that is durable.
    Activation(Arc<Activation>),
    /// An attempt.
    Attempt(Arc<Attempted>),
    /// An outcome that is durable.
    Outcome(Settled),
    /// A report that is durable.
    Report(Reported),
    /// A turn that failed.
    Failed(FailedTurn),
    /// An event that did nothing to any enrollment, durable.
    Event(Idle),
    /// An attempt that the end of the process before interrupted, and when that was found, in
    /// microseconds of the tracer's clock.
    Interrupted(Interrupted, u64),
}

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tracer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    keyed: Keyed,
    buckets: u64,
    event_buckets: u64,
    slow_us: u64,
    /// Real time, however fast the process's clock runs: spans measure work.
    clock: Clock,
    queue: mpsc::Sender<Record>,
    metrics: Arc<Metrics>,
}

impl Tracer {
    /// Into a queue. What finds it full is dropped and counted.
    pub fn new(
        keyed: Keyed,
        sampling: Sampling,
        clock: Clock,
        queue: mpsc::Sender<Record>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let buckets = |ratio: f64| (ratio * BUCKETS as f64) as u64;
        Self(Arc::new(Inner {
            keyed,
            buckets: buckets(sampling.ratio),
            event_buckets: buckets(sampling.event_ratio),
            slow_us: sampling.slow_us,
            clock,
            queue,
            metrics,
        }))
    }

    /// Microseconds of the tracer's clock.
    pub fn now_us(&self) -> u64 {
        self.0.clock.monotonic_us()
    }

    /// Whether an enrollment is traced: the same answer for all of its life.
    pub fn samples(&self, enrollment: EnrollmentId) -> bool {
        self.0.buckets >= BUCKETS
            || hash::bucket(SALT, &enrollment.0.to_le_bytes(), BUCKETS) < self.0.buckets
    }

    /// Whether any event is traced for itself.
    pub(super) fn samples_events(&self) -> bool {
        self.0.event_buckets > 0
    }

    /// Whether an event is traced where it does nothing to any enrollment: the same answer each
    /// time that it is sent.
    pub(super) fn samples_event(&self, event: &Event) -> bool {
        let buckets = self.0.event_buckets;
        let draw = || hash::bucket(EVENT_SALT, event.identity().0.as_bytes(), BUCKETS);
        buckets >= BUCKETS || draw() < buckets
    }

    /// An event is durable that did nothing to any enrollment.
    pub fn idle(&self, idle: Idle) {
        self.push(Record::Event(idle));
    }

    /// An activation is durable: exports it if it is kept.
    pub fn durable(&self, activation: &Arc<Activation>) {
        let now_us = self.now_us();
        activation.durable_us.store(now_us, Ordering::Release);
        let slow = now_us.saturating_sub(activation.began_us) > self.0.slow_us;
        if activation.sampled || activation.failed || slow {
            self.keep(activation);
        }
    }

    /// An attempt has ended that took so many microseconds. Given back if it is kept; then its
    /// activation is too.
    pub fn attempted(
        &self,
        activation: Arc<Activation>,
        attempt: &Arc<Attempt>,
        outcome: &Outcome,
        word: &'static str,
        took_us: u64,
    ) -> Option<Arc<Attempted>> {
        let ended_us = self.now_us();
        let failed = matches!(outcome, Outcome::Rejected { .. } | Outcome::Unknown { .. });
        let slow = took_us > self.0.slow_us;
        if !activation.is_exported() && !failed && !slow {
            return None;
        }
        self.keep(&activation);
        let attempted = Attempted {
            activation,
            attempt: attempt.clone(),
            outcome: word,
            failed: !matches!(outcome, Outcome::Accepted { .. }),
            began_us: ended_us.saturating_sub(took_us),
            ended_us,
        };
        let attempted = Arc::new(attempted);
        let (ids, channel) = (self.ids_of_attempt(&attempted), attempt.channel.as_str());
        let took = took_us as f64 / 1e6;
        let labels = [(names::CHANNEL, channel)];
        self.0.metrics.exemplars.observed(&names::ATTEMPT, &labels, took, ids.trace);
        let labels = [(names::CHANNEL, channel), (names::OUTCOME, word)];
        self.0.metrics.exemplars.counted(&names::SENDS, &labels, ids.trace);
        self.push(Record::Attempt(attempted.clone()));
        Some(attempted)
    }

    /// The trace of an attempt, and its span.
    pub fn ids_of_attempt(&self, attempted: &Attempted) -> Ids {
        attempt_ids(&self.0.keyed, attempted)
    }

    /// An outcome is durable whose attempt was kept.
    pub fn settled(&self, settled: Settled) {
        self.push(Record::Outcome(settled));
    }

    /// A start found an attempt that was under way: that is always kept.
    pub fn interrupted(&self, interrupted: Interrupted) {
        self.push(Record::Interrupted(interrupted, self.now_us()));
    }

    /// A report is durable: exports it if its enrollment is traced, or if the message failed.
    pub fn reported(&self, reported: Reported) {
        let failed = reported.state == CountState::Bounced;
        if failed || self.samples(reported.enrollment) {
            self.push(Record::Report(reported));
        }
    }

    /// A turn failed: that is always kept.
    pub fn failed(&self, customer: CustomerKey, partition: u16, at: Instant, began_us: u64) {
        let ended_us = self.now_us();
        self.push(Record::Failed(FailedTurn { customer, partition, at, began_us, ended_us }));
    }

    fn keep(&self, activation: &Arc<Activation>) {
        if activation.exported.swap(true, Ordering::AcqRel) {
            return;
        }
        let trace = self.0.keyed.of(activation.enrollment, activation.point).trace;
        for decided in &activation.decisions {
            let metric = match decided.decision {
                Decision::HoldUntil(_) => &names::HOLDS,
                Decision::Refuse => &names::REFUSALS,
                Decision::Allow | Decision::NextChannel => continue,
            };
            if let Some((kind, _)) = &decided.rule {
                let labels = [(names::RULE, kind.as_str())];
                self.0.metrics.exemplars.counted(metric, &labels, trace);
            }
        }
        self.push(Record::Activation(activation.clone()));
    }

    fn push(&self, record: Record) {
        if self.0.queue.try_send(record).is_err() {
            self.0.metrics.telemetry_dropped(Signal::Traces, 1);
        }
    }
}

/// The trace of an attempt is that of its activation.
pub(crate) fn attempt_ids(keyed: &Keyed, attempted: &Attempted) -> Ids {
    let activation = &attempted.activation;
    let trace = keyed.of(activation.enrollment, activation.point).trace;
    let send = format!("{}/{}", names::SPAN_ATTEMPT.name, attempted.attempt.send);
    Ids { trace, span: keyed.child(trace, &send, u32::from(attempted.attempt.number)) }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU64};

    use domain::ids::VersionNo;
    use runtime::SimulatedClock;

    use super::*;
    use crate::telemetry::trace::{Inputs, Point};

    const SLOW_US: u64 = 100_000;

    fn activation(tracer: &Tracer) -> Arc<Activation> {
        Arc::new(Activation {
            enrollment: EnrollmentId(7),
            journey: "hello".into(),
            version: Some(VersionNo(1)),
            customer: CustomerKey([1; 16]),
            partition: 0,
            at: Instant(0),
            inputs: Inputs::of(&[]),
            before: None,
            point: Point::Ended,
            origins: Vec::new(),
            step: None,
            exit: None,
            decisions: Vec::new(),
            began_us: tracer.now_us(),
            decided_us: tracer.now_us(),
            durable_us: AtomicU64::new(0),
            sampled: tracer.samples(EnrollmentId(7)),
            failed: false,
            exported: AtomicBool::new(false),
        })
    }

    #[test]
    fn an_activation_that_is_durable_late_is_kept_although_it_is_not_sampled() {
        let time = SimulatedClock::new(0);
        let (queue, mut told) = mpsc::channel(8);
        let sampling = Sampling { ratio: 0.0, event_ratio: 0.0, slow_us: SLOW_US };
        let keyed = Keyed([7; 32]);
        let metrics = Arc::new(Metrics::new());
        let tracer = Tracer::new(keyed, sampling, time.clock(), queue, metrics);
        for (took_ms, kept) in [(0, false), (100, false), (101, true)] {
            let activation = activation(&tracer);
            time.advance_to(time.clock().now_ms() + took_ms);
            tracer.durable(&activation);
            assert_eq!(activation.is_exported(), kept, "{took_ms} ms");
            let found = matches!(told.try_recv(), Ok(Record::Activation(_)));
            assert_eq!(found, kept, "{took_ms} ms");
        }
    }
}
