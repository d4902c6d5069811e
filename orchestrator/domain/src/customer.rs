//! The customer: profile, memory of events and journeys. The state of one durable actor.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::consent::Consent;
use crate::hash;
use crate::ids::{ChannelName, CustomerId, CustomerKey, EventName, JourneyName, SegmentName};
use crate::journey::enrollment::Enrollment;
use crate::membership::Membership;
use crate::suppression::Suppression;
use crate::time::{Instant, Zone};
use crate::value::{Map, Text, Value, entry_bytes};

/// Most event names counted per customer. Events with further names are handled, but not counted
/// and said so in a metric: names made up per event must not grow the record without end.
pub const COUNTED_EVENTS_MAX: usize = 64;
/// Longest name of an event that is counted, in bytes; one with a longer name is handled, but not
/// counted, as those beyond [`COUNTED_EVENTS_MAX`]: a name stands in the record for good.
pub const COUNTED_NAME_MAX_BYTES: usize = 256;
/// Message hashes in the record before they are spilled into a row of their own.
pub const DEDUPE_RING_MAX: usize = 16;
/// How long a message id is remembered (semantics 4): 7 days.
pub const DEDUPE_WINDOW_MS: i64 = 7 * 24 * 3_600_000;
/// Entries remembered for `reentry: never` and `after`. At the limit a journey with such a rule
/// enrolls this customer no more, and the history says so: memory never expires silently.
pub const ENTRY_MEMORY_MAX: usize = 1_000;
/// Most enrollments active at once per customer; at the limit an entry is refused and recorded.
pub const ENROLLMENTS_MAX: usize = 200;
/// Most traits per customer; of further ones none is kept, and the history says which.
pub const TRAITS_MAX: usize = 500;
/// Most bytes of all traits of a customer, as [`Map::bytes`] counts: the record is written with
/// every turn, and must fit into a transaction beside what a turn takes in. What would lead beyond
/// it is not kept, and the history says so.
pub const TRAITS_BYTES_MAX: usize = 256 * 1024;
/// Most bytes of what enrolled a customer, over all active enrollments, for the same reason; at it
/// an entry is refused and recorded. Two hundred enrollments have 5 KiB each.
pub const ENROLLMENTS_BYTES_MAX: usize = 1024 * 1024;
/// Customers merged into this one that are remembered, so that none is absorbed twice. At it the
/// oldest is forgotten: its parcel was deleted a thousand merges ago.
pub const MERGED_MAX: usize = 1_000;
/// Longest chain of tombstones, so that forwarding ends soon; at it an alias is declined.
pub const CHAIN_MAX: u8 = 32;
/// The trait that names the customer's time zone.
pub const ZONE_TRAIT: &str = "timezone";

/// Everything that the actor of one customer knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Customer {
    /// Its id.
    pub id: CustomerId,
    /// When we first heard of it.
    pub created_at: Instant,
    /// Named values.
    pub traits: Map,
    /// The time zone, where it is known.
    pub zone: Option<Zone>,
    /// Recorded permissions.
    pub consent: Consent,
    /// Stops on addresses of this customer, whatever the consent.
    pub suppressions: Vec<Suppression>,
    /// How often and when events happened.
    pub counters: BTreeMap<EventName, Counter>,
    /// Messages seen lately.
    pub seen: Seen,
    /// Segments that it is a member of, sorted.
    pub segments: Vec<SegmentName>,
    /// Revision of the catalog's segments that `segments` was last evaluated against.
    pub segments_revision: u32,
    /// Active enrollments, in the order of entry.
    pub enrollments: Vec<Enrollment>,
    /// Audiences that it is a member of, in the order of joining.
    pub memberships: Vec<Membership>,
    /// Earlier entries that a re-entry rule must remember.
    pub entries: Vec<EntryMemory>,
    /// Entries made so far, over all journeys: the ordinal of the next enrollment.
    pub entries_made: u64,
    /// Sequence of the newest history row, 0 for none. Rows are chained by it.
    pub history_head: u64,
    /// Where it went, if it was merged into another customer (semantics 28).
    pub tombstone: Option<Tombstone>,
    /// Customers that were merged into this one, oldest first: each is absorbed once, and the
    /// history continues in theirs.
    pub merged: Vec<Merged>,
    /// Length of the longest chain of tombstones that ends here.
    pub chain: u8,
    /// When this customer's timer is due: what the timers know, as of the last commit. A timer
    /// that fires for any other instant is stale. [`Instant::MAX`] for never.
    pub due_at: Instant,
}

/// What is left of a customer that was merged into another one, for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// Who goes on.
    pub into: CustomerId,
    /// When the merge was asked for.
    pub at: Instant,
    /// Nothing was known of the customer, so that the id may stand for an anonymous one.
    pub unknown: bool,
    /// What it left has not been confirmed by the customer that goes on.
    pub open: bool,
}

/// A customer that was merged into this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merged {
    /// Its id.
    pub customer: CustomerId,
    /// When the merge was asked for.
    pub at: Instant,
    /// Its newest history row then, in its own partition.
    pub history_head: u64,
}

/// How often an event happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    /// Times.
    pub count: u64,
    /// The earliest occurrence.
    pub first: Instant,
    /// The latest occurrence.
    pub last: Instant,
}

/// An entry that a re-entry rule must remember.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryMemory {
    /// The journey.
    pub journey: JourneyName,
    /// Hash of the entry key.
    pub key: u64,
    /// The last exit; `None` while the enrollment is active.
    pub exited_at: Option<Instant>,
}

/// Message ids seen in the last 7 days, as hashes: the newest in the record, older ones in rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// (hash, receipt in seconds), oldest first.
    #[serde(with = "messages")]
    ring: Vec<(u64, u32)>,
    /// Number of the next spilled row.
    pub next_spill: u32,
    /// No spilled row matters after this instant, in seconds, except for imported messages.
    pub spilled_until: u32,
    /// Whether rows with imported messages were spilled: those matter for good.
    pub spilled_for_good: bool,
}

/// Instead of the receipt: a message that is remembered for good.
const FOR_GOOD: u32 = u32::MAX;

/// A full ring, to be written as one row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpilledBlock {
    /// Number of the row, within the customer.
    pub number: u32,
    /// (hash, receipt in seconds).
    #[serde(with = "messages")]
    pub hashes: Vec<(u64, u32)>,
}

/// Messages in records: 12 bytes each, side by side. Hashes have no small values, so that numbers
/// of changing length would be longer, and a record with a full ring twice as slow to write.
mod messages {
    use std::fmt;

    use serde::de::{Error, Visitor};
    use serde::{Deserializer, Serializer};

    use super::DEDUPE_RING_MAX;

    const HASH_BYTES: usize = 8;
    const MESSAGE_BYTES: usize = 12;

    pub(super) fn serialize<S: Serializer>(
        messages: &[(u64, u32)],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let written = |(hash, seen): &(u64, u32)| {
            let mut bytes = [0; MESSAGE_BYTES];
            bytes[..HASH_BYTES].copy_from_slice(&hash.to_le_bytes());
            bytes[HASH_BYTES..].copy_from_slice(&seen.to_le_bytes());
            bytes
        };
        if messages.len() <= DEDUPE_RING_MAX {
            let mut ring = [[0; MESSAGE_BYTES]; DEDUPE_RING_MAX];
            ring.iter_mut().zip(messages).for_each(|(bytes, message)| *bytes = written(message));
            return serializer.serialize_bytes(ring[..messages.len()].as_flattened());
        }
        let block: Vec<_> = messages.iter().map(written).collect();
        serializer.serialize_bytes(block.as_flattened())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        reader: D,
    ) -> Result<Vec<(u64, u32)>, D::Error> {
        reader.deserialize_bytes(Messages)
    }

    struct Messages;

    impl Visitor<'_> for Messages {
        type Value = Vec<(u64, u32)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{MESSAGE_BYTES} bytes for each message")
        }

        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
            let (messages, []) = bytes.as_chunks::<MESSAGE_BYTES>() else {
                return Err(E::invalid_length(bytes.len(), &self));
            };
            let message = |bytes: &[u8; MESSAGE_BYTES]| {
                let (hash, seen) = bytes.split_first_chunk::<HASH_BYTES>()?;
                let seen = seen.try_into().ok()?;
                Some((u64::from_le_bytes(*hash), u32::from_le_bytes(seen)))
            };
            Ok(messages.iter().filter_map(message).collect())
        }
    }
}

/// Whether a message received at this second is still remembered at an instant: for 7 days, however
/// long its hash happens to be kept (semantics 4).
pub fn still_counts(seen: u32, at: Instant) -> bool {
    seconds(at) < seen.saturating_add((DEDUPE_WINDOW_MS / 1_000) as u32)
}

fn seconds(at: Instant) -> u32 {
    u32::try_from(at.0.div_euclid(1_000)).unwrap_or(if at.0 < 0 { 0 } else { u32::MAX })
}

impl Seen {
    /// Whether the record itself remembers this message, received again at `at`.
    pub fn contains(&self, message_id: &str, at: Instant) -> bool {
        let hash = hash::text(message_id);
        self.ring.iter().any(|(known, seen)| *known == hash && still_counts(*seen, at))
    }

    /// Whether spilled rows must be loaded to answer for certain.
    pub fn has_spilled(&self, now: Instant) -> bool {
        seconds(now) < self.spilled_until
    }

    /// Message hashes of the record itself, with their seconds of receipt.
    pub fn ring(&self) -> &[(u64, u32)] {
        &self.ring
    }

    /// Remembers what another customer has seen, as a row of its own.
    pub fn unite(&mut self, hashes: Vec<(u64, u32)>) -> Option<SpilledBlock> {
        if hashes.is_empty() {
            return None;
        }
        Some(self.spill(hashes))
    }

    fn spill(&mut self, hashes: Vec<(u64, u32)>) -> SpilledBlock {
        let window = (DEDUPE_WINDOW_MS / 1_000) as u32;
        let passing = hashes.iter().map(|(_, seen)| *seen).filter(|seen| *seen != FOR_GOOD);
        let last = passing.max().unwrap_or(0);
        self.spilled_for_good |= hashes.iter().any(|(_, seen)| *seen == FOR_GOOD);
        self.spilled_until = self.spilled_until.max(last.saturating_add(window));
        let block = SpilledBlock { number: self.next_spill, hashes };
        self.next_spill = self.next_spill.wrapping_add(1);
        block
    }

    /// Remembers a message, for good if it says so. Where the ring is full of messages that still
    /// count, they are given back to be written as one row.
    pub fn remember(
        &mut self,
        message_id: &str,
        at: Instant,
        for_good: bool,
    ) -> Option<SpilledBlock> {
        let now = seconds(at);
        let window = (DEDUPE_WINDOW_MS / 1_000) as u32;
        let mut spilled = None;
        if self.ring.len() >= DEDUPE_RING_MAX {
            let expired = self.ring.iter().take_while(|(_, t)| t.saturating_add(window) <= now);
            let expired = expired.count();
            if expired > 0 {
                self.ring.drain(..expired);
            } else {
                let hashes = std::mem::take(&mut self.ring);
                spilled = Some(self.spill(hashes));
            }
        }
        let seen = if for_good { FOR_GOOD } else { now.min(FOR_GOOD - 1) };
        self.ring.push((hash::text(message_id), seen));
        spilled
    }
}

/// What became of traits that were to be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraitsSet {
    /// Whether the zone trait, if there was one, names a known zone.
    pub zone_known: bool,
    /// Names of those that there is no room for: what they were before stays.
    pub not_kept: Vec<Text>,
}

impl Customer {
    /// A customer that we hear of for the first time.
    pub fn new(id: CustomerId, now: Instant) -> Self {
        Self {
            id,
            created_at: now,
            traits: Map::new(),
            zone: None,
            consent: Consent::default(),
            suppressions: Vec::new(),
            counters: BTreeMap::new(),
            seen: Seen::default(),
            segments: Vec::new(),
            segments_revision: 0,
            enrollments: Vec::new(),
            memberships: Vec::new(),
            entries: Vec::new(),
            entries_made: 0,
            history_head: 0,
            tombstone: None,
            merged: Vec::new(),
            chain: 0,
            due_at: Instant::MAX,
        }
    }

    /// The key of its rows.
    pub fn key(&self) -> CustomerKey {
        self.id.key()
    }

    /// Counts an event. False if the record counts too many names already.
    pub fn count(&mut self, name: &EventName, occurred_at: Instant) -> bool {
        if let Some(counter) = self.counters.get_mut(name) {
            counter.count += 1;
            counter.first = counter.first.min(occurred_at);
            counter.last = counter.last.max(occurred_at);
            return true;
        }
        if self.counters.len() >= COUNTED_EVENTS_MAX || name.as_str().len() > COUNTED_NAME_MAX_BYTES
        {
            return false;
        }
        let counter = Counter { count: 1, first: occurred_at, last: occurred_at };
        self.counters.insert(name.clone(), counter);
        true
    }

    /// Merges traits: a null removes one.
    pub fn set_traits(&mut self, traits: &Map) -> TraitsSet {
        let mut set = TraitsSet { zone_known: true, not_kept: Vec::new() };
        let mut bytes = self.traits.bytes();
        for (name, value) in traits.iter() {
            if &**name == ZONE_TRAIT {
                set.zone_known = self.set_zone(value);
            }
            let known = self.traits.get(name).map(|known| entry_bytes(name, known));
            if matches!(value, Value::Null) {
                self.traits.remove(name);
                bytes -= known.unwrap_or(0);
                continue;
            }
            let (before, after) = (known.unwrap_or(0), entry_bytes(name, value));
            let too_many = known.is_none() && self.traits.len() >= TRAITS_MAX;
            let too_large = after > before && bytes - before + after > TRAITS_BYTES_MAX;
            if too_many || too_large {
                set.not_kept.push(name.clone());
                continue;
            }
            self.traits.insert(name.clone(), value.clone());
            bytes = bytes - before + after;
        }
        set
    }

    /// What enrolled the customer, over all active enrollments, in bytes.
    pub fn enrollments_bytes(&self) -> usize {
        self.enrollments.iter().map(Enrollment::bytes).sum()
    }

    fn set_zone(&mut self, value: &Value) -> bool {
        let zone = match value {
            Value::Null => None,
            Value::Text(name) => match Zone::parse(name) {
                Ok(zone) => Some(zone),
                Err(_) => return false,
            },
            _ => return false,
        };
        if zone == self.zone {
            return true;
        }
        self.zone = zone;
        true
    }

    /// Why an address of this customer must not be contacted, if so.
    pub fn suppressed(&self, channel: &ChannelName, address: &str) -> Option<&str> {
        let address = hash::text(address);
        self.suppressions
            .iter()
            .find(|stop| stop.channel == *channel && stop.address == address)
            .map(|stop| stop.reason.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traits(names: &[&str], bytes: usize) -> Map {
        names.iter().map(|name| (Text::from(*name), Value::from(&*"x".repeat(bytes)))).collect()
    }

    #[test]
    fn traits_beyond_the_limit_are_not_kept_and_named() {
        let mut ana = Customer::new(CustomerId::from("ana"), Instant(0));
        let half = TRAITS_BYTES_MAX / 2;
        assert_eq!(ana.set_traits(&traits(&["a", "b", "c"], half - 100)).not_kept, ["c"]);
        // What it was stays; what shrinks makes room, and so does what goes.
        assert_eq!(ana.set_traits(&traits(&["a"], half + 200)).not_kept, ["a"]);
        assert_eq!(ana.traits.get("a"), traits(&["a"], half - 100).get("a"));
        assert_eq!(ana.set_traits(&traits(&["b"], 10)).not_kept, Vec::<Text>::new());
        assert_eq!(ana.set_traits(&traits(&["a"], half + 200)).not_kept, Vec::<Text>::new());
        let gone = Map::from([(Text::from("a"), Value::Null)]);
        assert_eq!(ana.set_traits(&gone).not_kept, Vec::<Text>::new());
        assert_eq!(ana.set_traits(&traits(&["c"], half)).not_kept, Vec::<Text>::new());
        assert!(ana.traits.bytes() <= TRAITS_BYTES_MAX);
        let names: Vec<String> = (0..TRAITS_MAX).map(|number| format!("n{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let set = ana.set_traits(&traits(&names, 1));
        assert_eq!((ana.traits.len(), set.not_kept.len()), (TRAITS_MAX, 2));
    }

    #[test]
    fn a_long_name_is_not_counted() {
        let mut ana = Customer::new(CustomerId::from("ana"), Instant(0));
        let long = "n".repeat(COUNTED_NAME_MAX_BYTES + 1);
        assert!(ana.count(&EventName::from(&long[1..]), Instant(1)));
        assert!(!ana.count(&EventName::from(long), Instant(1)));
        assert_eq!(ana.counters.len(), 1);
    }
}
