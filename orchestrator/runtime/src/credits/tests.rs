//! Tests of `credits`.

use proptest::prelude::*;

use super::*;
use crate::clock::SimulatedClock;

fn pool(index: u32, limit: u32) -> (SimulatedClock, Credits) {
    let simulated = SimulatedClock::new(0);
    let target = Target { kind: "partition inputs", index };
    let credits = Credits::new(target, limit, simulated.clock());
    (simulated, credits)
}

fn retry_after(refused: Result<Credit, Busy>) -> u32 {
    match refused {
        Err(Busy::Full { retry_after_ms, .. }) => retry_after_ms,
        other => panic!("{other:?}"),
    }
}

#[test]
fn credits_come_back_when_they_are_dropped_split_or_given_back() {
    let (_, credits) = pool(3, 10);
    let mut batch = credits.try_take(8).expect("room");
    let one = batch.split(1);
    batch.give_back(2);
    assert_eq!((batch.count(), one.count(), credits.used()), (5, 1, 6));
    batch.give_back(99);
    assert_eq!((batch.split(7).count(), credits.used()), (0, 1));
    batch.absorb(one);
    batch.absorb(credits.try_take(2).expect("room"));
    assert_eq!((batch.count(), credits.used()), (3, 3));
    drop(batch);
    assert_eq!(credits.used(), 0);
}

#[test]
fn a_refusal_says_who_is_busy_or_that_it_never_fits() {
    let (_, credits) = pool(3, 10);
    let _held = credits.try_take(10).expect("room");
    let said = |wanted| credits.try_take(wanted).expect_err("refused").to_string();
    assert_eq!(said(1), "partition inputs 3 is busy, retry after 250 ms");
    assert_eq!(said(11), "11 at once is more than the 10 that partition inputs 3 takes");
    assert_eq!(credits.refused(), 1, "what never fits is not a sign of load");
}

#[test]
fn the_wait_that_is_told_follows_the_measured_rate() {
    let (clock, credits) = pool(0, 1_000);
    let mut held = credits.try_take(1_000).expect("room");
    assert_eq!(retry_after(credits.try_take(1)), RETRY_AFTER_MS_UNMEASURED);
    // 500 in half a second: a thousand per second.
    clock.advance_by(500);
    held.give_back(500);
    assert_eq!(retry_after(credits.try_take(600)), 100);
    assert_eq!(retry_after(credits.try_take(501)), RETRY_AFTER_MS_MIN);
    // Nothing more comes back: told anew once the rate has been forgotten.
    clock.advance_by(20_000);
    assert_eq!(retry_after(credits.try_take(600)), RETRY_AFTER_MS_UNMEASURED);
    clock.advance_by(5_000);
    held.give_back(5);
    assert_eq!(retry_after(credits.try_take(1_000)), RETRY_AFTER_MS_MAX);
}

#[test]
fn who_waits_gets_credits_as_they_come_back() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let (_, credits) = pool(0, 4);
        let held = credits.try_take(3).expect("room");
        let give = async { drop(held) };
        let (taken, ()) = tokio::join!(credits.take(2), give);
        assert_eq!((taken.expect("room").count(), credits.used()), (2, 2));
        assert!(matches!(credits.take(5).await, Err(Busy::TooLarge { limit: 4, .. })));
    });
}

#[test]
fn no_more_than_the_limit_are_out_whatever_threads_do() {
    let (_, credits) = pool(0, 100);
    let highest = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for thread in 0..4_u32 {
            let (credits, highest) = (&credits, &highest);
            scope.spawn(move || {
                for n in 0..20_000 {
                    let wanted = 1 + (n * 7 + thread) % 60;
                    if let Ok(credit) = credits.try_take(wanted) {
                        highest.fetch_max(credits.used(), Ordering::AcqRel);
                        drop(credit);
                    }
                }
            });
        }
    });
    assert_eq!(credits.used(), 0);
    assert!(highest.into_inner() <= 100);
}

proptest! {
    /// A batch gets all that it asks for or nothing, as plain arithmetic says.
    #[test]
    fn a_batch_reserves_everywhere_or_nowhere(
        limits in prop::collection::vec(0..20_u32, 1..5),
        batches in prop::collection::vec(
            (prop::collection::vec((any::<prop::sample::Index>(), 0..12_u32), 0..6), any::<bool>()),
            0..30,
        ),
    ) {
        let pools: Vec<_> = (0..).zip(&limits).map(|(n, limit)| pool(n, *limit).1).collect();
        let mut used = vec![0; limits.len()];
        let mut held = Vec::new();
        for (parts, release_first) in batches {
            if release_first && !held.is_empty() {
                let (reservation, counts): (Reservation, Vec<u32>) = held.remove(0);
                drop(reservation.into_parts());
                used.iter_mut().zip(counts).for_each(|(used, count)| *used -= count);
            }
            let parts: Vec<_> = parts.iter().map(|(at, n)| (at.index(limits.len()), *n)).collect();
            let mut counts = vec![0; limits.len()];
            parts.iter().for_each(|(at, n)| counts[*at] += n);
            let fits = (0..limits.len()).all(|at| used[at] + counts[at] <= limits[at]);
            let asked: Vec<_> = parts.iter().map(|(at, n)| (&pools[*at], *n)).collect();
            let reserved = reserve_all(&asked);
            prop_assert_eq!(reserved.is_ok(), fits);
            if let Ok(reservation) = reserved {
                used.iter_mut().zip(&counts).for_each(|(used, count)| *used += count);
                held.push((reservation, counts));
            }
            let out: Vec<_> = pools.iter().map(Credits::used).collect();
            prop_assert_eq!(&out, &used);
        }
    }
}
