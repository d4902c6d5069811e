//! CloudEvents say themselves inside of which span they came to be, in all modes of HTTP.

use serde_json::json;

use super::collector::{Collector, whole};
use super::{Exporting, python, settings};
use crate::served::process::cadencia;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_span_that_a_cloud_event_names_is_pointed_at() {
    let collector = Collector::start().await;
    let site = Exporting::new("capture: {keep: 100}", &settings(&collector, "grpc", ""));
    let server = site.serve("info");
    let span = |digit: &str| (digit.repeat(32), digit.repeat(16));
    let request = ("ab".repeat(16), "cd".repeat(8));
    // Who, in which mode, inside of which span, and the one that is pointed at.
    let cases = [
        ("ann", "binary", Some(span("1")), Some(span("1"))),
        ("bob", "structured", Some(span("2")), Some(span("2"))),
        ("cid", "structured", None, None),
        ("dan", "batched", Some(span("3")), Some(span("3"))),
        ("eve", "batched", Some(span("4")), Some(span("4"))),
        ("fay", "batched", None, Some(request)),
    ];
    let given = cases.iter().map(|(customer, mode, said, _)| {
        let parent = said.as_ref().map(|(trace, span)| format!("00-{trace}-{span}-01"));
        ((*customer).to_owned(), json!({"mode": mode, "traceparent": parent}))
    });
    let given = serde_json::Value::Object(given.collect());
    python("cloud_events_peer.py", &[&server.url], &given.to_string());
    server.stop();
    let spans = collector.spans();
    whole(&spans);
    for (customer, mode, _, expected) in cases {
        let hash = cadencia(&site.path("data"), &["customer-hash", customer]);
        let hash = String::from_utf8_lossy(&hash.stdout).trim().to_owned();
        let of = |name: &str| {
            let his = spans.iter().filter(|it| it.attribute("customer.hash") == hash);
            his.filter(|span| span.name == name).collect::<Vec<_>>()
        };
        let turns = of("process turn");
        assert_eq!(turns.len(), 1, "{customer}: {turns:?}");
        let links: Vec<_> = expected.into_iter().collect();
        assert_eq!(turns[0].links, links, "{customer}, {mode}");
    }
}
