//! What a template can see, and how a path into it is resolved.
//!
//! The data stay where they are: only the value at the end of a path is converted.

use domain::ids::SendId;
use domain::time::Instant;
use domain::value::{Map, Value};
use liquid_core::model::{Object, ScalarCow, ValueView};

/// The names that a path can start with.
pub const ROOTS: [&str; 6] = ["customer", "event", "journey", "send", "unsubscribe_url", "now"];

/// What one rendering can see. Everything is borrowed.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// `customer.id`.
    pub customer: &'a str,
    /// `customer.traits.NAME`, and `customer.NAME` for short.
    pub traits: &'a Map,
    /// `event.name` and `event.properties.NAME`, where an event led to the message.
    pub event: Option<(&'a str, &'a Map)>,
    /// `journey`: its name.
    pub journey: &'a str,
    /// `send.id`.
    pub send: SendId,
    /// `unsubscribe_url`, where the message class has one.
    pub unsubscribe_url: Option<&'a str>,
    /// `now`, and what the `date` filter takes `'now'` for.
    pub now: Instant,
}

impl Context<'_> {
    /// The value at a path; `None` where there is none.
    pub(super) fn resolve(&self, path: &[ScalarCow<'_>]) -> Option<liquid_core::Value> {
        let (root, rest) = path.split_first()?;
        match &*root.to_kstr() {
            "customer" => self.customer_at(rest),
            "event" => self.event_at(rest),
            "journey" => scalar_at(self.journey, rest),
            "send" => match rest.split_first() {
                Some((key, rest)) if key.to_kstr() == "id" => {
                    scalar_at(&self.send.to_string(), rest)
                }
                _ => None,
            },
            "unsubscribe_url" => scalar_at(self.unsubscribe_url?, rest),
            "now" => scalar_at(&self.now.to_string(), rest),
            _ => None,
        }
    }

    fn customer_at(&self, path: &[ScalarCow<'_>]) -> Option<liquid_core::Value> {
        let Some((key, rest)) = path.split_first() else {
            return Some(object(self.traits));
        };
        match &*key.to_kstr() {
            "id" => scalar_at(self.customer, rest),
            "traits" => map_at(self.traits, rest),
            _ => map_at(self.traits, path),
        }
    }

    fn event_at(&self, path: &[ScalarCow<'_>]) -> Option<liquid_core::Value> {
        let (name, properties) = self.event?;
        let Some((key, rest)) = path.split_first() else {
            return Some(object(properties));
        };
        match &*key.to_kstr() {
            "name" => scalar_at(name, rest),
            "properties" => map_at(properties, rest),
            _ => None,
        }
    }
}

fn map_at(map: &Map, path: &[ScalarCow<'_>]) -> Option<liquid_core::Value> {
    let Some((key, rest)) = path.split_first() else {
        return Some(object(map));
    };
    match map.get(&key.to_kstr()) {
        Some(value) => value_at(value, rest),
        None if key.to_kstr() == "size" && rest.is_empty() => Some(count(map.len())),
        None => None,
    }
}

fn value_at(value: &Value, path: &[ScalarCow<'_>]) -> Option<liquid_core::Value> {
    let Some((key, rest)) = path.split_first() else {
        return Some(convert(value));
    };
    match value {
        Value::Map(map) => map_at(map, path),
        Value::List(items) => match key.to_integer() {
            Some(index) => value_at(items.get(position(index, items.len())?)?, rest),
            None => match &*key.to_kstr() {
                "first" => value_at(items.first()?, rest),
                "last" => value_at(items.last()?, rest),
                "size" if rest.is_empty() => Some(count(items.len())),
                _ => None,
            },
        },
        Value::Text(text) => scalar_at(text, path),
        _ => None,
    }
}

/// A negative index counts from the end.
fn position(index: i64, length: usize) -> Option<usize> {
    let from_start = if index < 0 { index.checked_add_unsigned(length as u64)? } else { index };
    usize::try_from(from_start).ok()
}

fn scalar_at(text: &str, path: &[ScalarCow<'_>]) -> Option<liquid_core::Value> {
    match path {
        [] => Some(liquid_core::Value::scalar(text.to_owned())),
        [key] if key.to_kstr() == "size" => Some(count(text.len())),
        _ => None,
    }
}

fn count(count: usize) -> liquid_core::Value {
    liquid_core::Value::scalar(count as i64)
}

fn object(map: &Map) -> liquid_core::Value {
    let fields = map.iter().map(|(name, value)| (name.to_string().into(), convert(value)));
    liquid_core::Value::Object(fields.collect::<Object>())
}

/// The depth is bounded by what the edge lets in (`VALUE_MAX_DEPTH`).
fn convert(value: &Value) -> liquid_core::Value {
    match value {
        Value::Null => liquid_core::Value::Nil,
        Value::Bool(bool) => liquid_core::Value::scalar(*bool),
        Value::Int(int) => liquid_core::Value::scalar(*int),
        Value::Float(float) => liquid_core::Value::scalar(*float),
        Value::Text(text) => liquid_core::Value::scalar(text.to_string()),
        Value::List(items) => liquid_core::Value::Array(items.iter().map(convert).collect()),
        Value::Map(map) => object(map),
    }
}
