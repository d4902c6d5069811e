//! Tests of `lanes`.

use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;

use super::*;
use Lane::{Broadcast, Live, Recompute, Transactional};

fn key(n: u8) -> Key {
    [n; 16]
}

fn limits(per_key: u32, total: u32) -> LaneLimits {
    LaneLimits { per_key, total, ..LaneLimits::default() }
}

fn lanes(inputs: &[(Lane, u8, &'static str)]) -> Lanes<&'static str> {
    let mut lanes = Lanes::new(LaneLimits::default());
    for (lane, n, input) in inputs {
        lanes.push(*lane, key(*n), *input).expect("room");
    }
    lanes
}

/// Takes and finishes until nothing waits; "key lane inputs" per turn.
fn drain(lanes: &mut Lanes<&'static str>, max: usize) -> Vec<String> {
    let mut turns = Vec::new();
    let mut inputs = Vec::new();
    while let Some(taken) = lanes.take(max, &mut inputs) {
        turns.push(format!("{} {:?} {}", taken.key[0], taken.lane, inputs.concat()));
        inputs.clear();
        lanes.finish(&taken.key);
    }
    turns
}

#[test]
fn a_better_lane_goes_first_and_each_is_first_in_first_out() {
    let mut lanes = lanes(&[
        (Recompute, 1, "r"),
        (Broadcast, 2, "b"),
        (Live, 3, "l"),
        (Live, 4, "m"),
        (Transactional, 5, "t"),
    ]);
    let turns = drain(&mut lanes, 10);
    assert_eq!(
        turns,
        ["5 Transactional t", "3 Live l", "4 Live m", "2 Broadcast b", "1 Recompute r"]
    );
}

#[test]
fn a_key_moves_to_its_best_lane_and_its_inputs_stay_in_order() {
    let mut lanes = lanes(&[
        (Broadcast, 1, "a"),
        (Live, 2, "x"),
        (Recompute, 1, "b"),
        (Transactional, 1, "c"),
        (Broadcast, 1, "d"),
    ]);
    assert_eq!((lanes.runnable(Broadcast), lanes.runnable(Transactional)), (0, 1));
    // With its transactional input done it queues where the rest of it belongs.
    assert_eq!(drain(&mut lanes, 3), ["1 Transactional abc", "2 Live x", "1 Broadcast d"]);
    assert_eq!((lanes.len(), lanes.running()), (0, 0));
}

#[test]
fn a_running_key_collects_inputs_and_does_not_come_again_before_it_is_finished() {
    let mut lanes = lanes(&[(Live, 1, "a")]);
    let mut inputs = Vec::new();
    let taken = lanes.take(5, &mut inputs).expect("runnable");
    lanes.push(Transactional, key(1), "b").expect("room");
    assert_eq!((lanes.take(5, &mut inputs), lanes.running(), lanes.len()), (None, 1, 1));
    lanes.finish(&taken.key);
    assert_eq!(drain(&mut lanes, 5), ["1 Transactional b"]);
}

#[test]
fn a_hot_key_is_refused_before_it_fills_the_queue() {
    let mut lanes = Lanes::new(limits(2, 5));
    let push = |lanes: &mut Lanes<u8>, n| lanes.push(Live, key(n), n);
    for n in [1, 1, 2, 3] {
        push(&mut lanes, n).expect("room");
    }
    assert_eq!((lanes.room(&key(1)), lanes.room(&key(2)), lanes.room(&key(9))), (0, 1, 1));
    assert_eq!(push(&mut lanes, 1), Err((LaneFull::Key { limit: 2 }, 1)));
    push(&mut lanes, 4).expect("room");
    assert_eq!(push(&mut lanes, 5), Err((LaneFull::Queue { limit: 5 }, 5)));
    let mut left = lanes.abandon();
    left.sort_unstable();
    assert_eq!((left, lanes.len(), lanes.running()), (vec![1, 1, 2, 3, 4], 0, 0));
}

#[test]
fn what_must_not_be_refused_is_queued_beyond_the_limits_and_keeps_its_order() {
    let mut lanes = Lanes::new(limits(2, 3));
    for input in ["a", "b"] {
        lanes.push(Live, key(1), input).expect("room");
    }
    lanes.push_always(Live, key(1), "parcel");
    lanes.push_always(Transactional, key(1), "outcome");
    lanes.push_always(Live, key(2), "x");
    assert_eq!((lanes.len(), lanes.room(&key(1)), lanes.room(&key(2))), (5, 0, 0));
    // What is beyond the limits leaves less room for what may be refused.
    assert_eq!(lanes.push(Live, key(1), "c"), Err((LaneFull::Queue { limit: 3 }, "c")));
    assert_eq!(
        drain(&mut lanes, 3),
        ["1 Transactional abparcel", "1 Transactional outcome", "2 Live x"]
    );
}

#[test]
#[should_panic(expected = "a key finished that was not taken")]
fn finishing_a_key_that_does_not_run_is_a_defect() {
    lanes(&[(Live, 1, "a")]).finish(&key(1));
}

#[test]
fn no_lane_starves_and_a_saturated_queue_is_shared_by_weight() {
    let mut lanes = Lanes::new(limits(256, 4_096));
    let mut next = 0_u16;
    let mut turns = BTreeMap::new();
    let mut last_seen = BTreeMap::new();
    for turn in 0..2_000 {
        for lane in Lane::ALL {
            while lanes.runnable(lane) < 3 {
                next += 1;
                let mut key = [0; 16];
                key[..2].copy_from_slice(&next.to_le_bytes());
                lanes.push(lane, key, ()).expect("room");
            }
        }
        let taken = lanes.take(1, &mut Vec::new()).expect("saturated");
        lanes.finish(&taken.key);
        *turns.entry(taken.lane).or_insert(0) += 1;
        let gap = turn - last_seen.insert(taken.lane, turn).unwrap_or(turn);
        assert!(gap <= 20, "{:?} waited for {gap} turns", taken.lane);
    }
    let shares: Vec<_> = turns.into_values().collect();
    assert_eq!(shares, [1_000, 700, 200, 100]);
}

/// The plain model: per key the pending inputs, and which keys run.
#[derive(Default)]
struct Model {
    pending: BTreeMap<Key, VecDeque<(Lane, u32)>>,
    running: Vec<Key>,
}

#[derive(Clone, Debug)]
enum Step {
    Push(Lane, u8),
    Take(usize),
    Finish(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (prop::sample::select(&Lane::ALL[..]), 0..6_u8).prop_map(|(l, n)| Step::Push(l, n)),
        3 => (1..4_usize).prop_map(Step::Take),
        3 => (0..4_usize).prop_map(Step::Finish),
    ]
}

proptest! {
    #[test]
    fn every_input_comes_once_in_order_and_no_key_runs_twice(
        steps in prop::collection::vec(step(), 0..300),
    ) {
        let mut lanes = Lanes::new(limits(4, 12));
        let mut model = Model::default();
        for (number, step) in (0..).zip(&steps) {
            apply(&mut lanes, &mut model, number, step);
            let waiting: usize = model.pending.values().map(VecDeque::len).sum();
            prop_assert_eq!(lanes.len(), waiting);
            prop_assert_eq!(lanes.running(), model.running.len());
        }
        // Nothing is stuck: with every key finished, everything comes out.
        for key in model.running.drain(..) {
            lanes.finish(&key);
        }
        for _ in 0..=lanes.len() {
            let mut inputs = Vec::new();
            if let Some(taken) = lanes.take(1, &mut inputs) {
                lanes.finish(&taken.key);
            }
        }
        prop_assert!(lanes.is_empty() && lanes.running() == 0);
    }
}

fn apply(lanes: &mut Lanes<u32>, model: &mut Model, number: u32, step: &Step) {
    match step {
        Step::Push(lane, n) => {
            let total: usize = model.pending.values().map(VecDeque::len).sum();
            let pending = model.pending.entry(key(*n)).or_default();
            let room = (4 - pending.len()).min(12 - total);
            assert_eq!(lanes.room(&key(*n)), u32::try_from(room).expect("small"));
            let pushed = lanes.push(*lane, key(*n), number);
            assert_eq!(pushed.is_ok(), room > 0);
            if pushed.is_ok() {
                pending.push_back((*lane, number));
            }
        }
        Step::Take(max) => {
            let mut inputs = Vec::new();
            let waiting = |key: &Key, pending: &VecDeque<(Lane, u32)>| {
                !pending.is_empty() && !model.running.contains(key)
            };
            let may_run = model.pending.iter().any(|(key, pending)| waiting(key, pending));
            let taken = lanes.take(*max, &mut inputs);
            assert_eq!(taken.is_some(), may_run);
            let Some(taken) = taken else { return };
            assert!(!model.running.contains(&taken.key), "a key runs twice");
            let pending = model.pending.get_mut(&taken.key).expect("it has inputs");
            assert_eq!(Some(taken.lane), pending.iter().map(|(lane, _)| *lane).min());
            let expected: Vec<_> =
                pending.drain(..inputs.len()).map(|(_, number)| number).collect();
            assert_eq!(inputs, expected, "out of order");
            assert!(inputs.len() == *max || pending.is_empty());
            model.running.push(taken.key);
        }
        Step::Finish(nth) => {
            if *nth < model.running.len() {
                lanes.finish(&model.running.remove(*nth));
            }
        }
    }
}
