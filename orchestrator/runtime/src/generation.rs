//! Fencing: messages carry the generation of the ownership under which they were sent, and what
//! comes from an earlier one is dropped and counted.
//!
//! A generation is local to the process: it moves on whenever a partition is taken or given up, so
//! that a late answer (a commit, a load, an outcome) of the time before cannot touch the new
//! owner's state. Against other processes the store's owner token fences, not this.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The number of an ownership.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(u64);

impl Generation {
    /// The number itself, for logs.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }
}

/// Something that belongs to one generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamped<T> {
    generation: Generation,
    value: T,
}

impl<T> Stamped<T> {
    /// When it was stamped.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.generation
    }
}

#[derive(Debug, Default)]
struct Shared {
    current: AtomicU64,
    dropped: AtomicU64,
}

/// The current generation of one owner; clones share it and may live on other threads.
#[derive(Clone, Debug, Default)]
pub struct Fence(Arc<Shared>);

impl Fence {
    /// A fence at generation 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The current generation.
    #[must_use]
    pub fn current(&self) -> Generation {
        Generation(self.0.current.load(Ordering::Acquire))
    }

    /// Moves on; everything stamped before is stale from here.
    pub fn advance(&self) -> Generation {
        Generation(self.0.current.fetch_add(1, Ordering::AcqRel) + 1)
    }

    /// Marks `value` as belonging to the current generation.
    #[must_use]
    pub fn stamp<T>(&self, value: T) -> Stamped<T> {
        Stamped { generation: self.current(), value }
    }

    /// The value if it is of the current generation; otherwise it is dropped and counted.
    #[must_use]
    pub fn admit<T>(&self, stamped: Stamped<T>) -> Option<T> {
        self.is_current(stamped.generation).then_some(stamped.value)
    }

    /// Whether `generation` is the current one; if not, one more is counted as dropped.
    #[must_use]
    pub fn is_current(&self, generation: Generation) -> bool {
        let current = generation == self.current();
        if !current {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
        current
    }

    /// How many stale things were dropped since the start, for telemetry.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stamped_before_the_fence_moved_is_dropped_and_counted() {
        let fence = Fence::new();
        let seen_elsewhere = fence.clone();
        let (old, kept) = (fence.stamp("old"), fence.stamp("kept"));
        assert_eq!(fence.admit(kept), Some("kept"));
        let generation = fence.advance();
        assert_eq!(seen_elsewhere.admit(old), None);
        let fresh = seen_elsewhere.stamp("new");
        assert_eq!((fresh.generation(), generation.get()), (generation, 1));
        assert_eq!(fence.admit(fresh), Some("new"));
        assert_eq!(fence.dropped(), 1);
    }
}
