//! One partition's memory: its sequence, its open sends, who waits for a slot, its counts, and
//! the effects that wait for durability.
//!
//! Driven by one caller at a time (the partition's actor, or a simulation). It must never hand out
//! an effect before the transaction it belongs to is durable.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use domain::event::Event;
use domain::ids::{
    ChannelName, ClassName, CustomerId, CustomerKey, EnrollmentId, JourneyName, SendId, StepId,
    TemplateName, Topic,
};
use domain::journey::enrollment::Trigger;
use domain::time::Instant;
use domain::value::{Map, Text};
use policies::CountState;

use crate::catalog::Catalog;
use crate::codec;
use crate::counters::Counters;
use crate::history::HistoryRow;
use crate::ledger::Open;
use crate::merge::Promises;
use crate::note::Note;
use crate::profile::SegmentEdges;
pub use crate::snapshot::Snapshot;
use crate::transaction::{Table, Transaction, Write};
use crate::turn::{Begun, Input, Loaded, Room, Ticket};
use crate::waiting::{Waiting, is_planned};
use crate::{audience, enroll, gate, journeys, merge, profile, report};

/// Room that holds the note of most turns.
const NOTE_BYTES_USUAL: usize = 128;

/// What to do once the transaction that asked for it is durable.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Tell whoever holds this ticket that the input is accepted.
    Acknowledge(Ticket),
    /// Hand this message to its channel; it holds a connection slot.
    Attempt(Arc<Attempt>),
    /// Give another customer this input; whoever holds its ticket waits for that one now. Inputs
    /// of one customer to another must arrive in this order.
    Forward {
        /// Whom.
        to: CustomerId,
        /// What.
        input: Input,
    },
    /// Tell whoever holds this ticket that it is to ask again.
    Refuse(Ticket),
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
    pub address: Text,
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

/// The memory of one partition.
#[derive(Debug)]
pub struct Partition {
    pub(crate) id: u16,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) seq: u64,
    durable: u64,
    /// The newest instant of a turn.
    pub(crate) latest: Instant,
    pub(crate) pending: VecDeque<(u64, Effect)>,
    /// Rows of sends that are written but not durable.
    pub(crate) fresh: VecDeque<(u64, Write)>,
    pub(crate) promises: Promises,
    pub(crate) open: HashMap<SendId, Open>,
    pub(crate) retry_at: BTreeSet<(Instant, SendId)>,
    /// Retries that are due and wait, for a slot or for a paused journey.
    pub(crate) parked: BTreeSet<(CustomerKey, SendId)>,
    pub(crate) waiting: BTreeSet<Waiting>,
    pub(crate) counters: Counters,
    pub(crate) ended: Vec<(ChannelName, CountState, u64)>,
    room: Room,
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
            fresh: VecDeque::new(),
            promises: Promises::default(),
            open: HashMap::new(),
            retry_at: BTreeSet::new(),
            parked: BTreeSet::new(),
            waiting: BTreeSet::new(),
            counters: Counters::default(),
            ended: Vec::new(),
            room: Room::default(),
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

    /// First part of a turn: what the inputs mean for this customer. Everything that the inputs
    /// want to send is left parked for [`Self::finish`].
    pub fn begin(
        &mut self,
        loaded: &mut Loaded,
        inputs: impl IntoIterator<Item = Input>,
        now: Instant,
    ) -> Begun {
        self.latest = self.latest.max(now);
        let mut begun = Begun::within(now, std::mem::take(&mut self.room));
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
        audience::look_after(loaded, &catalog, &mut begun);
        begun
    }

    fn take_in(&mut self, loaded: &mut Loaded, input: Input, catalog: &Catalog, begun: &mut Begun) {
        let Some(input) = merge::pass_on(loaded, input, begun) else {
            return;
        };
        match input {
            Input::Event { event, ticket } => {
                begun.tickets.extend(ticket);
                self.event(loaded, &event, catalog, begun);
            }
            Input::Recorded { event, ticket } => {
                begun.tickets.extend(ticket);
                self.recorded(loaded, &event, catalog, begun);
            }
            Input::Timer => journeys::timers(loaded, catalog, begun),
            Input::Refresh => {
                self.segments(loaded, catalog, begun);
                journeys::timers(loaded, catalog, begun);
                // A slot that came while a journey was paused was passed on to somebody else.
                begun.line_up = is_planned(loaded);
                begun.retries.extend(self.parked_retries(loaded.customer.key()));
                begun.wants_gate |= begun.line_up || !begun.retries.is_empty();
            }
            Input::Slot(channel) => {
                begun.retries.extend(self.parked_retries(loaded.customer.key()));
                begun.slots.push(channel);
                begun.wants_gate = true;
            }
            Input::Retry(send) => {
                begun.retries.push(send);
                begun.wants_gate = true;
            }
            Input::Redrive { send, even_if_arrived, ticket } => {
                begun.tickets.extend(ticket);
                begun.redrives.push((send, even_if_arrived));
                begun.wants_gate = true;
            }
            Input::Report { send, report, ticket } => {
                begun.tickets.extend(ticket);
                report::take(self, loaded, begun, send, &report);
            }
            Input::Outcome { send, outcome, ticket } => {
                begun.tickets.extend(ticket);
                self.outcome_in_turn(send, &outcome, loaded, begun);
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
            Input::Merge { word, ticket } => {
                merge::take(self, loaded, word, ticket, catalog, begun);
            }
        }
    }

    fn event(&self, loaded: &mut Loaded, event: &Arc<Event>, catalog: &Catalog, begun: &mut Begun) {
        if !profile::remember(loaded, event, self.id, begun) {
            return;
        }
        let mut edges = profile::baseline(loaded, catalog, begun.now);
        profile::apply(loaded, event, catalog, begun);
        let view = Trigger::from_event(event);
        let view = domain::journey::scope::EventView::of_trigger(&view);
        profile::edges(loaded, catalog, Some(view), begun, &mut edges);
        journeys::event(loaded, event, catalog, begun);
        enroll::by_event(loaded, event, &edges, catalog, begun);
    }

    fn recorded(
        &self,
        loaded: &mut Loaded,
        event: &Arc<Event>,
        catalog: &Catalog,
        begun: &mut Begun,
    ) {
        if !profile::remember(loaded, event, self.id, begun) {
            return;
        }
        let edges = profile::baseline(loaded, catalog, begun.now);
        profile::apply(loaded, event, catalog, begun);
        // She is a member by now, but did not become one now.
        profile::edges(loaded, catalog, None, begun, &mut SegmentEdges::default());
        enroll::by_segments(loaded, &edges, catalog, begun);
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
        journeys::next_due(&loaded.customer, &self.catalog)
    }

    /// Takes over the counts of a turn without making a transaction (`simulate`).
    pub fn count(&mut self, begun: &Begun) {
        for (key, delta) in &begun.deltas {
            self.counters.add(*key, i64::from(*delta));
        }
    }

    /// Makes the transaction of a turn, if it changed anything, and queues its effects: the rest of
    /// [`Self::finish`] behind the gate.
    pub fn commit(&mut self, loaded: &mut Loaded, mut begun: Begun) -> Option<Transaction> {
        self.count(&begun);
        let due = self.next_due(loaded);
        let due_changed = due != loaded.customer.due_at;
        let transaction = (begun.changed || due_changed).then(|| {
            self.seq += 1;
            loaded.customer.due_at = due;
            self.write_history(loaded, &mut begun);
            audience::write(self.id, loaded, &self.catalog, &mut begun);
            let key = loaded.customer.key();
            begun.writes.push(Write {
                table: Table::Customers,
                key: codec::customer_key(self.id, key),
                value: Some(codec::encode_customer(&loaded.customer, is_planned(loaded))),
            });
            loaded.recorded = true;
            let mut note = Note {
                opened: std::mem::take(&mut begun.opened),
                closed: std::mem::take(&mut begun.closed),
                deltas: std::mem::take(&mut begun.deltas),
                at: Instant::MIN,
            };
            let transaction = self.transaction(std::mem::take(&mut begun.writes), &mut note);
            begun.deltas = note.deltas;
            transaction
        });
        self.room = begun.room();
        // Even the answer to a duplicate waits until what made it one is durable.
        let acknowledged = begun.tickets.into_iter().map(Effect::Acknowledge);
        let attempted = begun.attempts.into_iter().map(Effect::Attempt);
        let seq = self.seq;
        let effects = acknowledged.chain(attempted).chain(begun.forwards);
        self.pending.extend(effects.map(|effect| (seq, effect)));
        transaction
    }

    fn write_history(&self, loaded: &mut Loaded, begun: &mut Begun) {
        if begun.items.is_empty() {
            return;
        }
        let items = std::mem::take(&mut begun.items);
        let row = HistoryRow { previous: loaded.customer.history_head, at: begun.now, items };
        loaded.customer.history_head = self.seq;
        begun.writes.push(Write {
            table: Table::History,
            key: codec::history_key(self.id, self.seq),
            value: Some(codec::encode(&row)),
        });
        begun.items = row.items;
    }

    pub(crate) fn transaction(&mut self, writes: Vec<Write>, note: &mut Note) -> Transaction {
        let sends = writes.iter().filter(|write| write.table == Table::Sends);
        self.fresh.extend(sends.map(|write| (self.seq, write.clone())));
        note.at = self.latest;
        let note = codec::encode_within(note, NOTE_BYTES_USUAL);
        Transaction { partition: self.id, seq: self.seq, writes, note }
    }

    /// Everything up to this sequence is durable: the effects that waited for it, in order.
    pub fn on_durable(&mut self, seq: u64) -> Vec<Effect> {
        self.durable = self.durable.max(seq);
        let fresh = self.fresh.partition_point(|(at, _)| *at <= self.durable);
        self.fresh.drain(..fresh);
        let ready = self.pending.partition_point(|(at, _)| *at <= self.durable);
        self.pending.drain(..ready).map(|(_, effect)| effect).collect()
    }

    /// Sequence up to which everything is durable.
    pub fn durable(&self) -> u64 {
        self.durable
    }

    /// The transaction that writes rows which belong to no customer (definitions, cursors);
    /// the ticket is acknowledged once they are durable.
    pub fn put(&mut self, writes: Vec<Write>, ticket: Ticket) -> Transaction {
        self.seq += 1;
        self.pending.push_back((self.seq, Effect::Acknowledge(ticket)));
        self.transaction(writes, &mut Note::default())
    }

    /// Acknowledges an input that may have changed nothing, once all before it is durable.
    pub fn acknowledge(&mut self, ticket: Ticket) {
        self.pending.push_back((self.seq, Effect::Acknowledge(ticket)));
    }
}
