//! An alias over HTTP: two customers become one, also across a kill.

use serde_json::{Value, json};

use super::process::{Server, json, post};
use crate::environment;

fn track(customer: &Value, n: u32) -> Value {
    let mut call = json!({"type": "track", "event": "Seen", "messageId": format!("m{n}"),
        "properties": {"n": n}});
    let fields = call.as_object_mut().expect("an object");
    fields.extend(customer.as_object().expect("an object").clone());
    call
}

fn seen(timeline: &Value) -> Vec<u32> {
    let entries = timeline["entries"].as_array().expect("entries");
    let number = |entry: &Value| {
        let (_, rest) = entry["text"].as_str()?.split_once("n=")?;
        rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
    };
    let mut seen: Vec<u32> =
        entries.iter().filter(|entry| entry["kind"] == "event").filter_map(number).collect();
    seen.sort_unstable();
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alias_unites_two_customers_for_good() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut server = Server::start(&data, &["--log", "error"]);
    for at in 0..12 {
        let (ghost, known) = (format!("ghost-{at}"), format!("known-{at}"));
        let (anonymous, user) = (json!({"anonymousId": ghost}), json!({"userId": known}));
        let batch = json!({"batch": [
            track(&anonymous, 1), track(&user, 2),
            {"type": "alias", "previousId": ghost, "userId": known, "messageId": "a"},
        ]});
        let (status, answer) = post(&server.url, "/v1/batch", &batch).await;
        assert_eq!((status, &answer["success"]), (200, &json!(true)), "{answer}");
        if at % 3 == 0 {
            server.kill();
            server = Server::start(&data, &["--log", "error"]);
        }
        // What still comes for the ghost is hers; a repeat of the alias changes nothing.
        let (status, answer) = post(&server.url, "/v1/track", &track(&anonymous, 3)).await;
        assert_eq!(status, 200, "{answer}");
        let again = json!({"previousId": ghost, "userId": known});
        let (status, answer) = post(&server.url, "/v1/alias", &again).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(seen(&server.explain(&known)), [1, 2, 3], "{known}");
    }
    let ghost = server.explain("anon:ghost-5").to_string();
    assert!(ghost.contains("known-5"), "where the ghost went: {ghost}");
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alias_without_its_ids_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&folder.path().join("data"), &["--log", "error"]);
    for body in [json!({"userId": "ann"}), json!({"previousId": "ghost"})] {
        let (status, answer) = post(&server.url, "/v1/alias", &body).await;
        assert_eq!((status, &answer["code"]), (400, &json!("CAD-2006")), "{body}: {answer}");
    }
    server.stop();
}

#[test]
fn a_simulation_reads_aliases() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("campaign")).expect("a folder");
    let journey = "---
apiVersion: cadencia/v1
kind: Journey
metadata: {name: second}
spec:
  enter: {event: Seen, when: 'customer.events[\"Seen\"].count == 2'}
  steps:
    - send: {channels: [{email: hello}], class: transactional, valid_for: P1D}
";
    let campaign = format!("{}{journey}", super::BASE);
    std::fs::write(at("campaign").join("all.yaml"), campaign).expect("a file");
    let second = |n: u32| format!("2026-03-02T06:00:0{n}Z");
    let lines = [
        json!({"type": "identify", "userId": "known", "timestamp": second(1),
            "traits": {"email": "known@example.com"}}),
        json!({"type": "track", "anonymousId": "ghost", "event": "Seen", "timestamp": second(2)}),
        json!({"type": "alias", "previousId": "ghost", "userId": "known", "timestamp": second(3)}),
        json!({"type": "track", "anonymousId": "ghost", "event": "Seen", "timestamp": second(4)}),
    ];
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(at("events.ndjson"), lines).expect("a file");
    let output = environment::cadencia()
        .arg("simulate")
        .arg(at("campaign"))
        .arg("--events")
        .arg(at("events.ndjson"))
        .arg("--out")
        .arg(at("out"))
        .args(["-o", "json"])
        .output()
        .expect("the binary runs");
    let summary = json(&output);
    assert_eq!((&summary["merged"], &summary["sends"]["sent"]), (&1.into(), &1.into()));
    let sends = std::fs::read_to_string(at("out").join("sends.ndjson")).expect("it was written");
    assert!(sends.contains("\"customer\":\"known\""), "{sends}");
}
