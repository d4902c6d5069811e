//! `write-budget`: rows and bytes of one event and of one send, as the engine's own transactions
//! make them and the store counts them.

use std::sync::Arc;

use domain::time::Instant;
use engine::ledger::Outcome;
use engine::{Effect, Input, Loaded, Partition};
use store::Stats;
use store::bench::procfs::Process;

use super::known::{Direct, Free, PARTITIONS, customer, made, viewed};
use super::report::{Report, rounded};
use super::{Bench, BenchError, campaign};
use crate::rows;

/// Transactions handed over at once: a full group.
const BATCH: usize = store::GROUP_TRANSACTIONS_MAX;

pub(super) async fn run(bench: &Bench) -> Result<Report, BenchError> {
    let mut report = Report::new("write-budget");
    let catalog = campaign::catalog(bench, &campaign::captured())?;
    let mut direct = Direct::open(bench, &bench.path("data"), &catalog)?;
    let customers = bench.customers(2_000, 50_000);
    let now = Instant(bench.clock.now_ms());
    let mut all = Vec::new();
    let mut batch = Vec::new();
    for number in 0..customers {
        let (mut loaded, transaction) = made(&mut direct.partitions, number, now, now);
        loaded.ledger = Some(Vec::new());
        batch.extend(transaction);
        all.push(loaded);
    }
    hand_over(&direct, batch)?;
    let written = Process::own().written_bytes;
    let without = events(bench, &mut direct, &mut all, false)?;
    let written = Process::own().written_bytes - written;
    let with = events(bench, &mut direct, &mut all, true)?;
    direct.store.close();
    let per = |value: u64| value as f64 / customers as f64;
    report.figure("rows_per_event", per(without.rows));
    report.figure("bytes_per_event", per(without.bytes));
    report.figure("rows_per_send", per(with.rows) - per(without.rows));
    report.set("events", customers);
    report
        .set("transactions_per_commit", rounded(customers as f64 / without.commits.max(1) as f64));
    report.set("bytes_per_send", rounded(per(with.bytes) - per(without.bytes)));
    report.set("written_bytes_per_event", rounded(per(written)));
    Ok(report)
}

/// One event of every customer, with or without a send each; what the store counted.
fn events(
    bench: &Bench,
    direct: &mut Direct,
    all: &mut [Loaded],
    offer: bool,
) -> Result<Stats, BenchError> {
    let now = Instant(bench.clock.now_ms());
    let mut transactions = Vec::new();
    for (number, loaded) in all.iter_mut().enumerate() {
        let id = customer(number as u64);
        let partition = &mut direct.partitions[usize::from(id.key().partition(PARTITIONS))];
        let event = Arc::new(viewed(&id, format!("{offer}-{number:x}"), now, offer));
        let begun = partition.begin(loaded, [Input::Event { event, ticket: None }], now);
        transactions.extend(partition.finish(loaded, begun, &mut Free).map(rows::to_store));
    }
    // Outcomes come after the commit of what they are about: within one group the store would
    // write the row of a send once.
    let outcomes = direct.partitions.iter_mut().flat_map(|partition| accept(partition, now));
    let outcomes: Vec<_> = outcomes.collect();
    let before = direct.store.stats();
    hand_over(direct, transactions)?;
    hand_over(direct, outcomes)?;
    let after = direct.store.stats();
    Ok(Stats {
        rows: after.rows - before.rows,
        bytes: after.bytes - before.bytes,
        commits: after.commits - before.commits,
        ..after
    })
}

/// What the channel says of every attempt of a partition: taken.
fn accept(partition: &mut Partition, now: Instant) -> Vec<store::Transaction> {
    let effects = partition.on_durable(partition.seq());
    let outcomes = effects.into_iter().filter_map(|effect| match effect {
        Effect::Attempt(attempt) => {
            let accepted = Outcome::Accepted { reply: "captured".to_owned(), parts: 1 };
            partition.outcome(attempt.send, &accepted, None, now).map(rows::to_store)
        }
        Effect::Acknowledge(_) | Effect::Forward { .. } | Effect::Refuse(_) => None,
    });
    outcomes.collect()
}

fn hand_over(direct: &Direct, transactions: Vec<store::Transaction>) -> Result<(), BenchError> {
    let mut rest = transactions.into_iter();
    loop {
        let batch: Vec<_> = rest.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            break;
        }
        direct.submit(batch)?;
    }
    direct.meter.drain();
    Ok(())
}
