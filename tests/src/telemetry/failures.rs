//! What fails is kept whatever the sampling says, with its log line; a collector that fails is
//! nobody's business.

use std::net::TcpListener;

use super::collector::Collector;
use super::{Exporting, settings, sign_up};
use crate::channels::peers::Independent;
use crate::served::process::eventually;

/// A channel to a mail server.
pub(super) fn smtp(port: u16) -> String {
    format!(
        "smtp: {{host: 127.0.0.1, port: {port}, tls: none, slots: 2, from: shop@example.com, \
         message_id_domain: example.com}}"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rejected_message_is_kept_with_its_log_line() {
    let mail = Independent::mail(&[]);
    let collector = Collector::start().await;
    let more = "  sample_ratio: 0\n  slow_ms: 60000\n";
    let site = Exporting::new(&smtp(mail.port), &settings(&collector, "grpc", more));
    let server = site.serve("info");
    sign_up(&server, "ann", "unknown@example.com").await;
    eventually("the outcome is exported", async || {
        collector.spans().iter().any(|span| span.name == "process outcome")
    })
    .await;
    server.stop();
    let spans = collector.spans();
    let one = |name: &str| {
        let found: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
        assert_eq!(found.len(), 1, "{name}: {spans:?}");
        found[0]
    };
    let (turn, attempt) = (one("process turn"), one("attempt send"));
    assert_eq!(attempt.attribute("outcome"), "rejected");
    assert_eq!((&attempt.trace, &attempt.parent), (&turn.trace, &turn.id));
    let logs = collector.logs();
    let said: Vec<_> = logs.iter().filter(|log| log.contains("an attempt failed")).collect();
    assert_eq!(said.len(), 1, "{logs:?}");
    for part in [&attempt.trace, &attempt.id, attempt.attribute("send.id"), "rejected"] {
        assert!(said[0].contains(part), "{part} is not in {}", said[0]);
    }
    let log = std::fs::read_to_string(site.path("log")).expect("the log");
    assert!(log.contains(&attempt.trace), "the line on standard error names the trace too: {log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_down_costs_records_and_nothing_else() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = free.local_addr().expect("its address").port();
    drop(free);
    for protocol in ["grpc", "http"] {
        let telemetry =
            format!("telemetry: {{endpoint: 'http://127.0.0.1:{port}', protocol: {protocol}}}\n");
        let site = Exporting::new("capture: {keep: 100}", &telemetry);
        let server = site.serve("info");
        sign_up(&server, "ann", "ann@example.com").await;
        eventually("what was not taken is counted", async || {
            let answer = reqwest::get(format!("{}/metrics", server.url)).await.expect("an answer");
            let text = answer.text().await.expect("text");
            let dropped = |signal| {
                let series = format!("cadencia_telemetry_dropped_total{{signal=\"{signal}\"}} ");
                let line = text.lines().find_map(|line| line.strip_prefix(&*series));
                line.expect("it is shown").parse::<f64>().expect("a number") > 0.0
            };
            dropped("traces") && dropped("logs")
        })
        .await;
        sign_up(&server, "bob", "bob@example.com").await;
        server.stop();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_hangs_holds_up_neither_events_nor_the_end() {
    // Connections are made, and nobody ever answers.
    let hangs = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = hangs.local_addr().expect("its address").port();
    for protocol in ["grpc", "http"] {
        let telemetry = format!(
            "telemetry: {{endpoint: 'http://127.0.0.1:{port}', protocol: {protocol}, \
             timeout_seconds: 120}}\n"
        );
        let site = Exporting::new("capture: {keep: 100}", &telemetry);
        let server = site.serve("info");
        for customer in ["ann", "bob", "cid"] {
            sign_up(&server, customer, "somebody@example.com").await;
        }
        let clock = runtime::Clock::system();
        let begun = clock.monotonic_ms();
        server.stop();
        let took = clock.monotonic_ms() - begun;
        assert!(took < 60_000, "it waited for a collector that hangs: {took} ms");
    }
}
