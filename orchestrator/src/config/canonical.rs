//! The canonical form of a document: what it says, without how it is written.
//!
//! Keys are sorted, comments and layout are gone, files are part of the text. Its hash is the
//! identity of a version, so a change of formatting makes no new one. It is also what is stored,
//! and what `revive_journey` reads again.

use serde_json::{Map, Number, Value};

use super::document::Kind;
use super::yaml::{Content, Entry, Node};

/// As JSON with sorted keys.
pub(crate) fn to_json(node: &Node) -> Value {
    match &node.content {
        Content::Null | Content::Poison => Value::Null,
        Content::Bool(bool) => Value::Bool(*bool),
        Content::Int(int) => Value::from(*int),
        Content::Float(float) => Number::from_f64(*float).map_or(Value::Null, Value::Number),
        Content::Text(text) => Value::from(text.as_str()),
        Content::List(items) => items.iter().map(to_json).collect(),
        Content::Map(entries) => {
            let mut sorted: Vec<&Entry> = entries.iter().collect();
            sorted.sort_by(|a, b| a.key.cmp(&b.key));
            let fields = sorted.iter().map(|entry| (entry.key.clone(), to_json(&entry.value)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
    }
}

/// From JSON, without places.
pub(crate) fn from_json(value: &Value) -> Node {
    let content = match value {
        Value::Null => Content::Null,
        Value::Bool(bool) => Content::Bool(*bool),
        Value::Number(number) => match number.as_i64() {
            Some(int) => Content::Int(int),
            None => Content::Float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => Content::Text(text.clone()),
        Value::Array(items) => Content::List(items.iter().map(from_json).collect()),
        Value::Object(fields) => {
            let entry = |(key, value): (&String, &Value)| Entry {
                key: key.clone(),
                key_span: 0..0,
                value: from_json(value),
            };
            Content::Map(fields.iter().map(entry).collect())
        }
    };
    Node::new(content, 0..0)
}

/// The canonical text of a document. Labels are left out, unless they are labels of messages: they
/// change nothing.
pub(crate) fn text(root: &Node, kind: Kind) -> String {
    let mut json = to_json(root);
    if kind != Kind::Journey
        && let Some(Value::Object(metadata)) = json.get_mut("metadata")
    {
        metadata.shift_remove("labels");
    }
    json.to_string()
}

/// The hash of a canonical text, hex.
pub(crate) fn hash(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}
