//! Events that do nothing to any enrollment: whether they were repeated, entered nobody, or nothing
//! waits for them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::collector::{Collector, Span, whole};
use super::{Exporting, settings, sign_up};
use crate::served::process::{Server, cadencia, post};

async fn track(server: &Server, id: &str, event: &str, within: Option<&str>) {
    let body = json!({"userId": "ann", "messageId": id, "event": event,
        "properties": {"what": "a thing"}});
    let mut request = reqwest::Client::new().post(format!("{}/v1/track", server.url)).json(&body);
    if let Some(parent) = within {
        request = request.header("traceparent", parent);
    }
    assert!(request.send().await.expect("an answer").status().is_success());
}

fn idle(spans: &[Span]) -> Vec<&Span> {
    let mut found: Vec<&Span> = spans.iter().filter(|it| it.name == "process event").collect();
    found.sort_by_key(|span| span.start_ns);
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_did_nothing_says_why() {
    let collector = Collector::start().await;
    let site = Exporting::new("capture: {keep: 100}", &settings(&collector, "grpc", ""));
    let server = site.serve("info");
    sign_up(&server, "ann", "ann@example.com").await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    track(&server, "seen", "Seen", Some(&parent)).await;
    track(&server, "seen", "Seen", None).await;
    track(&server, "again", "Signed Up", None).await;
    server.stop();
    let spans = collector.spans();
    whole(&spans);
    let idle = idle(&spans);
    let told: Vec<[&str; 4]> = idle
        .iter()
        .map(|span| {
            ["event.type", "event.name", "event.result", "not_entered"].map(|it| span.attribute(it))
        })
        .collect();
    assert_eq!(
        told,
        [
            ["identify", "", "recorded", ""],
            ["track", "", "recorded", ""],
            ["track", "", "repeated", ""],
            ["track", "Signed Up", "not_entered", "hello: the re-entry rule forbids it"],
        ],
        "of an event that entered somebody its activation tells"
    );
    let links: Vec<usize> = idle.iter().map(|span| span.links.len()).collect();
    assert_eq!(links, [0, 1, 0, 0], "each points at its own sender");
    assert_eq!(idle[1].links[0].0, trace);
    let told = |arguments: &[&str]| {
        let told = cadencia(&site.path("data"), arguments);
        String::from_utf8(told.stdout).expect("text").trim().to_owned()
    };
    let hash = told(&["telemetry-id", "--message", "seen"]);
    assert_eq!(
        (idle[1].attribute("event.hash"), idle[2].attribute("event.hash")),
        (&*hash, &*hash)
    );
    let hash = told(&["customer-hash", "ann"]);
    assert!(idle.iter().all(|span| span.attribute("customer.hash") == hash), "{idle:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_drawn_by_their_ids() {
    const EVENTS: usize = 60;
    for (ratio, kept) in [("0", 0..=0), ("0.5", 1..=EVENTS - 1), ("1", EVENTS..=EVENTS)] {
        let collector = Collector::start().await;
        let more = format!("  sample_ratio: 0\n  slow_ms: 60000\n  event_sample_ratio: {ratio}\n");
        let site = Exporting::new("capture: {keep: 100}", &settings(&collector, "http", &more));
        let server = site.serve("error");
        // Each of them twice: the draw is the same both times.
        for _ in 0..2 {
            let batch: Vec<Value> = (0..EVENTS)
                .map(|at| {
                    json!({"type": "track", "userId": format!("customer-{at}"), "event": "Seen",
                        "messageId": format!("message-{at}")})
                })
                .collect();
            assert_eq!(post(&server.url, "/v1/batch", &json!({"batch": batch})).await.0, 200);
        }
        server.stop();
        let spans = collector.spans();
        whole(&spans);
        let of = |result: &str| -> BTreeSet<String> {
            let found = idle(&spans).into_iter();
            let found = found.filter(|span| span.attribute("event.result") == result);
            found.map(|span| span.attribute("event.hash").to_owned()).collect()
        };
        let recorded = of("recorded");
        assert!(kept.contains(&recorded.len()), "{ratio}: {}", recorded.len());
        assert_eq!(recorded, of("repeated"), "{ratio}");
        assert_eq!(spans.len(), 2 * recorded.len(), "{ratio}: nothing else");
    }
}
