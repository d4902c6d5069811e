//! What the store alone does with the same work: the transactions that the engine makes of the
//! same events over the same customers, and the loads before them, without network and actors.

use std::collections::HashMap;
use std::path::Path;

use domain::time::Instant;
use engine::ledger::Outcome;
use engine::{Effect, Input, Loaded, Partition};
use store::{Read as _, Store};

use super::known::{Direct, Free, Meter, PARTITIONS, customer, viewed};
use super::load::{Chance, Keys, Order};
use super::{Bench, BenchError, campaign, cannot};
use crate::rows;

/// Events under way at once: those of 64 requests with 100 each.
const ROUND: usize = 6_400;
/// Threads that load and hand over, as `serve` has arbiters.
const THREADS: usize = 2;

/// One partition's part of a round.
#[derive(Debug, Default)]
struct Part {
    keys: Vec<Vec<u8>>,
    transactions: Vec<store::Transaction>,
}

/// Events per second that the store makes durable by itself.
pub(super) fn store_alone(
    bench: &Bench,
    data: &Path,
    folder: &Path,
    customers: u64,
    events: u64,
) -> Result<f64, BenchError> {
    let (_, catalog) = campaign::publish(folder)?;
    let mut direct = Direct::open(bench, data, &catalog)?;
    let rounds = rounds(bench, &mut direct, customers, events)?;
    let began = bench.now_s();
    let mut lanes: Vec<Vec<Part>> = (0..THREADS).map(|_| Vec::new()).collect();
    for round in rounds {
        for (partition, part) in round.into_iter().enumerate() {
            lanes[partition % THREADS].push(part);
        }
    }
    let (store, meter) = (&direct.store, &*direct.meter);
    let failed = std::thread::scope(|scope| {
        let threads: Vec<_> = lanes
            .into_iter()
            .map(|parts| scope.spawn(move || write(store, meter, parts)))
            .collect();
        threads.into_iter().find_map(|thread| thread.join().ok()?.err())
    });
    direct.meter.drain();
    let seconds = bench.now_s() - began;
    direct.store.close();
    failed.map_or(Ok(events as f64 / seconds.max(1e-9)), Err)
}

fn write(store: &Store, meter: &Meter, parts: Vec<Part>) -> Result<(), BenchError> {
    for part in parts {
        let keys: Vec<&[u8]> = part.keys.iter().map(Vec::as_slice).collect();
        let table = rows::table(engine::Table::Customers);
        store.get_many(table, &keys).map_err(cannot("read the store"))?;
        meter.enter(part.transactions.len());
        let refused = store.submit(part.transactions);
        refused.map_err(|refused| {
            BenchError::new("write to the store", format!("{:?}", refused.reason))
        })?;
    }
    Ok(())
}

/// All transactions, made beforehand, so that only the store is timed.
fn rounds(
    bench: &Bench,
    direct: &mut Direct,
    customers: u64,
    events: u64,
) -> Result<Vec<Vec<Part>>, BenchError> {
    let mut chance = Chance(4_711);
    let keys = Keys { customers, order: Order::Uniform };
    let mut active: HashMap<u64, Loaded> = HashMap::new();
    let (mut rounds, mut number) = (Vec::new(), 0);
    while number < events {
        let mut parts: Vec<Part> = (0..PARTITIONS).map(|_| Part::default()).collect();
        for _ in 0..ROUND.min((events - number) as usize) {
            let drawn = keys.draw(&mut chance, number);
            let now = Instant(bench.clock.now_ms());
            let id = customer(drawn);
            let at = usize::from(id.key().partition(PARTITIONS));
            let key = engine::codec::customer_key(at as u16, id.key());
            let loaded = match active.entry(drawn) {
                std::collections::hash_map::Entry::Occupied(found) => found.into_mut(),
                std::collections::hash_map::Entry::Vacant(free) => {
                    let table = rows::table(engine::Table::Customers);
                    let row = direct.store.get(table, &key).map_err(cannot("read the store"))?;
                    let row = row.ok_or_else(|| BenchError::new("read the store", "no record"))?;
                    let record = engine::codec::decode_customer(id.key(), &row);
                    let record = record.map_err(cannot("read the store"))?;
                    parts[at].keys.push(key);
                    free.insert(Loaded { ledger: Some(Vec::new()), ..Loaded::from_record(record) })
                }
            };
            let event = viewed(&id, format!("replay-{number:x}"), now, number.is_multiple_of(10));
            let partition = &mut direct.partitions[at];
            parts[at].transactions.extend(turn(partition, loaded, event, now));
            number += 1;
        }
        rounds.push(parts);
    }
    Ok(rounds)
}

/// One event's turn and, where it led to a send, what its channel says at once.
pub(super) fn turn(
    partition: &mut Partition,
    loaded: &mut Loaded,
    event: domain::event::Event,
    now: Instant,
) -> Vec<store::Transaction> {
    let input = Input::Event { event: std::sync::Arc::new(event), ticket: None };
    let begun = partition.begin(loaded, [input], now);
    let mut transactions = Vec::with_capacity(2);
    transactions.extend(partition.finish(loaded, begun, &mut Free));
    for effect in partition.on_durable(partition.seq()) {
        if let Effect::Attempt(attempt) = effect {
            let accepted = Outcome::Accepted { reply: "captured".to_owned(), parts: 1 };
            let outcome = partition.outcome(attempt.send, &accepted, Some(&mut *loaded), now);
            transactions.extend(outcome);
        }
    }
    transactions.into_iter().map(rows::to_store).collect()
}
