//! Counting permits shared by partitions on any thread, for things of which there are only so many
//! (connections to a provider).
//!
//! Fair: whoever finds none free waits in line, once per partition, and a permit that comes back
//! goes straight to the first in line. So a busy partition gets one permit per round and never
//! passes the others. The permit travels in the notification: a partition that has nothing to do
//! with it any more drops it, and it goes to the next.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is called with a permit for a partition that waits. It runs on the thread that gave the
/// permit back, so it must only hand the permit over (a message), not work.
type Notify = Box<dyn FnOnce(Permit) + Send>;

#[derive(Default)]
struct State {
    free: usize,
    line: VecDeque<u32>,
    waiting: HashMap<u32, Notify>,
}

struct Shared {
    total: usize,
    state: Mutex<State>,
}

/// A pool of permits; clones share it.
#[derive(Clone)]
pub struct Slots(Arc<Shared>);

impl Slots {
    /// `total` permits, all free.
    #[must_use]
    pub fn new(total: usize) -> Self {
        let state = Mutex::new(State { free: total, ..State::default() });
        Self(Arc::new(Shared { total, state }))
    }

    /// A permit, if one is free. None is while somebody waits in line: they come first.
    #[must_use]
    pub fn try_acquire(&self) -> Option<Permit> {
        let mut state = self.lock();
        state.free = state.free.checked_sub(1)?;
        Some(Permit { slots: self.clone() })
    }

    /// A permit now, or `notify` is called with one as soon as it is this partition's turn. A
    /// partition waits once: while it does, further calls change nothing (their `notify` is
    /// dropped).
    pub fn acquire_or_wait(
        &self,
        partition: u32,
        notify: impl FnOnce(Permit) + Send + 'static,
    ) -> Option<Permit> {
        let mut state = self.lock();
        if let Some(free) = state.free.checked_sub(1) {
            state.free = free;
            return Some(Permit { slots: self.clone() });
        }
        let State { line, waiting, .. } = &mut *state;
        waiting.entry(partition).or_insert_with(|| {
            line.push_back(partition);
            Box::new(notify)
        });
        None
    }

    /// The partition has nothing to send any more, or was given up: it leaves the line.
    pub fn stop_waiting(&self, partition: u32) {
        let mut state = self.lock();
        let removed = state.waiting.remove(&partition);
        if removed.is_some() {
            state.line.retain(|waiting| *waiting != partition);
        }
        // What the notification owns is dropped outside the lock.
        drop(state);
    }

    /// How many permits there are.
    #[must_use]
    pub fn total(&self) -> usize {
        self.0.total
    }

    /// How many are free.
    #[must_use]
    pub fn free(&self) -> usize {
        self.lock().free
    }

    /// How many partitions wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.lock().line.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands the permit that came back to the first in line, who is answered; or frees it.
    fn next_in_line(&self) -> Option<Notify> {
        let mut state = self.lock();
        let Some(partition) = state.line.pop_front() else {
            state.free += 1;
            return None;
        };
        Some(state.waiting.remove(&partition).expect("everyone in line has a notification"))
    }
}

impl fmt::Debug for Slots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slots").field("total", &self.0.total).finish_non_exhaustive()
    }
}

/// One permit; dropping it gives it to the next.
#[derive(Debug)]
#[must_use = "dropping a permit gives it back at once"]
pub struct Permit {
    slots: Slots,
}

impl Drop for Permit {
    fn drop(&mut self) {
        // Outside the lock: the notification may drop the permit again, which comes back here.
        if let Some(notify) = self.slots.next_in_line() {
            notify(Permit { slots: self.slots.clone() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn permits_go_round_between_partitions_that_all_want_more() {
        let slots = Slots::new(2);
        let (granted, grants) = mpsc::channel();
        let mut held = VecDeque::new();
        let want = |partition: u32| {
            let granted = granted.clone();
            slots.acquire_or_wait(partition, move |permit| {
                let _ = granted.send((partition, permit));
            })
        };
        held.extend(want(1));
        held.extend(want(1));
        for partition in [1, 2, 1, 3, 2] {
            assert!(want(partition).is_none());
        }
        assert_eq!((slots.free(), slots.waiting(), slots.total()), (0, 3, 2));
        let mut order = Vec::new();
        for _ in 0..7 {
            drop(held.pop_front());
            let (partition, permit) = grants.recv().expect("a grant");
            order.push(partition);
            held.push_back(permit);
            assert!(want(partition).is_none());
        }
        assert_eq!(order, [1, 2, 3, 1, 2, 3, 1]);
    }

    #[test]
    fn a_permit_that_is_not_wanted_goes_to_the_next_and_at_last_becomes_free() {
        let slots = Slots::new(1);
        let (asked, order) = mpsc::channel();
        let held = slots.try_acquire().expect("free");
        for partition in [7, 8, 9] {
            let asked = asked.clone();
            let none = slots.acquire_or_wait(partition, move |permit| {
                asked.send(partition).expect("the test listens");
                drop(permit);
            });
            assert!(none.is_none());
        }
        slots.stop_waiting(8);
        slots.stop_waiting(8);
        assert!(slots.try_acquire().is_none());
        drop(held);
        assert_eq!(order.try_iter().collect::<Vec<_>>(), [7, 9]);
        assert_eq!((slots.free(), slots.waiting()), (1, 0));
    }

    #[test]
    fn permits_are_neither_lost_nor_made_by_many_threads() {
        let slots = Slots::new(3);
        std::thread::scope(|scope| {
            for partition in 0..4 {
                let slots = slots.clone();
                scope.spawn(move || {
                    let (granted, grants) = mpsc::channel();
                    for _ in 0..2_000 {
                        let granted = granted.clone();
                        let now = slots.acquire_or_wait(partition, move |permit| {
                            let _ = granted.send(permit);
                        });
                        drop(now.unwrap_or_else(|| grants.recv().expect("a grant")));
                    }
                });
            }
        });
        assert_eq!((slots.free(), slots.waiting()), (3, 0));
    }
}
