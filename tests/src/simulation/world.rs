//! The simulated world: one process on a virtual clock, its disk, a mail server and a client.
//!
//! Every step is chosen by the seed. The process dies at boundaries that [`Boundaries`] chooses;
//! what it knew is gone then, and it starts again on what was durable.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::ids::{CustomerKey, SendId};
use domain::time::Instant;
use engine::ledger::{Outcome, SendRow};
use engine::partition::{Attempt, Effect};
use engine::{Catalog, Ticket, codec};
use policies::CountState;
use store::memory::{Disk, SteppedStore};
use store::{Range, Read};

use super::faults::{Boundaries, Crashed, Deaths, Planted, Rng};
use super::part::{Part, Work, rows, table};
use super::sink::{Client, Sink};
use super::{recovery, scenario};
use crate::engine::given::Given;

/// Partitions of the simulated process.
pub(crate) const PARTITIONS: u16 = 3;
/// Connection slots: the bound of unknown sends per crash.
pub(crate) const SLOTS: usize = 2;
/// The faults end after this much virtual time: less than the memory for messages.
const HORIZON_MS: i64 = 5 * 24 * 3_600_000;
/// When the world begins: 2026-03-02T09:00:00Z.
const BEGINNING: Instant = Instant(1_772_442_000_000);

/// A wish for a retry after the end of every validity.
const NEVER_MS: Option<i64> = Some(1 << 40);

/// What one run is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) deaths: Deaths,
    pub(crate) planted: Planted,
    pub(crate) customers: usize,
    pub(crate) events: usize,
    pub(crate) steps: u64,
}

/// The world.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) rng: Rng,
    pub(crate) boundaries: Boundaries,
    pub(crate) planted: Planted,
    pub(crate) given: Given,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) client: Client,
    pub(crate) sink: Sink,
    pub(crate) store: SteppedStore,
    pub(crate) parts: Vec<Part>,
    pub(crate) free: usize,
    /// Messages whose reservation is durable, each with a slot.
    pub(crate) outgoing: Vec<Arc<Attempt>>,
    pub(crate) outcomes: Vec<(CustomerKey, SendId, Outcome)>,
    /// Attempts that have ended, by an answer or with their process: their slot is free, though
    /// their outcome may not be durable.
    pub(super) ended: BTreeSet<(SendId, u16)>,
    pub(super) tickets: BTreeMap<Ticket, usize>,
    next_ticket: u64,
    /// Customers that are still to look at the newest catalog, and the sequence at which they did.
    pub(super) refreshing: BTreeMap<CustomerKey, Option<u64>>,
    /// Until when each message that was handed over may leave.
    pub(super) valid_until: BTreeMap<SendId, Instant>,
    /// By how much the clock was set back in all.
    pub(super) set_back_ms: i64,
    /// Newest durable group commit.
    pub(super) commit: u64,
    /// Whether faults are over.
    pub(crate) calm: bool,
    pub(crate) crashes: u64,
    pub(crate) unknown_max: usize,
    /// Hash of everything that happened, in order.
    pub(crate) trace: u64,
    pub(crate) problems: Vec<String>,
}

impl World {
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut rng = Rng::new(plan.seed);
        let given = scenario::definitions();
        let catalog = given.catalog();
        let told = scenario::told(&mut rng, plan.customers, plan.events);
        let disk = Disk::new(&recovery::settings(PARTITIONS)).expect("sound settings");
        let started = recovery::start(disk, &catalog, PARTITIONS, BEGINNING, plan.planted);
        Self {
            now: BEGINNING,
            rng,
            boundaries: Boundaries::new(plan.seed, plan.deaths),
            planted: plan.planted,
            given,
            catalog,
            client: Client::new(told),
            sink: Sink::default(),
            store: started.store,
            parts: started.parts,
            free: SLOTS,
            outgoing: Vec::new(),
            outcomes: Vec::new(),
            ended: BTreeSet::new(),
            tickets: BTreeMap::new(),
            next_ticket: 0,
            refreshing: BTreeMap::new(),
            valid_until: BTreeMap::new(),
            set_back_ms: 0,
            commit: 0,
            calm: false,
            crashes: 0,
            unknown_max: 0,
            trace: 0xcbf2_9ce4_8422_2325,
            problems: Vec::new(),
        }
    }

    pub(crate) fn note(&mut self, what: u64) {
        self.trace = (self.trace ^ what).wrapping_mul(0x0000_0100_0000_01b3);
        self.trace = self.trace.rotate_left(23);
    }

    pub(crate) fn problem(&mut self, what: impl Into<String>) {
        if self.problems.len() < 20 {
            let what = what.into();
            self.problems.push(format!("at {}: {what}", self.now));
        }
    }

    /// One step of the world with its faults.
    pub(crate) fn step(&mut self) {
        let choice = self.rng.below(100);
        self.note(choice);
        let went = match choice {
            0..14 => self.post(),
            14..38 => self.any_turn(),
            38..48 => self.any_submit(),
            48..56 => self.stage(),
            56..66 => self.barrier(),
            66..74 => self.any_release(),
            74..80 => self.any_attempt(),
            80..85 => self.any_outcome(),
            85..87 => self.any_grant(),
            87 => self.any_report(),
            88..90 => self.any_passivation(),
            90 => self.any_snapshot(),
            91..96 => self.pass_time(),
            96..98 => self.fire(),
            98 => self.any_redrive(),
            _ => self.pause_or_resume(),
        };
        if went.is_err() {
            self.crash();
        }
    }

    /// Whether the time of faults is over.
    pub(crate) fn is_late(&self) -> bool {
        self.now.ms_since(BEGINNING) > HORIZON_MS
    }

    fn any_part(&mut self) -> usize {
        self.rng.index(self.parts.len())
    }

    fn post(&mut self) -> Result<(), Crashed> {
        let Some(number) = self.client.choose(&mut self.rng, self.now) else { return Ok(()) };
        self.post_event(number);
        Ok(())
    }

    pub(crate) fn post_event(&mut self, number: usize) {
        let event = self.client.post(number, self.now);
        let key = event.customer.key();
        self.next_ticket += 1;
        let ticket = Ticket(self.next_ticket);
        self.tickets.insert(ticket, number);
        let id = Some(event.customer.clone());
        self.part_of(key).push(key, id, Work::Event(event, ticket));
        self.note(number as u64);
    }

    pub(super) fn part_of(&mut self, key: CustomerKey) -> &mut Part {
        &mut self.parts[usize::from(key.partition(PARTITIONS))]
    }

    fn any_turn(&mut self) -> Result<(), Crashed> {
        let at = self.any_part();
        if self.parts[at].queue.is_empty() {
            return Ok(());
        }
        let choice = self.rng.index(self.parts[at].queue.len());
        let key = *self.parts[at].queue.keys().nth(choice).expect("within the queue");
        self.turn(at, key)
    }

    pub(crate) fn turn(&mut self, at: usize, key: CustomerKey) -> Result<(), Crashed> {
        let part = &mut self.parts[at];
        let refreshed = part.turn(&self.store, key, &mut self.free, self.now, self.planted);
        part.use_offer(&mut self.free, self.planted);
        let seq = part.partition.seq();
        if refreshed && self.refreshing.contains_key(&key) {
            self.refreshing.insert(key, Some(seq));
        }
        self.note(seq);
        if self.planted == Planted::EffectsBeforeDurable {
            return self.release(at);
        }
        Ok(())
    }

    fn any_submit(&mut self) -> Result<(), Crashed> {
        let at = self.any_part();
        self.submit(at)
    }

    pub(crate) fn submit(&mut self, at: usize) -> Result<(), Crashed> {
        if self.parts[at].undelivered.is_empty() {
            return Ok(());
        }
        self.boundaries.pass()?;
        let transactions = std::mem::take(&mut self.parts[at].undelivered);
        self.store.submit(transactions).expect("sequences without a gap, and room");
        self.boundaries.pass()
    }

    pub(crate) fn stage(&mut self) -> Result<(), Crashed> {
        if self.store.queued() == 0 {
            return Ok(());
        }
        let most = 1 + self.rng.index(6);
        self.store.stage_next_group(most);
        self.boundaries.pass()
    }

    pub(crate) fn barrier(&mut self) -> Result<(), Crashed> {
        if self.store.staged() == 0 {
            return Ok(());
        }
        self.boundaries.pass()?;
        let durable = self.store.barrier().expect("a group is staged");
        self.boundaries.pass()?;
        self.commit = durable.commit;
        for (partition, seq) in durable.partitions {
            self.parts[usize::from(partition)].announced = seq;
        }
        Ok(())
    }

    fn any_release(&mut self) -> Result<(), Crashed> {
        let at = self.any_part();
        self.release(at)
    }

    pub(crate) fn release(&mut self, at: usize) -> Result<(), Crashed> {
        let part = &mut self.parts[at];
        let upto = match self.planted {
            Planted::EffectsBeforeDurable => part.partition.seq(),
            _ => part.announced,
        };
        let announced = part.announced;
        self.refreshing.retain(|key, seq| {
            usize::from(key.partition(PARTITIONS)) != at || seq.is_none_or(|seq| seq > announced)
        });
        for effect in self.parts[at].partition.on_durable(upto) {
            self.boundaries.pass()?;
            match effect {
                Effect::Acknowledge(ticket) => self.acknowledge(ticket),
                Effect::Attempt(attempt) => {
                    self.expect_in_flight(at, &attempt);
                    self.valid_until.insert(attempt.send, attempt.valid_until);
                    self.parts[at].taken = self.parts[at].taken.saturating_sub(1);
                    self.outgoing.push(attempt);
                }
                Effect::Forward { .. } | Effect::Refuse(_) => {
                    unreachable!("nobody is merged in this world: tests/src/engine/merge does that")
                }
            }
            self.boundaries.pass()?;
        }
        Ok(())
    }

    fn acknowledge(&mut self, ticket: Ticket) {
        let Some(number) = self.tickets.remove(&ticket) else { return };
        if !self.calm && self.rng.once_in(8) {
            // The answer is lost on its way: the client will repeat.
            return;
        }
        let posted = &mut self.client.events[number];
        posted.acknowledged = true;
        let (customer, message) = (posted.event.customer.key(), posted.event.message_id.clone());
        let key = codec::customer_key(customer.partition(PARTITIONS), customer);
        let row = self.store.get(table(engine::Table::Customers), &key);
        let known = row.expect("memory can be read").is_some();
        self.note(number as u64);
        if !known {
            self.problem(format!("{message} is acknowledged, but its customer is not durable"));
        }
    }

    /// The reservation of a message is durable before its first byte leaves (semantics 25).
    fn expect_in_flight(&mut self, at: usize, attempt: &Attempt) {
        let prefix = codec::sends_prefix(at as u16, attempt.customer.key());
        let found = rows(&self.store, table(engine::Table::Sends), Range::prefix(prefix));
        let durable = found.iter().any(|(_, value)| {
            let row = SendRow::decode(value).expect("a sound row");
            let open = row.info.open.as_ref();
            // A report of an earlier attempt may have ended it meanwhile.
            let reported = matches!(
                row.ledger.state,
                CountState::Accepted | CountState::Delivered | CountState::Bounced
            ) && row.info.attempts > 1;
            row.ledger.send == attempt.send
                && row.info.attempts == attempt.number
                && (reported || open.is_some_and(|open| open.retry_at.is_none()))
        });
        if !durable {
            self.problem(format!("{} is handed over without a durable row", attempt.send));
        }
    }

    fn any_attempt(&mut self) -> Result<(), Crashed> {
        if self.outgoing.is_empty() {
            return Ok(());
        }
        let choice = self.rng.index(self.outgoing.len());
        self.attempt(choice)
    }

    pub(crate) fn attempt(&mut self, choice: usize) -> Result<(), Crashed> {
        self.boundaries.pass()?;
        let attempt = self.outgoing.swap_remove(choice);
        let outcome = if self.now >= attempt.valid_until {
            let reason = "no longer valid".to_owned();
            Outcome::NotSent { reason, retry_after_ms: None }
        } else {
            self.sink.attempt(&attempt, self.now, &mut self.rng)
        };
        self.note(attempt.send.0 as u64);
        self.boundaries.pass()?;
        if self.planted == Planted::UnknownIsRetried && matches!(outcome, Outcome::Unknown { .. }) {
            self.outgoing.push(attempt);
            return Ok(());
        }
        self.free += 1;
        self.ended.insert((attempt.send, attempt.number));
        self.outcomes.push((attempt.customer.key(), attempt.send, outcome));
        Ok(())
    }

    fn any_outcome(&mut self) -> Result<(), Crashed> {
        if self.outcomes.is_empty() {
            return Ok(());
        }
        let choice = self.rng.index(self.outcomes.len());
        self.outcome(choice)
    }

    pub(crate) fn outcome(&mut self, choice: usize) -> Result<(), Crashed> {
        self.boundaries.pass()?;
        let (key, send, mut outcome) = self.outcomes.swap_remove(choice);
        if self.planted == Planted::UnknownIsGivenUp && matches!(outcome, Outcome::Unknown { .. }) {
            outcome = Outcome::NotSent { reason: "given up".to_owned(), retry_after_ms: NEVER_MS };
        }
        if self.planted == Planted::OutcomesDropped && self.rng.once_in(10) {
            return Ok(());
        }
        let now = self.now;
        self.part_of(key).outcome(key, send, outcome, now);
        self.boundaries.pass()
    }

    fn any_grant(&mut self) -> Result<(), Crashed> {
        let at = self.any_part();
        self.grant(at);
        Ok(())
    }

    /// A free slot goes to a partition that stands in line for it.
    pub(crate) fn grant(&mut self, at: usize) {
        let part = &mut self.parts[at];
        if self.free > 0 && part.in_line {
            part.in_line = false;
            self.free -= 1;
            part.offered += 1;
            part.use_offer(&mut self.free, self.planted);
        }
    }

    /// The mail server reports what became of a message, once or twice.
    fn any_report(&mut self) -> Result<(), Crashed> {
        let Some((key, send, report)) = self.sink.report(&mut self.rng) else { return Ok(()) };
        for _ in 0..1 + self.rng.below(2) {
            self.part_of(key).push(key, None, Work::Report(send, report.clone()));
        }
        self.note(send.0 as u64);
        Ok(())
    }

    /// An operator wants a message sent again: once, twice, or one that cannot be.
    fn any_redrive(&mut self) -> Result<(), Crashed> {
        let sends = rows(&self.store, table(engine::Table::Sends), Range::all());
        if sends.is_empty() {
            return Ok(());
        }
        let decoded = |(key, row): &(Vec<u8>, Vec<u8>)| {
            let key = CustomerKey(key[2..18].try_into().expect("18 bytes"));
            (key, SendRow::decode(row).expect("a sound row"))
        };
        let ended: Vec<(CustomerKey, SendRow)> =
            sends.iter().map(decoded).filter(|(_, row)| row.info.kept.is_some()).collect();
        let (key, send) = match ended.is_empty() || self.rng.once_in(10) {
            true => {
                let (key, row) = decoded(&sends[self.rng.index(sends.len())]);
                (key, row.ledger.send)
            }
            false => {
                let (key, row) = &ended[self.rng.index(ended.len())];
                (*key, row.ledger.send)
            }
        };
        let even_if_arrived = self.rng.once_in(2);
        for _ in 0..1 + self.rng.below(2) {
            self.part_of(key).push(key, None, Work::Redrive(send, even_if_arrived));
        }
        self.note(send.0 as u64);
        Ok(())
    }

    fn any_passivation(&mut self) -> Result<(), Crashed> {
        let at = self.any_part();
        let early = self.planted == Planted::EarlyPassivation;
        let part = &mut self.parts[at];
        let announced = part.announced;
        let idle: Vec<CustomerKey> = part
            .active
            .iter()
            .filter(|(key, active)| {
                (active.seq <= announced || early) && !part.queue.contains_key(key)
            })
            .map(|(key, _)| *key)
            .collect();
        if !idle.is_empty() {
            let choice = self.rng.index(idle.len());
            self.parts[at].active.remove(&idle[choice]);
        }
        Ok(())
    }

    fn any_snapshot(&mut self) -> Result<(), Crashed> {
        let at = self.any_part();
        let transaction = self.parts[at].partition.snapshot(self.commit);
        self.parts[at].commit(Some(transaction));
        Ok(())
    }

    fn pass_time(&mut self) -> Result<(), Crashed> {
        let ms = match self.rng.below(40) {
            0 => self.rng.below(20 * 3_600_000),
            1..5 => self.rng.below(3_600_000),
            5..20 => self.rng.below(60_000),
            _ => self.rng.below(1_000),
        };
        self.now = self.now.plus_ms(ms as i64);
        self.note(ms);
        self.fire()
    }

    /// Timers and retries that are due.
    pub(crate) fn fire(&mut self) -> Result<(), Crashed> {
        let now = self.now;
        for part in &mut self.parts {
            let due: Vec<(CustomerKey, Instant)> = part
                .timers
                .iter()
                .filter(|(_, due)| **due <= now)
                .map(|(key, due)| (*key, *due))
                .collect();
            for (key, due) in due {
                part.timers.remove(&key);
                part.push(key, None, Work::Timer { due });
            }
            for (key, send) in part.partition.due_retries(now) {
                part.push(key, None, Work::Retry(send));
            }
        }
        Ok(())
    }
}
