//! The JSON Schema of all documents, for editors (`cadencia schema`).
//!
//! It says what is written down in the raw types: keys, shapes, limits, and the doc comments as
//! descriptions. What needs other documents or another language (CEL, Liquid) is left to
//! `cadencia validate`.

use domain::campaign::RawCampaign;
use domain::channel::RawChannel;
use domain::journey::raw::RawJourney;
use domain::metadata::RawMetadata;
use domain::segment::RawSegment;
use domain::template::RawTemplate;
use policies::RawContactPolicy;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::document::{API_VERSION, Kind};
use crate::import::{MAPPING_KIND, RawMapping};

/// One JSON Schema (2020-12) for every kind of document.
///
/// Use it in an editor by a first line in the YAML file:
/// `# yaml-language-server: $schema=cadencia.schema.json`.
pub fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let metadata = generator.subschema_for::<RawMetadata>().to_value();
    let mut documents: Vec<Value> = Kind::ALL
        .into_iter()
        .map(|kind| {
            let spec = spec(kind, &mut generator);
            document(kind.word(), words(kind), &metadata, spec)
        })
        .collect();
    let mapping = generator.subschema_for::<RawMapping>().to_value();
    documents.push(json!({
        "title": MAPPING_KIND,
        "type": "object",
        "properties": {"kind": {"const": MAPPING_KIND}},
        "allOf": [mapping],
    }));
    let mut definitions = Value::Object(generator.take_definitions(true));
    without_null(&mut definitions);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Cadencia definitions",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "oneOf": documents,
        "$defs": definitions,
    })
}

/// An optional key may be left out; a key without a value is an error.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.values_mut().for_each(without_null);
            let only = match fields.get_mut("type") {
                Some(Value::Array(types)) => {
                    types.retain(|kind| kind != "null");
                    (types.len() == 1).then(|| types[0].clone())
                }
                _ => None,
            };
            fields.extend(only.map(|only| ("type".to_owned(), only)));
            if let Some(Value::Array(choices)) = fields.get_mut("anyOf") {
                choices.retain(|choice| choice.get("type") != Some(&Value::from("null")));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}

fn spec(kind: Kind, generator: &mut SchemaGenerator) -> Value {
    let schema = match kind {
        Kind::Journey => generator.subschema_for::<RawJourney>(),
        Kind::Segment => generator.subschema_for::<RawSegment>(),
        Kind::ContactPolicy => generator.subschema_for::<RawContactPolicy>(),
        Kind::Channel => generator.subschema_for::<RawChannel>(),
        Kind::Template => generator.subschema_for::<RawTemplate>(),
        Kind::Campaign => generator.subschema_for::<RawCampaign>(),
    };
    schema.to_value()
}

fn words(kind: Kind) -> &'static str {
    match kind {
        Kind::Journey => "Who enters, what happens step by step, and what ends it.",
        Kind::Segment => "A named predicate over profile and event history.",
        Kind::ContactPolicy => "The rules that every send passes.",
        Kind::Channel => "How messages leave.",
        Kind::Template => "The content of messages before it is rendered.",
        Kind::Campaign => "The business wrapper of journeys.",
    }
}

fn document(kind: &str, words: &str, metadata: &Value, spec: Value) -> Value {
    json!({
        "title": kind,
        "description": words,
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "additionalProperties": false,
        "properties": {
            "apiVersion": {"const": API_VERSION, "description": "Version of the shapes."},
            "kind": {"const": kind, "description": words},
            "metadata": metadata,
            "spec": spec,
        },
    })
}
