//! JSON straight into domain values: no tree in between, depth and size bounded on the way.

use std::fmt;

use domain::value::{Map, Text, VALUE_MAX_DEPTH, Value, to_json_map};
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// A value as JSON writes it.
struct Json {
    depth: usize,
}

impl Json {
    fn deeper<E: de::Error>(&self) -> Result<Self, E> {
        if self.depth >= VALUE_MAX_DEPTH {
            let message = format!("nested deeper than {VALUE_MAX_DEPTH} levels");
            return Err(E::custom(message));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Json {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Json {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::Float(value as f64), Value::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(Text::from(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.deeper()?)? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some(name) = fields.next_key::<Text>()? {
            map.push((name, fields.next_value_seed(self.deeper()?)?));
        }
        Ok(Value::Map(map.into_iter().collect()))
    }
}

/// A whole number, also one that is written as `7.0`: to JSON Schema that is one.
pub(crate) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    /// Beyond it not every whole number is a float.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    match (Json { depth: 0 }).deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::Int(number) => Ok(Some(number)),
        Value::Float(number) if number.fract() == 0.0 && number.abs() <= EXACT_MAX => {
            Ok(Some(number as i64))
        }
        _ => Err(de::Error::custom("not a whole number")),
    }
}

/// As [`whole`], of a number that is not negative.
pub(crate) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let number = whole(deserializer)?;
    number.map(|number| u64::try_from(number).map_err(de::Error::custom)).transpose()
}

/// A JSON object; null counts as an empty one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JsonMap(pub Map);

impl schemars::JsonSchema for JsonMap {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "JsonMap".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": ["object", "null"]})
    }
}

impl serde::Serialize for JsonMap {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        to_json_map(&self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for JsonMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match (Json { depth: 0 }).deserialize(deserializer)? {
            Value::Map(map) => Ok(Self(map)),
            Value::Null => Ok(Self::default()),
            _ => Err(de::Error::custom("not an object")),
        }
    }
}
