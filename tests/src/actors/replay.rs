//! What a replay says of the events that it was given.

use cadencia::access::principal::Principal;
use cadencia::admin::Trigger;
use cadencia::app::DRAIN_LIMIT_MS;
use domain::event::{Event, EventBody};
use domain::time::Instant;
use runtime::SimulatedClock;

use super::process::admin;

const START: &str = "2026-03-02T09:00:00Z";
const MINUTE_MS: i64 = 60_000;

fn seen(id: &str, minute: i64) -> Event {
    let at = Instant::parse(START).expect("an instant").plus_ms(minute * MINUTE_MS);
    Event {
        customer: id.into(),
        message_id: format!("m{minute}"),
        occurred_at: at,
        received_at: at,
        body: EventBody::Track { name: "Seen".into(), properties: Default::default() },
    }
}

#[tokio::test]
async fn repeats_are_not_told_as_behind_the_clock() {
    let folder = tempfile::tempdir().expect("a folder");
    let time = SimulatedClock::new(Instant::parse(START).expect("an instant").0);
    let admin = admin(&folder, Some(time));
    let behind = async |events: Vec<Event>| {
        let done = admin
            .import(Trigger::Replay, events, None, &Principal::server())
            .await
            .expect("it is taken in");
        done.behind
    };
    // More than a record remembers itself: the others are in rows of their own.
    let all = || (1..60).map(|minute| seen("ana", minute)).collect::<Vec<_>>();
    assert_eq!(behind(all()).await, 0);
    assert_eq!(behind(all()).await, 0, "the same file again");
    assert_eq!(behind(vec![seen("ana", 0), seen("ana", 3), seen("bob", 3)]).await, 2);
    // As ana, who has become part of bob.
    let answer = admin.app.directory.alias("ana".into(), "bob".into(), admin.now());
    answer.expect("room").await.expect("merged");
    assert_eq!(behind(all()).await, 0, "the same file after a merge");
    admin.app.stop(DRAIN_LIMIT_MS).await;
}
