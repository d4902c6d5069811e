//! Values on their way into CEL and out of it.

use std::collections::HashMap;

use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull};
use cel::common::types::{CelString, Kind};
use cel::common::value::Val;
use cel::objects::Key;

use crate::value::{Map, Text, Value};

/// Most elements of one list or map that an expression may look at; a macro runs at most so often.
pub const ITEMS_MAX: usize = 1_000;
/// Most values that one path may hand to an expression, nested ones included.
pub const VALUE_NODES_MAX: usize = 5_000;

/// A list or map beyond [`ITEMS_MAX`] or [`VALUE_NODES_MAX`].
#[derive(Debug)]
pub(super) struct TooLarge;

/// A value as CEL sees it; text is borrowed.
pub(super) fn to_cel(value: &Value) -> Result<Box<dyn Val + '_>, TooLarge> {
    convert(value, &mut VALUE_NODES_MAX.clone())
}

fn convert<'v>(value: &'v Value, left: &mut usize) -> Result<Box<dyn Val + 'v>, TooLarge> {
    *left = left.checked_sub(1).ok_or(TooLarge)?;
    Ok(match value {
        Value::Null => Box::new(CelNull),
        Value::Bool(bool) => Box::new(CelBool::from(*bool)),
        Value::Int(int) => Box::new(CelInt::from(*int)),
        Value::Float(float) => Box::new(CelDouble::from(*float)),
        Value::Text(text) => Box::new(CelString::from(&**text)),
        Value::List(items) => {
            if items.len() > ITEMS_MAX {
                return Err(TooLarge);
            }
            let items: Result<Vec<_>, _> = items.iter().map(|item| convert(item, left)).collect();
            Box::new(CelList::from(items?))
        }
        Value::Map(map) => Box::new(convert_map(map, left)?),
    })
}

fn convert_map<'v>(map: &'v Map, left: &mut usize) -> Result<CelMap<'v>, TooLarge> {
    if map.len() > ITEMS_MAX {
        return Err(TooLarge);
    }
    let mut fields = HashMap::with_capacity(map.len());
    for (name, value) in map.iter() {
        let key = CelMapKey::String(CelString::from(&**name));
        fields.insert(key, convert(value, left)?);
    }
    Ok(CelMap::from(fields))
}

/// What an expression gave; `None` for what we have no value for (a type, bytes).
pub(super) fn from_cel(value: &dyn Val) -> Option<Value> {
    from_owned(&cel::Value::try_from(value).ok()?)
}

fn from_owned(value: &cel::Value) -> Option<Value> {
    Some(match value {
        cel::Value::Null => Value::Null,
        cel::Value::Bool(bool) => Value::Bool(*bool),
        cel::Value::Int(int) => Value::Int(*int),
        // As with JSON: what does not fit is the nearest other number.
        cel::Value::UInt(uint) => {
            i64::try_from(*uint).map_or(Value::Float(*uint as f64), Value::Int)
        }
        cel::Value::Float(float) => Value::Float(*float),
        cel::Value::String(text) => Value::Text(Text::from(text.as_str())),
        cel::Value::List(items) => {
            Value::List(items.iter().map(from_owned).collect::<Option<_>>()?)
        }
        cel::Value::Map(map) => {
            let field =
                |(key, value): (&Key, &cel::Value)| Some((key_text(key), from_owned(value)?));
            Value::Map(map.map.iter().map(field).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

fn key_text(key: &Key) -> Text {
    match key {
        Key::String(text) => Text::from(text.as_str()),
        Key::Int(int) => Text::from(int.to_string()),
        Key::Uint(uint) => Text::from(uint.to_string()),
        Key::Bool(bool) => Text::from(if *bool { "true" } else { "false" }),
    }
}

/// What to call the type of a value in a message.
pub(super) fn kind_name(value: &dyn Val) -> &'static str {
    match value.get_type().kind() {
        Kind::Boolean => "true or false",
        Kind::Int | Kind::UInt | Kind::Double => "a number",
        Kind::String => "text",
        Kind::List => "a list",
        Kind::Map => "a map",
        Kind::NullType => "null",
        _ => "something else",
    }
}
