//! Timers of one partition: which owner is due when, in memory.
//!
//! Owned by a scheduler actor. The durable truth is the owner's record, which holds its one next
//! due instant; this structure only knows when to look. There is no cancel: when an owner's due
//! instant changes, the new one is inserted and the old entry is recognised at fire, because the
//! owner's record then says something else. An owner that puts its due instant off again and again
//! should keep the early entry and insert anew when that fires: one entry, whatever happens.
//!
//! Far entries lie unsorted in hour buckets (20 B each). When its hour comes a bucket is dealt out
//! to minutes, when its minute comes that is sorted. So an insert is a push, and only what is about
//! to fire is ever sorted. Hours, not minutes, because 64 partitions share the timers: a minute of
//! one partition often holds none or one, and an empty vector costs more than an entry.
//!
//! What was taken stays "in hand", and in the snapshot, until [`Timers::settle`] says that its turn
//! is durable: a crash between the two must not lose it.

mod snapshot;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::key::{FoldSet, Key};
use snapshot::Progress;
pub use snapshot::{Loader, SnapshotError};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// No instant is further from the epoch (28 million years), so that sums with it do not overflow.
const FAR_MS: i64 = i64::MAX >> 13;

/// An entry of a bucket: 20 bytes. The order of the fields is the order of firing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    /// Milliseconds since the beginning of the bucket's hour.
    offset_ms: u32,
    key: Key,
}

/// An owner that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Due {
    /// When, in milliseconds since the epoch.
    pub due_ms: i64,
    /// Who.
    pub key: Key,
}

#[derive(Clone, Debug)]
struct Bucket {
    /// The smallest offset in here, so that "what is next" needs no search.
    first_ms: u32,
    entries: Vec<Entry>,
}

impl Default for Bucket {
    fn default() -> Self {
        Self { first_ms: u32::MAX, entries: Vec::new() }
    }
}

impl Bucket {
    fn push(&mut self, entry: Entry) {
        let len = self.entries.len();
        if len == self.entries.capacity() {
            // Growth by an eighth instead of doubling: a bucket stands for weeks, so its slack is
            // what matters, not its copies (8 per entry in all).
            self.entries.reserve_exact((len / 8).max(4));
        }
        self.first_ms = self.first_ms.min(entry.offset_ms);
        self.entries.push(entry);
    }

    fn find_first(&mut self) {
        self.first_ms = self.entries.iter().map(|e| e.offset_ms).min().unwrap_or(u32::MAX);
    }
}

/// The timers of one partition.
#[derive(Debug, Default)]
pub struct Timers {
    /// By number of the hour since the epoch; every hour here is later than the one dealt out.
    hours: BTreeMap<i64, Bucket>,
    /// What is left of the hour that was dealt out, by minute of the hour.
    minutes: BTreeMap<u8, Bucket>,
    /// Beginning of the hour that was dealt out; `None` before the first.
    hour_ms: Option<i64>,
    /// What was sorted last, latest first, so that the next one is popped.
    sorted: Vec<Due>,
    /// Everything before this instant goes to `near`: its bucket has been sorted already.
    sorted_until_ms: Option<i64>,
    /// Entries that came for a minute that was sorted already.
    near: BinaryHeap<Reverse<Due>>,
    /// Taken and not settled.
    in_hand: FoldSet<Due>,
    /// Entries that wait, without those in hand.
    waiting: usize,
    /// Where `sweep` goes on.
    sweep_from: i64,
    snapshot: Option<Progress>,
}

impl Timers {
    /// No timers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes `key` at `due_ms` (milliseconds since the epoch); an instant that has passed is due at
    /// once. The same entry twice is one. An owner that is never due has no entry.
    pub fn insert(&mut self, key: Key, due_ms: i64) {
        let due_ms = due_ms.clamp(-FAR_MS, FAR_MS);
        self.waiting += 1;
        let hour = due_ms.div_euclid(HOUR_MS);
        let hour_ms = hour * HOUR_MS;
        let entry = Entry { offset_ms: offset(due_ms - hour_ms), key };
        if self.sorted_until_ms.is_some_and(|until_ms| due_ms < until_ms) {
            self.near.push(Reverse(Due { due_ms, key }));
        } else if self.hour_ms == Some(hour_ms) {
            self.minutes.entry(minute_of(entry)).or_default().push(entry);
        } else {
            self.hours.entry(hour).or_default().push(entry);
        }
    }

    /// Takes the next owner that is due at `now_ms`, by (due instant, key). It stays in hand until
    /// [`Self::settle`] or [`Self::give_back`].
    pub fn pop(&mut self, now_ms: i64) -> Option<Due> {
        let due = self.pop_waiting(now_ms)?;
        self.in_hand.insert(due);
        Some(due)
    }

    /// What is due at `now_ms`, in order, each taken as by [`Self::pop`].
    pub fn due(&mut self, now_ms: i64) -> impl Iterator<Item = Due> + use<'_> {
        std::iter::from_fn(move || self.pop(now_ms))
    }

    /// The turn of a taken entry is durable, or the entry was stale.
    pub fn settle(&mut self, due: &Due) {
        self.in_hand.remove(due);
    }

    /// A taken entry could not be handed over now (no credit): it waits again and stays due.
    pub fn give_back(&mut self, due: Due) {
        if self.in_hand.remove(&due) {
            self.insert(due.key, due.due_ms);
        }
    }

    /// The instant at which [`Self::pop`] has something next.
    #[must_use]
    pub fn next_due_ms(&self) -> Option<i64> {
        let sorted = self.sorted.last().map(|due| due.due_ms);
        let near = self.near.peek().map(|Reverse(due)| due.due_ms);
        if let Some(next) = [sorted, near].into_iter().flatten().min() {
            return Some(next);
        }
        let minute = self.hour_ms.zip(self.minutes.values().next());
        let hour = self.hours.first_key_value().map(|(hour, bucket)| (hour * HOUR_MS, bucket));
        minute.or(hour).map(|(from_ms, bucket)| from_ms + i64::from(bucket.first_ms))
    }

    /// How many entries wait, stale ones included, those in hand not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// How many entries wait though they are due at `now_ms`: none, or next to none, while whoever
    /// takes them keeps up. Looks at each of them, and at what lies in the present minute.
    #[must_use]
    pub fn overdue(&self, now_ms: i64) -> usize {
        let is_due = |due_ms: i64| usize::from(due_ms <= now_ms);
        let near: usize = self.near.iter().map(|Reverse(due)| is_due(due.due_ms)).sum();
        let sorted = self.sorted.len() - self.sorted.partition_point(|due| due.due_ms > now_ms);
        let of = |from_ms: i64, bucket: &Bucket| match from_ms + i64::from(bucket.first_ms) {
            first_ms if first_ms > now_ms => 0,
            _ => {
                let at = |entry: &Entry| from_ms + i64::from(entry.offset_ms);
                bucket.entries.iter().map(|entry| is_due(at(entry))).sum::<usize>()
            }
        };
        let hour_ms = self.hour_ms.unwrap_or_default();
        let minutes: usize = self.minutes.values().map(|bucket| of(hour_ms, bucket)).sum();
        let hours = self.hours.range(..=now_ms.div_euclid(HOUR_MS));
        let hours: usize = hours.map(|(hour, bucket)| of(hour * HOUR_MS, bucket)).sum();
        near + sorted + minutes + hours
    }

    /// How many were taken and are not settled.
    #[must_use]
    pub fn in_hand(&self) -> usize {
        self.in_hand.len()
    }

    /// Bytes allocated for entries, for telemetry and tests.
    #[must_use]
    pub fn allocated_bytes(&self) -> usize {
        let buckets = self.hours.values().chain(self.minutes.values());
        let of_buckets: usize = buckets
            .map(|b| size_of::<(i64, Bucket)>() + b.entries.capacity() * size_of::<Entry>())
            .sum();
        let loose = self.sorted.capacity() + self.near.capacity() + self.in_hand.capacity();
        of_buckets + loose * size_of::<Due>()
    }

    /// Drops far entries that `keep` does not want, looking at about `max` of them and going on
    /// where it stopped the last time: a slow broom for an owner that knows better than to wait for
    /// the fire. Does nothing while a snapshot is being written. Answers how many went.
    pub fn sweep(&mut self, max: usize, mut keep: impl FnMut(&Due) -> bool) -> usize {
        if self.snapshot.is_some() {
            return 0;
        }
        let (mut seen, mut gone) = (0, 0);
        let mut swept_until = None;
        for (hour, bucket) in self.hours.range_mut(self.sweep_from..) {
            if seen >= max {
                break;
            }
            let before = bucket.entries.len();
            let at = |entry: &Entry| hour * HOUR_MS + i64::from(entry.offset_ms);
            bucket.entries.retain(|entry| keep(&Due { due_ms: at(entry), key: entry.key }));
            bucket.find_first();
            seen += before;
            gone += before - bucket.entries.len();
            swept_until = Some(*hour);
        }
        self.sweep_from = swept_until.map_or(i64::MIN, |hour| hour + 1);
        self.hours.retain(|_, bucket| !bucket.entries.is_empty());
        self.waiting -= gone;
        gone
    }

    fn pop_waiting(&mut self, now_ms: i64) -> Option<Due> {
        while self.sorted.is_empty() && self.near.is_empty() {
            self.sort_next(now_ms)?;
        }
        let sorted = self.sorted.last().copied();
        let near = self.near.peek().map(|Reverse(due)| *due);
        let next = [sorted, near].into_iter().flatten().min().filter(|due| due.due_ms <= now_ms)?;
        // The same entry may have been inserted more than once.
        while self.sorted.last() == Some(&next) {
            self.sorted.pop();
            self.waiting -= 1;
        }
        while self.near.peek() == Some(&Reverse(next)) {
            self.near.pop();
            self.waiting -= 1;
        }
        Some(next)
    }

    /// Sorts the next minute that has begun at `now_ms`; `None` when there is none.
    fn sort_next(&mut self, now_ms: i64) -> Option<()> {
        if self.minutes.is_empty() {
            self.deal_out_next_hour(now_ms)?;
        }
        let hour_ms = self.hour_ms?;
        let first = self.minutes.first_entry()?;
        let minute_ms = hour_ms + i64::from(*first.key()) * MINUTE_MS;
        if minute_ms > now_ms {
            return None;
        }
        let mut entries = first.remove().entries;
        // Latest first: the next one is popped off the end.
        entries.sort_unstable_by(|a, b| b.cmp(a));
        let due = |e: &Entry| Due { due_ms: hour_ms + i64::from(e.offset_ms), key: e.key };
        self.sorted = entries.iter().map(due).collect();
        self.sorted_until_ms = Some(minute_ms + MINUTE_MS);
        Some(())
    }

    fn deal_out_next_hour(&mut self, now_ms: i64) -> Option<()> {
        let first = self.hours.first_entry()?;
        let hour_ms = first.key() * HOUR_MS;
        if hour_ms > now_ms {
            return None;
        }
        for entry in first.remove().entries {
            self.minutes.entry(minute_of(entry)).or_default().push(entry);
        }
        self.hour_ms = Some(hour_ms);
        self.sorted_until_ms = Some(hour_ms);
        Some(())
    }
}

fn minute_of(entry: Entry) -> u8 {
    u8::try_from(i64::from(entry.offset_ms) / MINUTE_MS).expect("an offset within the hour")
}

fn offset(since_hour_ms: i64) -> u32 {
    u32::try_from(since_hour_ms).expect("an offset within the hour")
}

#[cfg(test)]
mod tests;
