//! The example campaign, served for real: recorded events drive the clock, messages go to a real
//! mail server, and what arrives is what `simulate` said, kills or not.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Stdio};

use super::mail::arrived;
use super::process::{Server, eventually, sends};
use super::shop::{SLOTS, START, Shop};
use crate::channels::peers::Sink;
use crate::environment;

/// Kills in one test run; `CADENCIA_TEST_KILLS` asks for more.
const KILLS: usize = 12;

fn serve(shop: &Shop) -> Server {
    let campaign = shop.argument("campaign");
    let data = shop.path("data");
    Server::start(&data, &["--campaign", &campaign, "--replay", START, "--log", "error"])
}

fn import(server: &Server, shop: &Shop, name: &str) {
    let arguments = shop.import(name);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = server.command(&arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_delivers_exactly_what_simulate_says() {
    let sink = Sink::start(&[]).await;
    let shop = Shop::new(sink.port, 12, "marketing");
    let expected = shop.expected();
    assert!(expected.len() > 200, "only {} messages", expected.len());
    let server = serve(&shop);
    import(&server, &shop, "customers.ndjson");
    import(&server, &shop, "events.ndjson");
    let arrived = arrived(&sink);
    let wanted: BTreeMap<String, usize> = expected.keys().map(|id| (id.clone(), 1)).collect();
    assert_eq!(arrived, wanted);
    // Once more, as somebody would who is not sure that it worked: nothing happens.
    import(&server, &shop, "customers.ndjson");
    import(&server, &shop, "events.ndjson");
    assert_eq!(super::mail::arrived(&sink), wanted);
    server.stop();
}

/// What a replay with kills left behind.
struct Survived {
    expected: BTreeSet<String>,
    arrived: BTreeMap<String, usize>,
    /// State by send, as the ledger has it.
    ledger: BTreeMap<String, String>,
}

/// Replays while the server is killed again and again, each time some messages later.
async fn with_kills(class: &str, kills: usize, seed: u64) -> Survived {
    let sink = Sink::start(&[]).await;
    let shop = Shop::new(sink.port, 12, class);
    let expected: BTreeSet<String> = shop.expected().into_keys().collect();
    assert!(expected.len() > 200, "only {} messages", expected.len());
    let between = expected.len() / (kills + 1);
    let mut server = serve(&shop);
    import(&server, &shop, "customers.ndjson");
    for kill in 0..kills {
        let jitter = domain::hash::text(&format!("{seed}/{kill}")) as usize % (between / 2).max(1);
        let wanted = kill * between + jitter;
        let mut import = spawn_import(&shop);
        eventually("the next messages arrive", async || {
            arrived(&sink).len() >= wanted || import.try_wait().expect("it runs").is_some()
        })
        .await;
        server.kill();
        let _ = import.wait();
        server = serve(&shop);
    }
    import(&server, &shop, "events.ndjson");
    let mut ledger = BTreeMap::new();
    for customer in shop.customers() {
        ledger.extend(sends(&server.explain(&customer)).into_iter().map(|(kind, id)| (id, kind)));
    }
    server.stop();
    Survived { expected, arrived: arrived(&sink), ledger }
}

fn spawn_import(shop: &Shop) -> Child {
    environment::cadencia()
        .args(shop.import("events.ndjson"))
        .arg("--data")
        .arg(shop.path("data"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_lose_at_most_what_was_on_the_wire_and_double_nothing() {
    let kills = environment::kills().unwrap_or(KILLS);
    let Survived { expected, arrived, ledger } = with_kills("marketing", kills, 1).await;
    let twice: Vec<_> = arrived.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "sent twice: {twice:?}");
    let unexpected: Vec<_> = arrived.keys().filter(|id| !expected.contains(*id)).collect();
    assert!(unexpected.is_empty(), "not expected: {unexpected:?}");
    let missing: Vec<_> = expected.iter().filter(|id| !arrived.contains_key(*id)).collect();
    for id in &missing {
        assert_eq!(ledger.get(*id).map(String::as_str), Some("unknown"), "message {id}");
    }
    let unknown = ledger.values().filter(|state| *state == "unknown").count();
    assert!(unknown <= kills * SLOTS, "{unknown} unknown after {kills} kills");
    eprintln!("{kills} kills: {} of {} missing, {unknown} unknown", missing.len(), expected.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactional_messages_survive_every_kill() {
    let kills = environment::kills().unwrap_or(KILLS);
    let Survived { expected, arrived, ledger } = with_kills("transactional", kills, 2).await;
    let missing: Vec<_> = expected.iter().filter(|id| !arrived.contains_key(*id)).collect();
    assert!(missing.is_empty(), "missing: {missing:?}");
    let unexpected: Vec<_> = arrived.keys().filter(|id| !expected.contains(*id)).collect();
    assert!(unexpected.is_empty(), "not expected: {unexpected:?}");
    let repeats: usize = arrived.values().map(|times| times - 1).sum();
    assert!(repeats <= kills * SLOTS, "{repeats} repeats after {kills} kills");
    for id in &expected {
        assert_eq!(ledger.get(id).map(String::as_str), Some("accepted"), "message {id}");
    }
    eprintln!("{kills} kills: {repeats} repeats of {} messages", expected.len());
}
