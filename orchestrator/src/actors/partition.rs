//! The partition actor: the queue in front of its customers, their turns, and the way of their
//! transactions to the committer. It decides nothing about a customer.

mod turns;
mod wiring;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use actix::{Actor, Context, Handler};
use domain::ids::{ChannelName, CustomerId, CustomerKey};
use domain::time::Instant;
use engine::ledger::{self, Outcome};
use engine::merge::Word;
use runtime::handle::Refused;
use runtime::returns::Collect;
use runtime::{Active, Clock, Credit, Delivery, Lane, Lanes, Local, Permit, Reply, Returns};
use store::Reason;

pub use self::wiring::{Snapshots, Wiring};
use super::channel::ChannelMsg;
use super::contact_policy::Look;
use super::core::Outgoing;
use super::customer::{CustomerActor, Returned};
use super::{Addressed, PartitionMsg, Settled, Work};
use crate::telemetry::CustomerHash;

/// How often idle customers are looked for.
const SWEEP_PERIOD_MS: u64 = 1_000;

/// Bytes of transactions that are handed to the committer at once: any of them fits, and many
/// together always find room in its queue, once that is empty.
const SUBMIT_BYTES_MAX: usize = 2 * store::TRANSACTION_BYTES_MAX;
const _: () = assert!(SUBMIT_BYTES_MAX <= store::QUEUE_BYTES_MAX);

#[derive(Debug)]
struct Queued {
    id: Option<CustomerId>,
    work: Work,
    /// Held until the turn begins: what waits here counts against the partition's mailbox. Work
    /// that the partition gives itself has none; permits bound it.
    _credit: Option<Credit>,
}

/// The actor.
pub struct PartitionActor {
    wiring: Wiring,
    lanes: Lanes<Queued>,
    active: Active<Local<CustomerActor>>,
    returns: Returns<Returned>,
    /// Idleness is a matter of memory, so of real time, however fast the process's clock runs.
    idle_clock: Clock,
    drain: Option<Reply<()>>,
    quiet: Vec<Reply<()>>,
    /// Customers whose last turn failed, still active because not all of them is durable.
    broken: Vec<CustomerKey>,
    counted_active: i64,
    counted_timers: i64,
}

impl std::fmt::Debug for PartitionActor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PartitionActor").field("lanes", &self.lanes.len()).finish_non_exhaustive()
    }
}

impl PartitionActor {
    /// A partition without active customers.
    pub fn new(wiring: Wiring, returns: Returns<Returned>) -> Self {
        Self {
            wiring,
            lanes: Lanes::new(runtime::lanes::LaneLimits::default()),
            active: Active::new(),
            returns,
            idle_clock: Clock::system(),
            drain: None,
            quiet: Vec::new(),
            broken: Vec::new(),
            counted_active: 0,
            counted_timers: 0,
        }
    }

    fn queue(&mut self, works: Vec<Addressed>, mut credit: Credit) {
        for Addressed { key, id, lane, work } in works {
            let work = match work {
                Work::Outcome(settled) if !self.needs_turn(key, &settled) => {
                    let mut core = self.wiring.core.borrow_mut();
                    let now = core.now();
                    drop(core.outcome(settled, None, now));
                    continue;
                }
                work => work,
            };
            let owed = is_owed(&work);
            let queued = Queued { id, work, _credit: Some(credit.split(1)) };
            if owed {
                self.lanes.push_always(lane, key.0, queued);
            } else if let Err((full, queued)) = self.lanes.push(lane, key.0, queued) {
                // The acknowledgement is dropped unanswered: the sender hears that it was not
                // accepted, and sends it again.
                tracing::warn!(?full, work = ?std::mem::discriminant(&queued.work), "refused");
                self.wiring.metrics.mailbox_refused.inc();
            }
        }
    }

    /// An outcome that touches no loaded state needs no turn of its customer. One of a send that
    /// is not open may have to follow its customer into another one.
    fn needs_turn(&self, key: CustomerKey, settled: &Settled) -> bool {
        ledger::stops_address(&settled.outcome)
            || self.active.find(&key.0).is_some()
            || !self.wiring.core.borrow().partition.is_open(settled.send)
    }

    /// Hands over what customers of this partition tell others, in order.
    fn forward(&mut self) {
        let Some(directory) = self.wiring.directory.get() else {
            return;
        };
        loop {
            let next = self.wiring.core.borrow_mut().forwarded.pop_front();
            let Some(next) = next else {
                return;
            };
            let door = &directory.partition(next.key).control;
            if let Err(Refused::Busy { msg: PartitionMsg::Work(works), .. }) =
                door.tell(PartitionMsg::Work(vec![next]), 1)
            {
                // The next sweep tries again.
                let mut core = self.wiring.core.borrow_mut();
                works.into_iter().for_each(|work| core.forwarded.push_front(work));
                return;
            }
        }
    }

    /// Hands over what was decided, wakes who must look, releases what is durable.
    fn settle(&mut self, ctx: &mut Context<Self>) {
        self.submit();
        {
            let mut core = self.wiring.core.borrow_mut();
            self.wiring.metrics.turns_too_large.inc_by(std::mem::take(&mut core.too_large));
            let rearmed = std::mem::take(&mut core.rearmed);
            let starved = std::mem::take(&mut core.starved);
            let lost = std::mem::take(&mut core.lost);
            let retries = core.partition.next_retry() != Instant::MAX;
            let ended = core.partition.take_ended();
            drop(core);
            for (channel, state, count) in ended {
                self.wiring.metrics.sends_ended(channel.as_str(), state, count);
            }
            if !rearmed.is_empty() {
                let mut timers = self.wiring.timers.borrow_mut();
                for (key, due) in rearmed {
                    timers.insert(key.0, due.0);
                }
                drop(timers);
                self.wiring.armed.push(());
            }
            lost.into_iter().for_each(|stop| stop.tell(&self.wiring.metrics));
            for channel in starved {
                self.wiring.looks.push(Look::Starved(channel));
            }
            if retries {
                self.wiring.looks.push(Look::Retries);
            }
        }
        self.release(ctx);
        self.let_broken_go();
        self.pump();
        self.count_active();
        self.answer_who_waits();
    }

    fn submit(&mut self) {
        let (transactions, leaving) = {
            let mut core = self.wiring.core.borrow_mut();
            (std::mem::take(&mut core.undelivered), std::mem::take(&mut core.leaving))
        };
        if transactions.is_empty() {
            return;
        }
        let mut rest = transactions;
        while !rest.is_empty() {
            let mut bytes = 0;
            let fit = rest.iter().take_while(|one| {
                bytes += one.bytes();
                bytes <= SUBMIT_BYTES_MAX
            });
            let later = rest.split_off(fit.count());
            if let Err(refused) = self.wiring.store.submit(std::mem::replace(&mut rest, later)) {
                match refused.reason {
                    // Closed is how the process ends: what comes after that (a word of a merge, a
                    // walk's cursor) is acknowledged to nobody, and the next start takes over.
                    Reason::Full { .. } | Reason::Closed => {}
                    ref reason => crate::fatal::store_refused(reason),
                }
                let mut core = self.wiring.core.borrow_mut();
                let later = std::mem::take(&mut core.undelivered);
                core.undelivered = refused.transactions;
                core.undelivered.extend(rest);
                core.undelivered.extend(later);
                core.leaving.extend(leaving);
                return;
            }
        }
    }

    /// Customers whose turn failed go, as soon as all of them is durable: whoever comes next finds
    /// what the store has.
    fn let_broken_go(&mut self) {
        let durable = self.wiring.durable.load(Ordering::Acquire);
        let active = &mut self.active;
        self.broken.retain(|key| {
            active.evict_key(&key.0, durable).is_none() && active.find(&key.0).is_some()
        });
    }

    fn release(&mut self, _ctx: &mut Context<Self>) {
        let durable = self.wiring.durable.load(Ordering::Acquire);
        let outgoing = self.wiring.core.borrow_mut().durable(durable);
        let snapshot = self.wiring.core.borrow_mut().durable_snapshot();
        if let Some(commit) = snapshot {
            let number = self.wiring.core.borrow().partition.id();
            let oldest = self.wiring.snapshots.taken(number, commit);
            self.wiring.store.trim_groups(oldest);
        }
        for outgoing in outgoing {
            let channels = &self.wiring.published.channels;
            let Some(door) = channels.get(&outgoing.attempt.channel) else {
                self.not_handed_over(outgoing, "its channel is published no more");
                continue;
            };
            // The slot that it holds is the bound; the channel has a credit for each. One that was
            // published anew meanwhile may have fewer.
            let message = ChannelMsg::Attempt(outgoing, door.render.clone());
            if let Err(Refused::Busy { msg: ChannelMsg::Attempt(outgoing, _), .. }) =
                door.handles[self.wiring.arbiter].tell(message, 1)
            {
                self.not_handed_over(outgoing, "its channel had no room");
            }
        }
        self.forward();
    }

    /// An attempt that reached no channel has certainly not gone: it is tried again.
    fn not_handed_over(&mut self, outgoing: Outgoing, why: &str) {
        let Outgoing { attempt, permit, .. } = outgoing;
        let channel = &attempt.channel;
        tracing::warn!(send.id = %attempt.send, %channel, "not handed over: {why}");
        let outcome = Outcome::NotSent { reason: why.to_owned(), retry_after_ms: None };
        let settled =
            Settled { send: attempt.send, outcome, permit: Arc::new(permit), trace: None };
        let queued = Queued { id: None, work: Work::Outcome(settled), _credit: None };
        self.lanes.push_always(Lane::Live, attempt.customer.key().0, queued);
    }

    /// Gives a permit to the message that has waited longest; the next one stands in line again.
    fn use_permit(&mut self, channel: ChannelName, permit: Permit) {
        let (next, more) = {
            let mut core = self.wiring.core.borrow_mut();
            // Before an end nothing new goes: the permit is passed on, to nobody in the end.
            let next =
                (!core.is_closing()).then(|| core.partition.next_waiting(&channel)).flatten();
            (next, core.partition.others_wait(&channel))
        };
        // Nobody waits any more: dropping the permit passes it on.
        let Some(key) = next else { return };
        if more {
            self.wiring.looks.push(Look::Starved(channel.clone()));
        }
        let queued = Queued { id: None, work: Work::Slot(channel, permit), _credit: None };
        self.lanes.push_always(Lane::Transactional, key.0, queued);
    }

    fn answer_who_waits(&mut self) {
        if self.drain.is_none() && self.quiet.is_empty() {
            return;
        }
        let core = self.wiring.core.borrow();
        let idle = self.lanes.is_empty()
            && self.active.in_flight() == 0
            && core.undelivered.is_empty()
            && core.forwarded.is_empty()
            && core.partition.durable() == core.partition.seq()
            && core.partition.in_flight() == 0;
        if !idle {
            return;
        }
        let now = core.now();
        let next_timer = self.wiring.timers.borrow().next_due_ms().map_or(Instant::MAX, Instant);
        let next = next_timer.min(core.partition.next_retry()).min(self.wiring.next_walk.get());
        let waiting = !core.waited_for().is_empty();
        drop(core);
        if next > now && !waiting {
            self.quiet.drain(..).for_each(|reply| reply.send(()));
        }
        if let Some(reply) = self.drain.take() {
            reply.send(());
        }
    }

    fn stand_in_line(&self) {
        for channel in self.wiring.core.borrow().waited_for() {
            self.wiring.looks.push(Look::Starved(channel));
        }
    }
}

/// What comes out of what was taken in before: nobody would repeat it, and what is refused and
/// offered again does not keep its order. It is bounded where it comes from: timers and retries by
/// customers and open sends, outcomes by slots, words of merges by the requests that wait for them.
fn is_owed(work: &Work) -> bool {
    match work {
        Work::Merge { word, .. } => !matches!(word, Word::Ask { .. } | Word::AskRecorded { .. }),
        Work::Outcome(_) | Work::Retry(_) | Work::Timer { .. } | Work::Slot(..) => true,
        Work::Event { .. }
        | Work::Recorded { .. }
        | Work::Tick { .. }
        | Work::Enroll { .. }
        | Work::Redrive { .. }
        | Work::Report { .. }
        | Work::Refresh { .. } => false,
    }
}

impl Actor for PartitionActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        // Messages that waited for a slot when the process ended stand in line again.
        self.stand_in_line();
        let clock = self.idle_clock.clone();
        runtime::alarm::every(ctx, &clock, SWEEP_PERIOD_MS, |actor: &mut Self, ctx| {
            actor.passivate();
            // A permit or the committer's news may have found the mailbox full.
            actor.stand_in_line();
            actor.settle(ctx);
        });
    }
}

impl Handler<Delivery<PartitionMsg>> for PartitionActor {
    type Result = ();

    fn handle(&mut self, delivery: Delivery<PartitionMsg>, ctx: &mut Context<Self>) {
        let (msg, credit) = delivery.into_parts();
        match msg {
            PartitionMsg::Work(works) => self.queue(works, credit),
            PartitionMsg::Permit(channel, permit) => self.use_permit(channel, permit),
            PartitionMsg::Durable => {}
            PartitionMsg::Published(published) => {
                self.wiring.core.borrow_mut().publish(&published);
                self.wiring.published = published;
                self.stand_in_line();
            }
            PartitionMsg::Query(query) => query(&self.wiring.core.borrow().partition),
            PartitionMsg::Overdue(reply) => {
                let now = self.wiring.core.borrow().now();
                reply.send(self.wiring.timers.borrow().overdue(now.0));
            }
            PartitionMsg::Snapshot(commit) => {
                self.wiring.core.borrow_mut().snapshot(commit);
            }
            PartitionMsg::Put(writes, ack) => self.wiring.core.borrow_mut().put(writes, ack),
            PartitionMsg::Quiet(reply) => self.quiet.push(reply),
            PartitionMsg::Drain(reply) => {
                self.wiring.core.borrow_mut().close();
                self.drain = Some(reply);
            }
        }
        self.settle(ctx);
    }
}

impl Handler<Collect> for PartitionActor {
    type Result = ();

    fn handle(&mut self, _: Collect, ctx: &mut Context<Self>) {
        let mut returned = Vec::new();
        self.returns.collect(&mut returned);
        let seq = self.wiring.core.borrow().partition.seq();
        for Returned { flight, failed } in returned {
            let key = self.active.end(flight, seq);
            if let Some(error) = failed {
                let hash = CustomerHash(CustomerKey(key));
                tracing::error!(customer.hash = %hash, %error, "a turn failed");
                self.broken.push(CustomerKey(key));
            }
            self.lanes.finish(&key);
        }
        let unused = self.wiring.core.borrow_mut().unused();
        for (channel, permit) in unused {
            self.use_permit(channel, permit);
        }
        self.passivate_over();
        self.settle(ctx);
    }
}
