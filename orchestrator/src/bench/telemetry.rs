//! `ingest-telemetry`: the load of `ingest`, on a server that exports nothing and on one that
//! exports traces, logs and metrics as it does unless somebody sets less.

use std::fs;

use super::collector::Collector;
use super::http::Connection;
use super::ingest::{Ground, ground, warm_up, whole};
use super::load::{Load, Order};
use super::report::{Report, rounded};
use super::server::Server;
use super::{Bench, BenchError, cannot};

/// One server under load.
struct Measured {
    events_per_s: f64,
    cpu_us_per_event: f64,
    events: u64,
}

pub(super) async fn run(bench: &Bench) -> Result<Report, BenchError> {
    let mut report = Report::new("ingest-telemetry");
    let mut ground = ground(bench, &mut report)?;
    let without = measured(bench, &ground, "without").await?;
    let collector = Collector::start()?;
    let config = bench.path("settings.yaml");
    // What is sampled is left as it is without a word.
    let text = format!("telemetry: {{endpoint: 'http://{}', protocol: http}}\n", collector.address);
    fs::write(&config, text).map_err(cannot("write settings"))?;
    let config = config.display().to_string();
    let (data, campaign) = (ground.data.clone(), ground.campaign.clone());
    ground.server.stop()?;
    ground.server = Server::start(bench, &data, &campaign, &["--config", &config])?;
    let before = collector.bytes();
    let with = measured(bench, &ground, "with").await?;
    let bytes = collector.bytes() - before;
    let dropped = dropped(&ground).await?;
    ground.server.stop()?;
    drop(collector);
    report.figure("events_per_s", with.events_per_s);
    report.figure("cpu_us_per_event", with.cpu_us_per_event);
    report.figure("exported_bytes_per_event", bytes as f64 / with.events.max(1) as f64);
    report.set("traces_dropped", rounded(dropped));
    report.limit("without_events_per_s", without.events_per_s);
    report.limit("without_cpu_us_per_event", without.cpu_us_per_event);
    report.ratio("events_per_without", with.events_per_s, without.events_per_s);
    report.ratio("cpu_per_without", with.cpu_us_per_event, without.cpu_us_per_event);
    Ok(report)
}

async fn measured(
    bench: &Bench,
    ground: &Ground,
    name: &'static str,
) -> Result<Measured, BenchError> {
    let load = ground.load(64, 100, Order::Uniform);
    warm_up(bench, &load).await?;
    ground.server.settled(bench).await?;
    let before = ground.server.process();
    let load = Load { seconds: bench.seconds(1, 60) as f64, name, ..load };
    let told = whole(load.run(&bench.clock, false).await?)?;
    // What is exported late is paid for all the same.
    ground.server.settled(bench).await?;
    let cpu_us = ground.server.process().cpu_us - before.cpu_us;
    Ok(Measured {
        events_per_s: told.events_per_s(),
        cpu_us_per_event: cpu_us as f64 / told.events.max(1) as f64,
        events: told.events,
    })
}

/// Records of traces that the server has dropped, as it says itself.
async fn dropped(ground: &Ground) -> Result<f64, BenchError> {
    let cannot = || cannot("ask for the metrics");
    let mut connection = Connection::open(ground.server.address).await.map_err(cannot())?;
    let text = connection.get("/metrics").await.map_err(cannot())?;
    let series = "cadencia_telemetry_dropped_total{signal=\"traces\"} ";
    let said = text.lines().find_map(|line| line.strip_prefix(series)?.parse().ok());
    said.ok_or_else(|| BenchError::new("read the metrics", "they do not say what was dropped"))
}
