//! Takes the shop's events in as they happen on the accelerated clock, and lets customers answer
//! the messages that were captured for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use channels::capture::Capture;
use domain::event::Event;
use domain::ids::ChannelName;
use domain::time::Instant;
use runtime::{Busy, Clock, Lane};

use super::calls;
use super::life::Life;
use crate::web::Site;

/// Events of one batch: enough to share a commit, few enough to fit in front of any partition.
const BATCH_MAX: usize = 256;
/// Longest sleep in real milliseconds: how soon an end and new messages are noticed.
const NAP_MS_MAX: i64 = 200;
/// Messages looked at in one go; more than this within a nap go unanswered.
const ANSWERED_MAX: u64 = 5_000;

/// What was taken in so far; shared with who shows it.
#[derive(Debug, Default)]
pub struct Fed {
    /// Events that are durable.
    pub events: AtomicU64,
    /// Customers who have signed up.
    pub customers: AtomicU64,
    stop: AtomicBool,
}

impl Fed {
    /// Nothing more is to be taken in.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }
}

/// The feeder.
#[derive(Debug)]
pub struct Feed {
    /// The shop.
    pub life: Life,
    /// The way in, and where events are looked at.
    pub site: Arc<Site>,
    /// The accelerated clock.
    pub clock: Clock,
    /// How much faster than real time it runs.
    pub factor: u32,
    /// Channels whose messages are answered.
    pub captures: Vec<(ChannelName, Capture)>,
    /// What was taken in.
    pub fed: Arc<Fed>,
}

impl Feed {
    /// Runs until it is stopped.
    pub async fn run(mut self) {
        let mut answered: Vec<u64> = vec![0; self.captures.len()];
        while !self.fed.stop.load(Ordering::Acquire) {
            self.answer(&mut answered);
            let now = Instant(self.clock.now_ms());
            let batch = self.batch(now);
            if batch.is_empty() {
                let nap = NAP_MS_MAX.saturating_mul(i64::from(self.factor));
                let next = self.life.next_at().unwrap_or(Instant::MAX).min(now.plus_ms(nap));
                self.clock.sleep_until(next.0).await;
                continue;
            }
            self.take_in(batch).await;
        }
    }

    /// Events that have happened by now, received now.
    fn batch(&mut self, now: Instant) -> Vec<Event> {
        let mut batch = Vec::new();
        while batch.len() < BATCH_MAX
            && let Some(event) = self.life.next(now)
        {
            batch.push(Event { received_at: now, ..event });
        }
        batch
    }

    async fn take_in(&self, batch: Vec<Event>) {
        let count = batch.len() as u64;
        loop {
            match self.site.directory.ingest(batch.clone(), Lane::Live) {
                Ok(answer) => {
                    if answer.await.is_ok() {
                        self.fed.events.fetch_add(count, Ordering::Relaxed);
                        calls::show(&self.site, &batch, self.site.now());
                        let customers = u64::from(self.life.signed_up());
                        self.fed.customers.store(customers, Ordering::Relaxed);
                    } else {
                        tracing::warn!("not all events of a batch were taken in");
                    }
                    return;
                }
                Err(Busy::Full { retry_after_ms, .. }) => {
                    let pause = u64::from(retry_after_ms) * u64::from(self.factor);
                    self.clock.sleep(pause).await;
                }
                Err(busy @ Busy::TooLarge { .. }) => {
                    tracing::error!(%busy, "a batch of the demo is too large");
                    return;
                }
            }
        }
    }

    /// Shows new messages to who got them.
    fn answer(&mut self, answered: &mut [u64]) {
        for ((_, capture), seen) in self.captures.iter().zip(answered) {
            let total = capture.total();
            let new = (total - *seen).min(ANSWERED_MAX);
            *seen = total;
            for captured in capture.newest(new as usize).iter().rev() {
                self.life.got(&captured.message.to.address, captured.send, captured.at);
            }
        }
    }
}
