//! The JSON Schema for editors.

use cadencia::config::schema::schema;
use serde_json::Value;

#[test]
fn the_schema_describes_every_kind() {
    let schema = schema();
    let kinds: Vec<_> = schema["oneOf"]
        .as_array()
        .expect("there are kinds")
        .iter()
        .map(|kind| kind["properties"]["kind"]["const"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(
        kinds,
        ["Journey", "Segment", "ContactPolicy", "Channel", "Template", "Campaign", "ImportMapping"]
    );
}

#[test]
fn every_reference_of_the_schema_leads_somewhere() {
    let schema = schema();
    let mut found = 0;
    walk(&schema, &mut |key, value| {
        if key == "$ref" {
            let name = value.as_str().and_then(|text| text.strip_prefix("#/$defs/"));
            let name = name.expect("references lead to definitions");
            assert!(schema["$defs"].get(name).is_some(), "{name} is not defined");
            found += 1;
        }
    });
    assert!(found > 10);
}

#[test]
fn every_key_of_a_definition_is_described() {
    let schema = schema();
    for name in [
        "RawJourney",
        "RawSend",
        "RawWait",
        "RawEntry",
        "RawSmtp",
        "RawTemplate",
        "RawContactPolicy",
        "RawRule",
        "RawScope",
        "RawFrequencyCap",
        "RawWeight",
        "RawMinimumGap",
        "RawQuietHours",
        "RawSendWindow",
        "RawNamedHoliday",
    ] {
        let properties = schema["$defs"][name]["properties"].as_object().expect("it has keys");
        for (key, property) in properties {
            assert!(property.get("description").is_some(), "{name}.{key} has no description");
        }
    }
}

fn walk(value: &Value, each: &mut dyn FnMut(&str, &Value)) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            each(key, value);
            walk(value, each);
        }),
        Value::Array(items) => items.iter().for_each(|item| walk(item, each)),
        _ => {}
    }
}
