//! Merges (semantics 28): what becomes of two customers that are one.

mod audiences;
mod crashes;
mod ledgers;
mod order;
mod outcomes;
mod simulated;
mod world;

use domain::consent::{ConsentChange, Permission};
use domain::event::EventBody;
use domain::ids::{ChannelName, CustomerId};
use domain::value::Value;
use engine::history::{HistoryItem, NotMerged};
use engine::merge::Word;
use engine::{Input, Ticket};
use serde_json::json;

use self::world::{PARTITIONS, World};
use super::given::Given;

const HOUR: i64 = 3_600_000;

fn journeys() -> Given {
    let send = json!({"send": {"channels": [{"email": "hello"}], "class": "marketing",
        "valid_for": "P1D"}});
    Given::new()
        .journey(
            "basket",
            json!({"enter": {"event": "Added", "reentry": "never"},
            "steps": [send, {"wait": {"for": "PT2H"}}, send]}),
        )
        .journey(
            "each",
            json!({"enter": {"event": "Seen", "reentry": "parallel"},
            "steps": [{"wait": {"for": "PT3H"}}, send]}),
        )
        .segment("buyers", "customer.events[\"Bought\"].count >= 2", 1)
}

/// A world with a known customer and an anonymous one, in different partitions.
fn two() -> World {
    let partition = |id: &str| CustomerId::from(id).key().partition(PARTITIONS);
    assert_ne!(partition("ana"), partition("anon:v1"));
    let mut world = World::new(journeys());
    world.known("ana", json!({"email": "ana@example.com", "tier": "gold"}), 1);
    world.known("anon:v1", json!({"email": "v1@example.com", "color": "red"}), 3);
    world.settle();
    world
}

fn deny(channel: &str) -> EventBody {
    EventBody::Consent(ConsentChange {
        channel: Some(channel.into()),
        topic: None,
        permission: Permission::Denied,
        source: "test".to_owned(),
    })
}

fn reasons(world: &World, id: &str) -> Vec<NotMerged> {
    let items = world.history(id).into_iter();
    items
        .filter_map(|item| match item {
            HistoryItem::NotMerged { reason, .. } => Some(reason),
            _ => None,
        })
        .collect()
}

#[test]
fn profiles_are_united_and_the_target_wins() {
    let mut world = two();
    world.track("ana", "Bought", 10);
    world.track("anon:v1", "Bought", 11);
    world.event("anon:v1", deny("sms"), 12);
    world.alias("v1", "ana", 13);
    world.settle();
    assert!(world.acknowledged.contains(&13));
    let ana = world.customer("ana").expect("ana");
    assert_eq!(ana.traits.get("email"), Some(&Value::from("ana@example.com")));
    assert_eq!(ana.traits.get("color"), Some(&Value::from("red")));
    assert_eq!(world.count("ana", "Bought"), 2);
    assert_eq!(ana.segments.iter().map(|name| name.as_str()).collect::<Vec<_>>(), ["buyers"]);
    let permission = |name: &str| ana.consent.permission(&ChannelName::from(name), None);
    assert_eq!(permission("sms"), Some(Permission::Denied));
    assert_eq!(permission("email"), Some(Permission::Granted));
    let stone = world.customer("anon:v1").expect("a tombstone");
    assert_eq!(stone.tombstone.expect("a tombstone").into.as_str(), "ana");
    assert!(stone.traits.is_empty() && stone.enrollments.is_empty());
    assert_eq!(world.parcels(), 0);
}

/// An import that is to set off nothing makes a member of her, and enters her nowhere; nor where it
/// names her by somebody who has become part of her.
#[test]
fn a_recorded_alias_unites_two_customers_and_enters_nobody() {
    for (recorded, into, entered) in
        [(false, "ana", 1), (true, "ana", 0), (false, "bob", 1), (true, "bob", 0)]
    {
        let club = json!({"enter": {"segment": "buyers"}, "steps": [{"wait": {"for": "PT2H"}}]});
        let mut world = World::new(journeys().journey("club", club));
        for (id, ticket) in [("ana", 1), ("anon:v1", 3), ("bob", 5)] {
            world.known(id, json!({}), ticket);
        }
        world.alias("bob", "ana", 7);
        world.settle();
        world.track("ana", "Bought", 10);
        world.track("anon:v1", "Bought", 11);
        world.settle();
        let (previous, at, followed) = ("v1".into(), world.now, false);
        let word = match recorded {
            true => Word::AskRecorded { previous, at, followed },
            false => Word::Ask { previous, at, followed },
        };
        world.tell(into, Input::Merge { word, ticket: Some(Ticket(12)) });
        world.settle();
        assert!(world.acknowledged.contains(&12));
        let ana = world.customer("ana").expect("ana");
        assert_eq!(world.count("ana", "Bought"), 2);
        assert_eq!(ana.segments.iter().map(|name| name.as_str()).collect::<Vec<_>>(), ["buyers"]);
        assert_eq!(ana.enrollments.len(), entered, "recorded: {recorded}, into {into}");
        // Later on she does not become a member either: she is one.
        world.track("ana", "Bought", 13);
        world.settle();
        assert_eq!(world.customer("ana").expect("ana").enrollments.len(), entered);
    }
}

#[test]
fn what_still_comes_for_the_other_one_is_forwarded() {
    let mut world = two();
    world.alias("v1", "ana", 10);
    world.settle();
    world.track("anon:v1", "Seen", 11);
    assert!(!world.acknowledged.contains(&11));
    world.settle();
    assert!(world.acknowledged.contains(&11));
    assert_eq!(world.count("ana", "Seen"), 1);
    // The same message again is a repeat, also of one that came before the merge.
    world.track("anon:v1", "Seen", 11);
    world.known("anon:v1", json!({"color": "blue"}), 3);
    world.settle();
    assert_eq!(world.count("ana", "Seen"), 1);
    assert_eq!(world.customer("ana").expect("ana").traits.get("color"), Some(&Value::from("red")));
}

#[test]
fn an_alias_before_the_first_event_leaves_a_tombstone_for_both_forms_of_the_id() {
    let mut world = World::new(journeys());
    world.alias("v1", "ana", 1);
    world.settle();
    assert!(world.acknowledged.contains(&1));
    world.track("anon:v1", "Seen", 2);
    world.track("v1", "Seen", 3);
    world.settle();
    assert_eq!(world.count("ana", "Seen"), 2);
    assert_eq!(world.acknowledged.len(), 3);
}

#[test]
fn a_known_previous_id_is_taken_as_it_is() {
    let mut world = two();
    world.known("v1", json!({"size": "L"}), 20);
    world.settle();
    world.alias("v1", "ana", 22);
    world.settle();
    assert!(world.customer("ana").expect("ana").traits.contains_key("size"));
    assert!(world.customer("anon:v1").expect("not merged").tombstone.is_none());
}

#[test]
fn aliases_follow_tombstones_and_never_close_a_circle() {
    let mut world = two();
    world.known("bob", json!({"size": "L"}), 20);
    world.known("eve", json!({"shoe": 42}), 30);
    world.settle();
    world.alias("bob", "ana", 40);
    world.settle();
    // Again, to herself, and the other way round: nothing, and the last with a reason.
    for (previous, into, ticket) in [("bob", "ana", 41), ("ana", "ana", 42), ("ana", "bob", 43)] {
        world.alias(previous, into, ticket);
        world.settle();
        assert!(world.acknowledged.contains(&ticket), "{ticket}");
    }
    assert_eq!(reasons(&world, "ana"), [NotMerged::Circle]);
    assert_eq!(world.customer("ana").expect("ana").merged.len(), 1);
    // To a tombstone: to whom it points at. From one: whom it points at.
    world.alias("v1", "bob", 44);
    world.settle();
    world.alias("bob", "eve", 45);
    world.settle();
    let eve = world.customer("eve").expect("eve");
    let merged: Vec<&str> = eve.merged.iter().map(|one| one.customer.as_str()).collect();
    assert_eq!(merged, ["bob", "anon:v1", "ana"]);
    world.track("bob", "Seen", 46);
    world.track("anon:v1", "Seen", 47);
    world.settle();
    assert_eq!(world.count("eve", "Seen"), 2);
}

#[test]
fn a_device_of_two_people_does_not_make_them_one() {
    let mut world = two();
    world.known("bob", json!({}), 20);
    world.alias("v1", "ana", 30);
    world.settle();
    world.alias("v1", "bob", 31);
    world.settle();
    assert!(world.acknowledged.contains(&31));
    assert_eq!(reasons(&world, "bob"), [NotMerged::AlreadyMerged]);
    assert!(world.customer("ana").expect("ana").tombstone.is_none());
    // The refusal binds nobody.
    world.alias("bob", "ana", 32);
    world.settle();
    assert!(world.customer("bob").expect("bob").tombstone.is_some());
}

#[test]
fn two_aliases_at_once_never_close_a_circle() {
    let mut world = two();
    world.known("bob", json!({}), 20);
    world.settle();
    world.alias("bob", "ana", 30);
    world.alias("ana", "bob", 31);
    world.settle();
    let stones = ["ana", "bob"].map(|id| world.customer(id).expect(id).tombstone.is_some());
    assert!(stones != [true, true], "both are gone");
    assert_eq!(world.refused.len() + world.acknowledged.len(), 8);
    // Who was refused repeats, one after the other.
    for (previous, into, ticket) in [("bob", "ana", 30), ("ana", "bob", 31)] {
        world.alias(previous, into, ticket);
        world.settle();
    }
    let stones = ["ana", "bob"].map(|id| world.customer(id).expect(id).tombstone.is_some());
    assert_eq!(stones, [false, true]);
    assert!(world.acknowledged.contains(&30) && world.acknowledged.contains(&31));
}

#[test]
fn enrollments_go_on_and_a_double_one_is_withdrawn() {
    let mut world = two();
    let begun = world.now;
    world.track("ana", "Added", 10);
    world.track("anon:v1", "Added", 11);
    world.track("anon:v1", "Seen", 12);
    world.track("ana", "Seen", 13);
    world.live(begun.plus_ms(HOUR));
    world.alias("v1", "ana", 14);
    world.settle();
    let ana = world.customer("ana").expect("ana");
    assert_eq!(ana.enrollments.len(), 3, "one of the basket, two of each");
    let withdrawn = world.history("ana").into_iter().filter(
        |item| matches!(item, HistoryItem::Exited { reason, .. } if reason.as_str() == "withdrawn"),
    );
    assert_eq!(withdrawn.count(), 1);
    world.live(begun.plus_ms(24 * HOUR));
    // Both first messages of the baskets, the second one of hers, and one for each view.
    assert_eq!(world.sends("ana").len(), 5);
    assert!(world.sends("anon:v1").is_empty());
    assert!(world.left.values().all(|times| *times == 1));
    // The memory of entries is united too.
    world.track("anon:v1", "Added", 15);
    world.settle();
    assert!(world.customer("ana").expect("ana").enrollments.is_empty());
}

#[test]
fn explain_tells_both_histories_and_where_the_other_one_went() {
    let mut world = two();
    world.track("anon:v1", "Added", 10);
    world.settle();
    world.now = world.now.plus_ms(HOUR);
    world.alias("v1", "ana", 11);
    world.settle();
    let texts = |id: &str| -> Vec<String> {
        world.timeline(id).entries.into_iter().map(|entry| entry.text).collect()
    };
    let ana = texts("ana");
    for text in ["anon:v1 was merged into this one", "entered basket", "traits: email, tier"] {
        assert!(ana.iter().any(|known| known == text), "{text}: {ana:#?}");
    }
    let v1 = texts("anon:v1");
    assert_eq!(v1[0], "was merged into ana; everything later stands there");
    assert!(v1.iter().any(|known| known == "entered basket"), "{v1:#?}");
}
