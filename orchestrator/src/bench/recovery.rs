//! `recovery`: the server is killed under load and started again. Whatever it had acknowledged
//! must be there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::time::Instant;
use policies::CountState;
use store::{Limit, Range, Read as _};

use super::campaign::EVENT;
use super::known::{Direct, PARTITIONS, customer, fill};
use super::load::{Keys, Load, Order};
use super::report::{Report, rounded};
use super::server::Server;
use super::{Bench, BenchError, campaign, cannot};
use crate::rows;

/// How often the load is looked at, in milliseconds.
const POLL_MS: u64 = 10;
/// Rows read at a time.
const SCAN_ROWS: usize = 4_096;

pub(super) async fn run(bench: &Bench) -> Result<Report, BenchError> {
    let mut report = Report::new("recovery");
    let (data, folder) = (bench.path("data"), bench.path("campaign"));
    let customers = bench.customers(5_000, 1_000_000);
    campaign::write(&folder, &campaign::captured())?;
    let now = Instant(bench.clock.now_ms());
    fill(bench, &data, &folder, customers, |_| now)?;
    let server = Server::start(bench, &data, &folder, &[])?;
    let seconds = bench.seconds(1, 20);
    let live = Arc::new(AtomicU64::new(0));
    let load = Load {
        address: server.address,
        connections: 64,
        events: 100,
        keys: Keys { customers, order: Order::Uniform },
        offers_in_ten: 1,
        // Longer than the server lives: its end is the end of the load.
        seconds: seconds as f64 + 60.0,
        requests_max: u64::MAX,
        rate: None,
        name: "recovery",
        live: live.clone(),
    };
    let clock = bench.clock.clone();
    let loading = tokio::spawn(async move { load.run(&clock, true).await });
    bench.clock.sleep(seconds * 1_000).await;
    // On a machine without a free core the first answer may be that late.
    while live.load(Ordering::Relaxed) == 0 && !loading.is_finished() {
        bench.clock.sleep(POLL_MS).await;
    }
    server.kill()?;
    let told = loading.await.map_err(cannot("run the load"))??;
    let server = Server::start(bench, &data, &folder, &[])?;
    report.figure("ready_s", server.ready_s);
    server.stop()?;
    let counts = |numbers: &[u64]| {
        let mut counts = vec![0_u32; customers as usize];
        numbers.iter().for_each(|number| counts[*number as usize] += 1);
        counts
    };
    let (_, catalog) = campaign::publish(&folder)?;
    let direct = Direct::open(bench, &data, &catalog)?;
    let lost = lost(&direct, &counts(&told.acknowledged), &counts(&told.posted))?;
    let (sends, unknown) = sends(&direct)?;
    direct.store.close();
    report.figure("lost_events", lost as f64);
    report.figure("unknown_sends", unknown as f64);
    report.set("known_customers", customers);
    report.set("killed_after_s", seconds);
    report.set("acknowledged_events", told.events);
    report.set("events_under_way", told.posted.len() as u64 - told.events);
    report.set("sends", sends);
    report.set("client_cpu_percent", rounded(told.client_cpu_percent));
    Ok(report)
}

/// Acknowledged events that are not in the store, over all customers. More events than were ever
/// posted would be as wrong: it counts as lost, too.
fn lost(direct: &Direct, acknowledged: &[u32], posted: &[u32]) -> Result<u64, BenchError> {
    let mut lost = 0;
    for (number, (acknowledged, posted)) in acknowledged.iter().zip(posted).enumerate() {
        if *posted == 0 {
            continue;
        }
        let key = customer(number as u64).key();
        let row_key = engine::codec::customer_key(key.partition(PARTITIONS), key);
        let row = direct.store.get(rows::table(engine::Table::Customers), &row_key);
        let row = row.map_err(cannot("read the store"))?;
        let row = row.ok_or_else(|| BenchError::new("read the store", "no record"))?;
        let record = engine::codec::decode_customer(key, &row).map_err(cannot("read a record"))?;
        // One event is from before the load.
        let found = record.counters.get(EVENT).map_or(0, |counter| counter.count) - 1;
        lost += u64::from(*acknowledged).saturating_sub(found);
        lost += found.saturating_sub(u64::from(*posted));
    }
    Ok(lost)
}

/// All sends, and those of which nobody can say whether they went.
fn sends(direct: &Direct) -> Result<(u64, u64), BenchError> {
    let (mut all, mut unknown) = (0, 0);
    let mut range = Range::all();
    loop {
        let table = rows::table(engine::Table::Sends);
        let page = direct.store.scan(table, &range, Limit::rows(SCAN_ROWS));
        let page = page.map_err(cannot("read the store"))?;
        for (_, value) in &page.rows {
            let row = engine::ledger::decode_ledger(value).map_err(cannot("read a send"))?;
            all += 1;
            unknown += u64::from(row.state == CountState::Unknown);
        }
        match page.next {
            Some(next) => range = range.resume(next),
            None => return Ok((all, unknown)),
        }
    }
}
