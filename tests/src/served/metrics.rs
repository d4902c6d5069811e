//! `/metrics`, `/readyz` and write keys of a running server.

use std::path::Path;

use serde_json::json;

use super::BASE;
use super::process::{Server, eventually, post};

const JOURNEY: &str = "---
apiVersion: cadencia/v1
kind: Journey
metadata: {name: hello}
spec:
  enter: {event: Signed Up}
  steps:
    - send: {channels: [{email: hello}], class: marketing, topic: news, valid_for: P1D}
";

/// A server with the journey in force.
fn hello(folder: &Path) -> Server {
    let campaign = folder.join("campaign");
    std::fs::create_dir_all(&campaign).expect("a folder");
    std::fs::write(campaign.join("all.yaml"), format!("{BASE}{JOURNEY}")).expect("a file");
    let arguments = ["--campaign", campaign.to_str().expect("a plain path"), "--log", "error"];
    Server::start(&folder.join("data"), &arguments)
}

async fn text(url: &str, path: &str) -> String {
    let answer = reqwest::get(format!("{url}{path}")).await.expect("an answer");
    assert!(answer.status().is_success());
    answer.text().await.expect("text")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_say_what_went_and_what_did_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = hello(folder.path());
    let identify = |customer: &str, permission: &str| {
        json!({"type": "identify", "userId": customer, "messageId": format!("{customer}/i"),
            "traits": {"email": format!("{customer}@example.com")},
            "consent": [{"channel": "email", "permission": permission}]})
    };
    let sign_up = |customer: &str| {
        json!({"type": "track", "userId": customer, "messageId": format!("{customer}/t"),
            "event": "Signed Up"})
    };
    let batch = json!({"batch": [identify("ann", "granted"), identify("bob", "denied"),
        sign_up("ann"), sign_up("bob"), {"type": "track", "userId": "ann"}]});
    let (status, answer) = post(&server.url, "/v1/batch", &batch).await;
    assert_eq!(
        (status, &answer["accepted"], &answer["rejected"][0]["index"]),
        (200, &json!(4), &json!(4))
    );
    assert!(text(&server.url, "/readyz").await.contains("ready"));
    let sent = "cadencia_sends_total{channel=\"email\",outcome=\"accepted\"} 1";
    let mut metrics = String::new();
    eventually("a send is counted", async || {
        metrics = text(&server.url, "/metrics").await;
        metrics.contains(sent)
    })
    .await;
    for line in [
        "cadencia_refusals_total{rule=\"consent\"} 1",
        "cadencia_events_total{type=\"track\",result=\"accepted\"} 2",
        "cadencia_events_total{type=\"other\",result=\"rejected\"} 1",
        "cadencia_commit_seconds_count",
        "cadencia_timer_lateness_seconds_count",
        "cadencia_store_bytes{part=\"journal\"}",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    // Counts of rules are durable: a restart goes on with them.
    server.kill();
    let server = hello(folder.path());
    let metrics = text(&server.url, "/metrics").await;
    assert!(metrics.contains("cadencia_refusals_total{rule=\"consent\"} 1"), "{metrics}");
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_without_a_write_key_is_turned_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = folder.path().join("settings.yaml");
    std::fs::write(&settings, "write_keys: [one, two]\n").expect("a file");
    let config = settings.to_str().expect("a plain path");
    let server =
        Server::start(&folder.path().join("data"), &["--config", config, "--log", "error"]);
    let event = json!({"userId": "ann", "event": "Seen"});
    let send = |key: Option<&str>| {
        let request = reqwest::Client::new().post(format!("{}/v1/track", server.url)).json(&event);
        match key {
            Some(key) => request.basic_auth(key, Some("")),
            None => request,
        }
    };
    for (key, expected) in [(None, 401), (Some("three"), 401), (Some("two"), 200)] {
        let answer = send(key).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), expected, "{key:?}");
    }
    server.stop();
}

/// What an operator watches says the same as the metrics.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn top_shows_a_running_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = hello(folder.path());
    let events = json!({"userId": "ann", "messageId": "1", "event": "Signed Up"});
    assert_eq!(post(&server.url, "/v1/track", &events).await.0, 200);
    let output = server.command(&["top", "--once"]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    let row = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).expect("its line");
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(row("customers")[..3], ["customers", "1", "active"]);
    assert_eq!(row("hello")[..5], ["hello", "running", "0", "1", "0"]);
    let line = |start: &str| text.lines().find(|line| line.starts_with(start)).expect("its line");
    assert!(line("timers ").trim_end().ends_with("0 due and not fired"), "{text}");
    assert!(line("late timers ").ends_with("on time"), "{text}");
    // A disk of a busy machine may be slow indeed.
    let words = ["fast", "SLOW: look at the disk"];
    assert!(words.iter().any(|word| line("commits ").ends_with(word)), "{text}");
    assert!(text.contains("revision 1, 8 partitions"), "{text}");
    assert!(!text.contains('\x1b'), "no terminal, no colours: {text}");
}
