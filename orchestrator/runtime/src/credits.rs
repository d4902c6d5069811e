//! Credits: the counting permits that really bound what waits in front of an actor.
//!
//! One [`Credits`] pool stands in front of one kind of message of one target. A sender takes
//! credits for what it is about to send; they come back when the receiver drops the [`Credit`],
//! which it may keep beyond the handling of the message (a partition keeps it until the turn has
//! been made). Work that must never be refused (outcomes of sends) gets a pool of its own, as large
//! as the number of things that can be under way. This module must never wait for anything on a
//! thread.

use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use thiserror::Error;
use tokio::sync::Notify;

use crate::clock::Clock;

/// How many inputs may wait in front of one partition unless the server is told otherwise: about
/// 0.1 s of work at the rate one partition reaches alone. Beyond it callers are told to come back.
pub const PARTITION_CREDITS: u32 = 8_192;

/// The shortest and longest wait that a refused caller is told, and the one without a measured
/// rate.
pub const RETRY_AFTER_MS_MIN: u32 = 10;
/// See [`RETRY_AFTER_MS_MIN`].
pub const RETRY_AFTER_MS_MAX: u32 = 5_000;
/// See [`RETRY_AFTER_MS_MIN`].
pub const RETRY_AFTER_MS_UNMEASURED: u32 = 250;

/// The rate of return is measured over at least this time, and is forgotten after the longer one.
const DRAIN_WINDOW_MS_MIN: u64 = 100;
const DRAIN_WINDOW_MS_MAX: u64 = 10_000;

/// What a pool of credits stands in front of; bounded, so fit for a metric attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Target {
    /// The kind of actor and message, for instance `partition inputs`.
    pub kind: &'static str,
    /// Which of its kind.
    pub index: u32,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.index)
    }
}

/// Why credits were not given.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Busy {
    /// The target has too much before it now.
    #[error("{target} is busy, retry after {retry_after_ms} ms")]
    Full {
        /// Who is busy.
        target: Target,
        /// When room is to be expected, from the measured rate at which credits come back.
        retry_after_ms: u32,
    },
    /// More was asked for than the pool ever has: waiting does not help, the batch must be cut.
    #[error("{wanted} at once is more than the {limit} that {target} takes")]
    TooLarge {
        /// Who was asked.
        target: Target,
        /// How many credits were wanted.
        wanted: u32,
        /// How many there are in all.
        limit: u32,
    },
}

#[derive(Debug, Default)]
struct Drain {
    at_ms: u64,
    returned: u64,
    per_s: u64,
}

#[derive(Debug)]
struct Pool {
    target: Target,
    limit: u32,
    used: AtomicU32,
    returned: AtomicU64,
    refused: AtomicU64,
    drain: Mutex<Drain>,
    room: Notify,
    clock: Clock,
}

/// A pool of credits; clones share it.
#[derive(Clone, Debug)]
pub struct Credits(Arc<Pool>);

impl Credits {
    /// A pool of `limit` credits in front of `target`.
    #[must_use]
    pub fn new(target: Target, limit: u32, clock: Clock) -> Self {
        let drain = Mutex::new(Drain { at_ms: clock.monotonic_ms(), ..Drain::default() });
        Self(Arc::new(Pool {
            target,
            limit,
            used: AtomicU32::new(0),
            returned: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            drain,
            room: Notify::new(),
            clock,
        }))
    }

    /// Takes `count` credits, or none.
    ///
    /// # Errors
    /// [`Busy`] when fewer are free.
    pub fn try_take(&self, count: u32) -> Result<Credit, Busy> {
        let pool = &self.0;
        if count > pool.limit {
            let (target, limit) = (pool.target, pool.limit);
            return Err(Busy::TooLarge { target, wanted: count, limit });
        }
        let taken = pool.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, |used| {
            used.checked_add(count).filter(|after| *after <= pool.limit)
        });
        match taken {
            Ok(_) => Ok(Credit { pool: self.clone(), count }),
            Err(used) => {
                pool.refused.fetch_add(1, Ordering::Relaxed);
                let retry_after_ms = self.retry_after_ms(used.saturating_add(count) - pool.limit);
                Err(Busy::Full { target: pool.target, retry_after_ms })
            }
        }
    }

    /// Takes `count` credits as soon as there are so many: for background work (import, backfill)
    /// that has nobody to tell "later". Not fair between waiters.
    ///
    /// # Errors
    /// [`Busy::TooLarge`] only.
    pub async fn take(&self, count: u32) -> Result<Credit, Busy> {
        loop {
            let room = self.0.room.notified();
            tokio::pin!(room);
            // Registered before the attempt: what comes back in between wakes us.
            room.as_mut().enable();
            match self.try_take(count) {
                Err(Busy::Full { .. }) => room.await,
                taken_or_never => return taken_or_never,
            }
        }
    }

    /// Who stands behind this pool.
    #[must_use]
    pub fn target(&self) -> Target {
        self.0.target
    }

    /// How many credits the pool has in all.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.0.limit
    }

    /// How many are out now.
    #[must_use]
    pub fn used(&self) -> u32 {
        self.0.used.load(Ordering::Acquire)
    }

    /// How often credits were refused since the start, for telemetry.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.0.refused.load(Ordering::Relaxed)
    }

    /// Whether both are the same pool.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn retry_after_ms(&self, missing: u32) -> u32 {
        let pool = &self.0;
        let now_ms = pool.clock.monotonic_ms();
        let returned = pool.returned.load(Ordering::Relaxed);
        let mut drain = pool.drain.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed_ms = now_ms.saturating_sub(drain.at_ms);
        if elapsed_ms >= DRAIN_WINDOW_MS_MIN {
            let stale = elapsed_ms > DRAIN_WINDOW_MS_MAX;
            let rate = (returned - drain.returned).saturating_mul(1_000) / elapsed_ms;
            *drain = Drain { at_ms: now_ms, returned, per_s: if stale { 0 } else { rate } };
        }
        if drain.per_s == 0 {
            return RETRY_AFTER_MS_UNMEASURED;
        }
        let wait_ms = (u64::from(missing) * 1_000).div_ceil(drain.per_s);
        let wait_ms = u32::try_from(wait_ms).unwrap_or(RETRY_AFTER_MS_MAX);
        wait_ms.clamp(RETRY_AFTER_MS_MIN, RETRY_AFTER_MS_MAX)
    }

    fn give_back(&self, count: u32) {
        let pool = &self.0;
        pool.used.fetch_sub(count, Ordering::AcqRel);
        pool.returned.fetch_add(u64::from(count), Ordering::Relaxed);
        pool.room.notify_waiters();
    }
}

/// Credits that were taken; dropping it gives them back.
#[derive(Debug)]
#[must_use = "dropping a credit gives it back at once"]
pub struct Credit {
    pool: Credits,
    count: u32,
}

impl Credit {
    /// How many credits this holds.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The pool they are from.
    #[must_use]
    pub fn credits(&self) -> &Credits {
        &self.pool
    }

    /// Splits off up to `count` credits, so that each input of a batch can give back its own.
    pub fn split(&mut self, count: u32) -> Credit {
        let count = count.min(self.count);
        self.count -= count;
        Credit { pool: self.pool.clone(), count }
    }

    /// Takes in the credits of another batch of the same pool, so that they can be kept as one.
    ///
    /// # Panics
    /// If they are from another pool.
    pub fn absorb(&mut self, mut other: Credit) {
        assert!(other.pool.is_same(&self.pool), "the credit is from another pool");
        self.count += std::mem::take(&mut other.count);
    }

    /// Gives back up to `count` credits now and keeps the rest. Each return wakes whoever waits in
    /// [`Credits::take`], perhaps on another thread: many at once are cheaper than one by one.
    pub fn give_back(&mut self, count: u32) {
        let count = count.min(self.count);
        self.count -= count;
        self.pool.give_back(count);
    }
}

impl Drop for Credit {
    fn drop(&mut self) {
        if self.count > 0 {
            self.pool.give_back(self.count);
        }
    }
}

/// Credits in several pools for one batch, in the order in which they were asked for.
#[derive(Debug)]
#[must_use = "dropping a reservation gives all of it back"]
pub struct Reservation(Vec<Credit>);

impl Reservation {
    /// One credit per part of the batch, in order.
    #[must_use]
    pub fn into_parts(self) -> Vec<Credit> {
        self.0
    }
}

/// Takes credits in every pool named, or in none. A pool may be named more than once.
///
/// While it tries, it holds what it has taken so far for some nanoseconds, so that two batches at
/// the edge of the same pools may both be refused; neither waits for the other.
///
/// # Errors
/// [`Busy`] of the first target without room.
pub fn reserve_all(parts: &[(&Credits, u32)]) -> Result<Reservation, Busy> {
    // An early return drops, and so gives back, what was taken.
    let taken: Result<Vec<_>, _> =
        parts.iter().map(|(pool, count)| pool.try_take(*count)).collect();
    taken.map(Reservation)
}

#[cfg(test)]
mod tests;
