//! A running server, told what to do by the command line.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::BASE;
use super::process::{Server, cadencia};

const START: &str = "2026-03-02T06:00:00Z";

fn journey(name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: cadencia/v1\nkind: Journey\nmetadata: {{name: {name}}}\nspec:\n{spec}"
    )
}

const SEND: &str =
    "    - send: {id: hello, channels: [{email: hello}], class: transactional, valid_for: P3D}\n";

fn welcome(wait: &str) -> String {
    let enter = "  enter: {event: Signed Up}\n  steps:\n    - wait: {id: pause, for: ";
    journey("welcome", &format!("{enter}{wait}}}\n{SEND}"))
}

/// A server on a replayed clock, with a campaign directory to change.
struct Bench {
    folder: tempfile::TempDir,
    server: Option<Server>,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("campaign")).expect("a folder");
        let mut bench = Self { folder, server: None };
        bench.restart();
        bench
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn campaign(&self) -> String {
        self.folder.path().join("campaign").to_str().expect("a plain path").to_owned()
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("it runs")
    }

    fn restart(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
        }
        self.server = Some(Server::start(&self.data(), &["--replay", START, "--log", "error"]));
    }

    fn write(&self, journeys: &[String]) {
        let text = format!("{BASE}{}", journeys.concat());
        std::fs::write(Path::new(&self.campaign()).join("all.yaml"), text).expect("a file");
    }

    fn plan(&self) -> Value {
        self.server().json(&["plan", &self.campaign()])
    }

    fn apply(&self, journeys: &[String]) -> Value {
        self.write(journeys);
        self.server().json(&["apply", "--yes", &self.campaign()])
    }

    /// Replays events (seconds after the start, customer, name), then runs on to an instant.
    fn replay(&self, events: &[(i64, &str, &str)], until: &str) {
        let start = domain::time::Instant::parse(START).expect("an instant");
        let lines = events.iter().map(|(at, customer, name)| {
            let at = start.plus_ms(at * 1_000).to_string();
            let line = match *name {
                "identify" => json!({"type": "identify", "userId": customer, "timestamp": at,
                    "messageId": format!("{customer}/{at}"),
                    "traits": {"email": format!("{customer}@example.com")}}),
                name => json!({"type": "track", "userId": customer, "timestamp": at,
                    "messageId": format!("{customer}/{name}/{at}"), "event": name}),
            };
            format!("{line}\n")
        });
        let file = self.folder.path().join("events.ndjson");
        std::fs::write(&file, lines.collect::<String>()).expect("a file");
        let file = file.to_str().expect("a plain path");
        let all = ["import", file, "--trigger", "replay", "--until", until];
        self.server().json(&all);
    }

    fn journey(&self, name: &str) -> Value {
        let all = self.server().json(&["journeys", "list"]);
        let all = all.as_array().expect("a list");
        all.iter().find(|state| state["name"] == name).expect("the journey").clone()
    }

    fn counts(&self, name: &str) -> (i64, i64, i64) {
        let state = self.journey(name);
        let count = |key: &str| state[key].as_i64().expect("a count");
        (count("entered"), count("active"), count("sent"))
    }
}

#[test]
fn a_plan_says_who_stays_and_who_moves_and_an_apply_does_it() {
    let bench = Bench::new();
    bench.write(&[welcome("P1D")]);
    let plan = bench.plan();
    assert_eq!(plan["changes"].as_array().expect("changes").len(), 4);
    bench.apply(&[welcome("P1D")]);
    assert_eq!(bench.plan()["changes"], json!([]));
    bench.replay(&[(1, "ann", "identify"), (2, "ann", "Signed Up")], "2026-03-02T12:00:00Z");
    bench.write(&[welcome("P2D")]);
    let plan = bench.plan();
    let change = &plan["changes"][0];
    assert_eq!(change["change"], "changed");
    assert_eq!(change["fields"][0]["path"], "spec.steps[0].wait.for");
    let flight = json!({"version": 0, "step": "pause", "enrollments": 1, "migrates_to": null});
    assert_eq!(change["in_flight"], json!([flight]));
    bench.apply(&[welcome("P2D")]);
    bench.replay(
        &[(30_000, "bob", "identify"), (30_001, "bob", "Signed Up")],
        "2026-03-03T07:00:00Z",
    );
    // Ann is on the version that she entered: her day is over. Bob waits two.
    assert_eq!(bench.counts("welcome"), (2, 1, 1));
    bench.replay(&[], "2026-03-05T00:00:00Z");
    assert_eq!(bench.counts("welcome"), (2, 0, 2));
}

#[test]
fn a_pause_holds_everything_and_a_resume_lets_it_go_on() {
    let mut bench = Bench::new();
    bench.apply(&[welcome("P1D")]);
    bench.replay(&[(1, "ann", "identify"), (2, "ann", "Signed Up")], "2026-03-02T12:00:00Z");
    bench.server().json(&["journeys", "pause", "welcome"]);
    assert_eq!(bench.journey("welcome")["state"], "paused");
    bench.replay(
        &[(40_000, "bob", "identify"), (40_001, "bob", "Signed Up")],
        "2026-03-04T00:00:00Z",
    );
    assert_eq!(bench.counts("welcome"), (1, 1, 0), "nobody enters and nothing goes");
    // A pause is durable.
    bench.restart();
    assert_eq!(bench.journey("welcome")["state"], "paused");
    bench.replay(&[], "2026-03-04T06:00:00Z");
    assert_eq!(bench.counts("welcome"), (1, 1, 0));
    bench.server().json(&["journeys", "resume", "welcome"]);
    bench.replay(&[], "2026-03-04T06:00:01Z");
    assert_eq!(bench.counts("welcome"), (1, 0, 1), "what was due in the pause goes on resume");
    let bob = bench.server().explain("bob").to_string();
    assert!(bob.contains("paused"), "why Bob did not enter: {bob}");
}

#[test]
fn a_stop_ends_everybody() {
    let bench = Bench::new();
    bench.apply(&[welcome("P1D")]);
    bench.replay(&[(1, "ann", "identify"), (2, "ann", "Signed Up")], "2026-03-02T12:00:00Z");
    bench.server().json(&["journeys", "stop", "welcome"]);
    bench.replay(&[], "2026-03-05T00:00:00Z");
    assert_eq!(bench.counts("welcome"), (1, 0, 0));
}

#[test]
fn schedules_tick_for_everybody_once_also_across_a_restart() {
    let mut bench = Bench::new();
    let people: Vec<String> = (0..40).map(|at| format!("c{at}")).collect();
    let events: Vec<(i64, &str, &str)> =
        people.iter().map(|name| (1, name.as_str(), "identify")).collect();
    let daily = journey(
        "daily",
        &format!("  enter: {{schedule: {{cron: '0 9 * * *', zone: UTC}}}}\n  steps:\n{SEND}"),
    );
    let once = journey(
        "once",
        &format!(
            "  enter: {{schedule: {{once: '2026-03-03T10:00:00', zone: UTC}}}}\n  steps:\n{SEND}"
        ),
    );
    bench.apply(&[daily, once]);
    bench.replay(&events, "2026-03-02T08:59:59Z");
    assert_eq!(bench.counts("daily"), (0, 0, 0));
    bench.replay(&[], "2026-03-02T09:00:00Z");
    assert_eq!(bench.counts("daily"), (40, 0, 40));
    bench.restart();
    bench.replay(&[], "2026-03-03T08:00:00Z");
    assert_eq!(bench.counts("daily"), (40, 0, 40), "a tick is not repeated by a restart");
    bench.replay(&[], "2026-03-04T08:00:00Z");
    assert_eq!(bench.counts("daily"), (80, 0, 80));
    assert_eq!(bench.counts("once"), (40, 0, 40));
}

#[test]
fn recorded_events_set_off_nothing_unless_told_to() {
    let bench = Bench::new();
    bench.apply(&[welcome("P1D")]);
    let file = bench.folder.path().join("past.ndjson");
    let line = |n: u32| {
        json!({"type": "track", "userId": "ann", "event": "Signed Up", "messageId": format!("m{n}"),
            "timestamp": "2026-03-01T00:00:00Z"})
    };
    let text = format!("{}\n{}\nnot json\n{}\n", line(1), line(2), line(1));
    std::fs::write(&file, text).expect("a file");
    let output = bench.server().command(&["import", file.to_str().expect("a plain path")]);
    assert_eq!(output.status.code(), Some(1), "one line is bad");
    let rejects = bench.folder.path().join("past.ndjson.rejects.ndjson");
    let rejects = std::fs::read_to_string(rejects).expect("the rejects");
    assert!(rejects.contains("\"line\":3"), "{rejects}");
    assert_eq!(bench.counts("welcome"), (0, 0, 0));
    let entries = bench.server().explain("ann")["entries"].as_array().expect("entries").len();
    assert_eq!(entries, 2, "each message counts once");
}

#[test]
fn a_journey_is_entered_by_the_api_only_where_it_says_so() {
    let bench = Bench::new();
    let by_api = journey("gift", &format!("  enter: {{api: {{}}}}\n  steps:\n{SEND}"));
    bench.apply(&[by_api, welcome("P1D")]);
    bench.replay(&[(1, "ann", "identify")], "2026-03-02T12:00:00Z");
    let enroll = |journey: &str, properties: &str| {
        let all = ["journeys", "enroll", journey, "--customer", "ann", "--properties", properties];
        bench.server().command(&all)
    };
    let output = enroll("gift", "{\"colour\": \"red\"}");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    bench.replay(&[], "2026-03-02T12:00:01Z");
    assert_eq!(bench.counts("gift"), (1, 0, 1));
    let before = bench.server().json(&["audit"]);
    bench.server().json(&["journeys", "stop", "gift"]);
    let refused = enroll("gift", "{}");
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && text.contains("`gift` is stopped"), "{text}");
    bench.server().json(&["journeys", "resume", "gift"]);
    let rows = bench.server().json(&["audit"]).as_array().map(Vec::len);
    assert_eq!(rows, before.as_array().map(|rows| rows.len() + 2), "what was refused has no row");
    for (journey, properties, expected) in [
        ("welcome", "{}", "is not entered by the API"),
        ("nothing", "{}", "no journey `nothing` is published"),
        ("gift", "[]", "not an object"),
        ("gift", "{", "--properties"),
    ] {
        let output = enroll(journey, properties);
        assert!(!output.status.success(), "{journey} {properties}");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains(expected), "{journey} {properties}: {text}");
    }
}

#[test]
fn commands_say_what_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let none = cadencia(folder.path(), &["journeys", "list"]);
    assert_eq!(none.status.code(), Some(3));
    let text = String::from_utf8_lossy(&none.stderr).into_owned();
    assert!(text.contains("no server runs on"), "{text}");
    let bench = Bench::new();
    let unknown = bench.server().command(&["journeys", "pause", "nothing"]);
    let text = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(text.contains("no journey `nothing` is published"), "{text}");
    bench.write(&[journey("broken", "  enter: {event: X}\n  steps: [{sned: {}}]\n")]);
    let broken = bench.server().command(&["apply", "--yes", &bench.campaign()]);
    assert_eq!(broken.status.code(), Some(1));
    let text = String::from_utf8_lossy(&broken.stderr).into_owned();
    assert!(text.contains("all.yaml:"), "{text}");
}
