//! Messages on their way while their customer is merged: what becomes of their outcomes.

use domain::suppression::StopReason;
use engine::ledger::Outcome;
use engine::merge::{Offer, Word};
use engine::{Input, Ticket};
use policies::CountState;
use serde_json::json;

use super::world::World;
use super::{HOUR, two};

/// Until the one message that is in flight is in a parcel that has not arrived.
fn leaves(world: &mut World) {
    while world.open_sends() > 0 {
        assert!(world.step());
    }
}

/// Whether the parcel and the outcome behind it are taken in by two turns or by one.
#[test]
fn a_message_in_flight_is_settled_for_the_customer_that_goes_on() {
    for together in [false, true] {
        let mut world = two();
        world.together = together;
        world.track("anon:v1", "Added", 10);
        world.settle();
        assert_eq!(world.in_flight.len(), 1);
        world.alias("v1", "ana", 11);
        leaves(&mut world);
        assert!(world.answer(&Outcome::Accepted { reply: "250 ok".to_owned(), parts: 1 }));
        world.settle();
        let states: Vec<_> = world.sends("ana").iter().map(|row| row.ledger.state).collect();
        assert_eq!(states, [CountState::Accepted], "together: {together}");
        assert_eq!(world.open_sends(), 0);
        assert!(world.sends("anon:v1").is_empty());
    }
}

/// Whoever keeps its slot gives it back no earlier: a crash leaves one unknown for each slot.
#[test]
fn an_outcome_that_follows_is_confirmed_when_it_is_durable_with_whom_it_follows() {
    for together in [false, true] {
        let mut world = two();
        world.together = together;
        world.track("anon:v1", "Added", 10);
        world.settle();
        world.alias("v1", "ana", 11);
        leaves(&mut world);
        let send = world.in_flight.pop_front().expect("a message in flight").send;
        let outcome = Outcome::Accepted { reply: "250 ok".to_owned(), parts: 1 };
        world.tell("anon:v1", Input::Outcome { send, outcome, ticket: Some(Ticket(12)) });
        let settled = |world: &World| {
            let rows = world.sends("ana");
            rows.iter().any(|row| row.ledger.state == CountState::Accepted)
        };
        while !world.acknowledged.contains(&12) {
            assert!(world.step(), "together: {together}: nobody is told");
            assert!(settled(&world) || !world.acknowledged.contains(&12), "together: {together}");
        }
        // Of a repeat, that changes nothing, somebody is told as well.
        let outcome = Outcome::Unknown { reason: "nobody answered".to_owned() };
        world.tell("anon:v1", Input::Outcome { send, outcome, ticket: Some(Ticket(13)) });
        world.settle();
        assert!(world.acknowledged.contains(&13) && settled(&world), "together: {together}");
    }
}

/// A parcel, the outcome of a message in it, and the word that merges on, all in one turn: what
/// goes on is the message as the outcome left it.
#[test]
fn an_outcome_between_two_merges_of_one_turn_goes_along() {
    let later = Outcome::NotSent { reason: "451 later".to_owned(), retry_after_ms: None };
    let accepted = Outcome::Accepted { reply: "250 ok".to_owned(), parts: 1 };
    for (outcome, state, open) in
        [(accepted, CountState::Accepted, 0), (later, CountState::Reserved, 1)]
    {
        let mut world = two();
        world.together = true;
        world.track("anon:v1", "Added", 10);
        world.known("eve", json!({}), 20);
        world.settle();
        world.alias("v1", "ana", 11);
        leaves(&mut world);
        assert!(world.answer(&outcome));
        // Until the parcel is durable: now it waits for ana, and behind it the outcome.
        while world.parcels() == 0 {
            assert!(world.step());
        }
        let offer = Offer {
            into: "eve".into(),
            named: "ana".into(),
            at: world.now,
            until: world.now.plus_ms(HOUR),
            anonymous: false,
            recorded: false,
        };
        world.tell("ana", Input::Merge { word: Word::Go(offer), ticket: None });
        world.settle();
        let states: Vec<_> = world.sends("eve").iter().map(|row| row.ledger.state).collect();
        assert_eq!(states, [state]);
        assert_eq!((world.open_sends(), world.parcels()), (open, 0));
    }
}

#[test]
fn a_message_that_waits_for_its_retry_is_tried_again_by_the_customer_that_goes_on() {
    let mut world = two();
    world.track("anon:v1", "Added", 10);
    world.settle();
    let later = Outcome::NotSent { reason: "451 later".to_owned(), retry_after_ms: None };
    assert!(world.answer(&later));
    world.settle();
    world.alias("v1", "ana", 11);
    world.settle();
    world.live(world.now.plus_ms(HOUR));
    let rows = world.sends("ana");
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].ledger.state, rows[0].info.attempts), (CountState::Accepted, 2));
}

#[test]
fn a_hard_bounce_after_the_merge_stops_the_address() {
    let mut world = two();
    world.track("anon:v1", "Added", 10);
    world.settle();
    world.alias("v1", "ana", 11);
    world.settle();
    assert!(world.answer(&Outcome::Rejected {
        reply: "550".to_owned(),
        suppress: Some(StopReason::HardBounce)
    }));
    world.settle();
    let ana = world.customer("ana").expect("ana");
    assert!(ana.suppressed(&"email".into(), "v1@example.com").is_some());
    assert!(ana.suppressed(&"email".into(), "ana@example.com").is_none());
}
