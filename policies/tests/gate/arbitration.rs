//! Arbitration and release.

use cadencia_policies::{Candidate, arbitrate, release_spread};
use domain::ids::SendId;
use domain::time::Instant;
use proptest::prelude::*;

fn candidate(
    (priority, value_micros, valid_until, journey, step, key, send): (u8, i64, i64, u8, u8, u8, u8),
) -> Candidate<'static, ()> {
    const NAMES: [&str; 3] = ["a", "b", "c"];
    Candidate {
        priority,
        value_micros,
        valid_until: Instant(valid_until),
        journey: NAMES[usize::from(journey)],
        step: NAMES[usize::from(step)],
        key: NAMES[usize::from(key)],
        send: SendId(u128::from(send)),
        payload: (),
    }
}

#[test]
fn every_criterion_decides_in_its_turn() {
    // Each line loses to the one before it by one criterion, and would win by all later ones.
    let order = [
        (90, 1, 9, 2, 2, 2, 9),
        (80, 5, 9, 2, 2, 2, 9),
        (80, 4, 5, 2, 2, 2, 9),
        (80, 4, 6, 0, 2, 2, 9),
        (80, 4, 6, 1, 0, 2, 9),
        (80, 4, 6, 1, 1, 0, 9),
        (80, 4, 6, 1, 1, 1, 4),
        (80, 4, 6, 1, 1, 1, 5),
    ];
    let expected = order.map(candidate);
    let mut shuffled = expected.clone();
    shuffled.reverse();
    arbitrate(&mut shuffled);
    assert_eq!(shuffled, expected);
}

#[test]
fn release_spreads_evenly_and_repeats_itself() {
    let mut buckets = [0; 10];
    for send in 0..100_000 {
        let spread = release_spread(SendId(send), 60_000);
        assert_eq!(spread, release_spread(SendId(send), 60_000));
        assert!((0..60_000).contains(&spread), "{spread}");
        buckets[spread as usize / 6_000] += 1;
    }
    assert!(buckets.iter().all(|count| (9_600..10_400).contains(count)), "{buckets:?}");
}

#[test]
fn a_channel_without_rate_releases_at_once() {
    assert_eq!(release_spread(SendId(3), 0), 0);
    assert_eq!(release_spread(SendId(3), -5), 0);
}

proptest! {
    #[test]
    fn the_order_of_arrival_does_not_matter(
        fields in prop::collection::vec(
            (0u8..3, 0i64..3, 0i64..3, 0u8..3, 0u8..3, 0u8..3, any::<u8>()), 0..12),
        turn in any::<prop::sample::Index>(),
    ) {
        let mut sorted: Vec<_> = fields.into_iter().map(candidate).collect();
        let mut other = sorted.clone();
        if !other.is_empty() {
            let by = turn.index(other.len());
            other.rotate_left(by);
            other.reverse();
        }
        arbitrate(&mut sorted);
        arbitrate(&mut other);
        prop_assert_eq!(sorted, other);
    }
}
