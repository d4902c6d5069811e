//! Which owners are active: their values (usually a `Local` actor), what they have in flight, and
//! who has been idle longest.
//!
//! Owned by a partition actor. An entry leaves only when nothing of it is in flight and the last
//! commit it took part in is durable: a passivated owner is loaded again from the store, and must
//! find there everything it has done. All operations are O(1). No thread, no clock.

use slab::Slab;

use crate::key::{Key, KeyMap};

/// How many messages may be under way to one active owner. Lanes hand a key out once at a time, so
/// one is usual; the rest is for control messages.
pub const FLIGHTS_PER_OWNER: u16 = 4;

const NONE: u32 = u32::MAX;

/// Proof that one message is under way to an active owner. Give it back with [`Active::end`]; one
/// that is lost keeps its owner active for good.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a lost flight keeps its owner active for good"]
pub struct Flight {
    slot: u32,
    stamp: u32,
}

/// Where an active owner is kept. Only valid until the owner is evicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(u32);

#[derive(Debug)]
struct Entry<V> {
    key: Key,
    /// Newer and older neighbour among those with nothing in flight.
    newer: u32,
    older: u32,
    /// Tells a reused slot from the one a flight was given for.
    stamp: u32,
    in_flight: u16,
    used_ms: i64,
    /// The highest commit sequence that this owner took part in.
    sequence: u64,
    value: V,
}

/// The active owners of one partition.
#[derive(Debug)]
pub struct Active<V> {
    by_key: KeyMap<u32>,
    entries: Slab<Entry<V>>,
    /// Ends of the list of idle entries.
    newest: u32,
    oldest: u32,
    stamps: u32,
    in_flight: usize,
}

impl<V> Default for Active<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V> Active<V> {
    /// Nobody is active.
    #[must_use]
    pub fn new() -> Self {
        Self {
            by_key: KeyMap::default(),
            entries: Slab::new(),
            newest: NONE,
            oldest: NONE,
            stamps: 0,
            in_flight: 0,
        }
    }

    /// How many owners are active.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nobody is active.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many flights are out, over all owners.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Where `key` is, if it is active.
    #[must_use]
    pub fn find(&self, key: &Key) -> Option<Slot> {
        self.by_key.get(key).map(|slot| Slot(*slot))
    }

    /// Makes `key` active. `sequence` is the highest commit its loaded state depends on (0:
    /// durable).
    ///
    /// # Panics
    /// If it already is: two actors of one owner would decide side by side.
    pub fn activate(&mut self, key: Key, value: V, now_ms: i64, sequence: u64) -> Slot {
        self.stamps = self.stamps.wrapping_add(1);
        let entry = Entry {
            key,
            newer: NONE,
            older: NONE,
            stamp: self.stamps,
            in_flight: 0,
            used_ms: now_ms,
            sequence,
            value,
        };
        let slot = u32::try_from(self.entries.insert(entry)).expect("under 4 G active owners");
        let before = self.by_key.insert(key, slot);
        assert!(before.is_none(), "the owner is already active");
        self.link(slot);
        Slot(slot)
    }

    /// The value at `slot`.
    ///
    /// # Panics
    /// If the owner has been evicted.
    #[must_use]
    pub fn value(&self, slot: Slot) -> &V {
        &self.entries[slot.0 as usize].value
    }

    /// The value at `slot`, to change it. See [`Self::value`].
    ///
    /// # Panics
    /// If the owner has been evicted.
    pub fn value_mut(&mut self, slot: Slot) -> &mut V {
        &mut self.entries[slot.0 as usize].value
    }

    /// The highest commit sequence that the owner at `slot` took part in: what an answer that
    /// depends on its state has to wait for.
    ///
    /// # Panics
    /// If the owner has been evicted.
    #[must_use]
    pub fn sequence(&self, slot: Slot) -> u64 {
        self.entries[slot.0 as usize].sequence
    }

    /// A message is about to go to the owner; `None` when [`FLIGHTS_PER_OWNER`] already are.
    ///
    /// # Panics
    /// If the owner has been evicted.
    pub fn begin(&mut self, slot: Slot, now_ms: i64) -> Option<Flight> {
        let entry = &mut self.entries[slot.0 as usize];
        if entry.in_flight >= FLIGHTS_PER_OWNER {
            return None;
        }
        entry.in_flight += 1;
        entry.used_ms = entry.used_ms.max(now_ms);
        let (first, stamp) = (entry.in_flight == 1, entry.stamp);
        self.in_flight += 1;
        if first {
            self.unlink(slot.0);
        }
        Some(Flight { slot: slot.0, stamp })
    }

    /// The message was handled; `sequence` is the commit it led to, 0 if none. Answers whose it
    /// was.
    ///
    /// # Panics
    /// If the flight is not from here.
    pub fn end(&mut self, flight: Flight, sequence: u64) -> Key {
        let entry = self.entries.get_mut(flight.slot as usize).expect("in flight, so not evicted");
        assert!(entry.stamp == flight.stamp && entry.in_flight > 0, "the flight is not from here");
        entry.in_flight -= 1;
        entry.sequence = entry.sequence.max(sequence);
        let (last, key) = (entry.in_flight == 0, entry.key);
        self.in_flight -= 1;
        if last {
            self.link(flight.slot);
        }
        key
    }

    /// Takes out the owner that has been idle longest, if it was last used before `used_before_ms`
    /// (`i64::MAX`: whenever), has nothing in flight, and everything of it is durable.
    ///
    /// Only the longest idle one is looked at: sequences rise with the time of use, so if its last
    /// commit is not durable, those of the others hardly are.
    pub fn evict(&mut self, used_before_ms: i64, durable: u64) -> Option<(Key, V)> {
        let entry = self.entries.get(self.oldest as usize)?;
        if entry.used_ms >= used_before_ms || entry.sequence > durable {
            return None;
        }
        Some(self.remove(self.oldest))
    }

    /// Takes out this very owner under the same conditions (its turn failed).
    pub fn evict_key(&mut self, key: &Key, durable: u64) -> Option<(Key, V)> {
        let slot = *self.by_key.get(key)?;
        let entry = &self.entries[slot as usize];
        if entry.in_flight > 0 || entry.sequence > durable {
            return None;
        }
        Some(self.remove(slot))
    }

    /// When the longest idle owner was last used: after it, nothing can be evicted for idleness.
    #[must_use]
    pub fn idle_since_ms(&self) -> Option<i64> {
        self.entries.get(self.oldest as usize).map(|entry| entry.used_ms)
    }

    fn remove(&mut self, slot: u32) -> (Key, V) {
        self.unlink(slot);
        let entry = self.entries.remove(slot as usize);
        self.by_key.remove(&entry.key);
        (entry.key, entry.value)
    }

    /// Puts an entry at the newest end of the idle list.
    fn link(&mut self, slot: u32) {
        let older = std::mem::replace(&mut self.newest, slot);
        let entry = &mut self.entries[slot as usize];
        (entry.newer, entry.older) = (NONE, older);
        match self.entries.get_mut(older as usize) {
            Some(neighbour) => neighbour.newer = slot,
            None => self.oldest = slot,
        }
    }

    /// Takes an entry out of the idle list.
    fn unlink(&mut self, slot: u32) {
        let entry = &self.entries[slot as usize];
        let (newer, older) = (entry.newer, entry.older);
        match self.entries.get_mut(newer as usize) {
            Some(neighbour) => neighbour.older = older,
            None => self.newest = older,
        }
        match self.entries.get_mut(older as usize) {
            Some(neighbour) => neighbour.newer = newer,
            None => self.oldest = newer,
        }
    }
}

#[cfg(test)]
mod tests;
