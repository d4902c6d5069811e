//! Several partitions over one stepped store: turns, commits and crashes one by one, and what the
//! drivers carry between partitions in between.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use cadencia::access::mask::Mask;
use cadencia::rows;
use domain::customer::Customer;
use domain::event::{Event, EventBody};
use domain::ids::{ChannelName, CustomerId, CustomerKey, EventName, SendId};
use domain::time::Instant;
use engine::history::{HistoryItem, HistoryRow};
use engine::ledger::{Outcome, SendRow};
use engine::merge::Word;
use engine::note::Note;
use engine::partition::{Attempt, Grant, Slots, Snapshot};
use engine::{Effect, Input, Loaded, Partition, Table, Ticket, Transaction, codec};
use store::memory::{Disk, SteppedStore};
use store::{GroupRow, Limit, Range, Read};

use super::super::customer::BEGINNING;
use super::super::given::{self, Given};

pub(super) const PARTITIONS: u16 = 64;

struct Endless;

impl Slots for Endless {
    fn take(&mut self, _: &ChannelName) -> Grant {
        Grant::Slot
    }
}

#[derive(Debug)]
enum Job {
    Input(Input),
    Outcome(SendId, Outcome),
}

/// The process and its disk.
pub(super) struct World {
    given: Given,
    store: Option<SteppedStore>,
    partitions: Vec<Partition>,
    active: HashMap<CustomerKey, Loaded>,
    pub(super) now: Instant,
    queue: VecDeque<(CustomerId, Job)>,
    /// Whether one turn takes everything that waits for its customer.
    pub(super) together: bool,
    pub(super) in_flight: VecDeque<Arc<Attempt>>,
    /// How often each send left, over all lives of the process.
    pub(super) left: BTreeMap<SendId, u32>,
    pub(super) acknowledged: BTreeSet<u64>,
    pub(super) refused: BTreeSet<u64>,
}

fn settings() -> store::Settings {
    let monotonic = Arc::new(|| Duration::ZERO);
    store::Settings::new(PARTITIONS, "xxh3-128", rows::specs(), monotonic)
}

impl World {
    pub(super) fn new(given: Given) -> Self {
        let disk = Disk::new(&settings()).expect("sound settings");
        let now = Instant::parse(BEGINNING).expect("a sound instant");
        let mut world = Self {
            given,
            store: None,
            partitions: Vec::new(),
            active: HashMap::new(),
            now,
            queue: VecDeque::new(),
            together: false,
            in_flight: VecDeque::new(),
            left: BTreeMap::new(),
            acknowledged: BTreeSet::new(),
            refused: BTreeSet::new(),
        };
        world.open(disk);
        world
    }

    fn store(&self) -> &SteppedStore {
        self.store.as_ref().expect("the store is open")
    }

    fn open(&mut self, disk: Disk) {
        let (store, found) = SteppedStore::open(disk, &settings()).expect("opens");
        let mut snapshots: Vec<Snapshot> = Vec::new();
        snapshots.resize_with(usize::from(PARTITIONS), Snapshot::default);
        let all = Range::from(Vec::new());
        let groups = store.scan(store::Table::GROUPS, &all, Limit::rows(100_000)).expect("reads");
        for (_, row) in &groups.rows {
            for entry in GroupRow::decode(row).into_iter().flatten() {
                let note: Note = codec::decode("note", entry.note).expect("a sound note");
                snapshots[usize::from(entry.partition)].replay(entry.seq, note);
            }
        }
        self.store = Some(store);
        let (catalog, now) = (self.given.catalog(), self.now);
        for (number, snapshot) in snapshots.into_iter().enumerate() {
            let id = number as u16;
            let mut partition = Partition::new(id, catalog.clone(), found.sequences[number]);
            partition.recover_memory(snapshot.counters, snapshot.at);
            for opened in snapshot.open.values() {
                let key = codec::send_key(id, opened.customer, opened.counted_at, opened.send);
                let row = self.row(Table::Sends, &key).expect("an open send has a row");
                let row = SendRow::decode(&row).expect("a sound row");
                let decided = partition.recover_open(opened.customer, row, now);
                self.submit(decided);
            }
            for parcel in self.rows(Table::Meta, codec::parcels_prefix(id)) {
                let parcel = codec::decode("parcel", &parcel).expect("a sound parcel");
                partition.recover_parcel(parcel, now);
            }
            self.partitions.push(partition);
        }
        for partition in 0..self.partitions.len() {
            self.release(partition);
        }
    }

    /// The process dies and starts again.
    pub(super) fn crash(&mut self, seed: u64) {
        let disk = self.store.take().expect("the store is open").crash(seed);
        self.partitions.clear();
        self.active.clear();
        self.queue.clear();
        self.in_flight.clear();
        self.open(disk);
    }

    pub(super) fn row(&self, table: Table, key: &[u8]) -> Option<Vec<u8>> {
        self.store().get(rows::table(table), key).expect("reads")
    }

    pub(super) fn rows(&self, table: Table, prefix: Vec<u8>) -> Vec<Vec<u8>> {
        let range = Range::prefix(prefix);
        let page = self.store().scan(rows::table(table), &range, Limit::rows(100_000));
        page.expect("reads").rows.into_iter().map(|(_, value)| value).collect()
    }

    fn submit(&mut self, transaction: Option<Transaction>) {
        let transactions = transaction.map(rows::to_store).into_iter().collect();
        self.store.as_mut().expect("the store is open").submit(transactions).expect("room");
    }

    /// Tells a customer something.
    pub(super) fn tell(&mut self, id: &str, input: Input) {
        self.queue.push_back((id.into(), Job::Input(input)));
    }

    pub(super) fn alias(&mut self, previous: &str, into: &str, ticket: u64) {
        let word = Word::Ask { previous: previous.into(), at: self.now, followed: false };
        self.tell(into, Input::Merge { word, ticket: Some(Ticket(ticket)) });
    }

    pub(super) fn event(&mut self, id: &str, body: EventBody, ticket: u64) {
        self.event_at(id, body, &format!("m{ticket}"), self.now, ticket);
    }

    pub(super) fn event_at(
        &mut self,
        id: &str,
        body: EventBody,
        message: &str,
        occurred_at: Instant,
        ticket: u64,
    ) {
        let event = Event {
            customer: id.into(),
            message_id: message.to_owned(),
            occurred_at,
            received_at: self.now,
            body,
        };
        let ticket = Some(Ticket(ticket));
        self.tell(id, Input::Event { event: Arc::new(event), ticket });
    }

    pub(super) fn track(&mut self, id: &str, name: &str, ticket: u64) {
        let (name, properties) = (EventName::from(name), Default::default());
        self.event(id, EventBody::Track { name, properties }, ticket);
    }

    /// Address, zone and consent.
    pub(super) fn known(&mut self, id: &str, traits: serde_json::Value, ticket: u64) {
        self.event(id, EventBody::Identify { traits: given::map(&traits) }, ticket);
        self.event(id, EventBody::Consent(given::granted()), ticket + 1);
    }

    /// One turn, or one commit, or nothing if there is nothing to do.
    pub(super) fn step(&mut self) -> bool {
        if let Some((id, job)) = self.queue.pop_front() {
            let mut jobs = vec![job];
            if self.together {
                let (hers, others) = self.queue.drain(..).partition(|(other, _)| *other == id);
                self.queue = others;
                let hers: VecDeque<(CustomerId, Job)> = hers;
                jobs.extend(hers.into_iter().map(|(_, job)| job));
            }
            self.turn(&id, jobs);
            return true;
        }
        let store = self.store.as_mut().expect("the store is open");
        store.stage_next_group(1);
        let Some(durable) = store.barrier() else {
            return false;
        };
        for (partition, seq) in durable.partitions {
            let effects = self.partitions[usize::from(partition)].on_durable(seq);
            self.effects(effects);
        }
        true
    }

    /// Until nothing is left to do at this instant.
    pub(super) fn settle(&mut self) {
        while self.step() {}
    }

    /// As [`Self::settle`]; messages are accepted, and timers fire until `until`.
    pub(super) fn live(&mut self, until: Instant) {
        loop {
            self.settle();
            if self.answer(&Outcome::Accepted { reply: "250 ok".to_owned(), parts: 1 }) {
                continue;
            }
            let due = self.due();
            if due > until {
                break;
            }
            self.now = self.now.max(due);
            self.fire();
        }
        self.now = until;
    }

    /// The outcome of the message that left first.
    pub(super) fn answer(&mut self, outcome: &Outcome) -> bool {
        let Some(attempt) = self.in_flight.pop_front() else {
            return false;
        };
        let job = Job::Outcome(attempt.send, outcome.clone());
        self.queue.push_back((attempt.customer.clone(), job));
        true
    }

    fn customers(&self) -> Vec<Customer> {
        let range = Range::from(Vec::new());
        let page = self.store().scan(rows::table(Table::Customers), &range, Limit::rows(10_000));
        let rows = page.expect("reads").rows.into_iter();
        rows.map(|(key, record)| {
            let key = CustomerKey(key[2..18].try_into().expect("a key"));
            codec::decode_customer(key, &record).expect("a sound record")
        })
        .collect()
    }

    fn due(&self) -> Instant {
        let timers = self.customers().into_iter().map(|customer| customer.due_at);
        let retries = self.partitions.iter().map(Partition::next_retry);
        timers.chain(retries).min().unwrap_or(Instant::MAX)
    }

    fn fire(&mut self) {
        for customer in self.customers() {
            if customer.due_at <= self.now {
                self.tell(customer.id.as_str(), Input::Timer);
            }
        }
        let customers = self.customers();
        for partition in &mut self.partitions {
            for (key, send) in partition.due_retries(self.now) {
                let whose = customers.iter().find(|customer| customer.key() == key);
                let id = whose.expect("a customer has a record").id.clone();
                self.queue.push_back((id, Job::Input(Input::Retry(send))));
            }
        }
    }

    fn turn(&mut self, id: &CustomerId, jobs: Vec<Job>) {
        let key = id.key();
        let at = usize::from(key.partition(PARTITIONS));
        let mut loaded = self.active.remove(&key).unwrap_or_else(|| self.load(id));
        let mut inputs = Vec::new();
        for job in jobs {
            match job {
                Job::Input(input) => inputs.push(input),
                Job::Outcome(send, outcome) if !self.partitions[at].is_open(send) => {
                    inputs.push(Input::Outcome { send, outcome, ticket: None });
                }
                Job::Outcome(send, outcome) => {
                    let loaded = Some(&mut loaded);
                    let decided = self.partitions[at].outcome(send, &outcome, loaded, self.now);
                    self.submit(decided);
                }
            }
        }
        if !inputs.is_empty() {
            if inputs.iter().any(Input::wants_sends) {
                loaded.sends = Some(self.sends_of(key));
            }
            if loaded.ledger.is_none() && inputs.iter().any(Input::wants_ledger) {
                loaded.ledger = Some(self.ledger_of(key));
            }
            let begun = self.partitions[at].begin(&mut loaded, inputs, self.now);
            if begun.needs_ledger(&loaded) {
                loaded.ledger = Some(self.ledger_of(key));
            }
            let decided = self.partitions[at].finish(&mut loaded, begun, &mut Endless);
            loaded.sends = None;
            self.submit(decided);
        }
        self.active.insert(key, loaded);
        self.release(at);
    }

    fn load(&self, id: &CustomerId) -> Loaded {
        let (key, partition) = (id.key(), id.key().partition(PARTITIONS));
        let Some(record) = self.row(Table::Customers, &codec::customer_key(partition, key)) else {
            return Loaded::new(id.clone(), self.now);
        };
        let customer = codec::decode_customer(key, &record).expect("a sound record");
        let mut loaded = Loaded::from_record(customer);
        for row in self.rows(Table::Meta, codec::spill_prefix(partition, key)) {
            loaded.add_spilled(&codec::decode("dedupe row", &row).expect("a sound row"));
        }
        loaded
    }

    fn sends_of(&self, key: CustomerKey) -> Vec<SendRow> {
        let partition = key.partition(PARTITIONS);
        let range = Range::prefix(codec::sends_prefix(partition, key));
        let page = self.store().scan(rows::table(Table::Sends), &range, Limit::rows(100_000));
        let found = page.expect("reads").rows;
        let rows = self.partitions[usize::from(partition)].with_fresh_sends(key, found);
        rows.values().map(|row| SendRow::decode(row).expect("a sound row")).collect()
    }

    fn ledger_of(&self, key: CustomerKey) -> Vec<policies::LedgerRow> {
        self.sends_of(key).into_iter().map(|row| row.ledger).collect()
    }

    /// Effects that waited for nothing that is not durable.
    fn release(&mut self, at: usize) {
        let durable = self.partitions[at].durable();
        let effects = self.partitions[at].on_durable(durable);
        self.effects(effects);
    }

    fn effects(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Acknowledge(Ticket(ticket)) => {
                    self.acknowledged.insert(ticket);
                }
                Effect::Refuse(Ticket(ticket)) => {
                    self.refused.insert(ticket);
                }
                Effect::Attempt(attempt) => {
                    *self.left.entry(attempt.send).or_default() += 1;
                    self.in_flight.push_back(attempt);
                }
                Effect::Forward { to, input } => self.queue.push_back((to, Job::Input(input))),
            }
        }
    }

    /// A customer as it is on disk.
    pub(super) fn customer(&self, id: &str) -> Option<Customer> {
        let id = CustomerId::from(id);
        let key = codec::customer_key(id.key().partition(PARTITIONS), id.key());
        let record = self.row(Table::Customers, &key)?;
        Some(codec::decode_customer(id.key(), &record).expect("a sound record"))
    }

    /// A customer's rows of sends on disk.
    pub(super) fn sends(&self, id: &str) -> Vec<SendRow> {
        let key = CustomerId::from(id).key();
        let rows = self.rows(Table::Sends, codec::sends_prefix(key.partition(PARTITIONS), key));
        rows.iter().map(|row| SendRow::decode(row).expect("a sound row")).collect()
    }

    /// What an active customer has loaded of its ledger.
    pub(super) fn ledger(&self, id: &str) -> Option<&[policies::LedgerRow]> {
        self.active.get(&CustomerId::from(id).key())?.ledger.as_deref()
    }

    /// Sends of the past, as rows that are durable before the customer is loaded again.
    pub(super) fn put_sends(&mut self, id: &str, rows: impl Iterator<Item = SendRow>) {
        let key = CustomerId::from(id).key();
        let partition = key.partition(PARTITIONS);
        let writes = rows.map(|row| engine::Write {
            table: Table::Sends,
            key: codec::send_key(partition, key, row.ledger.counted_at, row.ledger.send),
            value: Some(row.encode()),
        });
        let writes = writes.collect();
        let decided = self.partitions[usize::from(partition)].put(writes, Ticket(0));
        self.submit(Some(decided));
        self.settle();
        self.active.remove(&key);
    }

    /// Everything in a customer's own history, oldest first.
    pub(super) fn history(&self, id: &str) -> Vec<HistoryItem> {
        let partition = CustomerId::from(id).key().partition(PARTITIONS);
        let mut next = self.customer(id).map_or(0, |customer| customer.history_head);
        let mut found = Vec::new();
        while next != 0 {
            let row = self.row(Table::History, &codec::history_key(partition, next));
            let row: HistoryRow =
                codec::decode("history row", &row.expect("a row")).expect("a sound row");
            next = row.previous;
            found.extend(row.items.into_iter().rev());
        }
        found.reverse();
        found
    }

    /// What `explain` says.
    pub(super) fn timeline(&self, id: &str) -> cadencia::timeline::Timeline {
        let found =
            cadencia::timeline::read(self.store(), PARTITIONS, &id.into(), 100, &Mask::nothing());
        found.expect("reads").expect("a customer")
    }

    /// Parcels that are not confirmed.
    pub(super) fn parcels(&self) -> usize {
        let of = |partition| self.rows(Table::Meta, codec::parcels_prefix(partition)).len();
        (0..PARTITIONS).map(of).sum()
    }

    /// How often an event was counted.
    pub(super) fn count(&self, id: &str, name: &str) -> u64 {
        let customer = self.customer(id).expect("a customer");
        customer.counters.get(&EventName::from(name)).map_or(0, |counter| counter.count)
    }

    /// Sends whose outcome is not known, over all partitions.
    pub(super) fn open_sends(&self) -> usize {
        self.partitions.iter().map(Partition::open_sends).sum()
    }
}
