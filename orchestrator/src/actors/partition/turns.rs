//! Whose turn it is: customers are activated for their turns, and passivated when they have been
//! idle, or are too many.

use std::sync::atomic::Ordering;

use domain::customer::{ENROLLMENTS_BYTES_MAX, TRAITS_BYTES_MAX};
use domain::event::EVENT_BYTES_MAX;
use domain::ids::CustomerKey;
use engine::withdraw::TRANSACTION_BYTES_MAX;
use runtime::{Local, Turn};

use super::{PartitionActor, Queued};
use crate::actors::customer::CustomerActor;
use crate::telemetry::CustomerHash;

/// Inputs of one customer that one turn takes at most.
const INPUTS_PER_TURN_MAX: usize = 32;
/// What a record has beside traits and enrollments, and what a turn decides, in bytes: kept free in
/// a transaction.
const DECISIONS_BYTES: usize = 2 * 1024 * 1024;
// A turn writes the events that it takes in, and the record.
const _: () = assert!(
    INPUTS_PER_TURN_MAX * EVENT_BYTES_MAX
        + TRAITS_BYTES_MAX
        + ENROLLMENTS_BYTES_MAX
        + DECISIONS_BYTES
        <= TRANSACTION_BYTES_MAX,
    "a turn of the largest inputs would not fit"
);
/// Customers whose turns are under way at once: one batch of loads.
const TURNS_AT_ONCE_MAX: usize = 128;
/// A customer that was idle for so long is passivated.
const IDLE_MS: i64 = 60_000;

impl PartitionActor {
    /// Starts as many turns as may be under way.
    pub(super) fn pump(&mut self) {
        if !self.wiring.core.borrow().undelivered.is_empty() {
            // The committer is full: what was decided goes first.
            return;
        }
        let mut starting = Vec::new();
        while self.active.in_flight() + starting.len() < TURNS_AT_ONCE_MAX {
            let mut inputs = Vec::new();
            let Some(taken) = self.lanes.take(INPUTS_PER_TURN_MAX, &mut inputs) else {
                break;
            };
            starting.push((CustomerKey(taken.key), inputs));
        }
        if starting.is_empty() {
            return;
        }
        self.activate(&starting);
        let now_ms = self.idle_clock.now_ms();
        for (key, inputs) in starting {
            let slot = self.active.find(&key.0);
            let flight = slot.and_then(|slot| Some((slot, self.active.begin(slot, now_ms)?)));
            let Some((slot, flight)) = flight else {
                // No record and no id to make one from (a timer of an erased customer), or its
                // record is damaged: the work is dropped, its acknowledgement unanswered.
                let works = inputs.into_iter().map(|queued| queued.work);
                self.wiring.core.borrow_mut().settle_without_customer(key, works);
                self.lanes.finish(&key.0);
                continue;
            };
            let works = inputs.into_iter().map(|queued| queued.work).collect();
            self.active.value(slot).send(Turn { flight, msg: works });
        }
    }

    /// Loads those that are not active, in one read.
    fn activate(&mut self, starting: &[(CustomerKey, Vec<Queued>)]) {
        let missing: Vec<&(CustomerKey, Vec<Queued>)> =
            starting.iter().filter(|(key, _)| self.active.find(&key.0).is_none()).collect();
        if missing.is_empty() {
            return;
        }
        let keys: Vec<CustomerKey> = missing.iter().map(|(key, _)| *key).collect();
        let core = self.wiring.core.clone();
        let records = core.borrow().read(&keys);
        let records = match records {
            Ok(records) => records,
            Err(error) => crate::fatal::store_failed(&error),
        };
        let now_ms = self.idle_clock.now_ms();
        for ((key, inputs), record) in missing.into_iter().zip(records) {
            let id = inputs.iter().find_map(|queued| queued.id.as_ref());
            match core.borrow().load(*key, id, record) {
                Ok(Some(loaded)) => {
                    let actor = CustomerActor::new(loaded, core.clone(), self.returns.clone());
                    self.active.activate(key.0, Local::start(actor), now_ms, 0);
                }
                Ok(None) => {}
                Err(error) => {
                    let hash = CustomerHash(*key);
                    tracing::error!(customer.hash = %hash, %error, "a record could not be loaded");
                    core.borrow().not_loaded(*key);
                }
            }
        }
    }

    /// Idle customers, and those that are too many.
    pub(super) fn passivate(&mut self) {
        let durable = self.wiring.durable.load(Ordering::Acquire);
        let idle = self.idle_clock.now_ms() - IDLE_MS;
        loop {
            let over = self.active.len() > self.wiring.active_max;
            let before = if over { i64::MAX } else { idle };
            if self.active.evict(before, durable).is_none() {
                break;
            }
        }
        self.count_active();
    }

    pub(super) fn count_active(&mut self) {
        let now = self.active.len() as i64;
        self.wiring.metrics.active_customers.inc_by(now - self.counted_active);
        self.counted_active = now;
        let timers = self.wiring.timers.borrow().len() as i64;
        self.wiring.metrics.pending_timers.inc_by(timers - self.counted_timers);
        self.counted_timers = timers;
    }

    /// Too many active customers make room at once, not at the next sweep.
    pub(super) fn passivate_over(&mut self) {
        let durable = self.wiring.durable.load(Ordering::Acquire);
        while self.active.len() > self.wiring.active_max {
            if self.active.evict(i64::MAX, durable).is_none() {
                break;
            }
        }
    }
}
