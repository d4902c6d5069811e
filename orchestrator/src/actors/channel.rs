//! The channel actor: renders a message whose reservation is durable, hands it to its provider,
//! and brings the outcome back to the customer's partition.

use std::sync::Arc;

use actix::{Actor, AsyncContext, Context, Handler};
use channels::{Channel, Message};
use domain::ids::CustomerKey;
use domain::time::Instant;
use engine::ledger::Outcome;
use engine::partition::Attempt;
use runtime::{Clock, Delivery, Lane, Permit};

use super::core::Outgoing;
use super::ingest::{Directory, LateDirectory};
use super::{Addressed, PartitionMsg, Settled, Work};
use crate::telemetry::SealedId;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::trace::{Attempted, Tracer};

/// Makes a message of an attempt. An error is final: the same data give the same error again.
pub type Render = Arc<dyn Fn(&Attempt) -> Result<Message, String> + Send + Sync>;

/// What a channel actor is told.
pub enum ChannelMsg {
    /// Send this.
    Attempt(Outgoing, Render),
}

impl std::fmt::Debug for ChannelMsg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self::Attempt(outgoing, _) = self;
        f.debug_tuple("Attempt").field(outgoing).finish()
    }
}

/// The actor. One per channel and arbiter, so that signing and rendering use every core.
pub struct ChannelActor {
    channel: Arc<dyn Channel>,
    directory: LateDirectory,
    clock: Clock,
    /// Real time, however fast the process's clock runs: attempts are measured by it.
    real: Clock,
    metrics: Arc<Metrics>,
    tracer: Option<Tracer>,
}

impl std::fmt::Debug for ChannelActor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChannelActor")
            .field("channel", &self.channel.name())
            .finish_non_exhaustive()
    }
}

impl ChannelActor {
    /// For a provider.
    pub fn new(
        channel: Arc<dyn Channel>,
        directory: LateDirectory,
        clock: Clock,
        metrics: Arc<Metrics>,
        tracer: Option<Tracer>,
    ) -> Self {
        Self { channel, directory, clock, real: Clock::system(), metrics, tracer }
    }
}

impl Actor for ChannelActor {
    type Context = Context<Self>;
}

impl Handler<Delivery<ChannelMsg>> for ChannelActor {
    type Result = ();

    fn handle(&mut self, delivery: Delivery<ChannelMsg>, ctx: &mut Context<Self>) {
        let (ChannelMsg::Attempt(outgoing, render), credit) = delivery.into_parts();
        let channel = self.channel.clone();
        let (directory, metrics) = (self.directory.clone(), self.metrics.clone());
        let now = Instant(self.clock.now_ms());
        let (real, tracer) = (self.real.clone(), self.tracer.clone());
        ctx.spawn(actix::fut::wrap_future(async move {
            let attempt = outgoing.attempt.clone();
            let permit = Arc::new(outgoing.permit);
            let began_us = real.monotonic_us();
            let outcome = deliver(&*channel, &render, &attempt, permit.clone(), now).await;
            let took_us = real.monotonic_us().saturating_sub(began_us);
            metrics.attempt(attempt.channel.as_str(), took_us as f64 / 1e6);
            let traced = tracer.as_ref().zip(outgoing.trace);
            let trace = traced.and_then(|(tracer, activation)| {
                tracer.attempted(activation, &attempt, &outcome, word(&outcome), took_us)
            });
            tell_failure(&attempt, &outcome, tracer.zip(trace.as_deref()).as_ref());
            if let Some(directory) = directory.get() {
                let settled = Settled { send: attempt.send, outcome, permit, trace };
                report(directory, &attempt, settled).await;
            }
            drop(credit);
        }));
    }
}

async fn deliver(
    channel: &dyn Channel,
    render: &Render,
    attempt: &Attempt,
    permit: Arc<Permit>,
    now: Instant,
) -> Outcome {
    if now >= attempt.valid_until {
        let reason = "the message was no longer valid when its turn came".to_owned();
        return Outcome::NotSent { reason, retry_after_ms: None };
    }
    let message = match render(attempt) {
        Ok(message) => message,
        Err(reason) => {
            let reply = format!("the message could not be rendered: {reason}");
            return Outcome::Rejected { reply, suppress: None };
        }
    };
    let outcome = channel
        .attempt(channels::Attempt {
            send: attempt.send,
            number: attempt.number,
            now,
            deadline: attempt.valid_until,
            message,
            permit: Box::new(Held(permit)),
        })
        .await;
    match outcome {
        channels::Outcome::Accepted { reply, parts } => Outcome::Accepted { reply, parts },
        channels::Outcome::Rejected { reason, suppress, .. } => {
            Outcome::Rejected { reply: reason, suppress }
        }
        channels::Outcome::NotSent { reason, retry_after_ms, .. } => {
            let retry_after_ms = retry_after_ms.and_then(|ms| i64::try_from(ms).ok());
            Outcome::NotSent { reason, retry_after_ms }
        }
        channels::Outcome::Unknown { reason, .. } => Outcome::Unknown { reason },
    }
}

/// A connection slot, as the channel holds it. One process owns its store, so the leave to send
/// ends only with the process.
#[derive(Debug)]
struct Held(#[expect(dead_code, reason = "held until it is dropped")] Arc<Permit>);

impl channels::Permit for Held {
    fn holds(&self) -> bool {
        true
    }
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted { .. } => "accepted",
        Outcome::Rejected { .. } => "rejected",
        Outcome::NotSent { .. } => "not_sent",
        Outcome::Unknown { .. } => "unknown",
    }
}

/// Says in the log that an attempt failed for good, with its trace where that is kept. What the
/// provider said stays out of it: providers repeat addresses.
fn tell_failure(attempt: &Attempt, outcome: &Outcome, trace: Option<&(Tracer, &Attempted)>) {
    if !matches!(outcome, Outcome::Rejected { .. } | Outcome::Unknown { .. }) {
        return;
    }
    let ids = trace.map(|(tracer, attempted)| tracer.ids_of_attempt(attempted));
    let trace_id = ids.map(|ids| format!("{:032x}", u128::from_be_bytes(ids.trace)));
    let span_id = ids.map(|ids| format!("{:016x}", u64::from_be_bytes(ids.span)));
    tracing::warn!(
        send.id = %SealedId(attempt.send.0),
        enrollment.id = %SealedId(attempt.enrollment.0),
        journey.id = %attempt.journey,
        step.id = %attempt.step,
        channel = %attempt.channel,
        outcome = word(outcome),
        trace_id,
        span_id,
        "an attempt failed"
    );
}

/// Brings an outcome home, waiting for room if it must: an outcome is never dropped.
async fn report(directory: &Directory, attempt: &Attempt, settled: Settled) {
    let key: CustomerKey = attempt.customer.key();
    let partition = directory.partition(key);
    let work = Work::Outcome(settled);
    let works = vec![Addressed { key, id: None, lane: Lane::Transactional, work }];
    if let Ok(credit) = partition.control.credits().take(1).await {
        // A partition that has stopped leaves the send in flight: the next start finds it so.
        drop(partition.control.tell_reserved(PartitionMsg::Work(works), credit));
    }
}
