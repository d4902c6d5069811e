//! Sends of a running server: listed newest first with the reason, looked at, sent again.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::process::{Server, eventually, post};
use crate::channels::peers::Independent;

const START: &str = "2026-03-02T06:00:00Z";

/// One message a week, none at night; leaving withdraws what is held.
const CAMPAIGN: &str = "apiVersion: cadencia/v1
kind: ContactPolicy
metadata: {name: careful}
spec:
  fallback_zone: UTC
  classes:
    service: {obeys_caps: true, counts_toward_caps: true, obeys_quiet_hours: true,
              consent: unless_denied}
  rules:
    - {name: nights, quiet_hours: {windows: [{from: \"21:00\", to: \"08:00\"}], on_quiet: hold}}
    - {name: weekly, frequency_cap: {limit: 1, window: {rolling: P7D}, on_exceeded: refuse}}
---
apiVersion: cadencia/v1
kind: Channel
metadata: {name: email}
spec: {capture: {keep: 100}}
---
apiVersion: cadencia/v1
kind: Template
metadata: {name: hello}
spec: {subject: Hello, text: Hello}
---
apiVersion: cadencia/v1
kind: Journey
metadata: {name: welcome}
spec:
  enter: {event: Signed Up, reentry: parallel}
  exit: [{event: Left}]
  steps:
    - send: {id: hello, channels: [{email: hello}], class: service, valid_for: P3D}
";

/// A server on a replayed clock with the campaign, and a folder for its events.
struct Place {
    folder: tempfile::TempDir,
    server: Server,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let campaign = folder.path().join("campaign");
        std::fs::create_dir(&campaign).expect("a folder");
        std::fs::write(campaign.join("all.yaml"), CAMPAIGN).expect("a file");
        let data = folder.path().join("data");
        let server = Server::start(&data, &["--replay", START, "--log", "error"]);
        server.json(&["apply", "--yes", campaign.to_str().expect("a plain path")]);
        Self { folder, server }
    }

    /// Replays (seconds after the start, customer, event), then runs on to an instant.
    fn replay(&self, events: &[(i64, &str, &str)], until: &str) {
        let start = domain::time::Instant::parse(START).expect("an instant");
        let mut text = String::new();
        for (seconds, customer, event) in events {
            let at = start.plus_ms(seconds * 1_000).to_string();
            let id = format!("{customer}/{event}/{at}");
            let traits = json!({"email": format!("{customer}@example.com")});
            let identify = json!({"type": "identify", "userId": customer, "timestamp": at,
                "messageId": format!("{id}/i"), "traits": traits});
            let track = json!({"type": "track", "userId": customer, "timestamp": at,
                "messageId": id, "event": event});
            text += &format!("{identify}\n{track}\n");
        }
        let file = self.folder.path().join("events.ndjson");
        std::fs::write(&file, text).expect("a file");
        let file = file.to_str().expect("a plain path");
        self.server.json(&["import", file, "--trigger", "replay", "--until", until]);
    }

    fn list(&self, filters: &[&str]) -> Vec<Value> {
        let mut all = vec!["sends", "list"];
        all.extend(filters);
        self.server.json(&all).as_array().expect("a list").clone()
    }

    fn show(&self, send: &str) -> Value {
        self.server.json(&["sends", "show", send])
    }
}

fn text(line: &Value, key: &str) -> String {
    line[key].as_str().unwrap_or_default().to_owned()
}

/// Customer and state of each line.
fn states(lines: &[Value]) -> Vec<(String, String)> {
    lines.iter().map(|line| (text(line, "customer"), text(line, "state"))).collect()
}

#[track_caller]
fn check(lines: &[Value], expected: &[(&str, &str)]) {
    let expected: Vec<_> =
        expected.iter().map(|(who, state)| ((*who).to_owned(), (*state).to_owned())).collect();
    assert_eq!(states(lines), expected, "{lines:#?}");
}

#[test]
fn every_send_is_listed_once_with_its_last_decision() {
    let place = Place::new();
    place.replay(
        &[(1, "ann", "Signed Up"), (2, "bob", "Signed Up"), (3, "cid", "Signed Up")],
        "2026-03-02T07:00:00Z",
    );
    let held = place.list(&[]);
    check(&held, &[("cid", "held"), ("bob", "held"), ("ann", "held")]);
    for line in &held {
        assert_eq!(line["rule"], "nights");
        assert_eq!(line["rule_kind"], "quiet_hours");
        assert_eq!(line["held_until"], "2026-03-02T08:00:00Z");
        assert!(text(line, "reason").starts_with("quiet hours until"), "{line}");
    }
    // Cid leaves: his message is withdrawn where it was held. The others go at eight.
    place.replay(&[(3_700, "cid", "Left")], "2026-03-02T09:00:00Z");
    place.replay(&[(10_900, "ann", "Signed Up")], "2026-03-02T20:00:00Z");
    place.replay(&[(55_000, "dot", "Signed Up")], "2026-03-02T22:00:00Z");
    let all = place.list(&[]);
    check(
        &all,
        &[
            ("dot", "held"),
            ("ann", "refused"),
            ("ann", "accepted"),
            ("bob", "accepted"),
            ("cid", "withdrawn"),
        ],
    );
    assert_eq!(
        (&all[1]["rule"], &all[1]["rule_kind"]),
        (&json!("weekly"), &json!("frequency_cap"))
    );
    assert_eq!(all[4]["settled_at"], "2026-03-02T07:01:40Z");
    assert_eq!(all[2]["template"], "hello");
    // As the counts have it, which are kept another way.
    let journey = &place.server.json(&["journeys", "list"])[0];
    assert_eq!((&journey["sent"], &journey["refused"]), (&json!(2), &json!(1)));
    let show = place.show(&text(&all[2], "send"));
    let words: Vec<String> = show["decisions"]
        .as_array()
        .expect("decisions")
        .iter()
        .map(|decision| text(decision, "decision"))
        .collect();
    assert_eq!(words, ["held", "sent"], "{show:#?}");
    assert_eq!(show["class"], "service");
    assert_eq!(show["redrive"]["possible"], false);
    for line in &all {
        let show = place.show(&text(line, "send"));
        assert_eq!((&show["state"], &show["at"]), (&line["state"], &line["at"]), "{line}");
    }

    // Filters.
    check(&place.list(&["--state", "refused"]), &[("ann", "refused")]);
    check(&place.list(&["--state", "held,withdrawn"]), &[("dot", "held"), ("cid", "withdrawn")]);
    check(&place.list(&["--rule", "quiet_hours"]), &[("dot", "held"), ("cid", "withdrawn")]);
    check(&place.list(&["--rule", "weekly"]), &[("ann", "refused")]);
    check(&place.list(&["--customer", "ann"]), &[("ann", "refused"), ("ann", "accepted")]);
    check(&place.list(&["--customer", "nobody"]), &[]);
    check(&place.list(&["--journey", "other"]), &[]);
    assert_eq!(place.list(&["--channel", "email", "--journey", "welcome"]).len(), 5);
    check(
        &place.list(&["--from", "2026-03-02T08:00:00Z", "--until", "2026-03-02T09:01:40Z"]),
        &[("ann", "accepted"), ("bob", "accepted")],
    );
    check(&place.list(&["--from", "2026-03-02T21:00:00Z"]), &[("dot", "held")]);
}

#[test]
fn a_withdrawn_send_is_found_also_behind_much_that_came_later() {
    let place = Place::new();
    place.replay(&[(1, "cid", "Signed Up")], "2026-03-02T07:00:00Z");
    place.replay(&[(3_700, "cid", "Left")], "2026-03-02T07:05:00Z");
    let id = text(&place.list(&[])[0], "send");
    assert_eq!(place.show(&id)["state"], "withdrawn");
    let many: Vec<(i64, &str, &str)> = (0..700).map(|at| (4_000 + at, "cid", "Seen")).collect();
    place.replay(&many, "2026-03-02T08:00:00Z");
    let show = place.show(&id);
    assert_eq!(
        (&show["state"], &show["settled_at"]),
        (&json!("withdrawn"), &json!("2026-03-02T07:01:40Z"))
    );
}

/// Answer of a GET of the API over the socket of the network.
async fn get(place: &Place, token: &str, path: &str) -> (u16, Value) {
    let request = reqwest::Client::new().get(format!("{}{path}", place.server.url));
    let answer = request.bearer_auth(token).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repeat() {
    let place = Place::new();
    let names: Vec<String> = (0..40).map(|number| format!("shopper-{number}")).collect();
    // Several at one instant, and several of one customer.
    let events: Vec<(i64, &str, &str)> = (0..120)
        .map(|at| (10_000 + i64::from(at) / 3 * 60, &*names[at as usize % 40], "Signed Up"))
        .collect();
    place.replay(&events, "2026-03-02T20:00:00Z");
    let made =
        place.server.json(&["tokens", "create", "test", "--scope", "read", "--scope", "personal"]);
    let token = text(&made, "secret");
    let (status, all) = get(&place, &token, "/api/v1/sends?limit=500").await;
    assert_eq!(status, 200, "{all}");
    let all = all["items"].as_array().expect("items").clone();
    assert_eq!(all.len(), 120);
    let instants: Vec<String> = all.iter().map(|line| text(line, "at")).collect();
    assert!(instants.is_sorted_by(|a, b| a >= b), "newest first");
    let distinct: BTreeSet<String> = all.iter().map(|line| text(line, "send")).collect();
    assert_eq!(distinct.len(), 120, "each once");
    for (filter, wanted) in [("", 120), ("&state=refused", 80), ("&customer=shopper-7", 3)] {
        for limit in [1, 7, 50] {
            let (mut cursor, mut found) = (String::new(), Vec::new());
            loop {
                let path = format!("/api/v1/sends?limit={limit}{filter}{cursor}");
                let (status, page) = get(&place, &token, &path).await;
                assert_eq!(status, 200, "{page}");
                let items = page["items"].as_array().expect("items");
                assert!(items.len() <= limit);
                found.extend(items.iter().cloned());
                match page["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
            assert_eq!(found.len(), wanted, "{filter} by {limit}");
            if filter.is_empty() {
                assert_eq!(found, all, "by {limit}");
            }
        }
    }
    // Newer ones do not move a page that was begun.
    let (_, first) = get(&place, &token, "/api/v1/sends?limit=10").await;
    place.replay(&[(52_000, "late", "Signed Up")], "2026-03-02T20:40:00Z");
    let next = text(&first, "next_cursor");
    let (_, second) = get(&place, &token, &format!("/api/v1/sends?limit=10&cursor={next}")).await;
    assert_eq!(second["items"].as_array().expect("items")[..], all[10..20]);

    for (query, code) in [
        ("state=lost", "CAD-4003"),
        ("from=yesterday", "CAD-4003"),
        ("limit=0", "CAD-4003"),
        ("limit=501", "CAD-4003"),
        ("limit=many", "CAD-4003"),
        ("colour=red", "CAD-4003"),
        ("cursor=made-up", "CAD-4021"),
        (&format!("state=held&cursor={next}"), "CAD-4021"),
    ] {
        let (status, problem) = get(&place, &token, &format!("/api/v1/sends?{query}")).await;
        let expected = if code == "CAD-4021" { 422 } else { 400 };
        assert_eq!((status, &*text(&problem, "code")), (expected, code), "{query}: {problem}");
    }
    for id in ["7", "0000000000000000000000000000000g", &"0".repeat(32)] {
        let (status, problem) = get(&place, &token, &format!("/api/v1/sends/{id}")).await;
        assert_eq!((status, &*text(&problem, "code")), (404, "CAD-4019"), "{id}: {problem}");
    }
    // Who may not see personal data does not see who it was.
    let made = place.server.json(&["tokens", "create", "plain", "--scope", "read"]);
    place.replay(&[(52_900, "eve@canary.example", "Signed Up")], "2026-03-02T20:50:00Z");
    let (_, page) = get(&place, &text(&made, "secret"), "/api/v1/sends").await;
    assert!(!page.to_string().contains("canary"), "{page}");
    assert_eq!(page["items"][0]["customer"], "***");
}

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const TOKEN: &str = "0a1b2c3d4e5f";

#[tokio::test]
async fn a_rejected_message_is_sent_again_once() {
    let mut twilio = Independent::http(&["twilio", ACCOUNT, ACCOUNT, TOKEN]);
    let folder = tempfile::tempdir().expect("a folder");
    let campaign = folder.path().join("campaign");
    std::fs::create_dir(&campaign).expect("a folder");
    let definitions = format!(
        "{base}---
apiVersion: cadencia/v1
kind: Channel
metadata: {{name: sms}}
spec:
  sms:
    max_segments: 1
    twilio:
      account_sid: {ACCOUNT}
      auth_token_file: twilio-token
      from: \"+34911234567\"
      base_url: http://127.0.0.1:{port}
---
apiVersion: cadencia/v1
kind: Template
metadata: {{name: text}}
spec: {{text: \"Hello {{{{ customer.nick }}}}\"}}
---
apiVersion: cadencia/v1
kind: Journey
metadata: {{name: texts}}
spec:
  enter: {{event: Texted, reentry: parallel}}
  steps:
    - send: {{channels: [{{sms: text}}], class: transactional}}
",
        base = super::BASE,
        port = twilio.port
    );
    std::fs::write(campaign.join("all.yaml"), definitions).expect("a file");
    std::fs::write(campaign.join("twilio-token"), TOKEN).expect("a file");
    let settings = folder.path().join("settings.yaml");
    std::fs::write(&settings, "egress: {allow: [\"127.0.0.1\"]}\n").expect("a file");
    let path = |path: &std::path::Path| path.display().to_string();
    let (campaign, settings) = (path(&campaign), path(&settings));
    let arguments = ["--campaign", campaign.as_str(), "--config", settings.as_str()];
    let data = folder.path().join("data");
    let server = Server::start(&data, &arguments);
    let identified = async |server: &Server, nick: &str, id: u32| {
        let batch = json!({"batch": [{"type": "identify", "userId": "ann",
            "messageId": format!("i{id}"),
            "traits": {"phone": "+34600123456", "nick": nick}}]});
        assert_eq!(post(&server.url, "/v1/batch", &batch).await.0, 200);
    };
    // The text is too long: it is rejected before anything leaves.
    identified(&server, &"Ann".repeat(60), 1).await;
    let track = json!({"type": "track", "userId": "ann", "messageId": "t", "event": "Texted"});
    assert_eq!(post(&server.url, "/v1/track", &track).await.0, 200);
    let find = |server: &Server, state: &str| {
        let list = server.json(&["sends", "list", "--state", state]);
        list.as_array().expect("a list").first().cloned()
    };
    eventually("it is rejected", async || find(&server, "rejected").is_some()).await;
    let ended = text(&find(&server, "rejected").expect("a line"), "send");
    assert_eq!(server.json(&["sends", "show", &ended])["redrive"]["possible"], true);
    identified(&server, "Ann", 2).await;
    let again = &server.json(&["sends", "redrive", &ended])[0];
    let repeat = text(again, "send");
    assert_ne!(repeat, ended);
    assert_eq!(again["redrive"]["repeats"], json!(ended));
    eventually("it is accepted", async || find(&server, "accepted").is_some()).await;
    assert_eq!(twilio.next()["form"]["Body"], "Hello Ann");
    let old = server.json(&["sends", "show", &ended]);
    assert_eq!(
        (&old["state"], &old["redrive"]["repeated_by"]),
        (&json!("rejected"), &json!(repeat))
    );
    // Once more, also after a kill: it is the same one, and nothing goes.
    server.kill();
    let server = Server::start(&data, &arguments);
    let same = &server.json(&["sends", "redrive", &ended])[0];
    assert_eq!((text(same, "send"), &same["state"]), (repeat.clone(), &json!("accepted")));
    let refused = server.command(&["sends", "redrive", &repeat]);
    assert_eq!(refused.status.code(), Some(1));
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(error.contains("it was accepted") && error.contains("CAD-4008"), "{error}");
    // The other side hears from nobody but the next customer.
    let batch = json!({"batch": [
        {"type": "identify", "userId": "bob", "messageId": "b1",
         "traits": {"phone": "+34600123457", "nick": "Bob"}},
        {"type": "track", "userId": "bob", "messageId": "b2", "event": "Texted"}]});
    assert_eq!(post(&server.url, "/v1/batch", &batch).await.0, 200);
    assert_eq!(twilio.next()["form"]["Body"], "Hello Bob");
    let audit = server.json(&["audit"]);
    let rows = audit.as_array().expect("rows").iter().filter(|row| row["what"] == "send.redrive");
    let rows: Vec<&Value> = rows.collect();
    assert_eq!(rows.len(), 1, "{audit:#?}");
    assert_eq!(rows[0]["target"], json!(ended));
    server.stop();
}
