//! Named values in the order of their names, shared until one of their holders changes them.
//!
//! What an event says is held by its history row, by the enrollments that it made and by the
//! attempts at their messages: all of them read the same memory. Few names are looked up by
//! comparing, so the entries lie side by side.
//!
//! In records a map is one block of bytes, made once: traits and the trigger of an enrollment are
//! written with every turn of their customer and hardly ever change.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::de::{DeserializeSeed, MapAccess, Visitor};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::read::At;
use super::{HEAD_BYTES, Text, Value};

type Entry = (Text, Value);

/// Room that is made at once for entries of an untrusted count: a wild count must not allocate.
const ENTRIES_AT_ONCE_MAX: usize = 64;

/// Room that is made at once for a block.
const BLOCK_BYTES_USUAL: usize = 128;

/// Traits and properties. A copy costs nothing; a change copies what others still read.
#[derive(Clone, Default)]
pub struct Map(Option<Arc<Shared>>);

#[derive(Default)]
struct Shared {
    entries: Vec<Entry>,
    /// The block of records, once it was written or read.
    block: OnceLock<Box<[u8]>>,
}

impl Clone for Shared {
    fn clone(&self) -> Self {
        // Copied to be changed: the block would not fit.
        Self { entries: self.entries.clone(), block: OnceLock::new() }
    }
}

impl Map {
    /// No values.
    pub const fn new() -> Self {
        Self(None)
    }

    fn entries(&self) -> &[Entry] {
        self.0.as_ref().map_or(&[], |shared| &shared.entries)
    }

    fn entries_mut(&mut self) -> &mut Vec<Entry> {
        let shared = Arc::make_mut(self.0.get_or_insert_default());
        shared.block.take();
        &mut shared.entries
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.entries().binary_search_by(|(known, _)| (**known).cmp(name))
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    /// What its entries take in a record, at most, in bytes.
    pub fn bytes(&self) -> usize {
        self.iter().map(|(name, value)| entry_bytes(name, value)).sum()
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.find(name).ok().map(|at| &self.entries()[at].1)
    }

    /// Whether a name has a value.
    pub fn contains_key(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    /// Gives a name a value; the one that it had, if any, is given back. Many new names at once
    /// are better collected.
    pub fn insert(&mut self, name: Text, value: Value) -> Option<Value> {
        match self.find(&name) {
            Ok(at) => Some(std::mem::replace(&mut self.entries_mut()[at].1, value)),
            Err(at) => {
                self.entries_mut().insert(at, (name, value));
                None
            }
        }
    }

    /// Gives a name a value if it has none.
    pub fn insert_missing(&mut self, name: &str, value: Value) {
        if let Err(at) = self.find(name) {
            self.entries_mut().insert(at, (Text::from(name), value));
        }
    }

    /// Takes a name's value away.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let at = self.find(name).ok()?;
        Some(self.entries_mut().remove(at).1)
    }

    /// Names and values, in the order of the names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Text, &Value)> {
        self.entries().iter().map(|(name, value)| (name, value))
    }

    /// The names, in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &Text> {
        self.entries().iter().map(|(name, _)| name)
    }

    /// The values, in the order of their names.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &Value> {
        self.entries().iter().map(|(_, value)| value)
    }

    /// Sorts; of several values of one name the last one counts.
    fn from_entries(mut entries: Vec<Entry>) -> Self {
        if !is_in_order(&entries) {
            let sorted: BTreeMap<Text, Value> = entries.into_iter().collect();
            entries = sorted.into_iter().collect();
        }
        if entries.is_empty() {
            return Self::new();
        }
        Self(Some(Arc::new(Shared { entries, block: OnceLock::new() })))
    }

    /// The block of a record: a count, then names and values.
    fn block(&self) -> Result<&[u8], postcard::Error> {
        let Some(shared) = &self.0 else { return Ok(EMPTY_BLOCK) };
        if let Some(block) = shared.block.get() {
            return Ok(block);
        }
        let bytes = Vec::with_capacity(BLOCK_BYTES_USUAL);
        let block = postcard::to_extend(&Plain(self), bytes)?;
        Ok(shared.block.get_or_init(|| block.into()))
    }

    fn from_block(block: &[u8]) -> Result<Self, postcard::Error> {
        if block == EMPTY_BLOCK {
            return Ok(Self::new());
        }
        let (Ordered { map, as_read }, rest) = postcard::take_from_bytes(block)?;
        if !rest.is_empty() {
            return Err(postcard::Error::SerdeDeCustom);
        }
        if let (true, Some(shared)) = (as_read, &map.0) {
            shared.block.get_or_init(|| block.into());
        }
        Ok(map)
    }
}

/// What a name with its value takes in a record, at most, in bytes.
pub(crate) fn entry_bytes(name: &str, value: &Value) -> usize {
    HEAD_BYTES + name.len() + value.bytes()
}

/// The block of a map without entries.
const EMPTY_BLOCK: &[u8] = &[0];

fn is_in_order(entries: &[Entry]) -> bool {
    entries.is_sorted_by(|(one, _), (next, _)| one < next)
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.entries() == other.entries()
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl FromIterator<Entry> for Map {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        Self::from_entries(entries.into_iter().collect())
    }
}

impl Extend<Entry> for Map {
    fn extend<I: IntoIterator<Item = Entry>>(&mut self, entries: I) {
        for (name, value) in entries {
            self.insert(name, value);
        }
    }
}

impl<const N: usize> From<[Entry; N]> for Map {
    fn from(entries: [Entry; N]) -> Self {
        Self::from_entries(entries.into())
    }
}

impl Serialize for Map {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return Plain(self).serialize(serializer);
        }
        serializer.serialize_bytes(self.block().map_err(S::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for Map {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return Ordered::deserialize(deserializer).map(|ordered| ordered.map);
        }
        deserializer.deserialize_bytes(Block)
    }
}

/// Reads a block.
struct Block;

impl Visitor<'_> for Block {
    type Value = Map;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the block of a map")
    }

    fn visit_bytes<E: serde::de::Error>(self, block: &[u8]) -> Result<Map, E> {
        Map::from_block(block).map_err(E::custom)
    }
}

/// A map that is written entry by entry.
struct Plain<'a>(&'a Map);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter())
    }
}

/// A map that was read entry by entry, and whether they came in order.
pub(super) struct Ordered {
    pub(super) map: Map,
    as_read: bool,
}

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Entries(At(0)).deserialize(deserializer)
    }
}

/// Reads entries whose values are as deep as this.
pub(super) struct Entries(pub(super) At);

impl<'de> DeserializeSeed<'de> for Entries {
    type Value = Ordered;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Ordered, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Entries {
    type Value = Ordered;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("named values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Ordered, A::Error> {
        let room = access.size_hint().unwrap_or(0).min(ENTRIES_AT_ONCE_MAX);
        let mut entries = Vec::with_capacity(room);
        while let Some(name) = access.next_key::<Text>()? {
            entries.push((name, access.next_value_seed(self.0)?));
        }
        Ok(Ordered { as_read: is_in_order(&entries), map: Map::from_entries(entries) })
    }
}

/// A map inside a map: the block of the outer one holds its entries, so it needs none itself.
pub(super) mod plain {
    use super::{Map, Plain, Serialize, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(
        map: &Map,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        Plain(map).serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(map: &Map) -> String {
        map.iter().map(|(name, value)| format!("{name}={:?} ", value.as_text())).collect()
    }

    #[test]
    fn a_change_is_seen_by_nobody_else() {
        let mut one = Map::from([(Text::from("b"), "1".into()), (Text::from("a"), "2".into())]);
        let other = one.clone();
        one.insert(Text::from("c"), "3".into());
        assert_eq!(one.remove("a"), Some(Value::from("2")));
        assert_eq!(one.insert(Text::from("b"), "4".into()), Some(Value::from("1")));
        assert_eq!(names(&one), "b=Some(\"4\") c=Some(\"3\") ");
        assert_eq!(names(&other), "a=Some(\"2\") b=Some(\"1\") ");
    }

    #[test]
    fn it_is_read_in_any_order_and_the_last_value_counts() {
        let json = r#"{"b":{"Text":"1"},"a":{"Int":2},"b":{"Text":"3"}}"#;
        let map: Map = serde_json::from_str(json).expect("it is one");
        let sorted = r#"{"a":{"Int":2},"b":{"Text":"3"}}"#;
        assert_eq!(serde_json::to_string(&map).expect("it is written"), sorted);
    }

    #[test]
    fn the_block_follows_each_change() {
        let inner = Map::from([(Text::from("city"), "Z\u{fc}rich".into())]);
        let mut map = Map::from([(Text::from("address"), Value::Map(inner))]);
        for name in ["b", "a", "b"] {
            let bytes = postcard::to_stdvec(&map).expect("it is written");
            assert_eq!(postcard::to_stdvec(&map).expect("it is written again"), bytes);
            let read: Map = postcard::from_bytes(&bytes).expect("it is read");
            assert_eq!(read, map);
            assert_eq!(postcard::to_stdvec(&read).expect("it is written once more"), bytes);
            map.insert(Text::from(name), Value::Int(bytes.len() as i64));
        }
        for name in ["a", "b", "address"] {
            map.remove(name);
        }
        let bytes = postcard::to_stdvec(&map).expect("it is written");
        assert_eq!(bytes, postcard::to_stdvec(&Map::new()).expect("it is written"));
        assert_eq!(postcard::from_bytes(&bytes), Ok(Map::new()));
    }

    #[test]
    fn a_damaged_block_is_an_error() {
        let map = Map::from([("a".into(), Value::Int(1)), ("b".into(), "text".into())]);
        let block = map.block().expect("it is written").to_vec();
        assert_eq!(Map::from_block(&block), Ok(map));
        for length in 0..block.len() {
            assert!(Map::from_block(&block[..length]).is_err(), "{length}");
        }
        assert!(Map::from_block(&[&block[..], &[0]].concat()).is_err());
    }
}
