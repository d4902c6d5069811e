//! Customers that exist before a measurement: made by the engine's own turns, handed to the store
//! in the order in which they would have come.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use domain::consent::{ConsentChange, Permission};
use domain::event::{Event, EventBody};
use domain::ids::{CustomerId, EventName};
use domain::time::Instant;
use domain::value::{Map, Text, Value};
use engine::partition::{Grant, Slots};
use engine::{Catalog, Input, Loaded, Partition, Ticket, Write};
use store::{CommitError, Durable, DurableSink, Recovered, Store};

use super::campaign::{self, EVENT};
use super::{Bench, BenchError, cannot};
use crate::app::PARTITION_HASH;
use crate::publish::publication_key;
use crate::rows;

/// Partitions, as `serve` makes them by default.
pub(super) const PARTITIONS: u16 = 64;
/// Where `serve` keeps its store within the directory of its data.
const STORE: &str = "store";
/// Transactions handed over at once.
const BATCH: usize = 256;
/// Transactions that may wait to become durable.
const WAITING_MAX: usize = 8_192;

/// Counts what waits to become durable.
#[derive(Debug, Default)]
pub(super) struct Meter {
    waiting: Mutex<usize>,
    changed: Condvar,
}

impl Meter {
    /// Waits until `count` more may be handed over.
    pub(super) fn enter(&self, count: usize) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let room = self.changed.wait_while(waiting, |waiting| *waiting >= WAITING_MAX);
        *room.unwrap_or_else(PoisonError::into_inner) += count;
    }

    /// Waits until everything is durable.
    pub(super) fn drain(&self) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_while(waiting, |waiting| *waiting > 0));
    }
}

impl DurableSink for Meter {
    fn durable(&self, group: &Durable) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        *waiting = waiting.saturating_sub(group.transactions);
        drop(waiting);
        self.changed.notify_all();
    }

    fn failed(&self, error: &CommitError) {
        crate::fatal::commit_failed(error);
    }
}

/// A store with an engine in front of it, without actors.
pub(super) struct Direct {
    pub(super) store: Store,
    pub(super) meter: Arc<Meter>,
    pub(super) partitions: Vec<Partition>,
}

impl Direct {
    /// Opens a store, or makes one.
    pub(super) fn open(
        bench: &Bench,
        data: &Path,
        catalog: &Arc<Catalog>,
    ) -> Result<Self, BenchError> {
        let clock = bench.monotonic();
        let settings = store::Settings::new(PARTITIONS, PARTITION_HASH, rows::specs(), clock);
        let meter = Arc::new(Meter::default());
        std::fs::create_dir_all(data).map_err(cannot("make the directory of the store"))?;
        let options = store::embedded::Options::new(data.join(STORE));
        let (store, found): (Store, Recovered) =
            store::embedded::open(&options, &settings, meter.clone())
                .map_err(cannot("open the store"))?;
        let sequences = found.sequences.iter().enumerate();
        let partitions =
            sequences.map(|(id, seq)| Partition::new(id as u16, catalog.clone(), *seq)).collect();
        Ok(Self { store, meter, partitions })
    }

    /// Hands transactions over, waiting for room.
    pub(super) fn submit(&self, transactions: Vec<store::Transaction>) -> Result<(), BenchError> {
        if transactions.is_empty() {
            return Ok(());
        }
        self.meter.enter(transactions.len());
        self.store.submit(transactions).map_err(|refused| {
            BenchError::new("write to the store", format!("{:?}", refused.reason))
        })
    }

    /// Everything is durable, with a snapshot, and the store is closed.
    pub(super) fn close(mut self) -> Result<(), BenchError> {
        self.meter.drain();
        let commit = self.store.stats().last_commit;
        let snapshots = self.partitions.iter_mut().map(|partition| partition.snapshot(commit));
        let snapshots = snapshots.map(rows::to_store).collect();
        self.submit(snapshots)?;
        self.meter.drain();
        self.store.close();
        Ok(())
    }
}

/// Every channel has room, and takes the message at once.
pub(super) struct Free;

impl Slots for Free {
    fn take(&mut self, _channel: &domain::ids::ChannelName) -> Grant {
        Grant::Slot
    }
}

/// The id of a customer, by number.
pub(super) fn customer(number: u64) -> CustomerId {
    CustomerId::from(format!("customer-{number:09}"))
}

/// One event of a customer.
pub(super) fn viewed(id: &CustomerId, message: String, at: Instant, offer: bool) -> Event {
    let properties = Map::from([
        (Text::from("offer"), Value::Bool(offer)),
        (Text::from("price"), Value::Float(19.95)),
        (Text::from("product"), Value::from("SKU-48151")),
    ]);
    let name = EventName::from(EVENT);
    event(id, message, at, EventBody::Track { name, properties })
}

fn event(id: &CustomerId, message_id: String, at: Instant, body: EventBody) -> Event {
    Event { customer: id.clone(), message_id, occurred_at: at, received_at: at, body }
}

/// Permission for everything.
pub(super) fn granted() -> ConsentChange {
    ConsentChange {
        channel: None,
        topic: None,
        permission: Permission::Granted,
        source: "bench".to_owned(),
    }
}

/// What makes a customer known: a profile, a permission, and a first event.
fn first_inputs(number: u64, at: Instant) -> (CustomerId, [Input; 3]) {
    let id = customer(number);
    let traits = Map::from([
        (Text::from("email"), Value::from(format!("customer{number}@example.org").as_str())),
        (Text::from("first_name"), Value::from("Ada")),
        (Text::from("tier"), Value::from("gold")),
    ]);
    let bodies = [EventBody::Identify { traits }, EventBody::Consent(granted())];
    let [identify, consent] = bodies;
    let inputs = [
        event(&id, format!("i-{number:x}"), at, identify),
        event(&id, format!("c-{number:x}"), at, consent),
        viewed(&id, format!("f-{number:x}"), at, false),
    ];
    (id, inputs.map(|event| Input::Event { event: Arc::new(event), ticket: None }))
}

/// A customer that is not in the store: what it is after its first turn, and the transaction.
pub(super) fn made(
    partitions: &mut [Partition],
    number: u64,
    at: Instant,
    now: Instant,
) -> (Loaded, Option<store::Transaction>) {
    let (id, inputs) = first_inputs(number, at);
    let partition = &mut partitions[usize::from(id.key().partition(PARTITIONS))];
    let mut loaded = Loaded::new(id, at);
    let begun = partition.begin(&mut loaded, inputs, now);
    let transaction = partition.finish(&mut loaded, begun, &mut Free);
    (loaded, transaction.map(rows::to_store))
}

/// What a preload took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filled {
    pub(super) seconds: f64,
}

/// Publishes a campaign in a new store and makes `count` customers known, each received at an
/// instant of its own: the wait of the journey counts from there.
pub(super) fn fill(
    bench: &Bench,
    data: &Path,
    campaign: &Path,
    count: u64,
    received_at: impl Fn(u64) -> Instant,
) -> Result<Filled, BenchError> {
    let began = bench.now_s();
    let (publication, catalog) = campaign::publish(campaign)?;
    let mut direct = Direct::open(bench, data, &catalog)?;
    let write = Write {
        table: engine::Table::Meta,
        key: publication_key(),
        value: Some(engine::codec::encode(&publication)),
    };
    let put = direct.partitions[0].put(vec![write], Ticket(0));
    direct.submit(vec![rows::to_store(put)])?;
    let mut batch = Vec::with_capacity(BATCH);
    for number in 0..count {
        let now = Instant(bench.clock.now_ms());
        let at = received_at(number);
        let (_, transaction) = made(&mut direct.partitions, number, at, now);
        batch.extend(transaction);
        if batch.len() == BATCH {
            direct.submit(std::mem::take(&mut batch))?;
        }
    }
    direct.submit(batch)?;
    direct.close()?;
    Ok(Filled { seconds: bench.now_s() - began })
}
