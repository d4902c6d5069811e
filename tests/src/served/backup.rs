//! The drill: a backup of a server under load, the server lost, another one made of the backup.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::BASE;
use super::process::{PARTITIONS, Server, cadencia, post};
use crate::environment;

const JOURNEY: &str = "---
apiVersion: cadencia/v1
kind: Journey
metadata: {name: hello}
spec:
  enter: {event: Signed Up, key: event.properties.n, reentry: parallel}
  steps:
    - wait: {for: PT1H}
    - send: {channels: [{email: hello}], class: transactional, valid_for: P1D}
";
const CUSTOMERS: usize = 20;
/// Batches that are acknowledged before the backup, and at least while it is made.
const BATCHES: usize = 30;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("campaign")).expect("a folder");
        let all = folder.path().join("campaign/all.yaml");
        std::fs::write(all, format!("{BASE}{JOURNEY}")).expect("a file");
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn start(&self) -> Server {
        let campaign = self.path("campaign");
        let campaign = campaign.to_str().expect("a plain path");
        Server::start(&self.path("data"), &["--campaign", campaign, "--log", "error"])
    }
}

async fn batch(url: &str, number: usize) {
    let events: Vec<Value> = (0..CUSTOMERS)
        .map(|at| {
            json!({"type": "track", "userId": format!("c{at}"), "event": "Signed Up",
                "messageId": format!("{number}/{at}"), "properties": {"n": number}})
        })
        .collect();
    let (status, answer) = post(url, "/v1/batch", &json!({"batch": events})).await;
    assert_eq!((status, &answer["accepted"]), (200, &json!(CUSTOMERS)));
}

/// `restore` has no `--data` of the commands that talk to servers.
fn restore(file: &Path, data: &Path, more: &[&str]) -> std::process::Output {
    let mut command = environment::cadencia();
    command.arg("restore").arg(file).arg("--data").arg(data).args(more);
    command.output().expect("the binary runs")
}

fn error(output: &std::process::Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn signed_up(server: &Server, customer: &str) -> usize {
    let timeline = server.explain(customer);
    let entries = timeline["entries"].as_array().expect("entries");
    let is_event = |entry: &&Value| entry["kind"] == "event";
    entries.iter().filter(is_event).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_server_goes_on_from_its_backup() {
    let place = Place::new();
    let server = place.start();
    for number in 0..BATCHES {
        batch(&server.url, number).await;
    }
    let (ends, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(BATCHES)));
    let load = tokio::spawn({
        let (ends, sent, url) = (ends.clone(), sent.clone(), server.url.clone());
        async move {
            while !ends.load(Ordering::Acquire) {
                batch(&url, sent.load(Ordering::Acquire)).await;
                sent.fetch_add(1, Ordering::AcqRel);
            }
        }
    });
    super::process::eventually("the load runs", async || sent.load(Ordering::Acquire) > BATCHES)
        .await;
    let before = sent.load(Ordering::Acquire);
    let file = place.path("copy.cadencia");
    let name = file.to_str().expect("a plain path").to_owned();
    let made = server.json(&["backup", &name]);
    let after = sent.load(Ordering::Acquire) + 1;
    ends.store(true, Ordering::Release);
    load.await.expect("the load ends well");
    assert_eq!(made["customers"], json!(CUSTOMERS));
    assert_eq!(made["files"], json!(1));
    server.kill();

    let data = place.path("other");
    let restored = restore(&file, &data, &["-o", "json"]);
    let restored = super::process::json(&restored);
    assert_eq!(restored["paused"], json!(["hello"]));
    assert_eq!(restored["partitions"].to_string(), PARTITIONS);
    let mode = std::fs::metadata(&data).expect("the directory").permissions().mode();
    assert_eq!(mode & 0o077, 0, "only its owner may look into it: {mode:o}");
    let key = |data: &Path| std::fs::read(data.join("secrets/links.key")).expect("the secret");
    assert_eq!(key(&data), key(&place.path("data")));
    let server = Server::start(&data, &["--log", "error"]);
    let kept: Vec<usize> = (0..CUSTOMERS).map(|at| signed_up(&server, &format!("c{at}"))).collect();
    // What was acknowledged before is there; a batch that came in meanwhile, for each customer or
    // not at all, because a backup is as of one commit.
    assert!(kept.iter().all(|count| (before..=after).contains(count)), "{before} {kept:?} {after}");
    let active = |server: &Server| server.json(&["journeys", "list"])[0].clone();
    assert_eq!(active(&server)["state"], json!("paused"));
    assert_eq!(active(&server)["active"], json!(kept.iter().sum::<usize>()));
    // It takes events again, and repeats of old ones are known.
    batch(&server.url, 0).await;
    batch(&server.url, after + 1).await;
    assert_eq!(signed_up(&server, "c0"), kept[0] + 1);
    server.json(&["journeys", "resume", "hello"]);
    assert_eq!(active(&server)["state"], json!("running"));
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_backup_is_refused_and_makes_no_store() {
    let place = Place::new();
    let server = place.start();
    batch(&server.url, 0).await;
    server.stop();
    // Nobody serves it: the store itself is read.
    let file = place.path("copy.cadencia");
    let name = file.to_str().expect("a plain path");
    let made = cadencia(&place.path("data"), &["backup", name, "--partitions", PARTITIONS]);
    assert!(made.status.success(), "{made:?}");
    let whole = std::fs::read(&file).expect("the backup");
    let data = place.path("other");
    let damaged = place.path("damaged");
    for cut in [0, 1, 17, whole.len() / 2, whole.len() - 9, whole.len() - 1] {
        std::fs::write(&damaged, &whole[..cut]).expect("a file");
        let said = error(&restore(&damaged, &data, &[]));
        assert!(said.contains("damaged") || said.contains("no backup"), "{cut}: {said}");
    }
    for at in [12, whole.len() / 3, whole.len() / 2, whole.len() - 40, whole.len() - 5] {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        std::fs::write(&damaged, &bytes).expect("a file");
        let said = error(&restore(&damaged, &data, &[]));
        assert!(said.contains("damaged") || said.contains("no backup"), "{at}: {said}");
    }
    std::fs::write(&damaged, "CADENCIA BACKUP 1\n").expect("a file");
    assert!(error(&restore(&damaged, &data, &[])).contains("no backup of Cadencia"));
    let said = error(&restore(&file, &place.path("data"), &[]));
    assert!(said.contains("holds a store already"), "{said}");
    // None of that left a store; the whole one makes one, whose journeys go on.
    let restored = super::process::json(&restore(&file, &data, &["--resume", "-o", "json"]));
    assert_eq!(restored["paused"], json!([]));
    let server = Server::start(&data, &["--log", "error"]);
    assert_eq!(server.json(&["journeys", "list"])[0]["state"], json!("running"));
    assert_eq!(signed_up(&server, "c0"), 1);
}
