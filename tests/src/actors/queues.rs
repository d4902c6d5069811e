//! Full queues: who can repeat is refused as a whole, and nothing else is lost.

use cadencia::actors::core::Ack;
use cadencia::actors::{Addressed, PartitionMsg, Work};
use cadencia::telemetry::trace::Origins;
use domain::event::Event;
use domain::ids::{CustomerId, CustomerKey};
use engine::merge::{Offer, Word};
use policies::CountState;
use runtime::{Busy, Lane};
use serde_json::json;

use super::process::{Blocked, Process, living_in, take_all};
use crate::engine::given::Given;
use crate::served::process::eventually;

const HOUR_MS: i64 = 3_600_000;

fn process() -> Process {
    let send = json!({"send": {"channels": [{"email": "hello"}], "class": "marketing",
        "valid_for": "P1D"}});
    let given =
        Given::new().journey("now", json!({"enter": {"event": "Now"}, "steps": [send]})).journey(
            "later",
            json!({"enter": {"event": "Later"},
            "steps": [{"wait": {"for": "PT1H"}}, send]}),
        );
    Process::start(given.catalog())
}

fn burst(process: &Process, id: &str, numbers: std::ops::Range<u32>) -> Vec<Event> {
    numbers.map(|number| process.track(id, "Seen", &format!("m{number}"))).collect()
}

/// One customer may have as much before her as her partition lets in; more waits for its room.
#[tokio::test]
async fn a_batch_may_be_all_of_one_customer_and_larger_than_her_partition_lets_in() {
    let process = process();
    let limit = process.doors("ana").work.credits().limit();
    assert!(process.take_in(burst(&process, "ana", 0..limit)).await);
    let all = || burst(&process, "ana", 0..2 * limit + 1);
    let refused = process.app.directory.ingest(all(), Lane::Live);
    assert!(matches!(refused, Err(Busy::TooLarge { .. })), "{refused:?}");
    for _ in 0..2 {
        assert_eq!(
            process.app.directory.ingest_all(all(), Lane::Live, Origins::Unknown).await,
            Ok(true)
        );
        assert_eq!(process.count("ana", "Seen"), u64::from(2 * limit + 1));
    }
    process.stop().await;
}

/// Nobody was let in, so that the sender is told to come back.
#[tokio::test]
async fn a_large_batch_that_finds_no_room_is_refused_at_once() {
    let process = process();
    let doors = process.doors("ana").clone();
    let taken = take_all(doors.work.credits()).await;
    let all = || burst(&process, "ana", 0..2 * doors.work.credits().limit());
    let refused = process.app.directory.ingest_all(all(), Lane::Live, Origins::Unknown).await;
    assert!(matches!(refused, Err(Busy::Full { .. })), "{refused:?}");
    drop(taken);
    assert_eq!(
        process.app.directory.ingest_all(all(), Lane::Live, Origins::Unknown).await,
        Ok(true)
    );
    process.stop().await;
}

#[tokio::test]
async fn rows_that_are_too_large_are_not_written_and_end_nothing() {
    let process = process();
    let (asker, answer) = runtime::reply::reply();
    let value = Some(vec![7; store::TRANSACTION_BYTES_MAX + 1]);
    let write = engine::Write { table: engine::Table::Meta, key: b"Zlarge".to_vec(), value };
    let message = PartitionMsg::Put(vec![write], Ack::new(1, asker));
    process.doors("ana").control.tell(message, 1).expect("room");
    assert!(answer.await.is_err(), "it was acknowledged");
    let counted = async || process.app.metrics.turns_too_large.get() == 1;
    eventually("it is counted", counted).await;
    assert!(process.take_in(burst(&process, "ana", 0..1)).await);
    let process = process.restart().await;
    assert_eq!(process.count("ana", "Seen"), 1);
    assert_eq!(process.get(engine::Table::Meta, b"Zlarge"), None);
    process.stop().await;
}

#[tokio::test]
async fn a_batch_that_finds_one_partition_full_is_refused_as_a_whole() {
    let process = process();
    let (one, other) = (living_in(0, "one"), living_in(1, "other"));
    let both = || [&one, &other].map(|id| process.track(id, "Seen", "m")).to_vec();
    let taken = take_all(process.doors(&other).work.credits()).await;
    let refused = process.app.directory.ingest(both(), Lane::Live);
    assert!(matches!(refused, Err(Busy::Full { .. })), "{refused:?}");
    process.quiet().await;
    assert!(process.customer(&one).is_none(), "a part of it was taken in");
    assert_eq!(process.doors(&one).work.credits().used(), 0, "a part of it was reserved");
    drop(taken);
    assert!(process.take_in(both()).await);
    assert_eq!([&one, &other].map(|id| process.count(id, "Seen")), [1, 1]);
    process.stop().await;
}

#[tokio::test]
async fn a_timer_that_finds_the_partition_full_comes_again() {
    let mut process = process();
    process.known("ana").await;
    assert!(process.take_in(vec![process.track("ana", "Later", "m")]).await);
    let taken = take_all(process.doors("ana").work.credits()).await;
    process.time.advance_by(HOUR_MS as u64);
    // The scheduler has looked by the time that its partition has answered twice.
    for _ in 0..2 {
        let (asker, answer) = runtime::reply::reply();
        let query = move |partition: &engine::Partition| asker.send(partition.open_sends());
        let message = PartitionMsg::Query(Box::new(query));
        process.doors("ana").control.tell(message, 1).expect("room");
        assert_eq!(answer.await, Ok(0));
    }
    drop(taken);
    process.attempts.recv().await.expect("the message leaves").accept();
    process.quiet().await;
    assert_eq!(process.sends("ana")[0].ledger.state, CountState::Accepted);
    process.stop().await;
}

#[tokio::test]
async fn a_slot_that_finds_the_partition_full_is_asked_for_again() {
    let mut process = process();
    let (one, other) = (living_in(0, "one"), living_in(1, "other"));
    for id in [&one, &other] {
        process.known(id).await;
    }
    assert!(process.take_in(vec![process.track(&one, "Now", "m")]).await);
    let first = process.attempts.recv().await.expect("the first one has the slot");
    assert!(process.take_in(vec![process.track(&other, "Now", "m")]).await);
    let slots = process.app.directory.all()[1].control.clone();
    // Its permit is refused, and so nobody has it.
    let taken = take_all(slots.credits()).await;
    first.accept();
    eventually("the outcome is durable", async || {
        process.sends(&one).iter().any(|row| row.ledger.state == CountState::Accepted)
    })
    .await;
    assert!(process.attempts.try_recv().is_err());
    drop(taken);
    process.attempts.recv().await.expect("the second one has it now").accept();
    process.quiet().await;
    assert_eq!(process.sends(&other)[0].ledger.state, CountState::Accepted);
    process.stop().await;
}

/// The process ends in order whatever is still on its way between its partitions.
#[tokio::test]
async fn what_comes_after_the_store_has_closed_is_acknowledged_to_nobody() {
    let process = process();
    process.known("ana").await;
    let blocked = process.block("ana");
    let events = burst(&process, "ana", 0..1);
    let answer = process.app.directory.ingest(events, Lane::Live).expect("room");
    process.app.store.close();
    drop(blocked);
    // Nothing becomes durable any more, so there is nothing to wait for.
    process.app.stop(1).await;
    assert!(answer.await.is_err(), "it was acknowledged");
    assert_eq!(process.count("ana", "Seen"), 0);
}

/// The one that goes has a message on the wire; what it leaves, and then the outcome, wait in the
/// mailbox of the one that goes on, behind `events` for her.
struct OnTheWay {
    target: String,
    blocked: Blocked,
}

async fn on_the_way(process: &mut Process, events: &[u32]) -> OnTheWay {
    let (source, target) = (living_in(0, "source"), living_in(1, "target"));
    for id in [&source, &target] {
        process.known(id).await;
    }
    assert!(process.take_in(vec![process.track(&source, "Now", "m")]).await);
    let attempt = process.attempts.recv().await.expect("the message leaves");
    let blocked = process.block(&target);
    let waiting = |process: &Process| process.doors(&target).control.credits().used();
    let before = waiting(process);
    for count in events {
        let events = burst(process, &target, 0..*count);
        drop(process.app.directory.ingest(events, Lane::Live).expect("room"));
    }
    let offer = Offer {
        into: CustomerId::from(&*target),
        named: CustomerId::from(&*source),
        at: process.now(),
        until: process.now().plus_ms(HOUR_MS),
        anonymous: false,
        recorded: false,
    };
    let work = Work::Merge { word: Word::Go(offer), ack: None };
    let key: CustomerKey = CustomerId::from(&*source).key();
    let go = Addressed { key, id: None, lane: Lane::Live, work };
    process.doors(&source).control.tell(PartitionMsg::Work(vec![go]), 1).expect("room");
    eventually("the parcel arrives", async || waiting(process) > before).await;
    attempt.accept();
    eventually("the outcome arrives", async || waiting(process) > before + 1).await;
    OnTheWay { target, blocked }
}

/// What comes behind the parcel arrives behind it, also where both wait for a customer with much
/// before it.
#[tokio::test]
async fn an_outcome_stays_behind_the_parcel_in_a_long_queue() {
    let mut process = process();
    let OnTheWay { target, blocked } = on_the_way(&mut process, &[300, 300]).await;
    drop(blocked);
    process.quiet().await;
    let states: Vec<_> = process.sends(&target).iter().map(|row| row.ledger.state).collect();
    assert_eq!(states, [CountState::Accepted]);
    process.stop().await;
}

/// Else a crash in between left two unknown sends for one slot (semantics 25).
#[tokio::test]
async fn a_slot_is_taken_until_the_outcome_is_durable_with_the_customer_that_it_follows() {
    let mut process = process();
    let other = living_in(0, "other");
    process.known(&other).await;
    let OnTheWay { target, blocked } = on_the_way(&mut process, &[]).await;
    assert!(process.take_in(vec![process.track(&other, "Now", "m")]).await);
    // Each is a commit behind whatever the message of the other one would have taken to leave.
    for number in 0..8 {
        let message = format!("seen{number}");
        assert!(process.take_in(vec![process.track(&other, "Seen", &message)]).await);
    }
    assert!(process.attempts.try_recv().is_err(), "a slot was free before its outcome was durable");
    drop(blocked);
    let second = process.attempts.recv().await.expect("the slot is free");
    let states: Vec<_> = process.sends(&target).iter().map(|row| row.ledger.state).collect();
    assert_eq!(states, [CountState::Accepted]);
    second.accept();
    process.quiet().await;
    assert_eq!(process.sends(&other)[0].ledger.state, CountState::Accepted);
    process.stop().await;
}
