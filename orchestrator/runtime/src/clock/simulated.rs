//! Manual time: stands still until a test or a simulation moves it, and wakes sleepers in order.
//!
//! Sleepers are woken by (due instant, order of registration), so the same run does the same
//! things.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::{Clock, Source};

#[derive(Debug, Default)]
struct Sleepers {
    registered: u64,
    waiting: BTreeMap<(i64, u64), oneshot::Sender<()>>,
}

/// The shared state behind a manual clock.
#[derive(Debug)]
pub(super) struct Manual {
    start_ms: i64,
    now_ms: AtomicI64,
    sleepers: Mutex<Sleepers>,
}

impl Manual {
    pub(super) fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::Acquire)
    }

    /// Virtual time since the start: latencies in a simulation are as repeatable as the rest.
    pub(super) fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.now_ms() - self.start_ms).unwrap_or(0)
    }

    /// Registers a sleeper now, not at the first poll: the order of calls is the order of waking.
    pub(super) fn register(&self, due_ms: i64) -> Option<oneshot::Receiver<()>> {
        let mut sleepers = self.lock();
        // Read under the lock: `move_to` stores the instant under it, so no wake-up is missed.
        if due_ms <= self.now_ms() {
            return None;
        }
        let (wake, woken) = oneshot::channel();
        let number = sleepers.registered;
        sleepers.registered += 1;
        sleepers.waiting.insert((due_ms, number), wake);
        Some(woken)
    }

    /// Moves to `now_ms` and wakes whoever is due before `woken_ms`.
    fn move_to(&self, now_ms: i64, woken_ms: i64) -> usize {
        let due = {
            let mut sleepers = self.lock();
            let now_ms = now_ms.max(self.now_ms());
            self.now_ms.store(now_ms, Ordering::Release);
            let later = sleepers.waiting.split_off(&(woken_ms, 0));
            std::mem::replace(&mut sleepers.waiting, later)
        };
        due.into_values().filter_map(|wake| wake.send(()).ok()).count()
    }

    fn next_wake(&self) -> Option<i64> {
        let mut sleepers = self.lock();
        // Sleeps that were given up (a cancelled alarm) must not stop the time machine.
        while let Some(first) = sleepers.waiting.first_entry() {
            if !first.get().is_closed() {
                return Some(first.key().0);
            }
            first.remove();
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, Sleepers> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hand that moves a manual clock. Clones move the same one.
#[derive(Clone, Debug)]
pub struct SimulatedClock(Arc<Manual>);

impl SimulatedClock {
    /// A clock that stands at `start_ms` (milliseconds since the epoch).
    #[must_use]
    pub fn new(start_ms: i64) -> Self {
        let now_ms = AtomicI64::new(start_ms);
        Self(Arc::new(Manual { start_ms, now_ms, sleepers: Mutex::default() }))
    }

    /// The handle to give to the code under test.
    #[must_use]
    pub fn clock(&self) -> Clock {
        Clock::from_source(Source::Manual(Arc::clone(&self.0)))
    }

    /// Moves to `now_ms` and wakes whoever is due, in order; an earlier instant changes nothing.
    /// Answers how many were woken; they run when their executor polls them.
    pub fn advance_to(&self, now_ms: i64) -> usize {
        let now_ms = now_ms.max(self.0.now_ms());
        self.0.move_to(now_ms, now_ms.saturating_add(1))
    }

    /// Moves to `now_ms` and wakes only whoever was due before it: for what must come first at
    /// that very instant. [`Self::advance_to`] wakes the others.
    pub fn stand_at(&self, now_ms: i64) -> usize {
        let now_ms = now_ms.max(self.0.now_ms());
        self.0.move_to(now_ms, now_ms)
    }

    /// Moves on by `by_ms`. See [`Self::advance_to`].
    pub fn advance_by(&self, by_ms: u64) -> usize {
        let by_ms = i64::try_from(by_ms).unwrap_or(i64::MAX);
        self.advance_to(self.0.now_ms().saturating_add(by_ms))
    }

    /// The instant of the first sleeper that still waits.
    #[must_use]
    pub fn next_wake(&self) -> Option<i64> {
        self.0.next_wake()
    }

    /// Goes to `until_ms` instant by instant: at each one at which somebody wakes, `settle` lets
    /// the woken code run before time moves on, so everyone sees the very instant it asked for.
    pub async fn run_to<S: AsyncFnMut()>(&self, until_ms: i64, mut settle: S) {
        settle().await;
        while let Some(due_ms) = self.next_wake().filter(|due_ms| *due_ms <= until_ms) {
            self.advance_to(due_ms);
            settle().await;
        }
        self.advance_to(until_ms);
        settle().await;
    }
}
