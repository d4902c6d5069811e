//! The API as its description says it: the document is checked by the specification's own
//! validator, the server is fuzzed by it, and what the command line says and hears is checked
//! against it.

mod idempotency;
mod lists;

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::environment;
use crate::served::BASE;
use crate::served::process::{Server, cadencia, eventually};

/// A journey that the API enters, one that an event enters, and a segment.
const MORE: &str = "---
apiVersion: cadencia/v1
kind: Journey
metadata: {name: gift}
spec:
  enter: {api: {}, reentry: parallel}
  steps:
    - wait: {id: day, for: P1D}
    - send: {id: hello, channels: [{email: hello}], class: transactional, valid_for: P3D}
---
apiVersion: cadencia/v1
kind: Journey
metadata: {name: welcome}
spec:
  enter: {event: Signed Up, reentry: parallel}
  steps:
    - send: {id: hello, channels: [{email: hello}], class: transactional, valid_for: P3D}
---
apiVersion: cadencia/v1
kind: Segment
metadata: {name: golden}
spec: {when: 'customer.traits.tier == \"gold\"'}
";

/// A server with a campaign, and what calls it.
pub(crate) struct Api {
    folder: tempfile::TempDir,
    server: Option<Server>,
    http: reqwest::Client,
}

impl Api {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let campaign = folder.path().join("campaign");
        std::fs::create_dir(&campaign).expect("a folder");
        std::fs::write(campaign.join("all.yaml"), format!("{BASE}{MORE}")).expect("a file");
        let mut api = Self { folder, server: None, http: client() };
        api.start();
        api
    }

    /// Its definitions.
    pub(crate) fn campaign(&self) -> String {
        format!("{BASE}{MORE}")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start(&mut self) {
        let campaign = self.path("campaign").display().to_string();
        let arguments = ["--campaign", campaign.as_str(), "--log", "error"];
        self.server = Some(Server::start(&self.path("data"), &arguments));
    }

    /// Ends it as a power cut would, and starts it again.
    pub(crate) fn crash(&mut self) {
        self.server.take().expect("it runs").kill();
        self.start();
    }

    pub(crate) fn server(&self) -> &Server {
        self.server.as_ref().expect("it runs")
    }

    /// A token with these scopes.
    pub(crate) fn token(&self, scopes: &[&str]) -> String {
        let mut all = vec!["tokens", "create", "test"];
        all.extend(scopes.iter().flat_map(|scope| ["--scope", *scope]));
        let made = self.server().json(&all);
        made["secret"].as_str().expect("a secret").to_owned()
    }

    /// A token that may do everything.
    pub(crate) fn master(&self) -> String {
        self.token(&["read", "personal", "define", "operate", "manage", "ingest"])
    }

    pub(crate) fn request(&self, method: &str, path: &str, token: &str) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        self.http.request(method, format!("{}{path}", self.server().url)).bearer_auth(token)
    }

    /// Status and JSON of a GET.
    pub(crate) async fn get(&self, path: &str, token: &str) -> (u16, Value) {
        answer(self.request("GET", path, token)).await
    }

    /// Customers with an e-mail address who sign up, every third of them golden.
    pub(crate) async fn sign_up(&self, customers: u32) {
        let calls = (0..customers).flat_map(|number| {
            let id = format!("shopper-{number}");
            let tier = if number % 3 == 0 { "gold" } else { "plain" };
            [
                json!({"type": "identify", "userId": id, "messageId": format!("i{number}"),
                    "traits": {"email": format!("{id}@example.com"), "tier": tier}}),
                json!({"type": "track", "userId": id, "messageId": format!("t{number}"),
                    "event": "Signed Up"}),
            ]
        });
        let body = json!({"batch": calls.collect::<Vec<_>>()});
        let request = self.http.post(format!("{}/v1/batch", self.server().url)).json(&body);
        let (status, answer) = answer(request).await;
        assert_eq!(status, 200, "{answer}");
    }
}

/// Keeps no connection: while a test waits for a command it would not see that one is closed.
fn client() -> reqwest::Client {
    reqwest::Client::builder().pool_max_idle_per_host(0).build().expect("a client")
}

/// Status and JSON of an answer.
pub(crate) async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    (status, answer.json().await.expect("JSON"))
}

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api").join(name)
}

fn document() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../orchestrator/docs/reference/openapi.json")
}

#[track_caller]
fn passes(output: &Output) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, error) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{}\n{out}\n{error}", output.status);
}

#[test]
fn the_document_is_openapi() {
    let checked = Command::new(environment::python())
        .args(["-m", "openapi_spec_validator"])
        .arg(document())
        .output();
    passes(&checked.expect("the validator runs"));
}

#[tokio::test]
async fn the_served_document_is_the_one_of_the_reference() {
    let api = Api::new();
    let served = api.http.get(format!("{}/openapi.json", api.server().url));
    let (status, served) = answer(served).await;
    let kept: Value =
        serde_json::from_slice(&std::fs::read(document()).expect("a file")).expect("JSON");
    assert_eq!(status, 200);
    assert_eq!(served, kept, "write it again with `cadencia reference`");
}

/// Examples, coverage, fuzzing and chains of requests: no answer that the document does not
/// describe, none of ours is a mistake, nothing is taken that does not fit.
fn fuzz(api: &Api, phases: &str, examples: u32, more: &[&str]) {
    let token = api.master();
    let output = Command::new(environment::python().with_file_name("schemathesis"))
        .arg("--config-file")
        .arg(here("schemathesis.toml"))
        .args(["run", &format!("{}/openapi.json", api.server().url)])
        .args(["-H", &format!("Authorization: Bearer {token}")])
        .args(["--phases", phases, "--no-color", "--seed", "7"])
        .args(["--max-examples", &examples.to_string()])
        .args(more)
        .current_dir(api.folder.path())
        .output();
    let output = output.expect("schemathesis runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(api.server().ended(), None, "the server goes on");
    passes(&output);
    assert!(text.contains("✅ Coverage") && text.contains("✅ Fuzzing"), "{text}");
    let cases = text.lines().find(|line| line.contains("generated"));
    eprintln!("{}", cases.expect("it says what it did").trim());
}

#[tokio::test]
async fn the_server_does_as_its_document_says() {
    let api = Api::new();
    api.sign_up(30).await;
    // With these the token of the test would soon be good no more: see the next test.
    let others = ["--exclude-operation-id", "revokeToken", "--exclude-operation-id", "rotateToken"];
    fuzz(&api, "examples,coverage,fuzzing,stateful", 20, &others);
    // It still does its work.
    let token = api.master();
    let (status, page) = api.get("/api/v1/sends?limit=500&customer=shopper-7", &token).await;
    assert_eq!((status, page["items"].as_array().map(Vec::len)), (200, Some(1)), "{page}");
}

#[test]
fn rotating_and_revoking_tokens_does_as_the_document_says() {
    let api = Api::new();
    for one in ["rotateToken", "revokeToken"] {
        // A chain of requests needs more than one operation.
        fuzz(&api, "examples,coverage,fuzzing", 20, &["--include-operation-id", one]);
    }
}

/// Commands, each of which talks to a server, with what they need before.
const COMMANDS: [&[&str]; 39] = [
    &["journeys", "list"],
    &["journeys", "pause", "gift"],
    &["journeys", "resume", "gift"],
    &["plan", "CAMPAIGN"],
    &["apply", "--yes", "CAMPAIGN"],
    &["explain", "--customer", "shopper-1"],
    &["explain", "--customer", "shopper 1/ä?", "--rows", "7"],
    &["customers", "unsuppress", "shopper-1", "--channel", "email"],
    &["sends", "list"],
    &["sends", "list", "--state", "accepted,held", "--limit", "7", "--journey", "welcome"],
    &["sends", "list", "--rule", "a b&c", "--from", "2026-01-01T00:00:00+01:00"],
    &["sends", "list", "--customer", "shopper-3"],
    &["sends", "show", "SEND"],
    &["sends", "show", "00000000000000000000000000000000"],
    &["sends", "redrive", "SEND"],
    &["sends", "redrive", "SEND", "--even-if-it-may-have-arrived"],
    &["tokens", "list"],
    &["tokens", "create", "web", "--kind", "write-key"],
    &["tokens", "create", "shop", "--scope", "read", "--expires", "P9D"],
    &["tokens", "rotate", "0011223344556677"],
    &["tokens", "revoke", "0011223344556677"],
    &["users", "list"],
    &["users", "create", "ann", "--role", "viewer"],
    &["users", "create", "ann", "--role", "viewer"],
    &["users", "set-role", "ann", "operator"],
    &["users", "set-password", "ann"],
    &["users", "disable", "ann"],
    &["users", "enable", "nobody"],
    &["users", "delete", "ann"],
    &["users", "delete", "nobody"],
    &["audit"],
    &["audit", "--rows", "2", "--before", "5"],
    &["send-test", "me@shop.example", "--template", "hello", "--channel", "email"],
    &["send-test", "me@shop.example", "--template", "none", "--channel", "email"],
    &["import", "EVENTS"],
    &["audiences", "list"],
    &["audiences", "members", "none", "--limit", "7"],
    &["audiences", "export", "none"],
    &["journeys", "stop", "gift"],
];

/// Everything that goes over the control socket is written down on its way.
#[tokio::test]
async fn the_command_line_says_and_hears_what_the_document_describes() {
    let api = Api::new();
    api.sign_up(10).await;
    let events = api.path("events.ndjson");
    let line = json!({"type": "track", "userId": "ann", "event": "Seen", "messageId": "m",
        "timestamp": "2026-03-01T00:00:00Z"});
    std::fs::write(&events, format!("{line}\n")).expect("a file");
    let send = api.server().json(&["sends", "list", "--limit", "1"])[0]["send"].clone();
    let send = send.as_str().expect("a send").to_owned();
    let heard = Recorder::start(&api.path("data"), &api.path("recorded"));
    let (campaign, events) =
        (api.path("campaign").display().to_string(), events.display().to_string());
    for command in COMMANDS {
        let command: Vec<&str> = command
            .iter()
            .map(|word| match *word {
                "CAMPAIGN" => campaign.as_str(),
                "EVENTS" => events.as_str(),
                "SEND" => send.as_str(),
                word => word,
            })
            .collect();
        let output = cadencia(&api.path("recorded"), &command);
        let code = output.status.code().expect("it ends by itself");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(code == 0 || code == 1, "{command:?} ended with {code}: {error}");
    }
    // What a command said is kept when its connection has ended, which may be a little later.
    eventually("everything was heard", async || heard.count() >= COMMANDS.len()).await;
    let heard = heard.take();
    assert!(heard.len() >= COMMANDS.len(), "{}", heard.len());
    let file = api.path("heard.json");
    std::fs::write(&file, json!(heard).to_string()).expect("a file");
    let checked = Command::new(environment::python())
        .arg(here("conforms.py"))
        .args([document(), file])
        .output();
    let checked = checked.expect("python runs");
    passes(&checked);
    eprintln!("{}", String::from_utf8_lossy(&checked.stdout).trim());
}

/// A control socket that hands everything on to the real one and keeps a copy.
struct Recorder {
    heard: Arc<Mutex<Vec<Value>>>,
}

impl Recorder {
    fn start(data: &Path, folder: &Path) -> Self {
        std::fs::create_dir(folder).expect("a folder");
        let listener = UnixListener::bind(folder.join("control.sock")).expect("a socket");
        let heard: Arc<Mutex<Vec<Value>>> = Arc::default();
        let (kept, real) = (heard.clone(), data.join("control.sock"));
        // It ends with the process: nobody connects any more.
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let (kept, real) = (kept.clone(), real.clone());
                std::thread::spawn(move || {
                    let connection = connection.expect("a connection");
                    let exchange = hand_on(connection, &real);
                    kept.lock().expect("no panic").extend(exchange);
                });
            }
        });
        Self { heard }
    }

    fn count(&self) -> usize {
        self.heard.lock().expect("no panic").len()
    }

    fn take(self) -> Vec<Value> {
        std::mem::take(&mut self.heard.lock().expect("no panic"))
    }
}

/// Hands requests and answers on, one after the other, until the client goes.
fn hand_on(mut client: UnixStream, real: &Path) -> Vec<Value> {
    let mut server = UnixStream::connect(real).expect("the server listens");
    let mut all = Vec::new();
    while let Some((head, body)) = message(&mut client, &mut server) {
        let (answer, answer_body) = message(&mut server, &mut client).expect("an answer");
        let mut line = head.lines().next().unwrap_or_default().split(' ');
        let (method, path) = (line.next(), line.next());
        let status: Option<u16> = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        all.push(json!({
            "method": method, "path": path, "type": field(&head, "content-type"),
            "body": String::from_utf8_lossy(&body), "status": status,
            "answer_type": field(&answer, "content-type"),
            "answer": String::from_utf8_lossy(&answer_body),
        }));
    }
    all
}

fn field(head: &str, name: &str) -> Option<String> {
    head.lines().find_map(|line| {
        let (field, value) = line.split_once(':')?;
        field.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}

/// One HTTP message, handed on as it comes.
fn message(from: &mut UnixStream, to: &mut UnixStream) -> Option<(String, Vec<u8>)> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if from.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    to.write_all(&head).expect("the other side listens");
    let head = String::from_utf8(head).expect("a head in ASCII");
    assert!(field(&head, "transfer-encoding").is_none(), "lengths are known: {head}");
    let length =
        field(&head, "content-length").map_or(0, |length| length.parse().expect("a number"));
    let mut body = vec![0; length];
    from.read_exact(&mut body).expect("a whole body");
    to.write_all(&body).expect("the other side listens");
    Some((head, body))
}
