//! The process dies between any two steps of a merge: nothing is lost, nothing is doubled.

use engine::history::HistoryItem;
use policies::CountState;
use serde_json::json;

use super::world::World;
use super::{HOUR, two};

/// What a sender wants to be acknowledged; it repeats what is not.
fn say(world: &mut World, all: bool) {
    let wanted = |world: &World, ticket| all || !world.acknowledged.contains(&ticket);
    for (id, name, ticket) in [
        ("anon:v1", "Added", 10),
        ("ana", "Added", 11),
        ("anon:v1", "Seen", 12),
        ("anon:v1", "Bought", 13),
    ] {
        if wanted(world, ticket) {
            world.track(id, name, ticket);
        }
    }
    if wanted(world, 14) {
        world.alias("v1", "ana", 14);
    }
    for (id, ticket) in [("anon:v1", 15), ("ana", 16)] {
        if wanted(world, ticket) {
            world.track(id, "Bought", ticket);
        }
    }
}

/// How many steps the scenario has without a crash.
fn steps() -> usize {
    let mut world = two();
    say(&mut world, true);
    let mut steps = 0;
    while world.step() {
        steps += 1;
    }
    steps
}

/// What a crash found: whether a parcel was open, whether it had been absorbed, and whether the
/// outcome of a message became unknown.
type Found = (bool, bool, bool);

fn crash_after(steps: usize, again: Option<usize>, seed: u64, together: bool) -> Found {
    let mut world = two();
    world.together = together;
    let begun = world.now;
    say(&mut world, true);
    for _ in 0..steps {
        world.step();
    }
    world.crash(seed);
    if let Some(steps) = again {
        say(&mut world, false);
        for _ in 0..steps {
            world.step();
        }
        world.crash(seed + 1);
    }
    let taken_in = world.customer("ana").is_some_and(|ana| !ana.merged.is_empty());
    let open = world.parcels() > 0;
    say(&mut world, false);
    world.live(begun.plus_ms(24 * HOUR));

    let note = format!("steps {steps}, again {again:?}, seed {seed}");
    assert_eq!(world.refused.len(), 0, "{note}");
    for ticket in 10..=16 {
        assert!(world.acknowledged.contains(&ticket), "{note}: {ticket}");
    }
    for (name, count) in [("Added", 2), ("Seen", 1), ("Bought", 3)] {
        assert_eq!(world.count("ana", name), count, "{note}: {name}");
    }
    assert_eq!(world.parcels(), 0, "{note}");
    assert_eq!(world.open_sends(), 0, "{note}");
    let ana = world.customer("ana").expect("ana");
    assert_eq!(ana.merged.len(), 1, "{note}");
    assert!(ana.enrollments.is_empty(), "{note}");
    let absorbed = world.history("ana");
    let absorbed = absorbed.iter().filter(|item| matches!(item, HistoryItem::Absorbed { .. }));
    assert_eq!(absorbed.count(), 1, "{note}");
    let stone = world.customer("anon:v1").expect("a tombstone");
    let stone = stone.tombstone.expect("a tombstone");
    assert!(!stone.open && !stone.unknown && stone.into.as_str() == "ana", "{note}");
    // Who entered before the merge was seen entered there; else the one journey took one entry.
    let sends = world.sends("ana");
    assert!((3..=4).contains(&sends.len()), "{note}: {} sends", sends.len());
    assert!(world.sends("anon:v1").is_empty(), "{note}");
    for row in &sends {
        let left = world.left.get(&row.ledger.send).copied().unwrap_or(0);
        match row.ledger.state {
            CountState::Accepted => assert_eq!(left, 1, "{note}"),
            CountState::Unknown => assert!(left <= 1, "{note}"),
            other => panic!("{note}: {other:?}"),
        }
    }
    // Nothing left that the ledger does not know.
    for send in world.left.keys() {
        assert!(sends.iter().any(|row| row.ledger.send == *send), "{note}");
    }
    let unknown = sends.iter().any(|row| row.ledger.state == CountState::Unknown);
    (open, taken_in, unknown)
}

#[test]
fn a_crash_between_any_two_steps_loses_and_doubles_nothing() {
    let steps = steps();
    assert!(steps > 20, "{steps}");
    let all = (0..=steps).map(|at| crash_after(at, None, at as u64, false));
    let found: Vec<Found> = all.collect();
    // Every state of the protocol was met.
    for (open, absorbed) in [(false, false), (true, false), (true, true), (false, true)] {
        assert!(found.iter().any(|one| (one.0, one.1) == (open, absorbed)), "{open} {absorbed}");
    }
    assert!(found.contains(&(true, false, true)), "a message in flight in a parcel");
}

#[test]
fn a_second_crash_while_the_first_is_made_good_loses_and_doubles_nothing() {
    let steps = steps();
    for at in (0..=steps).step_by(3) {
        for again in 0..12 {
            crash_after(at, Some(again), (at * 31 + again) as u64, again % 2 == 0);
        }
    }
}

/// Bob goes to Ana, and Ana to Eve, while the process dies.
fn chain(steps: usize, together: bool) {
    let mut world = two();
    world.known("bob", json!({"email": "bob@example.com"}), 20);
    world.known("eve", json!({"email": "eve@example.com"}), 22);
    world.settle();
    world.track("bob", "Added", 24);
    world.track("ana", "Seen", 25);
    world.settle();
    world.together = together;
    let say = |world: &mut World| {
        for (previous, into, ticket) in [("bob", "ana", 30), ("ana", "eve", 31)] {
            if !world.acknowledged.contains(&ticket) {
                world.alias(previous, into, ticket);
            }
        }
    };
    say(&mut world);
    for _ in 0..steps {
        world.step();
    }
    world.crash(steps as u64);
    for _ in 0..4 {
        say(&mut world);
        world.settle();
    }
    let note = format!("steps {steps}, together {together}");
    assert!([30, 31].iter().all(|ticket| world.acknowledged.contains(ticket)), "{note}");
    assert_eq!((world.parcels(), world.open_sends()), (0, 0), "{note}");
    assert_eq!((world.count("eve", "Added"), world.count("eve", "Seen")), (1, 1), "{note}");
    let eve = world.customer("eve").expect("eve");
    let mut merged: Vec<&str> = eve.merged.iter().map(|one| one.customer.as_str()).collect();
    merged.sort_unstable();
    assert_eq!(merged, ["ana", "bob"], "{note}");
    assert_eq!(eve.enrollments.len(), 2, "{note}");
    assert_eq!(world.sends("eve").len(), 1, "{note}");
    assert!(world.sends("ana").is_empty() && world.sends("bob").is_empty(), "{note}");
}

#[test]
fn a_crash_between_two_merges_that_follow_each_other_loses_and_doubles_nothing() {
    for steps in 0..40 {
        chain(steps, false);
        chain(steps, true);
    }
}
