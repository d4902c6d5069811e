//! `ingest` and `ingest-single`: events over HTTP until they are durable, every one advances a
//! journey with a timer, one in ten leads to a send that is kept.

use std::path::PathBuf;
use std::sync::Arc;

use domain::time::Instant;

use super::known::fill;
use super::load::{Keys, Load, Order, Told};
use super::report::Report;
use super::server::Server;
use super::{Bench, BenchError, campaign, cannot, replay};

/// Time that the server is under load before anything is counted.
const WARM_UP_S: [f64; 2] = [0.3, 5.0];
/// Part of the highest rate at which the time of acknowledgement is taken.
const HALF: f64 = 0.5;
/// The rate that `ingest` must reach, in events per second: the time of acknowledgement is also
/// told at half of it, where it can be compared between machines.
const FLOOR_EVENTS_PER_S: f64 = 20_000.0;

/// What these scenarios start from.
pub(super) struct Ground {
    pub(super) data: PathBuf,
    pub(super) campaign: PathBuf,
    pub(super) server: Server,
    customers: u64,
}

pub(super) fn ground(bench: &Bench, report: &mut Report) -> Result<Ground, BenchError> {
    let (data, folder) = (bench.path("data"), bench.path("campaign"));
    let customers = bench.customers(5_000, 1_000_000);
    campaign::write(&folder, &campaign::captured())?;
    let now = Instant(bench.clock.now_ms());
    let filled = fill(bench, &data, &folder, customers, |_| now)?;
    report.set("known_customers", customers);
    report.set("preload_s", super::report::rounded(filled.seconds));
    let server = Server::start(bench, &data, &folder, &[])?;
    Ok(Ground { data, campaign: folder, server, customers })
}

impl Ground {
    pub(super) fn load(&self, connections: u64, events: u64, order: Order) -> Load {
        Load {
            address: self.server.address,
            connections,
            events,
            keys: Keys { customers: self.customers, order },
            offers_in_ten: 1,
            seconds: 1.0,
            requests_max: u64::MAX,
            rate: None,
            name: "load",
            live: Arc::default(),
        }
    }
}

/// `ingest`
pub(super) async fn batches(bench: &Bench) -> Result<Report, BenchError> {
    let mut report = Report::new("ingest");
    let limit = store::bench::append_fsync_per_s(&bench.path("limit"), &bench.monotonic());
    let append = limit.map_err(cannot("measure the disk"))?;
    let ground = ground(bench, &mut report)?;
    let seconds = bench.seconds(1, 60) as f64;
    let uniform = ground.load(64, 100, Order::Uniform);
    warm_up(bench, &uniform).await?;
    let before = ground.server.process();
    let fast = Load { seconds, name: "uniform", ..uniform.clone() };
    let fast = whole(fast.run(&bench.clock, false).await?)?;
    let after = ground.server.process();
    let skewed =
        Load { seconds: seconds / 2.0, name: "skewed", ..ground.load(64, 100, Order::Skewed) };
    let skewed = whole(skewed.run(&bench.clock, false).await?)?;
    let rate = fast.requests as f64 / fast.seconds * HALF;
    let half = at_rate(bench, &ground, &uniform, rate, "half").await?;
    let rate = bench.pick(1_000.0, FLOOR_EVENTS_PER_S) / uniform.events as f64 * HALF;
    let floor = at_rate(bench, &ground, &uniform, rate, "floor").await?;
    report.set("half_floor_load_ack_p99_ms", super::report::rounded(floor.latency_ms(99)));
    let written = (after.written_bytes - before.written_bytes) as f64 / fast.events.max(1) as f64;
    report.figure("events_per_s", fast.events_per_s());
    report.figure("skewed_events_per_s", skewed.events_per_s());
    report.figure("ack_p99_ms", half.latency_ms(99));
    report.figure("bytes_written_per_event", written);
    settings(&mut report, &fast, &half, 64, 100);
    let cpu_us = (after.cpu_us - before.cpu_us) as f64 / fast.events.max(1) as f64;
    report.set("server_cpu_us_per_event", super::report::rounded(cpu_us));
    report.set("server_rss_mib", ground.server.process().rss_bytes >> 20);
    let Ground { data, campaign, server, customers } = ground;
    server.stop()?;
    let events = bench.pick(5_000, 300_000);
    let alone = replay::store_alone(bench, &data, &campaign, customers, events)?;
    report.limit("store_alone_per_s", alone);
    report.limit("append_fsync_per_s", append);
    report.ratio("events_per_store_alone", fast.events_per_s(), alone);
    report.ratio("events_per_append", fast.events_per_s(), append);
    Ok(report)
}

/// `ingest-single`
pub(super) async fn single(bench: &Bench) -> Result<Report, BenchError> {
    let mut report = Report::new("ingest-single");
    let ground = ground(bench, &mut report)?;
    let seconds = bench.seconds(1, 30) as f64;
    let uniform = ground.load(256, 1, Order::Uniform);
    warm_up(bench, &uniform).await?;
    let fast = Load { seconds, name: "uniform", ..uniform.clone() };
    let fast = whole(fast.run(&bench.clock, false).await?)?;
    let rate = fast.requests as f64 / fast.seconds * HALF;
    let half = at_rate(bench, &ground, &uniform, rate, "half").await?;
    report.figure("requests_per_s", fast.events_per_s());
    report.figure("ack_p99_ms", half.latency_ms(99));
    settings(&mut report, &fast, &half, 256, 1);
    ground.server.stop()?;
    Ok(report)
}

/// A load at a fixed rate, in requests per second, once the store has caught up with the one
/// before it.
async fn at_rate(
    bench: &Bench,
    ground: &Ground,
    load: &Load,
    rate: f64,
    name: &'static str,
) -> Result<Told, BenchError> {
    ground.server.settled(bench).await?;
    let seconds = bench.seconds(1, 30) as f64;
    let load = Load { seconds, rate: Some(rate), name, ..load.clone() };
    whole(load.run(&bench.clock, false).await?)
}

pub(super) async fn warm_up(bench: &Bench, load: &Load) -> Result<(), BenchError> {
    let seconds = bench.pick(WARM_UP_S[0], WARM_UP_S[1]);
    let load = Load { seconds, name: "warm", ..load.clone() };
    whole(load.run(&bench.clock, false).await?)?;
    Ok(())
}

/// A load of which nothing broke.
pub(super) fn whole(told: Told) -> Result<Told, BenchError> {
    if told.broken > 0 || told.requests == 0 {
        let detail = format!("{} of its connections ended, or none was answered", told.broken);
        return Err(BenchError::new("run the load", detail));
    }
    Ok(told)
}

fn settings(report: &mut Report, fast: &Told, half: &Told, connections: u64, events: u64) {
    let number = super::report::rounded;
    report.set("connections", connections);
    report.set("events_per_request", events);
    report.set("seconds", number(fast.seconds));
    report.set("refused", fast.refused + half.refused);
    report.set("client_cpu_percent", number(fast.client_cpu_percent));
    report.set("full_load_ack_p50_ms", number(fast.latency_ms(50)));
    report.set("full_load_ack_p99_ms", number(fast.latency_ms(99)));
    report.set("half_load_ack_p50_ms", number(half.latency_ms(50)));
    report.set("half_load_events_per_s", number(half.events_per_s()));
}
