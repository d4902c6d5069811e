//! What the actors of one partition share on their arbiter: the engine's partition, the store to
//! load from, connection slots, and who waits for an answer. Single-threaded; borrowed only inside
//! synchronous handlers.

mod ack;
mod forward;
mod hand_over;
mod slots;
mod traces;

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use domain::ids::{ChannelName, CustomerId, CustomerKey, SendId};
use domain::time::Instant;
use engine::codec;
use engine::ledger;
use engine::partition::{Attempt, Effect};
use engine::{Input, Loaded, Partition, Ticket, turn};
use runtime::{Clock, Permit, Slots};
use store::{ReadError, Store};

pub use self::ack::Ack;
use self::slots::{PartitionSlots, TurnSlots};
use self::traces::Traces;
use super::load::{LoadError, load_ledger, load_sends, load_some_sends, load_spilled};
use super::lost::{LostStop, Stop};
use super::{Addressed, Published, Settled, Work};
use crate::rows::Rows;
use crate::telemetry::trace::{Activation, Attempted, Tracer, Watch};

/// A message on its way to a channel, with the slot it holds.
#[derive(Debug)]
pub struct Outgoing {
    /// The message.
    pub attempt: Arc<Attempt>,
    /// Its slot.
    pub permit: Permit,
    /// The activation that asked for it, while traces are exported.
    pub trace: Option<Arc<Activation>>,
}

/// What goes with an outcome that follows its customer into another one.
#[derive(Debug)]
struct Following {
    permit: Arc<Permit>,
    trace: Option<Arc<Attempted>>,
}

/// What the actors of one partition share.
pub struct Core {
    /// The engine's partition.
    pub partition: Partition,
    store: Store,
    clock: Clock,
    slots: PartitionSlots,
    closing: bool,
    /// Sequence and group commit of a snapshot on its way.
    snapshot: Option<(u64, u64)>,
    acks: HashMap<u64, Ack>,
    /// Slots of attempts whose outcomes follow their customer into another one, by ticket: taken
    /// until the outcome is durable there. Freed here, what takes a slot next could be durable
    /// before the outcome, and a crash leave two unknown for one slot (semantics 25).
    following: HashMap<u64, Following>,
    next_ticket: u64,
    /// Notes for the tracer; none while no traces are exported.
    traces: Option<Traces>,
    /// Channels for which a message had no slot since this was last looked at.
    pub starved: Vec<ChannelName>,
    /// Transactions in the order of their sequences, not yet handed to the committer.
    pub undelivered: Vec<store::Transaction>,
    /// Slots of attempts whose outcomes are among `undelivered`. They come free only once the
    /// committer has those: commits are in order, so whatever takes a slot next is durable no
    /// earlier than the outcome before it, and a crash leaves at most one unknown per slot
    /// (semantics 25).
    pub leaving: Vec<Arc<Permit>>,
    /// What customers of this partition tell others, in order.
    pub forwarded: VecDeque<Addressed>,
    /// Stops that could not be recorded, not yet told to anybody.
    pub lost: Vec<LostStop>,
    /// Due instants that have changed since the scheduler was last told.
    pub rearmed: Vec<(CustomerKey, Instant)>,
    /// Transactions that were too large for the store since this was last looked at.
    pub too_large: u64,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").field("partition", &self.partition.id()).finish_non_exhaustive()
    }
}

/// A shared [`Core`].
pub type SharedCore = Rc<RefCell<Core>>;

impl Core {
    /// Around a partition that has been recovered.
    pub fn new(partition: Partition, store: Store, clock: Clock, published: &Published) -> Self {
        let mut core = Self {
            partition,
            store,
            clock,
            slots: PartitionSlots::default(),
            closing: false,
            snapshot: None,
            acks: HashMap::new(),
            following: HashMap::new(),
            next_ticket: 0,
            traces: None,
            starved: Vec::new(),
            undelivered: Vec::new(),
            leaving: Vec::new(),
            forwarded: VecDeque::new(),
            lost: Vec::new(),
            rearmed: Vec::new(),
            too_large: 0,
        };
        core.slots.connect(published);
        core
    }

    /// Notes from now on what turns do.
    pub fn trace(&mut self, tracer: Tracer) {
        self.traces = Some(Traces::new(tracer));
    }

    /// Turns from now on see what is published.
    pub fn publish(&mut self, published: &Published) {
        self.partition.set_catalog(published.catalog.clone());
        self.slots.connect(published);
    }

    /// Whether the process is about to end.
    pub fn is_closing(&self) -> bool {
        self.closing
    }

    /// From now on nothing new is sent: the process is about to end.
    pub fn close(&mut self) {
        self.closing = true;
    }

    /// Now.
    pub fn now(&self) -> Instant {
        Instant(self.clock.now_ms())
    }

    /// One turn of a customer: all the work that was queued for it, at one instant. Whoever waits
    /// for a turn that fails hears that nothing was taken in.
    pub fn turn(&mut self, loaded: &mut Loaded, works: Vec<Work>) -> Result<(), LoadError> {
        let before = self.next_ticket;
        let stops: Vec<Stop> = works.iter().filter_map(|work| self.stop_at_stake(work)).collect();
        let tracer = self.traces.as_ref().map(|traces| traces.tracer.clone());
        let began_us = tracer.as_ref().map_or(0, Tracer::now_us);
        let done = self.take_turn(loaded, works);
        if done.is_err() {
            if let Some(tracer) = tracer {
                let key = loaded.customer.key();
                tracer.failed(key, self.partition.id(), self.now(), began_us);
            }
            let customer = loaded.customer.key();
            self.lost.extend(stops.into_iter().map(|stop| LostStop { customer, stop }));
            for ticket in before + 1..=self.next_ticket {
                self.acks.remove(&ticket);
                self.following.remove(&ticket);
            }
        }
        done
    }

    /// The stop that is lost if the turn fails. Of a send that is open here the outcome is settled
    /// whatever becomes of the turn.
    fn stop_at_stake(&self, work: &Work) -> Option<Stop> {
        match work {
            Work::Outcome(settled) if self.partition.is_open(settled.send) => None,
            work => Stop::of(work),
        }
    }

    fn take_turn(&mut self, loaded: &mut Loaded, works: Vec<Work>) -> Result<(), LoadError> {
        let now = self.now();
        let due_before = loaded.customer.due_at;
        let senders = self.traces.is_some().then(|| traces::senders(&works));
        let mut inputs = Vec::new();
        let mut told = Vec::new();
        for work in works {
            match work {
                Work::Outcome(settled) => inputs.extend(self.settle(settled, loaded, now)?),
                Work::Timer { due } if due != loaded.customer.due_at => {}
                Work::Timer { .. } => inputs.push(Input::Timer),
                Work::Slot(channel, permit) => {
                    self.slots.offer(&channel, permit);
                    inputs.push(Input::Slot(channel));
                }
                Work::Retry(send) => inputs.push(Input::Retry(send)),
                Work::Tick { version, instant, ack } => {
                    inputs.push(Input::Tick { version, instant });
                    told.push(ack);
                }
                Work::Refresh { ack } => {
                    inputs.push(Input::Refresh);
                    told.push(ack);
                }
                Work::Merge { word, ack } => {
                    inputs.push(Input::Merge { word, ticket: self.ticket_for(ack) });
                }
                Work::Event { event, ack } => {
                    inputs.push(Input::Event { event, ticket: self.ticket_for(ack) });
                }
                Work::Recorded { event, ack } => {
                    let ticket = self.ticket_for(ack);
                    inputs.push(Input::Recorded { event, ticket });
                }
                Work::Enroll { journey, key, payload, ack } => {
                    let ticket = self.ticket_for(ack);
                    inputs.push(Input::Enroll { journey, key, payload, ticket });
                }
                Work::Report { send, report, ack } => {
                    let ticket = self.ticket_for(ack);
                    inputs.push(Input::Report { send, report, ticket });
                }
                Work::Redrive { send, even_if_arrived, ack } => {
                    let ticket = self.ticket_for(ack);
                    inputs.push(Input::Redrive { send, even_if_arrived, ticket });
                }
            }
        }
        if !inputs.is_empty() {
            turn::with_what_is_due(&mut inputs, loaded.customer.due_at, now);
            self.load_first(loaded, &inputs, now)?;
            let watch = self.watch(loaded, &inputs, senders);
            self.decide(loaded, inputs, now, watch)?;
        }
        for ack in told {
            let ticket = self.ticket(ack);
            self.partition.acknowledge(ticket);
        }
        let due = loaded.customer.due_at;
        if due != due_before && due != Instant::MAX {
            self.rearmed.push((loaded.customer.key(), due));
        }
        Ok(())
    }

    /// The engine's part of a turn, and its transaction.
    fn decide(
        &mut self,
        loaded: &mut Loaded,
        inputs: Vec<Input>,
        now: Instant,
        watch: Option<Watch>,
    ) -> Result<(), LoadError> {
        let mut begun = self.partition.begin(loaded, inputs, now);
        if begun.needs_ledger(loaded) {
            loaded.ledger = Some(load_ledger(&self.store, &self.partition, loaded)?);
        }
        let mut slots =
            TurnSlots { slots: &mut self.slots, starved: &mut self.starved, closing: self.closing };
        self.partition.gate(loaded, &mut begun, &mut slots);
        let noted = self.noted(watch, &begun, loaded, now);
        let finished = self.partition.commit(loaded, begun);
        self.hand_over(finished)?;
        self.note(noted);
        loaded.sends = None;
        Ok(())
    }

    /// Loads what some inputs need before the turn begins.
    fn load_first(
        &self,
        loaded: &mut Loaded,
        inputs: &[Input],
        now: Instant,
    ) -> Result<(), LoadError> {
        if loaded.needs_spilled(inputs, now) {
            load_spilled(&self.store, self.partition.id(), loaded)?;
        }
        if loaded.ledger.is_none() && inputs.iter().any(Input::wants_ledger) {
            loaded.ledger = Some(load_ledger(&self.store, &self.partition, loaded)?);
        }
        let reported = |input: &Input| match input {
            Input::Report { send, .. } => Some(*send),
            _ => None,
        };
        let mut wanting = inputs.iter().filter(|input| input.wants_sends()).peekable();
        if wanting.peek().is_some() {
            let only: Option<Vec<SendId>> = wanting.map(reported).collect();
            if let Some(only) = only {
                loaded.sends = Some(load_some_sends(&self.store, &self.partition, loaded, &only)?);
                return Ok(());
            }
            let rows = load_sends(&self.store, &self.partition, loaded, usize::MAX)?;
            let rows = rows.iter().map(|row| ledger::SendRow::decode(row));
            loaded.sends = Some(rows.collect::<Result<_, _>>()?);
        }
        Ok(())
    }

    /// An outcome; outside a turn the customer is not active and need not be loaded.
    pub fn outcome(
        &mut self,
        settled: Settled,
        loaded: Option<&mut Loaded>,
        now: Instant,
    ) -> Result<(), LoadError> {
        let began_us = self.traces.as_ref().map(|traces| traces.tracer.now_us());
        let transaction = self.partition.outcome(settled.send, &settled.outcome, loaded, now);
        if let (Some(traces), Some(trace), Some(began_us)) =
            (&mut self.traces, settled.trace, began_us)
        {
            let again = self.partition.is_open(settled.send);
            traces.outcome(self.partition.seq(), trace, now, again, began_us);
        }
        self.leaving.push(settled.permit);
        self.hand_over(transaction)
    }

    /// An outcome in its customer's turn: at once, or in the order of the inputs where the send may
    /// come, or has gone, with one of them.
    fn settle(
        &mut self,
        settled: Settled,
        loaded: &mut Loaded,
        now: Instant,
    ) -> Result<Option<Input>, LoadError> {
        if self.partition.is_open(settled.send) {
            return self.outcome(settled, Some(loaded), now).map(|()| None);
        }
        let Settled { send, outcome, permit, trace } = settled;
        self.next_ticket += 1;
        self.following.insert(self.next_ticket, Following { permit, trace });
        let ticket = Ticket(self.next_ticket);
        Ok(Some(Input::Outcome { send, outcome, ticket: Some(ticket) }))
    }

    /// Work for a customer that cannot be loaded: dropped, its acknowledgements unanswered.
    /// Outcomes are settled all the same: else their sends were in flight for ever, and whoever
    /// waits for quiet would wait as long. A stop on the address has no record to go into: what the
    /// store has of the customer may be older than what was decided, and must not be written back.
    pub fn settle_without_customer(
        &mut self,
        customer: CustomerKey,
        works: impl IntoIterator<Item = Work>,
    ) {
        let now = self.now();
        for work in works {
            self.lost.extend(Stop::of(&work).map(|stop| LostStop { customer, stop }));
            if let Work::Outcome(settled) = work {
                // Without a record it writes one row and is never too large.
                drop(self.outcome(settled, None, now));
            }
        }
    }

    /// Writes a snapshot of the partition's memory, given a group commit that is durable.
    pub fn snapshot(&mut self, commit: u64) {
        let transaction = self.partition.snapshot(commit);
        let seq = transaction.seq;
        // Without it a restart replays more notes.
        self.snapshot = self.hand_over(Some(transaction)).is_ok().then_some((seq, commit));
    }

    /// The group commit of the newest snapshot, once that is durable: earlier group rows are not
    /// needed by this partition any more.
    pub fn durable_snapshot(&mut self) -> Option<u64> {
        let durable = self.partition.durable();
        self.snapshot.take_if(|(seq, _)| *seq <= durable).map(|(_, commit)| commit)
    }

    /// Writes rows that belong to no customer.
    pub fn put(&mut self, writes: Vec<engine::Write>, ack: Ack) {
        let ticket = self.ticket(ack);
        let transaction = self.partition.put(writes, ticket);
        if let Err(error) = self.hand_over(Some(transaction)) {
            tracing::error!(%error, "rows were not written");
        }
    }

    fn ticket_for(&mut self, ack: Option<Ack>) -> Option<Ticket> {
        ack.map(|ack| self.ticket(ack))
    }

    fn ticket(&mut self, ack: Ack) -> Ticket {
        self.next_ticket += 1;
        self.acks.insert(self.next_ticket, ack);
        Ticket(self.next_ticket)
    }

    /// Everything up to `seq` is durable: answers who waits, and gives back what is to be sent.
    pub fn durable(&mut self, seq: u64) -> Vec<Outgoing> {
        let mut outgoing = Vec::new();
        let effects = self.partition.on_durable(seq);
        let durable = self.partition.durable();
        let ripe = self.traces.as_mut().map(|traces| traces.ripe(durable));
        for effect in effects {
            match effect {
                Effect::Acknowledge(Ticket(ticket)) => {
                    if let Some(ack) = self.acks.remove(&ticket) {
                        ack.one_done();
                    }
                    self.following.remove(&ticket);
                }
                Effect::Attempt(attempt) => {
                    if let Some(permit) = self.slots.taken(&attempt.channel) {
                        let trace = ripe.as_ref().and_then(|ripe| ripe.of_attempt(&attempt));
                        outgoing.push(Outgoing { attempt, permit, trace });
                    }
                }
                Effect::Forward { to, input } => {
                    let work = self.work(input);
                    self.forward(to, work);
                }
                // Dropped unanswered: the sender repeats it.
                Effect::Refuse(Ticket(ticket)) => drop(self.acks.remove(&ticket)),
            }
        }
        if let Some(ripe) = ripe {
            ripe.tell();
        }
        outgoing
    }

    /// Permits that the turns they were given to had no use for.
    pub fn unused(&mut self) -> Vec<(ChannelName, Permit)> {
        self.slots.unused()
    }

    /// Channels for whose slots messages wait.
    pub fn waited_for(&self) -> Vec<ChannelName> {
        let channels = self.slots.channels();
        channels.filter(|channel| self.partition.others_wait(channel)).cloned().collect()
    }

    /// The shared slots of a channel.
    pub fn slots_of(&self, channel: &ChannelName) -> Option<Slots> {
        self.slots.shared(channel)
    }

    /// Loads a customer, or makes one where there is no record and the id is known.
    pub fn load(
        &self,
        key: CustomerKey,
        id: Option<&CustomerId>,
        record: Option<Vec<u8>>,
    ) -> Result<Option<Loaded>, LoadError> {
        let Some(record) = record else {
            return Ok(id.map(|id| Loaded::new(id.clone(), self.now())));
        };
        Ok(Some(Loaded::from_record(codec::decode_customer(key, &record)?)))
    }

    /// Records of customers, in the order of the keys.
    pub fn read(&self, keys: &[CustomerKey]) -> Result<Vec<Option<Vec<u8>>>, ReadError> {
        Rows(&self.store).customers(self.partition.id(), keys)
    }
}
