//! An alias over HTTP or in a file: two customers become one, also across a kill.

use serde_json::{Value, json};

use super::process::{Server, json, post, sends};
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

const START: &str = "2026-03-02T06:00:00Z";

/// A message at the second view, and one an hour after each.
const JOURNEYS: &str = "---
apiVersion: cadencia/v1
kind: Journey
metadata: {name: second}
spec:
  enter: {event: Seen, when: 'customer.events[\"Seen\"].count == 2'}
  steps:
    - send: {channels: [{email: hello}], class: transactional, valid_for: P1D}
---
apiVersion: cadencia/v1
kind: Journey
metadata: {name: later}
spec:
  enter: {event: Seen, key: event.properties.n, reentry: parallel}
  steps:
    - wait: {for: PT1H}
    - send: {channels: [{email: hello}], class: transactional, valid_for: P1D}
";

fn at(hour: u32, second: u32) -> String {
    format!("2026-03-02T{hour:02}:00:{second:02}Z")
}

fn lines(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// A folder with a campaign and recorded lives of some customers that become one, in two ways: in
/// between, and at the very instant at which an event happens and a message is due.
fn recorded() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let campaign = folder.path().join("campaign");
    std::fs::create_dir(&campaign).expect("a folder");
    std::fs::write(campaign.join("all.yaml"), format!("{}{JOURNEYS}", super::BASE))
        .expect("a file");
    let mut all = Vec::new();
    for name in ["ann", "bob"] {
        let (ghost, said) =
            (format!("ghost-{name}"), if name == "ann" { at(6, 3) } else { at(7, 2) });
        let seen = |who: &str, id: &str, time: String, n: u32| {
            json!({"type": "track", who: id, "event": "Seen", "properties": {"n": n},
                "timestamp": time, "messageId": format!("{name}{n}")})
        };
        let email = |id: &str| json!({"email": format!("{id}@example.com")});
        all.extend([
            json!({"type": "alias", "previousId": ghost, "userId": name, "timestamp": said}),
            json!({"type": "identify", "userId": name, "traits": email(name),
                "timestamp": at(6, 1)}),
            json!({"type": "identify", "anonymousId": ghost, "traits": email(&ghost),
                "timestamp": at(6, 1)}),
            seen("anonymousId", &ghost, at(6, 2), 1),
            seen("anonymousId", &ghost, at(7, 2), 2),
            seen("userId", name, at(7, 5), 3),
        ]);
    }
    std::fs::write(folder.path().join("events.ndjson"), lines(&all)).expect("a file");
    folder
}

fn path(folder: &tempfile::TempDir, name: &str) -> String {
    folder.path().join(name).to_str().expect("a plain path").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_with_aliases_sends_what_a_simulation_sends() {
    let folder = recorded();
    let (campaign, events) = (path(&folder, "campaign"), path(&folder, "events.ndjson"));
    let until = at(9, 0);
    let output = environment::cadencia()
        .args(["simulate", &campaign, "--events", &events, "--until", &until])
        .args(["--out", &path(&folder, "out"), "-o", "json"])
        .output()
        .expect("the binary runs");
    assert_eq!(json(&output)["merged"], 2);
    let written = std::fs::read_to_string(folder.path().join("out/sends.ndjson"));
    let mut expected: Vec<String> = written
        .expect("it was written")
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .filter(|line| line["outcome"] == "sent")
        .map(|line| line["send"].as_str().expect("an id").to_owned())
        .collect();
    let data = folder.path().join("data");
    let server =
        Server::start(&data, &["--campaign", &campaign, "--replay", START, "--log", "error"]);
    let import = ["import", &*events, "--trigger", "replay", "--until", &until];
    // Again, as somebody would who is not sure that it worked: nothing happens.
    for _ in 0..2 {
        let done = server.json(&import);
        let counts = ["lines", "events", "aliases", "behind", "rejected"].map(|of| &done[of]);
        assert_eq!(counts, [12, 10, 2, 0, 0], "{done}");
        let timelines = ["ann", "bob"].map(|id| server.explain(id));
        let sends = timelines.iter().flat_map(sends);
        let mut sent: Vec<String> = sends.map(|(_, send)| send).collect();
        sent.sort_unstable();
        expected.sort_unstable();
        assert_eq!(sent, expected);
    }
    assert_eq!(expected.len(), 8, "a message at the second view, and one for each of three");
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_takes_aliases_and_rejects_bad_ones_with_their_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = path(&folder, "events.ndjson");
    let all = [
        track(&json!({"anonymousId": "ghost"}), 1),
        json!({"type": "alias", "userId": "known"}),
        track(&json!({"userId": "known"}), 2),
        json!({"type": "alias", "previousId": "ghost", "userId": "known"}),
        json!({"type": "alias", "previousId": "ghost", "userId": "known", "timestamp": "soon"}),
        track(&json!({"anonymousId": "ghost"}), 3),
    ];
    std::fs::write(&file, lines(&all)).expect("a file");
    let server = Server::start(&folder.path().join("data"), &["--log", "error"]);
    let output = server.command(&["import", &file]);
    assert_eq!(output.status.code(), Some(1), "some lines cannot be used");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.starts_with("6 lines: 3 events, 1 aliases, 2 rejected"), "{said}");
    let rejects = std::fs::read_to_string(path(&folder, "events.ndjson.rejects.ndjson"));
    let rejects: Vec<(u64, String)> = rejects
        .expect("they were written")
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .map(|line| {
            let reason = line["reason"].as_str().expect("a reason").to_owned();
            (line["line"].as_u64().expect("a number"), reason)
        })
        .collect();
    let reasons = ["no `previousId`", "`timestamp`: `soon` is not an RFC 3339 time"];
    assert_eq!(rejects, [(2, reasons[0].to_owned()), (5, reasons[1].to_owned())]);
    assert_eq!(seen(&server.explain("known")), [1, 2, 3]);
    server.stop();
}
