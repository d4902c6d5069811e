//! The scheduler actor of one partition: who is due when, and the alarm that wakes it.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use actix::{Actor, Context, Handler};
use domain::ids::CustomerKey;
use domain::time::Instant;
use runtime::returns::Collect;
use runtime::timers::Due;
use runtime::{Alarm, Clock, Handle, Lane, Returns, Timers};

use super::{Addressed, PartitionMsg, Work};
use crate::telemetry::metrics::Metrics;

/// Due customers handed over at once, so that other work gets its turn in between.
const DUE_BATCH_MAX: u32 = 256;
/// Pause before due customers are offered again to a partition that was full.
const BUSY_PAUSE_MS: i64 = 20;

/// The timers, shared with the partition actor on the same arbiter: it arms, the scheduler fires.
pub type SharedTimers = Rc<RefCell<Timers>>;

/// The actor.
#[derive(Debug)]
pub struct SchedulerActor {
    timers: SharedTimers,
    /// Whoever arms a timer says so here, and wakes this actor.
    armed: Returns<()>,
    partition: Handle<PartitionMsg>,
    clock: Clock,
    alarm: Alarm,
    /// Rings in real time, for a partition that was full.
    busy: Alarm,
    metrics: Arc<Metrics>,
}

impl SchedulerActor {
    /// Over timers that were recovered.
    pub fn new(
        timers: SharedTimers,
        armed: Returns<()>,
        partition: Handle<PartitionMsg>,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Self {
        let alarm = Alarm::new(clock.clone());
        let busy = Alarm::new(Clock::system());
        Self { timers, armed, partition, clock, alarm, busy, metrics }
    }

    fn set_alarm(&mut self, ctx: &mut Context<Self>) {
        let next = self.timers.borrow().next_due_ms();
        if let Some(due_ms) = next {
            self.alarm.set(ctx, due_ms, |actor, ctx| {
                actor.alarm.rang();
                actor.fire(ctx);
            });
        }
    }

    fn fire(&mut self, ctx: &mut Context<Self>) {
        loop {
            let credits = self.partition.credits();
            let room = credits.limit().saturating_sub(credits.used()).min(DUE_BATCH_MAX);
            let now_ms = self.clock.now_ms();
            let due: Vec<Due> = self.timers.borrow_mut().due(now_ms).take(room as usize).collect();
            if due.is_empty() {
                break;
            }
            if !self.hand_over(&due, now_ms) {
                for due in due {
                    self.timers.borrow_mut().give_back(due);
                }
                self.come_back(ctx);
                return;
            }
        }
        let waits =
            self.timers.borrow().next_due_ms().is_some_and(|due| due <= self.clock.now_ms());
        if waits {
            // The partition is full: what is due stays due.
            self.come_back(ctx);
        } else {
            self.set_alarm(ctx);
        }
    }

    fn come_back(&mut self, ctx: &mut Context<Self>) {
        self.busy.set_after(ctx, BUSY_PAUSE_MS, |actor, ctx| {
            actor.busy.rang();
            actor.fire(ctx);
        });
    }

    fn hand_over(&self, due: &[Due], now_ms: i64) -> bool {
        let works = due.iter().map(|due| Addressed {
            key: CustomerKey(due.key),
            id: None,
            lane: Lane::Live,
            work: Work::Timer { due: Instant(due.due_ms) },
        });
        let told = self.partition.tell(PartitionMsg::Work(works.collect()), due.len() as u32);
        if told.is_err() {
            return false;
        }
        for due in due {
            let late_ms = (now_ms - due.due_ms).max(0);
            self.metrics.timer_lateness.observe(late_ms as f64 / 1_000.0);
            // The record is what is durable; a restart reads the due instant from there again.
            self.timers.borrow_mut().settle(due);
        }
        true
    }
}

impl Actor for SchedulerActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.fire(ctx);
    }
}

impl Handler<Collect> for SchedulerActor {
    type Result = ();

    fn handle(&mut self, _: Collect, ctx: &mut Context<Self>) {
        // Without it nobody would be woken a second time.
        self.armed.collect(&mut Vec::new());
        self.set_alarm(ctx);
    }
}
