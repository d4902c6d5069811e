//! One partition's memory: its sequence, its open sends, who waits for a slot, its counts, and
//! the effects that wait for durability.
//!
//! Driven by one caller at a time (the partition's actor, or a simulation). It must never hand out
//! an effect before the transaction it belongs to is durable.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use domain::ids::{
    ChannelName, ClassName, CustomerId, CustomerKey, EnrollmentId, JourneyName, SendId, StepId,
    TemplateName, Topic,
};
use domain::journey::enrollment::{Phase, Sending, State, Trigger};
use domain::time::Instant;
use domain::value::Map;
use policies::CountState;

use crate::catalog::{Catalog, Control};
use crate::codec;
use crate::counters::Counters;
use crate::history::HistoryRow;
use crate::ledger::{self, Open, Outcome, SendRow, Settled};
use crate::note::{Note, OpenedSend};
use crate::profile::SegmentEdges;
pub use crate::snapshot::Snapshot;
use crate::transaction::{Table, Transaction, Write};
use crate::turn::{Begun, Input, Loaded, Ticket};
use crate::{enroll, gate, journeys, profile};

/// What to do once the transaction that asked for it is durable.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Tell whoever holds this ticket that the input is accepted.
    Acknowledge(Ticket),
    /// Hand this message to its channel; it holds a connection slot.
    Attempt(Arc<Attempt>),
}

/// One hand-over of a message to a channel: all that rendering and sending need.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// The send: Message-ID local part, idempotency key.
    pub send: SendId,
    /// Which attempt, from 1.
    pub number: u16,
    /// Whom.
    pub customer: CustomerId,
    /// On which channel.
    pub channel: ChannelName,
    /// With which template.
    pub template: TemplateName,
    /// For which journey.
    pub journey: JourneyName,
    /// At which step.
    pub step: StepId,
    /// In which enrollment.
    pub enrollment: EnrollmentId,
    /// Message class.
    pub class: ClassName,
    /// Topic of consent, for the unsubscribe link.
    pub topic: Option<Topic>,
    /// Where to.
    pub address: Arc<str>,
    /// It must not leave at or after this instant.
    pub valid_until: Instant,
    /// What enrolled the customer.
    pub trigger: Trigger,
    /// The customer's traits as at the decision.
    pub traits: Map,
}

/// Connection slots, as a turn sees them.
pub trait Slots {
    /// Takes a slot of a channel for one send.
    fn take(&mut self, channel: &ChannelName) -> Grant;
}

/// What a channel grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// No slot is free.
    None,
    /// One slot, to be given back with the outcome.
    Slot,
    /// The message counts as accepted with this very commit (`simulate`).
    Accepted,
}

/// A message that waits for a connection slot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Waiting {
    channel: ChannelName,
    /// Highest priority first, then the one reached earliest.
    order: (u8, Instant),
    customer: CustomerKey,
}

impl Waiting {
    pub(crate) fn new(
        channel: &ChannelName,
        priority: u8,
        sending: &Sending,
        customer: CustomerKey,
    ) -> Self {
        let order = (u8::MAX - priority, sending.created_at);
        Self { channel: channel.clone(), order, customer }
    }
}

/// The memory of one partition.
#[derive(Debug)]
pub struct Partition {
    id: u16,
    catalog: Arc<Catalog>,
    seq: u64,
    durable: u64,
    /// The newest instant of a turn.
    latest: Instant,
    pending: VecDeque<(u64, Effect)>,
    open: HashMap<SendId, Open>,
    retry_at: BTreeSet<(Instant, SendId)>,
    waiting: BTreeSet<Waiting>,
    counters: Counters,
}

impl Partition {
    /// A partition that starts at a sequence (0 for a new one).
    pub fn new(id: u16, catalog: Arc<Catalog>, seq: u64) -> Self {
        Self {
            id,
            catalog,
            seq,
            durable: seq,
            latest: Instant::MIN,
            pending: VecDeque::new(),
            open: HashMap::new(),
            retry_at: BTreeSet::new(),
            waiting: BTreeSet::new(),
            counters: Counters::default(),
        }
    }

    /// Its number.
    pub fn id(&self) -> u16 {
        self.id
    }

    /// What is published.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// Replaces what is published. Turns from now on see the new catalog.
    pub fn set_catalog(&mut self, catalog: Arc<Catalog>) {
        self.catalog = catalog;
    }

    /// Sequence of the newest transaction.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Counts, those of transactions that are not durable yet included.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Sends whose outcome is not known yet.
    pub fn open_sends(&self) -> usize {
        self.open.len()
    }

    /// First part of a turn: what the inputs mean for this customer. Everything that the inputs
    /// want to send is left parked for [`Self::finish`].
    pub fn begin(
        &mut self,
        loaded: &mut Loaded,
        inputs: impl IntoIterator<Item = Input>,
        now: Instant,
    ) -> Begun {
        self.latest = self.latest.max(now);
        let mut begun = Begun::new(now);
        let catalog = self.catalog.clone();
        journeys::follow_catalog(loaded, &catalog, &mut begun);
        for input in inputs {
            begun.at = match &input {
                // Waits and entries count from receipt (semantics 3), however long it queued.
                Input::Event { event, .. } => event.received_at.min(now),
                _ => now,
            };
            self.take_in(loaded, input, &catalog, &mut begun);
        }
        begun
    }

    fn take_in(&mut self, loaded: &mut Loaded, input: Input, catalog: &Catalog, begun: &mut Begun) {
        match input {
            Input::Event { event, ticket } => {
                begun.tickets.extend(ticket);
                if profile::remember(loaded, &event, self.id, begun) {
                    let mut edges = profile::baseline(loaded, catalog, begun.now);
                    profile::apply(loaded, &event, catalog, begun);
                    let view = Trigger::from_event(&event);
                    let view = domain::journey::scope::EventView::of_trigger(&view);
                    profile::edges(loaded, catalog, Some(view), begun, &mut edges);
                    journeys::event(loaded, &event, catalog, begun);
                    enroll::by_event(loaded, &event, &edges, catalog, begun);
                }
            }
            Input::Recorded { event, ticket } => {
                begun.tickets.extend(ticket);
                if profile::remember(loaded, &event, self.id, begun) {
                    let edges = profile::baseline(loaded, catalog, begun.now);
                    profile::apply(loaded, &event, catalog, begun);
                    // She is a member by now, but did not become one now.
                    profile::edges(loaded, catalog, None, begun, &mut SegmentEdges::default());
                    enroll::by_segments(loaded, &edges, catalog, begun);
                }
            }
            Input::Timer => journeys::timers(loaded, catalog, begun),
            Input::Refresh => {
                self.segments(loaded, catalog, begun);
                journeys::timers(loaded, catalog, begun);
                // A slot that came while a journey was paused was passed on to somebody else.
                begun.line_up = is_planned(loaded);
                begun.wants_gate |= begun.line_up;
            }
            Input::Slot(channel) => {
                begun.slot = Some(channel);
                begun.wants_gate = true;
            }
            Input::Retry(send) => {
                begun.retries.push(send);
                begun.wants_gate = true;
            }
            Input::Tick { version, instant } => {
                self.segments(loaded, catalog, begun);
                enroll::by_tick(loaded, version, instant, catalog, begun);
            }
            Input::Enroll { journey, key, payload, ticket } => {
                begun.tickets.extend(ticket);
                self.segments(loaded, catalog, begun);
                enroll::by_api(loaded, &journey, key, payload, catalog, begun);
            }
        }
    }

    fn segments(&self, loaded: &mut Loaded, catalog: &Catalog, begun: &mut Begun) {
        let revision = loaded.customer.segments_revision;
        let mut edges = profile::baseline(loaded, catalog, begun.now);
        begun.changed |= revision != loaded.customer.segments_revision;
        profile::edges(loaded, catalog, None, begun, &mut edges);
        enroll::by_segments(loaded, &edges, catalog, begun);
    }

    /// Second part of a turn: passes what wants to be sent through the gate and closes the work.
    /// The ledger must be loaded if [`Begun::needs_ledger`].
    pub fn finish(
        &mut self,
        loaded: &mut Loaded,
        mut begun: Begun,
        slots: &mut dyn Slots,
    ) -> Option<Transaction> {
        self.gate(loaded, &mut begun, slots);
        self.commit(loaded, begun)
    }

    /// Only the gate: for drivers that keep no durable state (`simulate`).
    pub fn gate(&mut self, loaded: &mut Loaded, begun: &mut Begun, slots: &mut dyn Slots) {
        if begun.wants_gate {
            debug_assert!(loaded.ledger.is_some(), "the ledger is loaded before the gate");
            gate::run(self, loaded, begun, slots);
        }
    }

    /// The customer's next due instant under the catalog in force: enrollments of paused journeys
    /// have none; a `Refresh` at resume brings them back.
    pub fn next_due(&self, loaded: &Loaded) -> Instant {
        let enrollments = loaded.customer.enrollments.iter();
        enrollments
            .filter(|enrollment| {
                self.catalog
                    .version(enrollment.version)
                    .is_some_and(|journey| self.catalog.control(&journey.name) != Control::Paused)
            })
            .map(|enrollment| enrollment.next_at())
            .min()
            .unwrap_or(Instant::MAX)
    }

    /// Takes over the counts of a turn without making a transaction (`simulate`).
    pub fn count(&mut self, begun: &Begun) {
        for (key, delta) in &begun.deltas {
            self.counters.add(*key, i64::from(*delta));
        }
    }

    /// Makes the transaction of a turn, if it changed anything, and queues its effects.
    fn commit(&mut self, loaded: &mut Loaded, mut begun: Begun) -> Option<Transaction> {
        self.count(&begun);
        let due = self.next_due(loaded);
        let due_changed = due != loaded.customer.due_at;
        let transaction = (begun.changed || due_changed).then(|| {
            self.seq += 1;
            loaded.customer.due_at = due;
            self.write_history(loaded, &mut begun);
            let key = loaded.customer.key();
            begun.writes.push(Write {
                table: Table::Customers,
                key: codec::customer_key(self.id, key),
                value: Some(codec::encode_customer(&loaded.customer, is_planned(loaded))),
            });
            loaded.recorded = true;
            let note = Note {
                opened: std::mem::take(&mut begun.opened),
                closed: std::mem::take(&mut begun.closed),
                deltas: std::mem::take(&mut begun.deltas),
                at: Instant::MIN,
            };
            self.transaction(std::mem::take(&mut begun.writes), note)
        });
        // Even the answer to a duplicate waits until what made it one is durable.
        let acknowledged = begun.tickets.into_iter().map(Effect::Acknowledge);
        let attempted = begun.attempts.into_iter().map(Effect::Attempt);
        let seq = self.seq;
        self.pending.extend(acknowledged.chain(attempted).map(|effect| (seq, effect)));
        transaction
    }

    fn write_history(&self, loaded: &mut Loaded, begun: &mut Begun) {
        if begun.items.is_empty() {
            return;
        }
        let row = HistoryRow {
            previous: loaded.customer.history_head,
            at: begun.now,
            items: std::mem::take(&mut begun.items),
        };
        loaded.customer.history_head = self.seq;
        begun.writes.push(Write {
            table: Table::History,
            key: codec::history_key(self.id, self.seq),
            value: Some(codec::encode(&row)),
        });
    }

    fn transaction(&self, writes: Vec<Write>, note: Note) -> Transaction {
        let note = Note { at: self.latest, ..note };
        Transaction { partition: self.id, seq: self.seq, writes, note: codec::encode(&note) }
    }

    /// Everything up to this sequence is durable: the effects that waited for it, in order.
    pub fn on_durable(&mut self, seq: u64) -> Vec<Effect> {
        self.durable = self.durable.max(seq);
        let ready = self.pending.partition_point(|(at, _)| *at <= self.durable);
        self.pending.drain(..ready).map(|(_, effect)| effect).collect()
    }

    /// Sequence up to which everything is durable.
    pub fn durable(&self) -> u64 {
        self.durable
    }

    /// Whether messages wait for a slot of this channel.
    pub fn others_wait(&self, channel: &ChannelName) -> bool {
        self.waiting_for(channel).next().is_some()
    }

    fn waiting_for<'a>(&'a self, channel: &'a ChannelName) -> impl Iterator<Item = &'a Waiting> {
        let first = Waiting {
            channel: channel.clone(),
            order: (0, Instant::MIN),
            customer: CustomerKey([0; 16]),
        };
        self.waiting.range(first..).take_while(move |waiting| waiting.channel == *channel)
    }

    pub(crate) fn wait(&mut self, waiting: Waiting) {
        self.waiting.insert(waiting);
    }

    /// The customer that has waited longest, by priority, for a slot of this channel. The driver
    /// gives it [`Input::Slot`] when one is free.
    pub fn next_waiting(&mut self, channel: &ChannelName) -> Option<CustomerKey> {
        let next = self.waiting_for(channel).next()?.clone();
        self.waiting.remove(&next);
        Some(next.customer)
    }

    /// Somebody who was called could not come: takes a place in the line again, the last one.
    pub fn wait_again(&mut self, channel: &ChannelName, customer: CustomerKey) {
        let order = (u8::MAX, Instant::MAX);
        self.waiting.insert(Waiting { channel: channel.clone(), order, customer });
    }

    pub(crate) fn open(&self, send: SendId) -> Option<&Open> {
        self.open.get(&send)
    }

    pub(crate) fn set_open(&mut self, open: Open) {
        let send = open.row.ledger.send;
        self.forget_retry(send);
        if let Some(at) = open.row.info.open.as_ref().and_then(|info| info.retry_at) {
            self.retry_at.insert((at, send));
        }
        self.open.insert(send, open);
    }

    fn forget_retry(&mut self, send: SendId) {
        let known = self.open.get(&send).and_then(|open| open.row.info.open.as_ref()?.retry_at);
        if let Some(at) = known {
            self.retry_at.remove(&(at, send));
        }
    }

    /// When the next retry of an open send is due.
    pub fn next_retry(&self) -> Instant {
        self.retry_at.first().map_or(Instant::MAX, |(at, _)| *at)
    }

    /// Retries that are due: the driver gives each customer its [`Input::Retry`].
    pub fn due_retries(&mut self, now: Instant) -> Vec<(CustomerKey, SendId)> {
        let mut due = Vec::new();
        while let Some((at, send)) = self.retry_at.first().copied().filter(|(at, _)| *at <= now) {
            self.retry_at.remove(&(at, send));
            if let Some(open) = self.open.get(&send) {
                due.push((open.customer, send));
            }
        }
        due
    }

    /// Whose an open send is: an outcome that stops an address needs its customer loaded.
    pub fn customer_of(&self, send: SendId) -> Option<CustomerKey> {
        self.open.get(&send).map(|open| open.customer)
    }

    /// Takes in what a channel said of an attempt. `loaded` must be given if the customer is
    /// active, and if the outcome stops an address; an outcome of a send that is not open (a
    /// repeat) changes nothing.
    pub fn outcome(
        &mut self,
        send: SendId,
        outcome: &Outcome,
        loaded: Option<&mut Loaded>,
        now: Instant,
    ) -> Option<Transaction> {
        let mut open = self.open.get(&send)?.clone();
        self.latest = self.latest.max(now);
        let mut begun = Begun::new(now);
        open.row.info.reply = ledger::reply_text(outcome);
        let mut loaded = loaded;
        let suppress = matches!(outcome, Outcome::Rejected { suppress: true, .. });
        if let (true, Some(loaded), Some(info)) =
            (suppress, loaded.as_deref_mut(), &open.row.info.open)
        {
            ledger::suppress(&mut loaded.customer, &open.row.info.channel, &info.address, now);
        }
        let (counted_at, customer) = (open.row.ledger.counted_at, open.customer);
        match ledger::settle(&open.row.info, outcome, now) {
            Settled::Final(state) => {
                let state = open.settle(state);
                self.close(&mut begun, &open, now);
                if let Some(rows) = loaded.as_deref_mut().and_then(|l| l.ledger.as_mut()) {
                    ledger::update_cached(rows, send, state);
                }
            }
            Settled::RetryAt(at) => {
                if let Some(info) = &mut open.row.info.open {
                    info.retry_at = Some(at);
                    info.maybe_sent |= matches!(outcome, Outcome::Unknown { .. });
                }
                begun.opened.push(OpenedSend { send, customer, counted_at, retry_at: Some(at) });
                self.write_send(&mut begun, customer, &open.row);
                self.set_open(open);
            }
        }
        match loaded {
            Some(loaded) if suppress => {
                begun.changed = true;
                self.commit(loaded, begun)
            }
            _ => {
                self.seq += 1;
                let note = Note { opened: begun.opened, closed: begun.closed, ..Note::default() };
                Some(self.transaction(begun.writes, note))
            }
        }
    }

    fn close(&mut self, begun: &mut Begun, open: &Open, now: Instant) {
        let mut row = open.row.clone();
        row.info.open = None;
        row.info.settled_at = now;
        let send = row.ledger.send;
        self.write_send(begun, open.customer, &row);
        self.forget_retry(send);
        self.open.remove(&send);
        begun.closed.push(send);
    }

    /// Settles an open send inside its customer's turn.
    pub(crate) fn settle_open(
        &mut self,
        begun: &mut Begun,
        loaded: &mut Loaded,
        mut open: Open,
        state: CountState,
    ) {
        begun.changed = true;
        let state = open.settle(state);
        self.close(begun, &open, begun.now);
        if let Some(rows) = &mut loaded.ledger {
            ledger::update_cached(rows, open.row.ledger.send, state);
        }
    }

    /// After a restart: an open send as its row says. One that was in flight has an unknown
    /// outcome now; the transaction says what follows from its guarantee.
    pub fn recover_open(
        &mut self,
        customer: CustomerKey,
        row: SendRow,
        now: Instant,
    ) -> Option<Transaction> {
        let in_flight = row.info.open.as_ref().is_some_and(|open| open.retry_at.is_none());
        let send = row.ledger.send;
        self.set_open(Open { customer, row });
        if !in_flight {
            return None;
        }
        let reason = "the process ended while the message was being handed over".to_owned();
        self.outcome(send, &Outcome::Unknown { reason }, None, now)
    }

    /// The transaction that writes a snapshot of this partition as it is now. `commit` is a group
    /// commit that is durable already.
    pub fn snapshot(&mut self, commit: u64) -> Transaction {
        self.seq += 1;
        let open = self.open.iter().map(|(send, open)| {
            let retry_at = open.row.info.open.as_ref().and_then(|info| info.retry_at);
            let counted_at = open.row.ledger.counted_at;
            (*send, OpenedSend { send: *send, customer: open.customer, counted_at, retry_at })
        });
        let open = open.collect();
        let counters = self.counters.clone();
        let snapshot = Snapshot { seq: self.seq, commit, open, counters, at: self.latest };
        let key = codec::snapshot_key(self.id);
        let value = Some(codec::encode(&snapshot));
        let write = Write { table: Table::Meta, key, value };
        self.transaction(vec![write], Note::default())
    }

    /// The transaction that writes rows which belong to no customer (definitions, cursors);
    /// the ticket is acknowledged once they are durable.
    pub fn put(&mut self, writes: Vec<Write>, ticket: Ticket) -> Transaction {
        self.seq += 1;
        self.pending.push_back((self.seq, Effect::Acknowledge(ticket)));
        self.transaction(writes, Note::default())
    }

    /// After a restart: counts as they were, and the newest instant that was seen.
    pub fn recover_memory(&mut self, counters: Counters, latest: Instant) {
        self.counters = counters;
        self.latest = latest;
    }

    /// Acknowledges an input that may have changed nothing, once all before it is durable.
    pub fn acknowledge(&mut self, ticket: Ticket) {
        self.pending.push_back((self.seq, Effect::Acknowledge(ticket)));
    }

    /// Attempts that are under way.
    pub fn in_flight(&self) -> usize {
        let open = self.open.values().filter_map(|open| open.row.info.open.as_ref());
        open.filter(|open| open.retry_at.is_none()).count()
    }

    /// After a restart: takes in one customer's planned messages again.
    pub fn recover_planned(&mut self, loaded: &Loaded) {
        for enrollment in &loaded.customer.enrollments {
            let State::Sending(sending) = &enrollment.state else {
                continue;
            };
            let Some(journey) = self.catalog.version(enrollment.version) else {
                continue;
            };
            let domain::journey::steps::Step::Send(step) =
                &journey.nodes[usize::from(enrollment.at)].step
            else {
                continue;
            };
            if sending.phase == Phase::Planned
                && let Some((channel, _)) = step.channels.get(usize::from(sending.channel))
            {
                let key = loaded.customer.key();
                let waiting = Waiting::new(channel, step.priority, sending, key);
                self.waiting.insert(waiting);
            }
        }
    }
}

fn is_planned(loaded: &Loaded) -> bool {
    loaded.customer.enrollments.iter().any(|enrollment| {
        matches!(&enrollment.state, State::Sending(sending) if sending.phase == Phase::Planned)
    })
}
