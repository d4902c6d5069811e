//! One partition of the modelled process: what the partition, customer and scheduler actors hold
//! and do, without actors. It decides nothing; the engine does.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use domain::event::Event;
use domain::ids::{ChannelName, CustomerId, CustomerKey, SendId};
use domain::time::Instant;
use engine::ledger::{self, Outcome};
use engine::partition::{Grant, Slots};
use engine::report::Report;
use engine::{Input, Loaded, Partition, Ticket, codec};
use store::memory::SteppedStore;
use store::{Limit, Range, Read};

use super::faults::Planted;

/// The channel that everything goes by.
pub(crate) const CHANNEL: &str = "email";
/// Inputs of one customer that one turn takes at most.
const INPUTS_PER_TURN_MAX: usize = 8;

/// What waits for a customer's turn.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    Event(Arc<Event>, Ticket),
    Timer {
        due: Instant,
    },
    Slot,
    Retry(SendId),
    /// An operator wants it sent again, perhaps even if it may have arrived.
    Redrive(SendId, bool),
    Report(SendId, Report),
    Outcome(SendId, Outcome),
    Refresh,
}

/// A customer in memory.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) loaded: Loaded,
    /// Sequence of the partition when its last turn ended.
    pub(crate) seq: u64,
}

/// One partition in memory.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) partition: Partition,
    pub(crate) queue: BTreeMap<CustomerKey, VecDeque<(Option<CustomerId>, Work)>>,
    pub(crate) active: BTreeMap<CustomerKey, Active>,
    pub(crate) timers: BTreeMap<CustomerKey, Instant>,
    pub(crate) undelivered: Vec<store::Transaction>,
    /// Highest sequence that the store has announced as durable.
    pub(crate) announced: u64,
    /// Slots that it waited for and was given.
    pub(crate) offered: usize,
    /// Slots of messages that are not handed over yet.
    pub(crate) taken: usize,
    /// Whether it stands in line for a slot.
    pub(crate) in_line: bool,
}

struct TurnSlots<'a> {
    free: &'a mut usize,
    part: (&'a mut usize, &'a mut usize, &'a mut bool),
    without_end: bool,
}

impl Slots for TurnSlots<'_> {
    fn take(&mut self, _: &ChannelName) -> Grant {
        let (offered, taken, in_line) = &mut self.part;
        if **offered > 0 {
            **offered -= 1;
        } else if *self.free > 0 {
            *self.free -= 1;
        } else if !self.without_end {
            **in_line = true;
            return Grant::None;
        }
        **taken += 1;
        Grant::Slot
    }
}

/// The store's table of an engine table; the store keeps number 0 for itself.
pub(crate) fn table(table: engine::Table) -> store::Table {
    store::Table(table as u8 + 1)
}

fn to_store(transaction: engine::Transaction) -> store::Transaction {
    let engine::Transaction { partition, seq, writes, note } = transaction;
    let writes = writes.into_iter();
    let writes = writes.map(|write| store::Write {
        table: table(write.table),
        key: write.key,
        value: write.value,
    });
    store::Transaction { partition, seq, writes: writes.collect(), note }
}

/// All rows of a range.
pub(crate) fn rows(
    store: &SteppedStore,
    of: store::Table,
    range: Range,
) -> Vec<(Vec<u8>, Vec<u8>)> {
    store.scan(of, &range, Limit::rows(100_000)).expect("memory can be read").rows
}

impl Part {
    pub(crate) fn new(partition: Partition, announced: u64) -> Self {
        Self {
            partition,
            queue: BTreeMap::new(),
            active: BTreeMap::new(),
            timers: BTreeMap::new(),
            undelivered: Vec::new(),
            announced,
            offered: 0,
            taken: 0,
            in_line: false,
        }
    }

    pub(crate) fn push(&mut self, key: CustomerKey, id: Option<CustomerId>, work: Work) {
        self.queue.entry(key).or_default().push_back((id, work));
    }

    pub(crate) fn commit(&mut self, transaction: Option<engine::Transaction>) {
        self.undelivered.extend(transaction.map(to_store));
    }

    /// An outcome, in a turn of its customer where that is needed.
    pub(crate) fn outcome(
        &mut self,
        key: CustomerKey,
        send: SendId,
        outcome: Outcome,
        now: Instant,
    ) {
        let suppress = matches!(outcome, Outcome::Rejected { suppress: Some(_), .. });
        if suppress || self.active.contains_key(&key) {
            self.push(key, None, Work::Outcome(send, outcome));
        } else {
            let transaction = self.partition.outcome(send, &outcome, None, now);
            self.commit(transaction);
        }
    }

    fn activate(&mut self, store: &SteppedStore, key: CustomerKey, now: Instant, bug: Planted) {
        if self.active.contains_key(&key) {
            return;
        }
        let id = self.queue[&key].iter().find_map(|(id, _)| id.clone());
        let number = self.partition.id();
        let record = store
            .get(table(engine::Table::Customers), &codec::customer_key(number, key))
            .expect("memory can be read");
        let mut loaded = match record {
            Some(record) => {
                Loaded::from_record(codec::decode_customer(key, &record).expect("a sound record"))
            }
            None => match id {
                Some(id) => Loaded::new(id, now),
                None => return,
            },
        };
        if loaded.customer.seen.has_spilled(now) {
            let range = Range::prefix(codec::spill_prefix(number, key));
            for (_, value) in rows(store, table(engine::Table::Meta), range) {
                loaded.add_spilled(&codec::decode("dedupe row", &value).expect("a sound row"));
            }
        }
        if bug == Planted::DedupeDropped {
            loaded.customer.seen = domain::customer::Seen::default();
            loaded.spilled.clear();
        }
        self.active.insert(key, Active { loaded, seq: 0 });
    }

    /// One turn of a customer that has work. What it told, for the trace.
    pub(crate) fn turn(
        &mut self,
        store: &SteppedStore,
        key: CustomerKey,
        free: &mut usize,
        now: Instant,
        bug: Planted,
    ) -> bool {
        self.activate(store, key, now, bug);
        let Some(waiting) = self.queue.get_mut(&key) else { return false };
        let works: Vec<Work> =
            waiting.drain(..waiting.len().min(INPUTS_PER_TURN_MAX)).map(|(_, work)| work).collect();
        if waiting.is_empty() {
            self.queue.remove(&key);
        }
        let Some(mut active) = self.active.remove(&key) else { return false };
        let twice = bug == Planted::DoubleTimer
            && works.iter().any(|work| matches!(work, Work::Timer { .. }));
        if twice {
            let mut copy = active.loaded.clone();
            self.inputs(store, &mut copy, works.clone(), free, now, bug);
        }
        let refreshed = works.iter().any(|work| matches!(work, Work::Refresh));
        self.inputs(store, &mut active.loaded, works, free, now, bug);
        active.seq = self.partition.seq();
        self.active.insert(key, active);
        refreshed
    }

    fn inputs(
        &mut self,
        store: &SteppedStore,
        loaded: &mut Loaded,
        works: Vec<Work>,
        free: &mut usize,
        now: Instant,
        bug: Planted,
    ) {
        let due_before = loaded.customer.due_at;
        let mut inputs = Vec::new();
        for work in works {
            match work {
                Work::Outcome(send, outcome) => {
                    let decided = self.partition.outcome(send, &outcome, Some(loaded), now);
                    self.commit(decided);
                }
                Work::Timer { due } if due != loaded.customer.due_at => {}
                Work::Timer { .. } => inputs.push(Input::Timer),
                Work::Slot => inputs.push(Input::Slot(ChannelName::from(CHANNEL))),
                Work::Retry(send) => inputs.push(Input::Retry(send)),
                Work::Redrive(send, even_if_arrived) => {
                    inputs.push(Input::Redrive { send, even_if_arrived, ticket: None });
                }
                Work::Report(send, report) => {
                    inputs.push(Input::Report { send, report, ticket: None });
                }
                Work::Refresh => inputs.push(Input::Refresh),
                Work::Event(event, ticket) => {
                    inputs.push(Input::Event { event, ticket: Some(ticket) });
                }
            }
        }
        if !inputs.is_empty() {
            if inputs.iter().any(Input::wants_sends) {
                loaded.sends = Some(self.sends(store, loaded));
            }
            let begun = self.partition.begin(loaded, inputs, now);
            if begun.needs_ledger(loaded) {
                loaded.ledger = Some(self.ledger(store, loaded));
            }
            if bug == Planted::LedgerNotLoaded {
                loaded.ledger = Some(Vec::new());
            }
            let part = (&mut self.offered, &mut self.taken, &mut self.in_line);
            let without_end = bug == Planted::SlotsWithoutEnd;
            let mut slots = TurnSlots { free, part, without_end };
            let decided = self.partition.finish(loaded, begun, &mut slots);
            self.commit(decided);
            loaded.sends = None;
        }
        let due = loaded.customer.due_at;
        if due != due_before && due != Instant::MAX {
            self.timers.insert(loaded.customer.key(), due);
        }
    }

    fn ledger(&self, store: &SteppedStore, loaded: &Loaded) -> Vec<policies::LedgerRow> {
        let prefix = codec::sends_prefix(self.partition.id(), loaded.customer.key());
        let found = rows(store, table(engine::Table::Sends), Range::prefix(prefix));
        let rows = found.iter().map(|(_, value)| ledger::decode_ledger(value));
        rows.collect::<Result<_, _>>().expect("sound rows")
    }

    fn sends(&self, store: &SteppedStore, loaded: &Loaded) -> Vec<ledger::SendRow> {
        let key = loaded.customer.key();
        let prefix = codec::sends_prefix(self.partition.id(), key);
        let found = rows(store, table(engine::Table::Sends), Range::prefix(prefix));
        let rows = self.partition.with_fresh_sends(key, found);
        let rows = rows.values().map(|row| ledger::SendRow::decode(row));
        rows.collect::<Result<_, _>>().expect("sound rows")
    }

    /// A slot that was offered: whose turn it is. Gives it back if nobody waits.
    pub(crate) fn use_offer(&mut self, free: &mut usize, bug: Planted) {
        if self.offered == 0 {
            return;
        }
        match self.partition.next_waiting(&ChannelName::from(CHANNEL)) {
            Some(key) => {
                self.push(key, None, Work::Slot);
                // There may be more who wait.
                self.in_line |= bug != Planted::OneSlotIsEnough;
            }
            None => {
                *free += self.offered;
                self.offered = 0;
            }
        }
    }
}
