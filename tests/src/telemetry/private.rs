//! Canaries: whatever is personal is never in traces, logs or metrics.

use domain::ids::CustomerId;
use serde_json::json;

use super::collector::Collector;
use super::failures::smtp;
use super::{Exporting, settings};
use crate::channels::peers::Independent;
use crate::served::process::{eventually, post};

const ID: &str = "canary-customer-4711";
const ANONYMOUS: &str = "canary-device-0815";
const MAIL: &str = "canary.mail@example.com";
const PHONE: &str = "+4915112345678";
const NAME: &str = "Canaria Birdsong";
const PROPERTY: &str = "canary-cart-content";
const MESSAGE: &str = "canary-message-id";
/// What a sender calls an event is its own word.
const EVENT: &str = "Canary Viewed";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_and_ids_are_in_no_telemetry() {
    // A mail server that repeats the address in its refusal, as most do.
    let mail = Independent::mail(&[]);
    let collector = Collector::start().await;
    let site = Exporting::new(&smtp(mail.port), &settings(&collector, "grpc", ""));
    let server = site.serve("debug");
    let batch = json!({"batch": [
        {"type": "identify", "userId": ID, "messageId": MESSAGE,
            "traits": {"email": MAIL, "phone": PHONE, "name": NAME}},
        {"type": "track", "userId": ID, "messageId": format!("{MESSAGE}/2"),
            "event": "Signed Up", "properties": {"what": PROPERTY}},
        {"type": "identify", "anonymousId": ANONYMOUS, "traits": {"email": MAIL}},
        {"type": "alias", "previousId": ANONYMOUS, "userId": ID},
        {"type": "track", "userId": ID, "messageId": format!("{MESSAGE}/3"), "event": EVENT},
        {"type": "track", "userId": ID, "event": 7, "properties": {"email": MAIL}},
    ]});
    let (status, _) = post(&server.url, "/v1/batch", &batch).await;
    assert_eq!(status, 200);
    let (status, _) = post(&server.url, "/v1/track", &json!({"userId": ID, "traits": 1})).await;
    assert_eq!(status, 400);
    eventually("the refusal is exported", async || {
        collector.spans().iter().any(|span| span.name == "process outcome")
    })
    .await;
    let scraped = reqwest::Client::new()
        .get(format!("{}/metrics", server.url))
        .header("accept", "application/openmetrics-text")
        .send();
    let scraped = scraped.await.expect("an answer").text().await.expect("text");
    let explained = server.explain(ID).to_string();
    let sends = server.json(&["sends", "list"]).to_string();
    server.stop();
    let log = std::fs::read_to_string(site.path("log")).expect("the log");
    let printed = collector.printed();
    assert!(explained.contains(MAIL) && explained.contains("no such person"), "{explained}");
    assert!(printed.contains("rejected") && log.contains("an attempt failed"), "{log}");
    assert!(printed.contains("process event"), "the event that does nothing is traced too");
    // Ids of enrollments and sends begin with half of the hash under which her rows are stored, and
    // that needs no secret to be guessed.
    let half = format!("{:016x}", CustomerId::from(ID).key().head().0);
    assert!(sends.contains(&format!("\"send\":\"{half}")), "as in the ledger: {sends}");
    for canary in [ID, ANONYMOUS, MAIL, PHONE, NAME, PROPERTY, MESSAGE, EVENT, &half] {
        for (place, text) in [("export", &printed), ("log", &log), ("metrics", &scraped)] {
            let at = text.find(canary);
            let around = at.map(|at| &text[at.saturating_sub(200)..at + canary.len()]);
            assert_eq!(around, None, "{canary} is in the {place}");
        }
    }
}
