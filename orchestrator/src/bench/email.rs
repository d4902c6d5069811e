//! `email`: events over HTTP that each lead to a mail over SMTP to Postfix's `smtp-sink`, with the
//! ledger on and each mail built for its recipient; beside it what `smtp-source` reaches.

use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use channels::email::bench::{Load as Mails, smtp_source};
use domain::time::Instant;
use tokio::net::TcpStream;

use super::campaign::MAIL_BYTES;
use super::http::{Connection, metric};
use super::known::fill;
use super::load::{Keys, Load, Order};
use super::report::{Report, rounded};
use super::server::Server;
use super::{Bench, BenchError, campaign, cannot, median};

/// Connections to the receiver.
const SLOTS: usize = 10;
/// Events of one request.
const EVENTS: u64 = 50;
/// How often the server is asked how many mails were accepted, in milliseconds. Each answer asks
/// every partition.
const POLL_MS: u64 = 50;
/// Longest time without any mail.
const PATIENCE_MS: u64 = 20_000;

/// The receiver. Ends when this is dropped.
#[derive(Debug)]
struct Sink {
    child: Child,
    port: u16,
}

impl Drop for Sink {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Sink {
    async fn start(bench: &Bench) -> Result<Self, BenchError> {
        let free = TcpListener::bind("127.0.0.1:0").map_err(cannot("find a port"))?;
        let port = free.local_addr().map_err(cannot("find a port"))?.port();
        drop(free);
        let mut command = Command::new("smtp-sink");
        // It refuses to run as root without being told whom to become.
        if std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
            command.args(["-u", "root"]);
        }
        command.args([&format!("127.0.0.1:{port}"), "100"]);
        command.stdout(Stdio::null());
        let child = command.spawn().map_err(cannot("start smtp-sink (package postfix)"))?;
        let sink = Self { child, port };
        for _ in 0..500 {
            if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return Ok(sink);
            }
            bench.clock.sleep(10).await;
        }
        Err(BenchError::new("start smtp-sink", "it does not listen"))
    }
}

pub(super) async fn run(bench: &Bench) -> Result<Report, BenchError> {
    let mut report = Report::new("email");
    let sink = Sink::start(bench).await?;
    let (mails, runs) = (bench.customers(300, 20_000), bench.pick(1_u64, 5));
    let kinds = [
        ("mails_per_s", "unsigned", None),
        ("ed25519_mails_per_s", "ed25519", Some(&["-algorithm", "ed25519"][..])),
        (
            "rsa2048_mails_per_s",
            "rsa2048",
            Some(&["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"][..]),
        ),
    ];
    let mut limits = Vec::new();
    let mut unsigned = 0.0;
    for (figure, name, key) in kinds {
        let folder = bench.path(name);
        let (data, campaign) = (folder.join("data"), folder.join("campaign"));
        let key_file = key.map(|_| "dkim.pem");
        campaign::write(&campaign, &campaign::sent(sink.port, SLOTS, key_file))?;
        if let Some(arguments) = key {
            make_key(&campaign.join("dkim.pem"), arguments)?;
        }
        let now = Instant(bench.clock.now_ms());
        fill(bench, &data, &campaign, mails, |_| now)?;
        let server = Server::start(bench, &data, &campaign, &[])?;
        let mut rates = Vec::new();
        for run in 0..=runs {
            let rate = send(bench, &server, mails, run).await?;
            // The first one warms up.
            if run > 0 {
                rates.push(rate);
                limits.push(limit(bench, &sink, mails)?);
            }
        }
        let rate = median(rates);
        report.figure(figure, rate);
        report.set(&format!("{name}_rss_mib"), server.process().rss_bytes >> 20);
        unsigned = if key.is_none() { rate } else { unsigned };
        server.stop()?;
    }
    let limit = median(limits);
    report.limit("smtp_source_per_s", limit);
    report.ratio("mails_per_smtp_source", unsigned, limit);
    report.set("mails", mails);
    report.set("runs", runs);
    report.set("connections", SLOTS);
    report.set("body_bytes", MAIL_BYTES);
    report.set("load_average_after", rounded(super::machine::load_average()));
    Ok(report)
}

/// Mails per second, from the first to the last that the receiver took.
async fn send(bench: &Bench, server: &Server, mails: u64, run: u64) -> Result<f64, BenchError> {
    let mut asked = Connection::open(server.address).await.map_err(cannot("ask the server"))?;
    let base = accepted(&mut asked).await?;
    let load = Load {
        address: server.address,
        connections: 4,
        events: EVENTS,
        keys: Keys { customers: mails, order: Order::InTurn },
        offers_in_ten: 10,
        seconds: PATIENCE_MS as f64,
        requests_max: mails / EVENTS,
        rate: None,
        name: ["run0", "run1", "run2", "run3", "run4", "run5"][run as usize % 6],
        live: Arc::default(),
    };
    let wanted = base + load.requests_max * EVENTS;
    let (clock, began) = (bench.clock.clone(), bench.now_s());
    let loading = tokio::spawn(async move { load.run(&clock, false).await });
    let (mut last, mut since_ms) = (base, bench.clock.monotonic_ms());
    loop {
        let now = accepted(&mut asked).await?;
        if now >= wanted {
            break;
        }
        if now > last {
            (last, since_ms) = (now, bench.clock.monotonic_ms());
        } else if bench.clock.monotonic_ms() - since_ms > PATIENCE_MS {
            let detail = format!("{} of {} were accepted", now - base, wanted - base);
            return Err(BenchError::new("send the mails", detail));
        }
        bench.clock.sleep(POLL_MS).await;
    }
    let seconds = bench.now_s() - began;
    loading.await.map_err(cannot("run the load"))??;
    Ok((wanted - base) as f64 / seconds.max(1e-9))
}

async fn accepted(asked: &mut Connection) -> Result<u64, BenchError> {
    let text = asked.get("/metrics").await.map_err(cannot("ask the server"))?;
    Ok(metric(&text, "cadencia_sends_total", "outcome=\"accepted\"") as u64)
}

/// Mails per second of `smtp-source -d` to the same receiver.
fn limit(bench: &Bench, sink: &Sink, mails: u64) -> Result<f64, BenchError> {
    let load = Mails { mails, body_bytes: MAIL_BYTES };
    let mut command = smtp_source(&format!("127.0.0.1:{}", sink.port), SLOTS, load);
    let began = bench.now_s();
    let status = command.stdout(Stdio::null()).status().map_err(cannot("run smtp-source"))?;
    if !status.success() {
        return Err(BenchError::new("run smtp-source", status.to_string()));
    }
    Ok(mails as f64 / (bench.now_s() - began).max(1e-9))
}

fn make_key(file: &Path, arguments: &[&str]) -> Result<(), BenchError> {
    let mut command = Command::new("openssl");
    command.arg("genpkey").args(arguments).arg("-out").arg(file);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let status = command.status().map_err(cannot("make a key with openssl"))?;
    if status.success() {
        return Ok(());
    }
    Err(BenchError::new("make a key with openssl", status.to_string()))
}
