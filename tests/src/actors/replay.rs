//! What an import does with the events and aliases that it was given, and says of them.

use cadencia::access::mask::Mask;
use cadencia::access::principal::Principal;
use cadencia::admin::{Admin, Trigger};
use cadencia::app::DRAIN_LIMIT_MS;
use domain::event::{Alias, Event, EventBody, Recorded};
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
        let all = events.into_iter().map(Recorded::Event).collect();
        let done = admin
            .import(Trigger::Replay, all, None, &Principal::server())
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

#[tokio::test]
async fn a_repeat_within_one_request_counts_once() {
    let twice = || vec![seen("ana", 1).into(), seen("bob", 1).into(), seen("ana", 1).into()];
    let start = Instant::parse(START).expect("an instant");
    for (trigger, start, behind) in [
        (Trigger::None, None, 0),
        (Trigger::Live, None, 0),
        (Trigger::Replay, Some(start), 0),
        (Trigger::Replay, Some(start.plus_ms(2 * MINUTE_MS)), 2),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let admin = admin(&folder, start.map(|start| SimulatedClock::new(start.0)));
        let done = admin
            .import(trigger, twice(), None, &Principal::server())
            .await
            .expect("it is taken in");
        assert_eq!((done.events, done.behind), (3, behind), "{trigger:?}");
        for id in ["ana", "bob"] {
            let seen = texts(&admin, id).await.iter().filter(|text| text.contains("Seen")).count();
            assert_eq!(seen, 1, "{trigger:?}: {id}");
        }
        admin.app.stop(DRAIN_LIMIT_MS).await;
    }
}

fn is(previous: &str, into: &str, minute: i64) -> Recorded {
    let at = Instant::parse(START).expect("an instant").plus_ms(minute * MINUTE_MS);
    Alias { previous: previous.into(), into: into.into(), at }.into()
}

/// Texts of a customer's timeline, oldest first.
async fn texts(admin: &Admin, id: &str) -> Vec<String> {
    let timeline = admin.timeline(&id.into(), 100, Mask::nothing()).await.expect("a timeline");
    timeline.entries.into_iter().rev().map(|entry| entry.text).collect()
}

#[tokio::test]
async fn aliases_are_taken_in_where_they_stand_among_the_events() {
    for trigger in [Trigger::None, Trigger::Live] {
        let folder = tempfile::tempdir().expect("a folder");
        let admin = admin(&folder, None);
        let all = || {
            vec![
                seen("anon:v1", 1).into(),
                seen("ana", 2).into(),
                is("v1", "ana", 3),
                seen("anon:v1", 4).into(),
                is("ana", "eve", 5),
                seen("anon:v1", 6).into(),
            ]
        };
        for time in ["first", "again"] {
            let done = admin
                .import(trigger, all(), None, &Principal::server())
                .await
                .expect("it is taken in");
            assert_eq!(done.events, 4, "{trigger:?}, {time}");
            let eve = texts(&admin, "eve").await;
            let met = |text: &str| eve.iter().filter(|one| one.contains(text)).count();
            assert_eq!(met("Seen"), 4, "{trigger:?}, {time}: {eve:#?}");
            assert_eq!(met("ana was merged into this one"), 1, "{trigger:?}, {time}: {eve:#?}");
        }
        admin.app.stop(DRAIN_LIMIT_MS).await;
    }
}

#[tokio::test]
async fn an_alias_moves_the_clock_of_a_replay_and_is_told_as_behind_it_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let time = SimulatedClock::new(Instant::parse(START).expect("an instant").0);
    let admin = admin(&folder, Some(time));
    let replay = async |all: Vec<Recorded>| {
        admin
            .import(Trigger::Replay, all, None, &Principal::server())
            .await
            .expect("it is taken in")
    };
    let done = replay(vec![seen("anon:v1", 1).into(), is("v1", "ana", 5)]).await;
    assert_eq!((done.events, done.behind), (1, 0));
    assert_eq!(admin.now(), seen("ana", 5).occurred_at, "the clock went to the alias");
    // One that is behind the clock is new the first time.
    for behind in [1, 0] {
        assert_eq!(replay(vec![is("v2", "ana", 2), is("v2", "ana", 3)]).await.behind, behind);
    }
    let done = replay(vec![seen("anon:v1", 1).into(), is("v1", "ana", 5)]).await;
    assert_eq!(done.behind, 0, "the same file again");
    let ana = texts(&admin, "ana").await;
    assert_eq!(ana.iter().filter(|text| text.starts_with("anon:v1 was merged")).count(), 1);
    admin.app.stop(DRAIN_LIMIT_MS).await;
}
