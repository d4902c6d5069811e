//! Traces, logs and metrics of the real server, read back from a real collector, and `/metrics`
//! through Prometheus' own parser.

mod again;
mod cloud_events;
mod collector;
mod events;
mod failures;
mod merge;
mod path;
mod peer;
mod private;
mod reports;
mod scrape;
mod transport;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::served::process::{Server, post};

use self::collector::Collector;

/// When the clock of these servers begins.
const START: &str = "2026-03-02T10:00:00Z";

/// A policy without rules, a channel that keeps its messages or another one, and a journey that
/// writes, waits for two days, and writes again.
fn campaign(channel: &str) -> String {
    format!(
        "apiVersion: cadencia/v1
kind: ContactPolicy
metadata: {{name: open}}
spec: {{fallback_zone: UTC, rules: []}}
---
apiVersion: cadencia/v1
kind: Channel
metadata: {{name: email}}
spec: {{{channel}}}
---
apiVersion: cadencia/v1
kind: Template
metadata: {{name: hello}}
spec: {{subject: Hello, text: Hello}}
---
apiVersion: cadencia/v1
kind: Journey
metadata: {{name: hello}}
spec:
  enter: {{event: Signed Up}}
  steps:
    - send: {{id: first, channels: [{{email: hello}}], class: transactional, valid_for: P1D}}
    - wait: {{for: P2D}}
    - send: {{id: second, channels: [{{email: hello}}], class: transactional, valid_for: P1D}}
"
    )
}

/// A server that exports, on a clock that stands until an import moves it.
struct Exporting {
    folder: tempfile::TempDir,
}

impl Exporting {
    fn new(channel: &str, settings: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let site = Self { folder };
        std::fs::create_dir(site.path("campaign")).expect("a folder");
        std::fs::write(site.path("campaign/all.yaml"), campaign(channel)).expect("a file");
        std::fs::write(site.path("settings.yaml"), settings).expect("a file");
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("a plain path").to_owned()
    }

    /// Starts it; its log goes to the file `log`.
    fn serve(&self, level: &str) -> Server {
        let (campaign, settings) = (self.text("campaign"), self.text("settings.yaml"));
        let arguments =
            ["--campaign", &campaign, "--config", &settings, "--replay", START, "--log", level];
        Server::start_logging(&self.path("data"), &self.path("log"), &arguments)
    }

    /// Moves the clock to an instant, at which somebody else is seen.
    fn advance(&self, server: &Server, to: &str) {
        let line = json!({"type": "track", "userId": "somebody", "event": "Seen",
            "messageId": to, "timestamp": to});
        let file = self.path("later.ndjson");
        std::fs::write(&file, format!("{line}\n")).expect("a file");
        let file = file.to_str().expect("a plain path");
        let output = server.command(&["import", file, "--trigger", "replay"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn settings(collector: &Collector, protocol: &str, more: &str) -> String {
    let port = if protocol == "grpc" { collector.grpc } else { collector.http };
    format!(
        "telemetry:\n  endpoint: http://127.0.0.1:{port}\n  protocol: {protocol}\n  \
         metrics_seconds: 1\n{more}"
    )
}

/// Somebody signs up, with an address.
async fn sign_up(server: &Server, customer: &str, address: &str) {
    let batch = json!({"batch": [
        {"type": "identify", "userId": customer, "messageId": format!("{customer}/1"),
            "traits": {"email": address}},
        {"type": "track", "userId": customer, "messageId": format!("{customer}/2"),
            "event": "Signed Up"},
    ]});
    let (status, answer) = post(&server.url, "/v1/batch", &batch).await;
    assert_eq!((status, &answer["accepted"]), (200, &json!(2)), "{answer}");
}

/// A script of this folder, given a text, and the JSON that it prints.
fn python(script: &str, arguments: &[&str], given: &str) -> Value {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/telemetry").join(script);
    let mut child = Command::new(crate::environment::python())
        .arg(path)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the Python of the tests runs");
    let mut input = child.stdin.take().expect("stdin is piped");
    input.write_all(given.as_bytes()).expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{script} {arguments:?} refused\n{given}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}
