//! `customers`: customers that wait in a journey, each with a timer: what they cost while nothing
//! happens, and how soon the server is back.

use domain::time::Instant;

use super::folder::disk_bytes;
use super::known::fill;
use super::report::{Report, rounded};
use super::server::Server;
use super::{Bench, BenchError, campaign};

pub(super) async fn run(bench: &Bench) -> Result<Report, BenchError> {
    let mut report = Report::new("customers");
    let (data, folder) = (bench.path("data"), bench.path("campaign"));
    let customers = bench.customers(20_000, 10_000_000);
    campaign::write(&folder, &campaign::captured())?;
    let now = Instant(bench.clock.now_ms());
    let filled = fill(bench, &data, &folder, customers, |_| now)?;
    // A first start looks at every customer because the campaign is new to it, and puts the files
    // of the preload in order; the second one is measured.
    let first = Server::start(bench, &data, &folder, &[])?;
    let settled = first.settled(bench).await?;
    first.stop()?;
    let server = Server::start(bench, &data, &folder, &[])?;
    report.figure("disk_bytes_per_customer", disk_bytes(&data) as f64 / customers as f64);
    // What the start has read is given back within a second or two.
    bench.clock.sleep(bench.pick(200, 5_000)).await;
    let before = server.process();
    let seconds = bench.seconds(1, 20);
    bench.clock.sleep(seconds * 1_000).await;
    let after = server.process();
    report.figure("rss_mib", after.rss_bytes as f64 / f64::from(1 << 20));
    let idle = (after.cpu_us - before.cpu_us) as f64 / 1e4 / seconds as f64;
    report.figure("idle_cpu_percent", idle);
    report.figure("restart_s", server.ready_s);
    report.set("customers", customers);
    report.set("preload_s", rounded(filled.seconds));
    report.set("first_start_settled_s", rounded(settled));
    report.set("idle_s", seconds);
    report.set("rss_bytes_per_customer", rounded(after.rss_bytes as f64 / customers as f64));
    server.stop()?;
    Ok(report)
}
