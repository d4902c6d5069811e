//! Walks that meet somebody who cannot take in what they tell: a record that cannot be read, a
//! queue that is full.

use cadencia::actors::{Addressed, PartitionMsg, Work};
use cadencia::telemetry::{CustomerHash, derive_key};
use domain::ids::{CustomerId, CustomerKey};
use domain::time::Instant;
use engine::walks::Walks;
use engine::{Catalog, Table, codec};
use policies::CountState;
use runtime::{Clock, Lane};
use serde_json::json;

use super::process::{Process, living_in, partition};
use super::served::Served;
use crate::engine::given::Given;
use crate::served::process::eventually;

const TICK: &str = "2026-03-02T12:00:00";
/// A walk that tells a whole page again and again, because of one record, takes longer.
const WALK_LIMIT_MS: u64 = 30_000;
/// More work than may wait for one customer, and more turns than a walker needs to tell a page.
const PENDING: usize = runtime::credits::PARTITION_CREDITS as usize + 6_000;

fn given() -> Given {
    let send = json!({"send": {"channels": [{"email": "hello"}], "class": "marketing",
        "valid_for": "P1D"}});
    Given::new().journey("now", json!({"enter": {"event": "Now"}, "steps": [send]})).journey(
        "once",
        json!({"enter": {"schedule": {"once": TICK, "zone": "UTC"}}, "steps": [send]}),
    )
}

fn tick() -> Instant {
    Instant::parse(&format!("{TICK}Z")).expect("an instant")
}

fn key(id: &str) -> CustomerKey {
    CustomerId::from(id).key()
}

/// The cursor of a partition whose customers have all looked at this catalog.
fn refreshed(catalog: &Catalog, now: Instant) -> Vec<u8> {
    let mut walks = Walks::default();
    walks.follow(catalog);
    while let Some(page) = walks.next(catalog, now) {
        walks.walked(&page.task, None);
    }
    codec::encode(&walks)
}

/// As if nobody of her partition had looked at the catalog yet, for the next start.
async fn forget_walks(process: &Process, id: &str) -> Vec<u8> {
    // The walker has kept its own cursor by then.
    process.quiet().await;
    let nothing = codec::encode(&Walks::default());
    process.put(id, Table::Meta, codec::walks_key(partition(id)), nothing.clone()).await;
    nothing
}

#[tokio::test]
async fn walks_pass_over_a_customer_whose_record_is_damaged() {
    let process = Process::start(given().catalog());
    let (sound, damaged) = (living_in(0, "sound"), living_in(0, "damaged"));
    for id in [&sound, &damaged] {
        process.known(id).await;
    }
    process.damage(&damaged).await;
    let nothing = forget_walks(&process, &sound).await;
    let mut process = process.restart().await;
    process.quiet().await;
    let walks = process.get(Table::Meta, &codec::walks_key(0)).expect("a cursor");
    assert_ne!(walks, nothing, "the walk did not end");
    process.time.advance_to(tick().0);
    process.attempts.recv().await.expect("the others are told of the tick").accept();
    process.quiet().await;
    assert_eq!(process.sends(&sound)[0].ledger.state, CountState::Accepted);
    process.stop().await;
}

/// A record that says in its sound part that a message waits for a slot is told without a look at
/// the rest; who was told in vain is looked at.
#[tokio::test]
async fn walks_pass_over_a_damaged_record_that_waits_for_a_slot() {
    let mut process = Process::start(given().catalog());
    let [first, sound, damaged] = ["first", "sound", "damaged"].map(|id| living_in(0, id));
    for id in [&first, &sound, &damaged] {
        process.known(id).await;
    }
    assert!(process.take_in(vec![process.track(&first, "Now", "m")]).await);
    let attempt = process.attempts.recv().await.expect("it has the only slot");
    assert!(process.take_in(vec![process.track(&damaged, "Now", "m")]).await);
    process.until_passive().await;
    process.damage(&damaged).await;
    let record = process.get(Table::Customers, &codec::customer_key(0, key(&damaged)));
    let record = record.expect("a record");
    assert!(codec::decode_customer_header(&record).expect("a sound header").planned);
    assert!(codec::decode_customer(key(&damaged), &record).is_err());

    let catalog = given().revision(2).catalog();
    process.publish(catalog.clone()).await;
    let done = refreshed(&catalog, process.now());
    let walked = async || process.get(Table::Meta, &codec::walks_key(0)) == Some(done.clone());
    let ended = eventually("everybody has looked", walked);
    Clock::system().timeout(WALK_LIMIT_MS, ended).await.expect("the walk hangs at one record");

    process.time.advance_to(tick().0);
    attempt.accept();
    let told = async {
        for _ in [&first, &sound] {
            process.attempts.recv().await.expect("the others are told of the tick").accept();
        }
    };
    Clock::system().timeout(WALK_LIMIT_MS, told).await.expect("the others are told of the tick");
    process.quiet().await;
    assert_eq!(process.sends(&first).len(), 2);
    assert_eq!(process.sends(&sound)[0].ledger.state, CountState::Accepted);
    assert!(process.sends(&damaged).is_empty());
    process.stop().await;
}

#[tokio::test]
async fn a_page_is_told_again_to_whom_it_found_with_a_full_queue_and_nobody_else_minds() {
    let mut process = Process::start(given().catalog());
    let (busy, idle) = (living_in(0, "busy"), living_in(0, "idle"));
    for id in [&busy, &idle] {
        process.known(id).await;
    }
    process.quiet().await;
    let blocked = process.block(&busy);
    // Timers of another instant: each is taken in, and none does anything.
    let stale = |_| Addressed {
        key: key(&busy),
        id: None,
        lane: Lane::Transactional,
        work: Work::Timer { due: Instant(0) },
    };
    let pending = PartitionMsg::Work((0..PENDING).map(stale).collect());
    process.doors(&busy).control.tell(pending, 1).expect("room");
    process.time.advance_to(tick().0);
    drop(blocked);
    let mut left = 0;
    eventually("both are told of the tick", async || {
        if let Ok(attempt) = process.attempts.try_recv() {
            attempt.accept();
            left += 1;
        }
        left == 2
    })
    .await;
    process.quiet().await;
    assert!(process.app.metrics.mailbox_refused.get() > 0, "the queue was never full");
    for id in [&busy, &idle] {
        let states: Vec<_> = process.sends(id).iter().map(|row| row.ledger.state).collect();
        assert_eq!(states, [CountState::Accepted], "{id}");
    }
    process.stop().await;
}

#[tokio::test]
async fn the_log_names_whom_a_walk_passes_over() {
    let process = Process::start(given().catalog());
    let damaged = living_in(0, "damaged");
    process.known(&damaged).await;
    process.damage(&damaged).await;
    forget_walks(&process, &damaged).await;
    let folder = process.stop().await;
    let campaign = folder.path().join("campaign");
    std::fs::create_dir(&campaign).expect("a folder");
    std::fs::write(campaign.join("all.yaml"), crate::served::BASE).expect("a file");
    let server = Served::start(&folder, &["--campaign", campaign.to_str().expect("a plain path")]);
    eventually("it is said", async || server.log().contains("a customer was passed over")).await;
    let log = server.log();
    let secret = std::fs::read(folder.path().join("secrets/links.key")).expect("the secret");
    let hash = CustomerHash(key(&damaged)).by(&derive_key(&secret));
    assert!(log.contains(&format!("customer.hash={hash}")), "{log}");
    assert!(!log.contains(&damaged), "the id itself is no business of the log: {log}");
}
