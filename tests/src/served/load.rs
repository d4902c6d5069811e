//! The server under load on the machine's clock, killed again and again: what was acknowledged is
//! there, once, and its message went at most once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use runtime::Clock;
use serde_json::{Value, json};

use super::mail::{END, arrived};
use super::process::{Server, eventually, sends};
use crate::channels::peers::Sink;
use crate::environment;

const KILLS: usize = 13;
const CUSTOMERS: usize = 24;
const SENDERS: usize = 4;
const BATCH: usize = 8;
/// Batches that are acknowledged between two kills.
const BATCHES_PER_KILL: usize = 12;
const SLOTS: usize = 4;
const LOOK_MS: u64 = 2;

fn campaign(folder: &Path, port: u16) {
    let text = format!(
        "apiVersion: cadencia/v1
kind: ContactPolicy
metadata: {{name: open}}
spec: {{fallback_zone: UTC, rules: []}}
---
apiVersion: cadencia/v1
kind: Channel
metadata: {{name: email}}
spec:
  smtp:
    {{host: 127.0.0.1, port: {port}, tls: none, slots: {SLOTS}, from: shop@example.com,
     message_id_domain: example.com}}
---
apiVersion: cadencia/v1
kind: Template
metadata: {{name: hello}}
spec: {{subject: Hello, text: '{END}'}}
---
apiVersion: cadencia/v1
kind: Journey
metadata: {{name: hello}}
spec:
  enter: {{event: Signed Up, key: event.properties.n, reentry: parallel}}
  steps:
    - send: {{channels: [{{email: hello}}], class: marketing, topic: news, valid_for: P1D}}
"
    );
    std::fs::write(folder.join("all.yaml"), text).expect("a file");
}

/// What the senders share: where the server is now, and what it has acknowledged.
struct Shared {
    url: Mutex<String>,
    acknowledged: Mutex<BTreeMap<String, BTreeSet<usize>>>,
    batches: AtomicUsize,
    wanted: usize,
}

/// Sends batches until enough are acknowledged; each is repeated until it is, as clients do.
async fn sender(shared: Arc<Shared>, number: usize) {
    let http = reqwest::Client::new();
    let clock = Clock::system();
    for round in 0.. {
        if shared.batches.load(Ordering::Acquire) >= shared.wanted {
            return;
        }
        let items: Vec<(String, usize)> = (0..BATCH)
            .map(|at| {
                let n = (round * SENDERS + number) * BATCH + at;
                (format!("c{}", n % CUSTOMERS), n)
            })
            .collect();
        let batch: Vec<Value> = items
            .iter()
            .map(|(customer, n)| {
                json!({"type": "track", "userId": customer, "event": "Signed Up",
                    "messageId": format!("m{n}"), "properties": {"n": n}})
            })
            .collect();
        let body = json!({"batch": batch});
        loop {
            let url = shared.url.lock().expect("lock").clone();
            let answer = http.post(format!("{url}/v1/batch")).json(&body).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                break;
            }
            clock.sleep(LOOK_MS).await;
        }
        let mut acknowledged = shared.acknowledged.lock().expect("lock");
        for (customer, n) in items {
            acknowledged.entry(customer).or_default().insert(n);
        }
        shared.batches.fetch_add(1, Ordering::AcqRel);
    }
}

async fn introduce(url: &str) {
    let people: Vec<Value> = (0..CUSTOMERS)
        .map(|at| {
            json!({"type": "identify", "userId": format!("c{at}"), "messageId": format!("i{at}"),
                "traits": {"email": format!("c{at}@example.com")},
                "consent": [{"channel": "email", "permission": "granted"}]})
        })
        .collect();
    let request = reqwest::Client::new().post(format!("{url}/v1/batch"));
    let answer = request.json(&json!({"batch": people})).send().await.expect("an answer");
    assert!(answer.status().is_success(), "{:?}", answer.text().await);
}

/// Numbers of the events that a timeline shows.
fn events(timeline: &Value) -> Vec<usize> {
    let entries = timeline["entries"].as_array().expect("entries");
    let number = |entry: &Value| {
        let text = entry["text"].as_str()?;
        let (_, rest) = text.split_once("n=")?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    entries.iter().filter(|entry| entry["kind"] == "event").filter_map(number).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_every_kill_exactly_once() {
    let kills = environment::kills().unwrap_or(KILLS);
    let sink = Sink::start(&[]).await;
    let folder = tempfile::tempdir().expect("a folder");
    let (files, data) = (folder.path().join("campaign"), folder.path().join("data"));
    std::fs::create_dir(&files).expect("a folder");
    campaign(&files, sink.port);
    let arguments = ["--campaign", files.to_str().expect("a plain path"), "--log", "error"];
    let mut server = Server::start(&data, &arguments);
    introduce(&server.url).await;
    let shared = Arc::new(Shared {
        url: Mutex::new(server.url.clone()),
        acknowledged: Mutex::default(),
        batches: AtomicUsize::new(0),
        wanted: (kills + 1) * BATCHES_PER_KILL,
    });
    let senders: Vec<_> =
        (0..SENDERS).map(|number| tokio::spawn(sender(shared.clone(), number))).collect();
    for kill in 1..=kills {
        let jitter = domain::hash::text(&format!("kill {kill}")) as usize % BATCHES_PER_KILL;
        let wanted = (kill - 1) * BATCHES_PER_KILL + jitter;
        eventually("the next batches are acknowledged", async || {
            shared.batches.load(Ordering::Acquire) >= wanted
        })
        .await;
        server.kill();
        server = Server::start(&data, &arguments);
        *shared.url.lock().expect("lock") = server.url.clone();
    }
    for sender in senders {
        sender.await.expect("a sender ends");
    }
    settled(&server).await;
    check(&server, &shared, &sink, kills);
    server.stop();
}

/// Until every message has its outcome.
async fn settled(server: &Server) {
    eventually("every enrollment ends", async || {
        server.json(&["journeys", "list"])[0]["active"] == 0
    })
    .await;
    for at in 0..CUSTOMERS {
        eventually("every message has its outcome", async || {
            let sends = sends(&server.explain(&format!("c{at}")));
            sends.iter().all(|(kind, _)| kind != "in_flight")
        })
        .await;
    }
}

fn check(server: &Server, shared: &Shared, sink: &Sink, kills: usize) {
    let arrived = arrived(sink);
    let twice: Vec<_> = arrived.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "sent twice: {twice:?}");
    let (mut total, mut unknown) = (0, 0);
    let acknowledged = shared.acknowledged.lock().expect("lock");
    for (customer, wanted) in &*acknowledged {
        let timeline = server.explain(customer);
        let seen = events(&timeline);
        let once: BTreeSet<usize> = seen.iter().copied().collect();
        assert_eq!(seen.len(), once.len(), "{customer}: an event was applied twice");
        let lost: Vec<_> = wanted.difference(&once).collect();
        assert!(lost.is_empty(), "{customer}: acknowledged and lost: {lost:?}");
        let ledger = sends(&timeline);
        assert_eq!(ledger.len(), once.len(), "{customer}: one message for each event");
        for (state, id) in ledger {
            match state.as_str() {
                "accepted" => assert!(arrived.contains_key(&id), "{customer}: {id} is not there"),
                "unknown" => unknown += 1,
                other => panic!("{customer}: {id} is {other}"),
            }
        }
        total += once.len();
    }
    assert!(unknown <= kills * SLOTS, "{unknown} unknown after {kills} kills");
    eprintln!("{kills} kills: {total} events, none lost; {unknown} messages unknown");
}
