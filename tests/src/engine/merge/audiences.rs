//! Memberships of two customers that are one: the longer one counts, and one row is left, wherever
//! the process dies in between.

use domain::consent::ConsentChange;
use domain::customer::Customer;
use domain::event::EventBody;
use domain::ids::{CustomerId, NameId};
use domain::membership::{LeftBecause, MEMBERSHIPS_MAX};
use domain::time::Instant;
use engine::audience::MemberRow;
use engine::history::HistoryItem;
use engine::{Table, codec};
use serde_json::json;

use super::deny;
use super::world::{PARTITIONS, World};
use crate::engine::given::{AUDIENCE, Given, denied};

const DAY: i64 = 24 * 3_600_000;

fn world() -> World {
    let joins = |span: &str| json!({"audience": {"join": AUDIENCE, "for": span}});
    let given = Given::new()
        .journey("short", json!({"enter": {"event": "Looked"}, "steps": [joins("PT72H")]}))
        .journey("long", json!({"enter": {"event": "Added"}, "steps": [joins("PT240H")]}));
    let mut world = World::new(given);
    world.known("ana", json!({"phone": "+34600000001"}), 1);
    world.known("anon:v1", json!({"email": "v1@example.com"}), 3);
    world.settle();
    world
}

fn members(world: &World, id: &str) -> Vec<MemberRow> {
    let key = CustomerId::from(id).key();
    let partition = key.partition(PARTITIONS);
    // The rows of all audiences in her partition; she is the only one of the two that lives there.
    let all = (1..=300).map(NameId);
    let row = |number| world.row(Table::Meta, &codec::member_key(partition, number, key));
    all.filter_map(row).map(|row| codec::decode("member", &row).expect("a sound row")).collect()
}

fn until(customer: &Customer) -> Vec<Instant> {
    customer.memberships.iter().map(|membership| membership.until).collect()
}

fn say(world: &mut World, all: bool) {
    let wanted = |world: &World, ticket| all || !world.acknowledged.contains(&ticket);
    for (id, name, ticket) in [("ana", "Looked", 10), ("anon:v1", "Added", 11)] {
        if wanted(world, ticket) {
            world.track(id, name, ticket);
        }
    }
    if wanted(world, 12) {
        world.alias("v1", "ana", 12);
    }
}

fn is_united(world: &World, note: &str) {
    let ana = world.customer("ana").expect("ana");
    let longest = world.now.plus_ms(10 * DAY);
    assert_eq!(until(&ana), [longest], "{note}");
    let [row] = &members(world, "ana")[..] else { panic!("{note}: {:?}", members(world, "ana")) };
    assert_eq!(row.until, longest, "{note}");
    let texts: Vec<&str> = row.identifiers.iter().map(|(_, text)| &**text).collect();
    assert_eq!(texts, ["v1@example.com", "+34600000001"], "{note}");
    assert_eq!(members(world, "anon:v1"), [], "{note}");
    assert!(world.customer("anon:v1").expect("a tombstone").memberships.is_empty(), "{note}");
}

#[test]
fn the_longer_membership_counts_wherever_the_process_dies() {
    let mut steps = 0;
    loop {
        let mut world = world();
        say(&mut world, true);
        let mut ended = false;
        for _ in 0..steps {
            ended = !world.step();
        }
        world.crash(steps);
        say(&mut world, false);
        world.settle();
        is_united(&world, &format!("{steps} steps"));
        if ended {
            break;
        }
        steps += 1;
    }
    assert!(steps > 5, "only {steps} steps");
}

#[test]
fn the_longer_one_keeps_the_topic_that_it_was_joined_by() {
    for (longer, shorter) in [("ana", "anon:v1"), ("anon:v1", "ana")] {
        let joins = |topic: &str, span: &str| {
            json!({"enter": {"event": topic},
                "steps": [{"audience": {"join": AUDIENCE, "for": span, "topic": topic}}]})
        };
        let given =
            Given::new().journey("y", joins("long", "P365D")).journey("d", joins("short", "P1D"));
        let mut world = World::new(given);
        world.known("ana", json!({"email": "ana@example.com"}), 1);
        world.known("anon:v1", json!({"email": "v1@example.com"}), 3);
        world.track(longer, "long", 5);
        world.track(shorter, "short", 6);
        world.alias("v1", "ana", 7);
        world.settle();
        let end = world.now.plus_ms(364 * DAY);
        let lasts: Vec<bool> = members(&world, "ana").iter().map(|row| end < row.until).collect();
        assert_eq!(lasts, [true], "{longer}");
        let withdrawn = ConsentChange { topic: Some("long".into()), ..denied() };
        world.event("ana", EventBody::Consent(withdrawn), 8);
        world.settle();
        assert_eq!(members(&world, "ana"), [], "{longer}");
    }
}

#[test]
fn what_is_over_the_limit_is_left_out_and_recorded() {
    let half = MEMBERSHIPS_MAX / 2 + 1;
    let mut given = Given::new().more_audiences(2 * half);
    for (event, from) in [("One", 0), ("Other", half)] {
        let join = |at: usize| json!({"audience": {"join": format!("more-{at}")}});
        let steps: Vec<_> = (from..from + half).map(join).collect();
        given = given.journey(event, json!({"enter": {"event": event}, "steps": steps}));
    }
    let mut world = World::new(given);
    world.known("ana", json!({"email": "ana@example.com"}), 1);
    world.known("anon:v1", json!({"email": "v1@example.com"}), 3);
    world.track("ana", "One", 5);
    world.track("anon:v1", "Other", 6);
    world.alias("v1", "ana", 7);
    world.settle();
    assert_eq!(world.customer("ana").expect("ana").memberships.len(), MEMBERSHIPS_MAX);
    assert_eq!(members(&world, "ana").len(), MEMBERSHIPS_MAX);
    let over = |item: &HistoryItem| {
        matches!(item, HistoryItem::AudienceLeft { reason: LeftBecause::TooMany, .. })
    };
    assert_eq!(world.history("ana").iter().filter(|item| over(item)).count(), 2);
}

#[test]
fn the_stricter_consent_ends_it() {
    let mut world = world();
    world.event("ana", deny(AUDIENCE), 20);
    world.track("anon:v1", "Added", 21);
    world.settle();
    assert_eq!(members(&world, "anon:v1").len(), 1);
    world.alias("v1", "ana", 22);
    world.settle();
    assert_eq!(members(&world, "ana"), []);
    assert_eq!(members(&world, "anon:v1"), []);
    let ana = world.customer("ana").expect("ana");
    assert!(ana.memberships.is_empty());
}

#[test]
fn a_united_membership_ends_in_its_time() {
    let mut world = world();
    say(&mut world, true);
    world.settle();
    is_united(&world, "before");
    let end = world.now.plus_ms(10 * DAY);
    world.live(end.plus_ms(-1));
    assert_eq!(members(&world, "ana").len(), 1);
    world.live(end);
    assert_eq!(members(&world, "ana"), []);
    let identify = EventBody::Identify { traits: Default::default() };
    world.event("ana", identify, 30);
    world.settle();
    assert_eq!(members(&world, "ana"), []);
}
