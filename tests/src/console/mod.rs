//! The console in Chromium: a real server, and scripts that do what a person does. A script may ask
//! for the server to be killed or started, or for time to pass, while its pages are open.

mod people;
mod proof;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cadencia::access::operation::{OPERATIONS, Operation, Shown};
use serde_json::{Value, json};

use crate::environment;
use crate::served::process::{Server, eventually};

/// Where the clock of these servers begins: an hour in which Madrid sleeps, a Monday.
const START: &str = "2026-03-02T06:00:00Z";
const PASSWORD: &str = "correct horse battery";

/// What the example shop has not: a message that would do what no message may do, and an address
/// that it would tell.
const MORE: &str = "apiVersion: cadencia/v1
kind: Template
metadata: {name: hostile}
spec:
  subject: 'For {{ customer.email }}'
  text: 'Written to {{ customer.email }}, {{ customer.first_name }}'
  html: '<body><p>Hello {{ customer.first_name }}</p><style>p {color: red}</style></body>'
---
apiVersion: cadencia/v1
kind: Journey
metadata: {name: gift}
spec:
  enter: {event: Gift Chosen, key: event.properties.contact}
  steps:
    - send: {id: gift, channels: [{email: hostile}], class: transactional, valid_for: P3D}
    - wait: {id: later, for: P1D}
---
apiVersion: cadencia/v1
kind: Template
metadata: {name: broken}
spec:
  subject: 'A part of {{ 100 | divided_by: event.properties.parts }}'
  text: 'Nothing'
---
apiVersion: cadencia/v1
kind: Journey
metadata: {name: broken}
spec:
  enter: {event: Broken}
  steps:
    - send: {id: broken, channels: [{email: broken}], class: transactional, valid_for: P3D}
---
apiVersion: cadencia/v1
kind: Channel
metadata: {name: visitors}
spec:
  audience: {folder: visitors, format: csv, identifiers: {email: email}}
---
apiVersion: cadencia/v1
kind: Journey
metadata: {name: retarget}
spec:
  enter: {event: Shown Around}
  steps: [{audience: {join: visitors, for: P14D}}]
";

/// A server with the example shop, some customers, and people who may look.
struct Site {
    folder: tempfile::TempDir,
    server: Option<Server>,
    url: String,
}

impl Site {
    /// The shop, published, with events of three customers.
    async fn open() -> Self {
        let mut site = Self::empty();
        site.publish();
        for (name, role) in [("ann", "admin"), ("olga", "operator"), ("vera", "viewer")] {
            site.user(name, role);
        }
        site.batch(events()).await;
        eventually("the messages are decided on", async || {
            let journeys = site.server().json(&["journeys", "list"]);
            let of = |name: &str| {
                let all = journeys.as_array().expect("journeys");
                all.iter().find(|one| one["name"] == name).cloned().unwrap_or_default()
            };
            // Two gifts went; the welcomes of the two who gave consent are held by night.
            of("gift")["sent"] == 2 && of("welcome")["held"] == 2 && of("welcome")["refused"] == 1
        })
        .await;
        site
    }

    /// A new server, without anything.
    fn empty() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let server = start(&folder.path().join("data"), "127.0.0.1:0");
        let url = server.url.clone();
        Self { folder, server: Some(server), url }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("it runs")
    }

    /// Publishes the example shop and more.
    fn publish(&mut self) {
        let campaign = self.path("campaign");
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../orchestrator/examples/shop");
        copy(&example, &campaign);
        std::fs::write(campaign.join("more.yaml"), MORE).expect("a file");
        self.apply();
    }

    fn apply(&self) {
        let campaign = self.path("campaign");
        self.server().json(&["apply", "--yes", campaign.to_str().expect("a plain path")]);
    }

    /// Changes a file of the campaign and applies it.
    fn change(&self, file: &str, from: &str, to: &str) {
        let path = self.path("campaign").join(file);
        let text = std::fs::read_to_string(&path).expect("text");
        assert!(text.contains(from), "{file} has no `{from}`");
        std::fs::write(&path, text.replace(from, to)).expect("a file");
        self.apply();
    }

    fn user(&self, name: &str, role: &str) {
        let file = self.path("password");
        std::fs::write(&file, PASSWORD).expect("a file");
        let file = file.to_str().expect("a plain path");
        self.server().json(&["users", "create", name, "--role", role, "--password-file", file]);
    }

    async fn batch(&self, events: Value) {
        let request = reqwest::Client::new().post(format!("{}/v1/batch", self.url));
        let answer = request.json(&json!({"batch": events})).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 200, "{}", answer.text().await.expect("text"));
    }

    /// Lets time pass until an instant.
    fn pass(&self, until: &str) {
        let file = self.path("nothing.ndjson");
        std::fs::write(&file, "").expect("a file");
        let file = file.to_str().expect("a plain path");
        self.server().json(&["import", file, "--trigger", "replay", "--until", until]);
    }

    /// Runs a script to its good end, and does what it asks for meanwhile.
    fn run(&mut self, script: &str) {
        let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/console").join(script);
        let given = json!({
            "url": self.url,
            "link": self.server().link,
            "modules": environment::node_modules(),
            "chromium": environment::chromium(),
            "password": PASSWORD,
            "forms": forms(),
            "said": cadencia::web::console::said(),
        });
        let mut child = Command::new("node")
            .arg(place)
            .arg(given.to_string())
            // The temporary files of a browser go with the test.
            .env("TMPDIR", self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node runs");
        let mut told = child.stdin.take().expect("stdin is piped");
        let said = BufReader::new(child.stdout.take().expect("stdout is piped"));
        for line in said.lines() {
            let line = line.expect("a line");
            match line.strip_prefix("ask ") {
                None => println!("{script}: {line}"),
                Some(wish) => {
                    self.grant(wish);
                    told.write_all(b"done\n").expect("it listens");
                }
            }
        }
        drop(told);
        let status = child.wait().expect("it ends");
        assert!(status.success(), "{script}: {status}");
    }

    fn grant(&mut self, wish: &str) {
        let address = self.url.strip_prefix("http://").expect("an address").to_owned();
        match wish.split_once(' ').unwrap_or((wish, "")) {
            ("kill", _) => self.server.take().expect("it runs").kill(),
            ("start", _) => self.server = Some(start(&self.path("data"), &address)),
            ("pass", until) => self.pass(until),
            ("change", _) => self.change("cart-rescue.yaml", "for: PT1H", "for: PT2H"),
            _ => panic!("nobody knows how to `{wish}`"),
        }
    }
}

/// Paths of the forms that change something, each action by itself.
fn forms() -> Vec<String> {
    let is_form = |one: &&Operation| one.shown == Shown::Page && one.writes();
    let all = OPERATIONS.iter().filter(is_form);
    all.flat_map(|one| match one.path.split_once("/{action:") {
        None => vec![one.path.to_owned()],
        Some((before, actions)) => actions
            .trim_end_matches('}')
            .split('|')
            .map(|action| format!("{before}/{action}"))
            .collect(),
    })
    .collect()
}

fn start(data: &Path, address: &str) -> Server {
    Server::start_at(data, address, &["--replay", START, "--log", "error"])
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("the example") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("a file");
        }
    }
}

/// Three customers: two gave consent, one did not; two chose gifts. And somebody whose every word
/// would be a tag.
fn events() -> Value {
    let consent = json!([{"permission": "granted"}]);
    let identify = |id: &str, at: u32, consent: &Value| {
        json!({"type": "identify", "userId": id, "messageId": format!("i{at}"), "traits": {
            "email": format!("{id}.canary@canary.example"), "first_name": "Annabella",
            "tier": "gold", "timezone": "Europe/Madrid"}, "consent": consent})
    };
    let track = |id: &str, at: u32, event: &str, properties: Value| {
        json!({"type": "track", "userId": id, "messageId": format!("t{at}"), "event": event,
            "properties": properties})
    };
    let hostile = "<img src=x onerror=alert(1)>\"'&";
    json!([
        {"type": "identify", "userId": hostile, "messageId": "h1",
            "traits": {hostile: hostile}, "consent": []},
        {"type": "track", "userId": hostile, "messageId": "h2", "event": hostile,
            "properties": {hostile: hostile}},
        identify("customer-1", 1, &consent),
        identify("customer-2", 2, &consent),
        identify("customer-3", 3, &json!([])),
        track("customer-1", 1, "Account Created", json!({})),
        track("customer-2", 2, "Account Created", json!({})),
        track("customer-3", 3, "Account Created", json!({})),
        track("customer-1", 4, "Gift Chosen", json!({"contact": "other.canary@canary.example"})),
        track("customer-2", 5, "Gift Chosen", json!({"contact": "+34 600 100 200"})),
        track("customer-1", 6, "Product Added", json!({"cart_id": "cart-1"})),
    ])
}
