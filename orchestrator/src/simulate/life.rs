//! One customer's simulated life: its inputs in order, its timers in between.

use std::collections::HashMap;
use std::sync::Arc;

use domain::ids::{ChannelName, CustomerId, EnrollmentId, JourneyName, SendId, StepId, VersionNo};
use domain::time::Instant;
use domain::value::Text;
use domain::verdict::{Decision, RuleResult, Verdict};
use engine::history::HistoryItem;
use engine::partition::{Grant, Slots};
use engine::{Begun, Input, Loaded, Partition};
use serde::{Deserialize, Serialize};

use super::recording::Events;

/// What became of one intended send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SendOutcome {
    /// It would have gone.
    Sent,
    /// The policy refused it.
    Refused,
    /// Its enrollment ended while it was held.
    Withdrawn,
    /// It was still held at the horizon.
    Held,
}

impl SendOutcome {
    /// The stable word in the output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::Held => "held",
        }
    }
}

/// A hold on the way to a send.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Held {
    /// When the gate looked.
    pub at: Instant,
    /// Until when it held.
    pub until: Instant,
    /// The rule that decided.
    pub rule: Option<RuleResult>,
}

/// One intended send, from the instant its step was reached to what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct SendRecord {
    /// Its id.
    pub send: SendId,
    /// Whom.
    pub customer: CustomerId,
    /// Its journey.
    pub journey: JourneyName,
    /// The entry key of its enrollment.
    pub key: Text,
    /// Its step.
    pub step: StepId,
    /// The channel tried last.
    pub channel: ChannelName,
    /// When the step was reached.
    pub created_at: Instant,
    /// When it was settled.
    pub settled_at: Instant,
    /// What became of it.
    pub outcome: SendOutcome,
    /// Holds on the way, in order.
    pub holds: Vec<Held>,
    /// The last verdict.
    pub verdict: Verdict,
}

/// Ticks of schedules, in the order of their instants.
pub(super) type Ticks = [(Instant, VersionNo)];

/// Every message counts as accepted in the commit that lets it go.
pub(super) struct AlwaysAccepted;

impl Slots for AlwaysAccepted {
    fn take(&mut self, _channel: &ChannelName) -> Grant {
        Grant::Accepted
    }
}

/// What one life left behind.
#[derive(Debug, Default)]
pub(super) struct Life {
    pub sends: Vec<SendRecord>,
    open: HashMap<SendId, usize>,
    keys: HashMap<EnrollmentId, Text>,
    /// Inputs and due timers that were handled.
    pub handled: u64,
    /// Customers that were taken in by another one.
    pub merged: u64,
}

impl Life {
    /// Runs a customer from its first event to the horizon. `events` are in the order of receipt.
    pub(super) fn run(
        partition: &mut Partition,
        customer: &CustomerId,
        events: Events<'_>,
        ticks: &Ticks,
        until: Instant,
    ) -> Self {
        let mut life = Self::default();
        let mut events = events.peekable();
        let start = events.peek().map_or(until, |event| event.received_at);
        let mut loaded = Loaded::new(customer.clone(), start);
        // Nobody knew of the customer before the first event.
        let mut ticks = ticks[ticks.partition_point(|(at, _)| *at < start)..].iter().peekable();
        let mut clock = start;
        loop {
            let event_at = events.peek().map_or(Instant::MAX, |event| event.received_at);
            let tick_at = ticks.peek().map_or(Instant::MAX, |(at, _)| *at);
            // A change of zone can move a timer into the past: it fires at once, not back then
            // (semantics 14).
            let due = partition.next_due(&loaded).max(clock);
            let now = event_at.min(tick_at).min(due);
            if now > until || now == Instant::MAX {
                break;
            }
            clock = now;
            // Everything of one instant is one turn, events first (semantics 2 and 20).
            let mut inputs = Vec::new();
            while let Some(event) = events.next_if(|event| event.received_at == now) {
                inputs.push(Input::Event { event: Arc::new(event), ticket: None });
            }
            while let Some((instant, version)) = ticks.next_if(|(at, _)| *at == now) {
                inputs.push(Input::Tick { version: *version, instant: *instant });
            }
            if due == now {
                inputs.push(Input::Timer);
            }
            life.handled += inputs.len() as u64;
            let mut begun = partition.begin(&mut loaded, inputs, now);
            partition.gate(&mut loaded, &mut begun, &mut AlwaysAccepted);
            partition.count(&begun);
            loaded.recorded = true;
            life.observe(&begun, customer, now);
        }
        life
    }

    pub(super) fn observe(&mut self, begun: &Begun, customer: &CustomerId, now: Instant) {
        for item in begun.items() {
            match item {
                HistoryItem::Entered { enrollment, key, .. } => {
                    self.keys.insert(*enrollment, key.clone());
                }
                HistoryItem::Decided { .. } => self.decided(item, customer, now),
                HistoryItem::Withdrawn { send } => {
                    if let Some(at) = self.open.remove(send) {
                        self.sends[at].outcome = SendOutcome::Withdrawn;
                        self.sends[at].settled_at = now;
                    }
                }
                HistoryItem::Exited { enrollment, .. } => {
                    self.keys.remove(enrollment);
                }
                HistoryItem::Absorbed { from } => {
                    self.merged += 1;
                    let held = |one: &&mut SendRecord| one.outcome == SendOutcome::Held;
                    for held in self.sends.iter_mut().filter(held) {
                        // Messages that are still held go along with their customer.
                        if held.customer == *from {
                            held.customer = customer.clone();
                        }
                    }
                }
                HistoryItem::Event(_)
                | HistoryItem::NotCounted
                | HistoryItem::UnknownZone
                | HistoryItem::TraitsNotKept(_)
                | HistoryItem::NotEntered { .. }
                | HistoryItem::Step { .. }
                | HistoryItem::SegmentEntered(_)
                | HistoryItem::SegmentLeft(_)
                | HistoryItem::Merged { .. }
                | HistoryItem::NotMerged { .. }
                | HistoryItem::AudienceLeft { .. }
                | HistoryItem::Redriven { .. }
                | HistoryItem::Reported { .. }
                | HistoryItem::Migrated { .. } => {}
            }
        }
    }

    fn decided(&mut self, item: &HistoryItem, customer: &CustomerId, now: Instant) {
        let HistoryItem::Decided { send, enrollment, journey, step, channel, verdict, sent } = item
        else {
            return;
        };
        let at = *self.open.entry(*send).or_insert_with(|| {
            self.sends.push(SendRecord {
                send: *send,
                customer: customer.clone(),
                journey: journey.clone(),
                key: self.keys.get(enrollment).cloned().unwrap_or_else(|| Text::from("")),
                step: step.clone(),
                channel: channel.clone(),
                created_at: now,
                settled_at: now,
                outcome: SendOutcome::Held,
                holds: Vec::new(),
                verdict: verdict.clone(),
            });
            self.sends.len() - 1
        });
        let record = &mut self.sends[at];
        record.channel = channel.clone();
        record.verdict.clone_from(verdict);
        record.settled_at = now;
        record.outcome = match verdict.decision {
            Decision::Allow if *sent => SendOutcome::Sent,
            Decision::HoldUntil(until) => {
                let rule = verdict.deciding().cloned();
                record.holds.push(Held { at: now, until, rule });
                SendOutcome::Held
            }
            // The next channel of the step asks in the same turn; the last one's "next channel"
            // is a refusal.
            Decision::NextChannel | Decision::Refuse | Decision::Allow => SendOutcome::Refused,
        };
    }
}
