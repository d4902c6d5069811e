//! Tests of `active`.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn key(n: u8) -> Key {
    [n; 16]
}

#[test]
fn who_was_idle_longest_leaves_first_once_all_is_done_and_durable() {
    let mut active = Active::new();
    let slots: Vec<_> = (1..=3).map(|n| active.activate(key(n), n, i64::from(n), 0)).collect();
    let flight = active.begin(slots[0], 10).expect("room");
    assert_eq!((active.in_flight(), active.idle_since_ms()), (1, Some(2)));
    assert_eq!(active.evict(2, 0), None, "used at that very instant");
    assert_eq!(active.evict(3, 0), Some((key(2), 2)));
    assert_eq!(active.evict_key(&key(1), 9), None, "in flight");
    assert_eq!(active.end(flight, 5), key(1));
    assert_eq!(active.sequence(slots[0]), 5);
    assert_eq!(active.evict_key(&key(1), 4), None, "not durable");
    assert_eq!(active.evict(i64::MAX, 4), Some((key(3), 3)));
    assert_eq!(active.evict(i64::MAX, 4), None, "not durable");
    assert_eq!(active.evict(i64::MAX, 5), Some((key(1), 1)));
    assert!(active.is_empty() && active.idle_since_ms().is_none());
}

#[test]
fn flights_are_bounded_and_counted_per_owner() {
    let mut active = Active::new();
    let slot = active.activate(key(1), (), 0, 7);
    let flights: Vec<_> = std::iter::from_fn(|| active.begin(slot, 1)).collect();
    assert_eq!(flights.len(), usize::from(FLIGHTS_PER_OWNER));
    for flight in flights {
        assert_eq!(active.evict(i64::MAX, 100), None);
        active.end(flight, 3);
    }
    assert_eq!(active.sequence(slot), 7, "the highest counts");
    assert!(active.evict(i64::MAX, 100).is_some());
}

#[test]
#[should_panic(expected = "already active")]
fn two_actors_of_one_owner_are_a_defect() {
    let mut active = Active::new();
    active.activate(key(1), (), 0, 0);
    active.activate(key(1), (), 0, 0);
}

#[derive(Clone, Debug)]
enum Step {
    Activate(u8),
    Begin(u8),
    End(usize),
    Evict(u64),
    EvictKey(u8, u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..8_u8).prop_map(Step::Activate),
        (0..8_u8).prop_map(Step::Begin),
        (0..4_usize).prop_map(Step::End),
        (0..6_u64).prop_map(Step::Evict),
        ((0..8_u8), (0..6_u64)).prop_map(|(n, back)| Step::EvictKey(n, back)),
    ]
}

#[derive(Debug)]
struct Known {
    in_flight: u16,
    idle_at: i64,
    sequence: u64,
}

proptest! {
    /// Against a plain map: the longest idle owner leaves, and never one that is not done.
    #[test]
    fn it_does_what_a_plain_map_does(steps in prop::collection::vec(step(), 0..300)) {
        let mut active = Active::new();
        let mut model: BTreeMap<u8, Known> = BTreeMap::new();
        let mut flights = Vec::new();
        for (number, step) in (1_i64..).zip(&steps) {
            let sequence = number.cast_unsigned();
            let durable = |back: u64| sequence.saturating_sub(back * 4);
            let done = |known: &Known, back| {
                known.in_flight == 0 && known.sequence <= durable(back)
            };
            match step {
                Step::Activate(n) => {
                    let known = Known { in_flight: 0, idle_at: number, sequence: 0 };
                    if !model.contains_key(n) {
                        model.insert(*n, known);
                        active.activate(key(*n), *n, number, 0);
                    }
                }
                Step::Begin(n) => if let Some(slot) = active.find(&key(*n)) {
                    prop_assert_eq!(active.value(slot), n);
                    if let Some(flight) = active.begin(slot, number) {
                        flights.push((*n, flight));
                        model.get_mut(n).expect("known").in_flight += 1;
                    }
                },
                Step::End(nth) => if *nth < flights.len() {
                    let (n, flight) = flights.remove(*nth);
                    prop_assert_eq!(active.end(flight, sequence), key(n));
                    let known = model.get_mut(&n).expect("known");
                    known.in_flight -= 1;
                    (known.idle_at, known.sequence) = (number, sequence);
                },
                Step::Evict(back) => {
                    let idle = model.iter().filter(|(_, known)| known.in_flight == 0);
                    let oldest = idle.min_by_key(|(_, known)| known.idle_at);
                    let leaving = oldest.filter(|(_, k)| done(k, *back)).map(|(n, _)| *n);
                    let evicted = active.evict(i64::MAX, durable(*back));
                    prop_assert_eq!(evicted, leaving.map(|n| (key(n), n)));
                    leaving.and_then(|n| model.remove(&n));
                }
                Step::EvictKey(n, back) => {
                    let leaves = model.get(n).is_some_and(|known| done(known, *back));
                    let evicted = active.evict_key(&key(*n), durable(*back));
                    prop_assert_eq!(evicted.is_some(), leaves);
                    if leaves {
                        model.remove(n);
                    }
                }
            }
            prop_assert_eq!(active.len(), model.len());
            prop_assert_eq!(active.in_flight(), flights.len());
        }
    }
}
