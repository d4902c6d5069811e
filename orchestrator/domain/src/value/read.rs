//! Values out of records: how deep they are is counted. Bytes of others may say "a list of a list
//! of a list" a million times, and whoever follows by calling itself runs out of stack, which ends
//! the process.

use std::fmt;

use serde::de::{DeserializeSeed, EnumAccess, Error, SeqAccess, VariantAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::map::Entries;
use super::{VALUE_MAX_DEPTH, Value};

/// Deepest nesting that is read. Twice what is let in: what came in may have been put into other
/// values since (a group's traits into one trait).
pub const READ_MAX_DEPTH: usize = 2 * VALUE_MAX_DEPTH;

/// Room that is made at once for items of an untrusted count: a wild count must not allocate.
const ITEMS_AT_ONCE_MAX: usize = 64;

const KINDS: &[&str] = &["Null", "Bool", "Int", "Float", "Text", "List", "Map"];

#[derive(Deserialize)]
#[serde(variant_identifier)]
enum Kind {
    Null,
    Bool,
    Int,
    Float,
    Text,
    List,
    Map,
}

/// A value that so many others are around.
#[derive(Clone, Copy)]
pub(super) struct At(pub(super) usize);

impl At {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.0 >= READ_MAX_DEPTH {
            return Err(E::custom(format_args!("nested deeper than {READ_MAX_DEPTH} levels")));
        }
        Ok(Self(self.0 + 1))
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        At(0).deserialize(deserializer)
    }
}

impl<'de> DeserializeSeed<'de> for At {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_enum("Value", KINDS, self)
    }
}

impl<'de> Visitor<'de> for At {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Value, A::Error> {
        let (kind, held) = access.variant::<Kind>()?;
        match kind {
            Kind::Null => held.unit_variant().map(|()| Value::Null),
            Kind::Bool => held.newtype_variant().map(Value::Bool),
            Kind::Int => held.newtype_variant().map(Value::Int),
            Kind::Float => held.newtype_variant().map(Value::Float),
            Kind::Text => held.newtype_variant().map(Value::Text),
            Kind::List => held.newtype_variant_seed(Items(self.deeper()?)).map(Value::List),
            Kind::Map => {
                let entries = Entries(self.deeper()?);
                held.newtype_variant_seed(entries).map(|read| Value::Map(read.map))
            }
        }
    }
}

/// The items of a list.
struct Items(At);

impl<'de> DeserializeSeed<'de> for Items {
    type Value = Vec<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Value>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Items {
    type Value = Vec<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Vec<Value>, A::Error> {
        let room = access.size_hint().unwrap_or(0).min(ITEMS_AT_ONCE_MAX);
        let mut items = Vec::with_capacity(room);
        while let Some(item) = access.next_element_seed(self.0)? {
            items.push(item);
        }
        Ok(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Map, Text};

    fn nested(depth: usize) -> Value {
        (0..depth).fold(Value::Int(7), |inner, level| match level % 2 {
            0 => Value::List(vec![inner]),
            _ => Value::Map(Map::from([(Text::from("a"), inner)])),
        })
    }

    #[test]
    fn what_is_written_is_read() {
        let all = Value::List(vec![
            Value::Null,
            Value::Bool(true),
            Value::Int(i64::MIN),
            Value::Float(0.1),
            Value::from("text"),
            nested(READ_MAX_DEPTH - 1),
        ]);
        let bytes = postcard::to_stdvec(&all).expect("it is written");
        assert_eq!(postcard::from_bytes(&bytes), Ok(all.clone()));
        let json = serde_json::to_string(&all).expect("it is written");
        assert_eq!(serde_json::from_str::<Value>(&json).expect("it is read"), all);
    }

    #[test]
    fn a_value_takes_no_more_bytes_than_it_says() {
        let numbers = [0, -1, 63, 64, -64, -65, i64::MAX, i64::MIN].map(Value::Int);
        let texts = [0, 1, 127, 128, 70_000].map(|bytes| Value::from(&*"x".repeat(bytes)));
        let others = [Value::Null, Value::Bool(true), Value::Float(1e9), nested(9)];
        for value in numbers.into_iter().chain(texts).chain(others) {
            let written = postcard::to_stdvec(&value).expect("it is written").len();
            assert!(value.bytes() >= written, "{value:?}: {written}");
            assert!(value.bytes() <= 6 * written, "{value:?}: {written}");
        }
    }

    #[test]
    fn what_is_too_deep_is_an_error() {
        let deep = nested(READ_MAX_DEPTH + 1);
        let bytes = postcard::to_stdvec(&deep).expect("it is written");
        assert!(postcard::from_bytes::<Value>(&bytes).is_err());
        // A list of one list, a map of one map, far beyond what a stack holds.
        for level in [&[5, 1][..], &[6, 1, 0]] {
            let bytes = level.repeat(200_000);
            assert!(postcard::from_bytes::<Value>(&bytes).is_err());
            // As the only entry of the traits or properties of an event.
            let block = [&[1, 0][..], &bytes].concat();
            let mut map = postcard::to_stdvec(&block.len()).expect("it is written");
            map.extend(block);
            assert!(postcard::from_bytes::<Map>(&map).is_err());
        }
    }
}
