//! Enrollments that a merge of customers takes over: their traces go on where they were.

use serde_json::json;

use super::collector::{Collector, link, named, whole};
use super::{Exporting, settings, sign_up};
use crate::served::process::{cadencia, eventually, post};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_enrollment_that_is_taken_over_points_at_the_activation_before() {
    let collector = Collector::start().await;
    let site = Exporting::new("capture: {keep: 100}", &settings(&collector, "grpc", ""));
    let server = site.serve("info");
    let batch = json!({"batch": [
        {"type": "identify", "anonymousId": "ghost", "messageId": "1",
            "traits": {"email": "ann@example.com"}},
        {"type": "track", "anonymousId": "ghost", "messageId": "2", "event": "Signed Up"},
    ]});
    assert_eq!(post(&server.url, "/v1/batch", &batch).await.0, 200);
    eventually("the first message is out", async || {
        named(&collector.spans(), "process outcome").len() == 1
    })
    .await;
    let alias = json!({"previousId": "ghost", "userId": "ann"});
    assert_eq!(post(&server.url, "/v1/alias", &alias).await.0, 200);
    // Somebody else is in too: of the two one is withdrawn when they are one.
    sign_up(&server, "other", "other@example.com").await;
    let alias = json!({"previousId": "other", "userId": "ann"});
    assert_eq!(post(&server.url, "/v1/alias", &alias).await.0, 200);
    eventually("the second merge is exported", async || {
        let spans = collector.spans();
        named(&spans, "process outcome").len() == 2
            && spans.iter().any(|span| span.attribute("input") == "merge")
    })
    .await;
    server.kill();
    let server = site.serve("info");
    site.advance(&server, "2026-03-06T12:00:00Z");
    eventually("the second message is out", async || {
        named(&collector.spans(), "process outcome").len() == 3
    })
    .await;
    server.stop();
    let spans = collector.spans();
    whole(&spans);
    let turns = named(&spans, "process turn");
    let hash = |id: &str| {
        let told = cadencia(&site.path("data"), &["customer-hash", id]);
        String::from_utf8(told.stdout).expect("text").trim().to_owned()
    };
    let ghost = hash("anon:ghost");
    let first = turns.iter().find(|turn| turn.attribute("customer.hash") == ghost);
    let enrollment = first.expect("its entry").attribute("enrollment.id").to_owned();
    let hers: Vec<_> =
        turns.iter().filter(|turn| turn.attribute("enrollment.id") == enrollment).collect();
    let steps: Vec<_> =
        hers.iter().map(|turn| (turn.attribute("input"), turn.attribute("exit.reason"))).collect();
    assert_eq!(
        steps,
        [("event", ""), ("timer", "completed")],
        "the merge itself did nothing to it"
    );
    assert_eq!(hers[1].links, [link(hers[0])]);
    assert_eq!(hers[0].attribute("customer.hash"), ghost);
    assert_eq!(hers[1].attribute("customer.hash"), hash("ann"));
    let others: Vec<_> =
        turns.iter().filter(|turn| turn.attribute("enrollment.id") != enrollment).collect();
    let steps: Vec<_> = others
        .iter()
        .map(|turn| (turn.attribute("input"), turn.attribute("exit.reason")))
        .collect();
    assert_eq!(steps, [("event", ""), ("merge", "withdrawn")]);
    assert_eq!(others[1].links, [link(others[0])]);
    assert_eq!(others[1].attribute("journey.version"), "0");
}
