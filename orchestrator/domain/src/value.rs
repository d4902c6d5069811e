//! Values of traits and event properties: JSON's shapes, in a form that binary codecs can hold.

mod map;
mod read;

use serde::Serialize;

pub use map::Map;
pub(crate) use map::entry_bytes;
pub use read::READ_MAX_DEPTH;
/// Names and texts. Up to 23 bytes lie in the value itself: most names, keys and trait values cost
/// no allocation and are read without a detour; of a longer one a clone shares the bytes.
pub use smol_str::SmolStr as Text;

/// Deepest nesting that is kept. Deeper input is refused at the edge with a clear error.
pub const VALUE_MAX_DEPTH: usize = 16;

/// One value.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub enum Value {
    /// JSON null.
    #[default]
    Null,
    /// true or false.
    Bool(bool),
    /// A whole number that fits 64 bits.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(Text),
    /// An array.
    List(Vec<Value>),
    /// An object.
    Map(#[serde(serialize_with = "map::plain::serialize")] Map),
}

/// Bytes in front of a text, list or map in a record: its kind, and how much follows.
const HEAD_BYTES: usize = 6;

/// Bytes of a number in a record: seven bits in each.
fn varint_bytes(number: u64) -> usize {
    (u64::BITS - number.leading_zeros()).div_ceil(7).max(1) as usize
}

/// A value nested deeper than [`VALUE_MAX_DEPTH`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("value is nested deeper than {VALUE_MAX_DEPTH} levels")]
pub struct TooDeep;

impl Value {
    /// From JSON, refusing what is nested too deep.
    pub fn from_json(json: &serde_json::Value) -> Result<Self, TooDeep> {
        Self::from_json_at(json, 0)
    }

    fn from_json_at(json: &serde_json::Value, depth: usize) -> Result<Self, TooDeep> {
        if depth > VALUE_MAX_DEPTH {
            return Err(TooDeep);
        }
        Ok(match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(bool) => Self::Bool(*bool),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(int) => Self::Int(int),
                None => Self::Float(number.as_f64().unwrap_or(f64::MAX)),
            },
            serde_json::Value::String(text) => Self::Text(Text::from(text.as_str())),
            serde_json::Value::Array(items) => Self::List(
                items
                    .iter()
                    .map(|item| Self::from_json_at(item, depth + 1))
                    .collect::<Result<_, _>>()?,
            ),
            serde_json::Value::Object(fields) => Self::Map(
                fields
                    .iter()
                    .map(|(name, value)| {
                        Ok((Text::from(name.as_str()), Self::from_json_at(value, depth + 1)?))
                    })
                    .collect::<Result<_, _>>()?,
            ),
        })
    }

    /// As JSON. A number that JSON cannot hold (infinity) becomes null.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(bool) => (*bool).into(),
            Self::Int(int) => (*int).into(),
            Self::Float(float) => (*float).into(),
            Self::Text(text) => (&**text).into(),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Map(map) => to_json_map(map),
        }
    }

    /// What it takes in a record, at most, in bytes.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Null => 1,
            Self::Bool(_) => 2,
            Self::Int(int) => 1 + varint_bytes(int.unsigned_abs().saturating_mul(2)),
            Self::Float(_) => 9,
            Self::Text(text) => HEAD_BYTES + text.len(),
            Self::List(items) => HEAD_BYTES + items.iter().map(Self::bytes).sum::<usize>(),
            Self::Map(map) => HEAD_BYTES + map.bytes(),
        }
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// A map as a JSON object.
pub fn to_json_map(map: &Map) -> serde_json::Value {
    serde_json::Value::Object(
        map.iter().map(|(name, value)| (name.to_string(), value.to_json())).collect(),
    )
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Text::from(text))
    }
}

impl From<i64> for Value {
    fn from(int: i64) -> Self {
        Self::Int(int)
    }
}

impl From<f64> for Value {
    fn from(float: f64) -> Self {
        Self::Float(float)
    }
}

impl From<bool> for Value {
    fn from(bool: bool) -> Self {
        Self::Bool(bool)
    }
}
