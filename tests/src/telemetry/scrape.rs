//! `/metrics` in both of its forms, read by Prometheus' own parsers, and exemplars that point at
//! traces.

use serde_json::Value;

use super::collector::Collector;
use super::{Exporting, python, settings, sign_up};
use crate::served::process::{Server, eventually};

async fn scrape(server: &Server, accept: Option<&str>) -> (String, String) {
    let request = reqwest::Client::new().get(format!("{}/metrics", server.url));
    let request = match accept {
        Some(accept) => request.header("accept", accept),
        None => request,
    };
    let answer = request.send().await.expect("an answer");
    let kind = answer.headers()["content-type"].to_str().expect("text").to_owned();
    (kind, answer.text().await.expect("text"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exemplars_point_at_exported_traces() {
    let collector = Collector::start().await;
    let site = Exporting::new("capture: {keep: 100}", &settings(&collector, "grpc", ""));
    let server = site.serve("error");
    sign_up(&server, "ann", "ann@example.com").await;
    eventually("the attempt is exported", async || {
        collector.spans().iter().any(|span| span.name == "attempt send")
    })
    .await;
    let accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
    let (kind, text) = scrape(&server, Some(accept)).await;
    assert!(kind.starts_with("application/openmetrics-text; version=1.0.0"), "{kind}");
    let samples = python("metrics_peer.py", &["openmetrics"], &text);
    let spans = collector.spans();
    let attempt = spans.iter().find(|span| span.name == "attempt send").expect("the attempt");
    let pointing = |name: &str| -> Vec<Value> {
        let samples = samples.as_array().expect("samples").iter();
        let found = samples.filter(|one| one["name"] == name && !one["trace"].is_null());
        found.map(|one| one["trace"].clone()).collect()
    };
    for name in ["cadencia_sends_total", "cadencia_attempt_seconds_bucket"] {
        assert_eq!(pointing(name), [attempt.trace.as_str()], "{name}\n{text}");
    }
    let (kind, text) = scrape(&server, None).await;
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    assert!(!text.contains("# {") && !text.contains("# EOF"), "{text}");
    let plain = python("metrics_peer.py", &["plain"], &text);
    let sends = plain.as_array().expect("samples").iter();
    let sends: Vec<_> = sends.filter(|one| one["name"] == "cadencia_sends_total").collect();
    assert_eq!((sends.len(), &sends[0]["type"]), (1, &"counter".into()));
    assert_eq!(sends[0]["value"].as_f64(), Some(1.0));
    server.stop();
}
