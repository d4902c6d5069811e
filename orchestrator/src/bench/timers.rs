//! `timers`: many pending, some due at a steady rate, then many due at once.

use domain::time::Instant;
use engine::history::HistoryRow;
use store::Read as _;

use super::campaign::{self, WAIT_MS};
use super::http::{Connection, metric};
use super::known::{Direct, PARTITIONS, customer, fill};
use super::report::{Report, rounded};
use super::server::Server;
use super::{Bench, BenchError, cannot};
use crate::rows;

/// How often the server is asked what is durable, in milliseconds.
const POLL_MS: u64 = 20;
/// From the last of the steady ones to those that are due at once.
const GAP_MS: i64 = 3_000;
/// Of so many steady timers the lateness of one is looked up.
const SAMPLE: usize = 10;
/// Customers per second that a preload makes at least, and that a start reads at least: when the
/// first timer is due is fixed before either has happened.
const PRELOAD_PER_S: u64 = 40_000;
const START_PER_S: u64 = 250_000;
/// Longest time that all of it may take beyond what is planned, in seconds.
const PATIENCE_S: u64 = 120;

/// When which customers are due. The steady ones come last in the order of numbers.
#[derive(Clone, Copy, Debug)]
struct Plan {
    pending: u64,
    at_once: u64,
    steady: u64,
    per_s: u64,
    first: Instant,
}

impl Plan {
    fn due(&self, number: u64) -> Instant {
        if number < self.pending {
            return self.first.plus_ms(WAIT_MS / 2);
        }
        match (number - self.pending).checked_sub(self.at_once) {
            Some(steady) => self.first.plus_ms((steady * 1_000 / self.per_s) as i64),
            None => self.burst(),
        }
    }

    fn burst(&self) -> Instant {
        self.first.plus_ms((self.steady * 1_000 / self.per_s) as i64 + GAP_MS)
    }

    fn all(&self) -> u64 {
        self.pending + self.at_once + self.steady
    }
}

pub(super) async fn run(bench: &Bench) -> Result<Report, BenchError> {
    let mut report = Report::new("timers");
    let (data, folder) = (bench.path("data"), bench.path("campaign"));
    campaign::write(&folder, &campaign::captured())?;
    let per_s = bench.pick(1_000, 10_000);
    let steady = bench.seconds(1, 60) * per_s;
    let (pending, at_once) = (bench.customers(2_000, 10_000_000), bench.pick(2_000, 400_000));
    let all = pending + at_once + steady;
    let lead_s = all / PRELOAD_PER_S + all / START_PER_S + 2;
    let first = Instant(bench.clock.now_ms()).plus_ms(lead_s as i64 * 1_000);
    let plan = Plan { pending, at_once, steady, per_s, first };
    fill(bench, &data, &folder, all, |number| plan.due(number).plus_ms(-WAIT_MS))?;
    let server = Server::start(bench, &data, &folder, &[])?;
    let spare_ms = plan.first.0 - bench.clock.now_ms();
    if spare_ms < 0 {
        return Err(BenchError::new("prepare the timers", "the first was due before the start"));
    }
    let mut asked = Connection::open(server.address).await.map_err(cannot("ask the server"))?;
    let base = durable(&mut asked).await?;
    let steady_done = until(bench, &mut asked, base + plan.steady, plan.burst()).await?;
    let last = plan.burst().plus_ms(PATIENCE_S as i64 * 1_000);
    let burst_done = until(bench, &mut asked, base + plan.steady + plan.at_once, last).await?;
    let rss = server.process().rss_bytes;
    server.stop()?;
    let lateness = lateness(bench, &data, &folder, &plan)?;
    let percentile = |percent: usize| {
        let place = lateness.len().saturating_sub(1) * percent / 100;
        lateness.get(place).map_or(0.0, |late| *late as f64)
    };
    report.figure("lateness_p99_ms", percentile(99));
    let took_ms = (burst_done.0 - plan.burst().0).max(1);
    report.figure("fires_per_s", plan.at_once as f64 * 1_000.0 / took_ms as f64);
    report.set("pending", plan.all());
    report.set("steady_per_s", per_s);
    report.set("steady", plan.steady);
    report.set("due_at_once", plan.at_once);
    report.set("spare_ms", spare_ms);
    report.set("steady_durable_after_ms", steady_done.0 - plan.first.0);
    report.set("lateness_p50_ms", rounded(percentile(50)));
    report.set("lateness_max_ms", rounded(percentile(100)));
    report.set("server_rss_mib", rss >> 20);
    Ok(report)
}

/// Transactions that the server has made durable since its start.
async fn durable(asked: &mut Connection) -> Result<u64, BenchError> {
    let text = asked.get("/metrics").await.map_err(cannot("ask the server"))?;
    Ok(metric(&text, "cadencia_commit_transactions_sum", "") as u64)
}

/// When so many were durable, or the instant at which they had to be.
async fn until(
    bench: &Bench,
    asked: &mut Connection,
    count: u64,
    last: Instant,
) -> Result<Instant, BenchError> {
    loop {
        let now = Instant(bench.clock.now_ms());
        if now >= last || durable(asked).await? >= count {
            return Ok(now);
        }
        bench.clock.sleep(POLL_MS).await;
    }
}

/// How late the steady timers were, sorted: from the due instant to that of the turn, which stands
/// in the newest history row of each customer.
fn lateness(
    bench: &Bench,
    data: &std::path::Path,
    folder: &std::path::Path,
    plan: &Plan,
) -> Result<Vec<i64>, BenchError> {
    let (_, catalog) = campaign::publish(folder)?;
    let direct = Direct::open(bench, data, &catalog)?;
    let mut found = Vec::new();
    let read = |table, key: &[u8]| {
        let row = direct.store.get(rows::table(table), key).map_err(cannot("read the store"))?;
        row.ok_or_else(|| BenchError::new("read the store", "no row"))
    };
    for number in (plan.all() - plan.steady..plan.all()).step_by(SAMPLE) {
        let key = customer(number).key();
        let partition = key.partition(PARTITIONS);
        let row = read(engine::Table::Customers, &engine::codec::customer_key(partition, key))?;
        let record = engine::codec::decode_customer(key, &row).map_err(cannot("read a record"))?;
        let head = engine::codec::history_key(partition, record.history_head);
        let row = read(engine::Table::History, &head)?;
        let row: HistoryRow =
            engine::codec::decode("history", &row).map_err(cannot("read the history"))?;
        if record.due_at != Instant::MAX {
            return Err(BenchError::new("read a record", "its timer has not fired"));
        }
        found.push(row.at.ms_since(plan.due(number)));
    }
    direct.store.close();
    found.sort_unstable();
    Ok(found)
}
