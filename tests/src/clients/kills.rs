//! An application goes on while the server is killed and started again: its library repeats what
//! got no answer, and everything arrives once.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::{WRITE_KEY, script};
use crate::environment;
use crate::served::BASE;
use crate::served::process::{Server, eventually};

/// Events of one run; each makes one message.
const EVENTS: usize = 300;
/// Customers that they are of.
const CUSTOMERS: usize = 10;
/// Kills in the middle of it.
const KILLS: usize = 4;

const JOURNEY: &str = "---
apiVersion: cadencia/v1
kind: Journey
metadata: {name: receipt}
spec:
  enter: {event: Order Completed, reentry: parallel}
  steps: [{send: {channels: [{email: hello}], class: transactional, delivery: at_most_once}}]
";

struct Place {
    folder: tempfile::TempDir,
    address: String,
}

impl Place {
    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn start(&self) -> Server {
        let (campaign, config) = (self.path("campaign"), self.path("cadencia.yaml"));
        let arguments = ["--campaign", campaign.as_str(), "--config", config.as_str()];
        Server::start_at(Path::new(&self.path("data")), &self.address, &arguments)
    }
}

fn place() -> Place {
    let folder = tempfile::tempdir().expect("a folder");
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = port.local_addr().expect("an address").to_string();
    let place = Place { folder, address };
    std::fs::create_dir(place.path("campaign")).expect("a folder");
    std::fs::write(place.path("campaign/shop.yaml"), format!("{BASE}{JOURNEY}")).expect("a file");
    let settings = format!("write_keys: [{WRITE_KEY}]\nlog: {{filter: error}}\n");
    std::fs::write(place.path("cadencia.yaml"), settings).expect("a file");
    place
}

/// Numbers of the orders in all timelines, with how often each is there; and the messages.
fn arrived(server: &Server) -> (BTreeMap<String, usize>, usize) {
    let (mut orders, mut messages) = (BTreeMap::new(), 0);
    for customer in 0..CUSTOMERS {
        let output =
            server.command(&["explain", "--customer", &format!("long-{customer}"), "-o", "json"]);
        // Nobody has heard of her yet.
        let Ok(timeline) = serde_json::from_slice::<Value>(&output.stdout) else { continue };
        for entry in timeline["entries"].as_array().expect("entries") {
            let text = entry["text"].as_str().expect("a text");
            if let Some(order) = text.strip_prefix("Order Completed ") {
                *orders.entry(order.to_owned()).or_default() += 1;
            }
            messages += usize::from(entry["kind"] == "sent");
        }
    }
    (orders, messages)
}

async fn goes_on(mut application: impl FnMut(&Place) -> Child) {
    let place = place();
    let mut server = place.start();
    for customer in 0..CUSTOMERS {
        let who = format!("long-{customer}");
        let identify = serde_json::json!({"userId": who, "writeKey": WRITE_KEY,
            "traits": {"email": format!("{who}@example.com")}});
        let (status, answer) =
            crate::served::process::post(&server.url, "/v1/identify", &identify).await;
        assert_eq!(status, 200, "{answer}");
    }
    let mut application = application(&place);
    for kill in 1..=KILLS {
        let wanted = kill * EVENTS / (KILLS + 1);
        eventually("the next events arrive", async || {
            arrived(&server).0.len() >= wanted || application.try_wait().expect("it runs").is_some()
        })
        .await;
        server.kill();
        server = place.start();
    }
    let status = tokio::task::spawn_blocking(move || application.wait());
    let status = status.await.expect("it is waited for").expect("it ends");
    assert!(status.success(), "the library gave up: {status}");
    let (orders, messages) = arrived(&server);
    let twice: Vec<_> = orders.iter().filter(|(_, times)| **times != 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    assert_eq!((orders.len(), messages), (EVENTS, EVENTS));
    server.stop();
}

fn spawn(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).spawn().expect("it runs")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_in_python_goes_on_through_kills() {
    goes_on(|place| {
        let url = format!("http://{}", place.address);
        let count = EVENTS.to_string();
        let mut command = Command::new(environment::python());
        spawn(command.arg(script("long_python.py")).args([url.as_str(), WRITE_KEY, &count]))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_in_node_goes_on_through_kills() {
    goes_on(|place| {
        let url = format!("http://{}", place.address);
        let mut command = Command::new("node");
        command.arg(script("long_node.mjs")).args([url.as_str(), WRITE_KEY]);
        spawn(command.arg(environment::node_modules()).arg(EVENTS.to_string()))
    })
    .await;
}
