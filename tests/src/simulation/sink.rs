//! The world outside: a mail server with moods, and a client that repeats what nobody confirmed.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::event::{Event, EventBody};
use domain::ids::{CustomerId, CustomerKey, SendId};
use domain::suppression::StopReason;
use domain::time::Instant;
use engine::ledger::Outcome;
use engine::partition::Attempt;
use engine::report::{Report, Said};

use super::faults::Rng;

/// A message that the server took.
#[derive(Clone, Debug)]
pub(crate) struct Delivered {
    pub(crate) customer: CustomerKey,
    pub(crate) class: String,
    /// When the server took it.
    pub(crate) at: Instant,
}

/// The mail server.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    /// What it took, by send: more than one entry is a duplicate.
    pub(crate) delivered: BTreeMap<SendId, Vec<Delivered>>,
    /// Whether it reaches its receiver, of each that it took.
    pub(crate) arrives: BTreeMap<SendId, bool>,
    /// Whether it has moods; without, it takes everything.
    pub(crate) reliable: bool,
}

impl Sink {
    /// One attempt, and what the sender learns of it.
    pub(crate) fn attempt(&mut self, attempt: &Attempt, now: Instant, rng: &mut Rng) -> Outcome {
        let mood = if self.reliable { 99 } else { rng.below(20) };
        match mood {
            0 => Outcome::Rejected { reply: "550 no".to_owned(), suppress: None },
            1 => Outcome::Rejected {
                reply: "550 unknown user".to_owned(),
                suppress: Some(StopReason::HardBounce),
            },
            2..5 => {
                let retry_after_ms = rng.once_in(2).then_some(90_000);
                Outcome::NotSent { reason: "451 later".to_owned(), retry_after_ms }
            }
            5 => Outcome::Unknown { reason: "no answer, and not taken".to_owned() },
            6 | 7 => {
                self.take(attempt, now, rng);
                Outcome::Unknown { reason: "no answer, and taken".to_owned() }
            }
            _ => {
                self.take(attempt, now, rng);
                Outcome::Accepted { reply: "250 ok".to_owned(), parts: 1 + rng.below(3) as u16 }
            }
        }
    }

    /// A report of some message that it took: perhaps one that it made before.
    pub(crate) fn report(&self, rng: &mut Rng) -> Option<(CustomerKey, SendId, Report)> {
        let at = rng.index(self.delivered.len().max(1));
        let (send, delivered) = self.delivered.iter().nth(at)?;
        let said = match (self.arrives[send], rng.below(3)) {
            (_, 0) => Said::Taken,
            (true, _) => Said::Delivered,
            (false, _) => Said::Failed { suppress: None },
        };
        Some((delivered[0].customer, *send, Report { said, reason: "a report".to_owned() }))
    }

    fn take(&mut self, attempt: &Attempt, now: Instant, rng: &mut Rng) {
        self.arrives.entry(attempt.send).or_insert_with(|| !rng.once_in(5));
        self.delivered.entry(attempt.send).or_default().push(Delivered {
            customer: attempt.customer.key(),
            class: attempt.class.to_string(),
            at: now,
        });
    }
}

/// One event of the client, and what it knows of it.
#[derive(Clone, Debug)]
pub(crate) struct Posted {
    pub(crate) event: Event,
    /// When it was first posted.
    pub(crate) first: Option<Instant>,
    /// Whether an acknowledgement came.
    pub(crate) acknowledged: bool,
}

/// The client.
#[derive(Debug, Default)]
pub(crate) struct Client {
    pub(crate) events: Vec<Posted>,
}

/// How long after its first post an event may be repeated: less than the memory for messages.
const REPEATS_MS: i64 = 6 * 24 * 3_600_000;

impl Client {
    /// A client that has these things to tell.
    pub(crate) fn new(told: impl IntoIterator<Item = (String, EventBody)>) -> Self {
        let events = told.into_iter().enumerate().map(|(at, (customer, body))| Posted {
            event: Event {
                customer: CustomerId::from(customer),
                message_id: format!("m{at}"),
                occurred_at: Instant(0),
                received_at: Instant(0),
                body,
            },
            first: None,
            acknowledged: false,
        });
        Self { events: events.collect() }
    }

    /// Posts an event: its number, and the event as it is received.
    pub(crate) fn post(&mut self, number: usize, now: Instant) -> Arc<Event> {
        let posted = &mut self.events[number];
        let first = *posted.first.get_or_insert(now);
        posted.event.occurred_at = first;
        Arc::new(Event { received_at: now, ..posted.event.clone() })
    }

    /// Some event that may be posted: a new one, a repeat, or a duplicate of a confirmed one.
    pub(crate) fn choose(&self, rng: &mut Rng, now: Instant) -> Option<usize> {
        let may =
            |posted: &Posted| posted.first.is_none_or(|first| now.ms_since(first) < REPEATS_MS);
        // Near the front of what is open, so that order is kept more often than not.
        let open = self.events.iter().enumerate().filter(|(_, posted)| !posted.acknowledged);
        let open: Vec<usize> = open.map(|(number, _)| number).take(4).collect();
        let number = if open.is_empty() || rng.once_in(12) {
            rng.index(self.events.len())
        } else {
            open[rng.index(open.len())]
        };
        may(&self.events[number]).then_some(number)
    }
}
