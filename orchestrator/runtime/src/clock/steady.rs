//! Makes a wall clock that never goes back. Pure: readings are arguments.
//!
//! While the wall clock stands behind what was already answered (it was set back), time goes on at
//! half the speed of the monotonic clock until the wall clock has caught up. So timers still fire,
//! at most twice as far apart, instead of stopping for the whole length of the step back. A jump
//! forward is followed at once: after a suspended machine wakes, what is due is due.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

/// One part in this many of the monotonic time is answered while the wall clock is behind.
const SLEW: i64 = 2;

/// Where slewing began: what had been answered, and the monotonic reading then.
#[derive(Clone, Copy, Debug)]
struct Slew {
    answered_ms: i64,
    monotonic_ms: i64,
}

/// Answers instants that never decrease, from readings of two clocks.
#[derive(Debug, Default)]
pub(super) struct Steady {
    answered_ms: AtomicI64,
    slew: Mutex<Option<Slew>>,
}

impl Steady {
    /// The instant to answer for these readings, both in milliseconds.
    pub(super) fn observe(&self, wall_ms: i64, monotonic_ms: i64) -> i64 {
        let answered = self.answered_ms.load(Ordering::Acquire);
        let candidate =
            if wall_ms >= answered { wall_ms } else { self.slewed(wall_ms, monotonic_ms) };
        let before = self.answered_ms.fetch_max(candidate, Ordering::AcqRel);
        before.max(candidate)
    }

    fn slewed(&self, wall_ms: i64, monotonic_ms: i64) -> i64 {
        let mut slew = self.slew.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let answered_ms = self.answered_ms.load(Ordering::Acquire);
        // A slew that is behind what was answered since belongs to an earlier step back.
        let at = |s: Slew| s.answered_ms + (monotonic_ms - s.monotonic_ms).max(0) / SLEW;
        let current = slew.filter(|s| at(*s) >= answered_ms);
        let begun = current.unwrap_or(Slew { answered_ms, monotonic_ms });
        *slew = Some(begun);
        at(begun).max(wall_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Readings (wall, monotonic) and the answers expected for them, in order.
    fn check(readings: &[(i64, i64, i64)]) {
        let steady = Steady::default();
        for (index, (wall, monotonic, expected)) in readings.iter().enumerate() {
            let answer = steady.observe(*wall, *monotonic);
            assert_eq!(answer, *expected, "reading {index} of {readings:?}");
        }
    }

    #[test]
    fn follows_the_wall_clock() {
        check(&[(1_000, 0, 1_000), (1_005, 5, 1_005), (1_005, 5, 1_005), (9_000, 9, 9_000)]);
    }

    #[test]
    fn goes_on_at_half_speed_after_a_step_back_until_the_wall_clock_is_level() {
        check(&[
            (10_000, 0, 10_000),
            (4_000, 100, 10_000),
            (4_100, 200, 10_050),
            (9_000, 5_100, 12_500),
            (16_100, 12_100, 16_100),
            (16_200, 12_200, 16_200),
        ]);
    }

    #[test]
    fn a_second_step_back_starts_from_what_was_answered() {
        check(&[
            (10_000, 0, 10_000),
            (9_000, 100, 10_000),
            (20_000, 200, 20_000),
            (15_000, 300, 20_000),
            (15_100, 400, 20_050),
        ]);
    }

    #[test]
    fn a_monotonic_reading_taken_earlier_by_another_thread_does_no_harm() {
        check(&[(10_000, 100, 10_000), (9_000, 90, 10_000), (9_000, 80, 10_000)]);
    }
}
