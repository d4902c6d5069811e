//! The one clock. Everyone who needs time is handed a [`Clock`] or an instant; nobody else reads
//! it.
//!
//! Owns: reading wall and monotonic time, sleeping, intervals, time-outs, and the two kinds of
//! simulated time (accelerated for a demonstration, manual for tests and simulation). Called by
//! actors and schedulers. It must never answer an instant earlier than one it answered before.

#![expect(clippy::disallowed_methods, reason = "the one place that reads time and sleeps")]

mod simulated;
mod steady;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use thiserror::Error;

use simulated::Manual;
pub use simulated::SimulatedClock;
use steady::Steady;

/// The longest single sleep of the operating system clock. A wall clock that jumps forward (the
/// machine was suspended) is noticed at most this late; a waking per second costs nothing.
const NAP_MS_MAX: i64 = 1_000;

/// How many real milliseconds an accelerated sleep takes at least, so that it never spins.
const ACCELERATED_NAP_MS_MIN: i64 = 1;

/// A time-out passed before the future was ready.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("no answer within {after_ms} ms")]
pub struct TimedOut {
    /// The time that was allowed, in milliseconds.
    pub after_ms: u64,
}

#[derive(Debug)]
enum Source {
    System(SystemClock),
    Accelerated { origin: Instant, start_ms: i64, factor: u32 },
    Manual(Arc<Manual>),
}

/// Wall time made steady: see the module `steady` for what happens when it is set back.
#[derive(Debug)]
pub struct SystemClock {
    origin: Instant,
    steady: Steady,
}

impl SystemClock {
    fn now_ms(&self) -> i64 {
        // A machine whose clock stands before 1970 counts as 1970.
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall_ms = i64::try_from(wall.as_millis()).unwrap_or(i64::MAX);
        let elapsed_ms = i64::try_from(self.origin.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.steady.observe(wall_ms, elapsed_ms)
    }
}

/// Cheap to clone; all clones tell the same time.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Source>);

impl Clock {
    /// The clock of the machine.
    #[must_use]
    pub fn system() -> Self {
        Self::from_source(Source::System(SystemClock {
            origin: Instant::now(),
            steady: Steady::default(),
        }))
    }

    /// Starts at `start_ms` (since the epoch) and runs `factor` times as fast as real time; a
    /// factor of 0 counts as 1. For demonstrations: 3,600 shows an hour per second.
    #[must_use]
    pub fn accelerated(start_ms: i64, factor: u32) -> Self {
        let origin = Instant::now();
        Self::from_source(Source::Accelerated { origin, start_ms, factor: factor.max(1) })
    }

    /// Goes on from an instant that was answered before a restart, if the machine's clock stands
    /// behind it by no more than `limit_ms`: then time is slewed until the machine's clock is
    /// level. Behind by more than that it is the earlier answer that was wrong. False then.
    pub fn not_before(&self, answered_ms: i64, limit_ms: i64) -> bool {
        // Other clocks have no machine's clock behind them: whoever drives them sees to it.
        let Source::System(SystemClock { origin, steady }) = &*self.0 else { return true };
        if answered_ms.saturating_sub(self.now_ms()) > limit_ms {
            return false;
        }
        let elapsed_ms = i64::try_from(origin.elapsed().as_millis()).unwrap_or(i64::MAX);
        steady.observe(answered_ms, elapsed_ms);
        true
    }

    fn from_source(source: Source) -> Self {
        Self(Arc::new(source))
    }

    /// Milliseconds since the epoch, UTC. Never less than an earlier answer of this clock.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        match &*self.0 {
            Source::System(system) => system.now_ms(),
            Source::Accelerated { origin, start_ms, factor } => {
                let elapsed_ms = i64::try_from(origin.elapsed().as_millis()).unwrap_or(i64::MAX);
                start_ms.saturating_add(elapsed_ms.saturating_mul(i64::from(*factor)))
            }
            Source::Manual(manual) => manual.now_ms(),
        }
    }

    /// Microseconds since this clock was made, for measuring latency. Real time, except that a
    /// manual clock answers virtual time so that a simulation stays repeatable.
    #[must_use]
    pub fn monotonic_us(&self) -> u64 {
        match &*self.0 {
            Source::System(SystemClock { origin, .. }) | Source::Accelerated { origin, .. } => {
                u64::try_from(origin.elapsed().as_micros()).unwrap_or(u64::MAX)
            }
            Source::Manual(manual) => manual.elapsed_ms().saturating_mul(1_000),
        }
    }

    /// Milliseconds since this clock was made. See [`Self::monotonic_us`].
    #[must_use]
    pub fn monotonic_ms(&self) -> u64 {
        self.monotonic_us() / 1_000
    }

    /// Completes once [`Self::now_ms`] answers `due_ms` or more; at once if it already does. The
    /// sleeper of a manual clock is registered by this call, not by the first poll.
    pub fn sleep_until(&self, due_ms: i64) -> impl Future<Output = ()> + Send + use<> {
        let woken = match &*self.0 {
            Source::Manual(manual) => manual.register(due_ms),
            Source::System(_) | Source::Accelerated { .. } => None,
        };
        let clock = self.clone();
        async move {
            if let Some(woken) = woken {
                // The clock lives as long as `clock`, so the sender can only have sent.
                let _ = woken.await;
                return;
            }
            while let Some(nap) = clock.nap(due_ms) {
                tokio::time::sleep(nap).await;
            }
        }
    }

    /// Completes when `after_ms` of this clock's time have passed.
    pub fn sleep(&self, after_ms: u64) -> impl Future<Output = ()> + Send + use<> {
        let after_ms = i64::try_from(after_ms).unwrap_or(i64::MAX);
        self.sleep_until(self.now_ms().saturating_add(after_ms))
    }

    /// Ticks every `period_ms` (at least 1), the first time one period from now.
    #[must_use]
    pub fn interval(&self, period_ms: u64) -> Interval {
        let period_ms = i64::try_from(period_ms.max(1)).unwrap_or(i64::MAX);
        let next_ms = self.now_ms().saturating_add(period_ms);
        Interval { clock: self.clone(), period_ms, next_ms }
    }

    /// What `future` answers, if it does within `after_ms`.
    ///
    /// # Errors
    /// [`TimedOut`]; the future is dropped then.
    pub async fn timeout<F: Future>(
        &self,
        after_ms: u64,
        future: F,
    ) -> Result<F::Output, TimedOut> {
        let sleep = self.sleep(after_ms);
        tokio::select! {
            // An answer that is there at the deadline counts.
            biased;
            output = future => Ok(output),
            () = sleep => Err(TimedOut { after_ms }),
        }
    }

    /// How many times as fast as real time it runs; 1 where nobody accelerates it.
    #[must_use]
    pub fn speed(&self) -> u32 {
        match &*self.0 {
            Source::Accelerated { factor, .. } => *factor,
            Source::System(_) | Source::Manual(_) => 1,
        }
    }

    /// The next piece of real sleep on the way to `due_ms`; `None` when it has come.
    fn nap(&self, due_ms: i64) -> Option<Duration> {
        let left_ms = due_ms.saturating_sub(self.now_ms());
        if left_ms <= 0 {
            return None;
        }
        let nap_ms = match &*self.0 {
            Source::Accelerated { factor, .. } => {
                (left_ms / i64::from(*factor)).max(ACCELERATED_NAP_MS_MIN)
            }
            Source::System(_) | Source::Manual(_) => left_ms,
        };
        Some(Duration::from_millis(nap_ms.min(NAP_MS_MAX).cast_unsigned()))
    }
}

/// Ticks of a [`Clock`]. Ticks that were missed are skipped, not made up for.
#[derive(Debug)]
pub struct Interval {
    clock: Clock,
    period_ms: i64,
    next_ms: i64,
}

impl Interval {
    /// Waits for the next tick and answers the instant it was due, in milliseconds.
    pub async fn tick(&mut self) -> i64 {
        let due_ms = self.next_ms;
        self.clock.sleep_until(due_ms).await;
        let late_ms = self.clock.now_ms().saturating_sub(due_ms).max(0);
        let periods = late_ms / self.period_ms + 1;
        self.next_ms = due_ms.saturating_add(periods.saturating_mul(self.period_ms));
        due_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    fn block_on<F: Future>(future: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime.expect("a runtime"), future)
    }

    async fn settle() {
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
    }

    #[test]
    fn sleepers_wake_by_due_instant_then_by_registration() {
        block_on(async {
            let simulated = SimulatedClock::new(1_000);
            let clock = simulated.clock();
            let woken = Arc::new(Mutex::new(Vec::new()));
            for (name, due_ms) in [("late", 1_300), ("a", 1_100), ("b", 1_100), ("past", 900)] {
                let (sleep, woken) = (clock.sleep_until(due_ms), Arc::clone(&woken));
                let clock = clock.clone();
                tokio::task::spawn_local(async move {
                    sleep.await;
                    woken.lock().expect("lock").push((name, clock.now_ms()));
                });
            }
            assert_eq!(simulated.next_wake(), Some(1_100));
            simulated.run_to(1_500, settle).await;
            let seen = woken.lock().expect("lock").clone();
            assert_eq!(seen, [("past", 1_000), ("a", 1_100), ("b", 1_100), ("late", 1_300)]);
            assert_eq!((clock.now_ms(), clock.monotonic_ms()), (1_500, 500));
            assert_eq!(simulated.next_wake(), None);
        });
    }

    #[test]
    fn a_sleep_that_was_given_up_is_not_waited_for() {
        let simulated = SimulatedClock::new(0);
        let clock = simulated.clock();
        drop(clock.sleep_until(10));
        let _kept = clock.sleep_until(20);
        assert_eq!(simulated.next_wake(), Some(20));
        assert_eq!(simulated.advance_to(30), 1);
        assert_eq!(simulated.advance_to(5), 0);
        assert_eq!(clock.now_ms(), 30);
    }

    #[test]
    fn intervals_skip_what_they_missed() {
        block_on(async {
            let simulated = SimulatedClock::new(0);
            let mut interval = simulated.clock().interval(50);
            simulated.advance_to(50);
            assert_eq!(interval.tick().await, 50);
            simulated.advance_to(230);
            assert_eq!(interval.tick().await, 100);
            simulated.advance_to(250);
            assert_eq!(interval.tick().await, 250);
        });
    }

    #[test]
    fn a_timeout_follows_the_clock_it_was_asked_of() {
        block_on(async {
            let simulated = SimulatedClock::new(0);
            let clock = simulated.clock();
            assert_eq!(clock.timeout(10, async { 7 }).await, Ok(7));
            let waiting = clock.timeout(10, std::future::pending::<()>());
            let moving = async {
                settle().await;
                simulated.advance_by(10);
            };
            let (answer, ()) = tokio::join!(waiting, moving);
            assert_eq!(answer, Err(TimedOut { after_ms: 10 }));
        });
    }

    #[test]
    fn real_clocks_go_on_and_sleep_at_least_as_long_as_asked() {
        block_on(async {
            for clock in [Clock::system(), Clock::accelerated(5_000, 1_000)] {
                let (before_ms, before_us) = (clock.now_ms(), clock.monotonic_us());
                clock.sleep(20).await;
                assert!(clock.now_ms() >= before_ms + 20);
                assert!(clock.monotonic_us() >= before_us);
            }
        });
    }
}
