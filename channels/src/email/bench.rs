//! A load for `cadencia bench email`: builds and hands over so many mails, each for its own
//! recipient, over as many attempts at once as the channel has slots.
//!
//! Measures nothing itself: the caller has the clock, and runs `smtp-source` beside it.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::ids::SendId;
use domain::time::Instant;

use super::message::Email;
use crate::channel::{Always, Attempt, Channel, Content, Message, Outcome, Recipient};

/// Longest that an attempt of the load may take, in milliseconds.
const DEADLINE_MS: i64 = 60_000;

/// What to send.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// How many mails.
    pub mails: u64,
    /// Size of each one's bodies together, in bytes.
    pub body_bytes: usize,
}

/// What became of the mails.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Taken by the receiver.
    pub accepted: u64,
    /// Anything else.
    pub failed: u64,
    /// The first of those.
    pub first_failure: Option<String>,
}

/// Hands the load over and waits for all answers. Must run within a tokio runtime.
pub async fn run(channel: Arc<dyn Channel>, load: Load, now: Instant) -> Tally {
    let next = Arc::new(AtomicU64::new(0));
    let html = Arc::<str>::from(body(load.body_bytes));
    let workers: Vec<_> = (0..channel.slots())
        .map(|_| {
            let (channel, next, html) =
                (Arc::clone(&channel), Arc::clone(&next), Arc::clone(&html));
            tokio::spawn(async move {
                let mut tally = Tally::default();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= load.mails {
                        return tally;
                    }
                    tally.count(channel.attempt(attempt(number, &html, now)).await);
                }
            })
        })
        .collect();
    let mut total = Tally::default();
    for worker in workers {
        match worker.await {
            Ok(tally) => total.add(tally),
            Err(error) => {
                total.failed += 1;
                total.first_failure.get_or_insert(error.to_string());
            }
        }
    }
    total
}

/// `smtp-source -d` for the same load: one connection per session, reused for all its mails.
pub fn smtp_source(address: &str, connections: usize, load: Load) -> Command {
    let mut command = Command::new("smtp-source");
    command
        .args(["-d", "-s", &connections.to_string(), "-m", &load.mails.to_string()])
        .args(["-l", &load.body_bytes.to_string()])
        .args(["-f", "load@example.com", "-t", "customer@example.org", address]);
    command
}

fn attempt(number: u64, html: &str, now: Instant) -> Attempt {
    let email = Email {
        subject: format!("Your order {number} is on its way"),
        text: Some(format!("Hello customer {number}, your order is on its way.\n")),
        html: Some(html.to_owned()),
        unsubscribe: Some(format!("https://example.com/unsubscribe/{number:032x}")),
        ..Email::default()
    };
    Attempt {
        send: SendId(u128::from(number) + 1),
        number: 1,
        now,
        deadline: now.plus_ms(DEADLINE_MS),
        message: Message {
            to: Recipient {
                address: format!("customer{number}@example.org"),
                name: Some(format!("Customer {number}")),
            },
            content: Content::Email(email),
        },
        permit: Box::new(Always),
    }
}

fn body(bytes: usize) -> String {
    let line = "<p>Thank you for your order. It left our house today and will be with you.</p>\n";
    line.repeat(bytes.div_ceil(line.len()))
}

impl Tally {
    fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Accepted { .. } => self.accepted += 1,
            other => {
                self.failed += 1;
                self.first_failure.get_or_insert(format!("{other:?}"));
            }
        }
    }

    fn add(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.failed += other.failed;
        self.first_failure = self.first_failure.take().or(other.first_failure);
    }
}
