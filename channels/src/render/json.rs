//! JSON: values in templates whose result is JSON, and bodies made of chosen fields.

use liquid_core::model::{ScalarCow, Value as Liquid};
use liquid_core::{
    Display_filter, Filter, FilterReflection, ParseFilter, Result, Runtime, Value, ValueView,
};
use serde_json::Value as Json;

use super::context::Context;

fn to_json(value: &Liquid) -> Json {
    match value {
        Liquid::Scalar(scalar) => scalar_to_json(scalar),
        Liquid::Array(items) => items.iter().map(to_json).collect(),
        Liquid::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.to_string(), to_json(value)));
            Json::Object(fields.collect())
        }
        Liquid::State(_) | Liquid::Nil => Json::Null,
    }
}

/// A number that JSON does not have (NaN, infinity) is `null`.
fn scalar_to_json(scalar: &ScalarCow<'_>) -> Json {
    match (scalar.type_name(), scalar.to_integer(), scalar.to_float(), scalar.to_bool()) {
        ("whole number", Some(int), ..) => Json::from(int),
        ("fractional number", _, Some(float), _) => Json::from(float),
        ("boolean", .., Some(bool)) => Json::from(bool),
        _ => Json::from(scalar.to_kstr().as_str()),
    }
}

macro_rules! json_filter {
    ($plugin:ident, $filter:ident, $name:tt, $description:tt, $written:expr) => {
        #[derive(Clone, ParseFilter, FilterReflection)]
        #[filter(name = $name, description = $description, parsed($filter))]
        pub(super) struct $plugin;

        #[derive(Debug, Default, Display_filter)]
        #[name = $name]
        struct $filter;

        impl Filter for $filter {
            fn evaluate(&self, input: &dyn ValueView, _runtime: &dyn Runtime) -> Result<Value> {
                let written: fn(&dyn ValueView) -> String = $written;
                Ok(Value::scalar(written(input)))
            }
        }
    };
}

json_filter!(JsonPlace, JsonFilter, "_json", "A value of JSON.", |input| {
    to_json(&input.to_value()).to_string()
});
json_filter!(JsonTextPlace, JsonTextFilter, "_json_text", "A part of a text of JSON.", |input| {
    let text = Json::from(input.to_kstr().as_str()).to_string();
    text[1..text.len() - 1].to_owned()
});

/// An object with these paths of a context, each where its parts say; what is missing is `null`.
pub fn fields(context: &Context<'_>, paths: &[String]) -> Json {
    let mut object = serde_json::Map::new();
    for path in paths {
        let keys: Vec<ScalarCow<'_>> = path.split('.').map(ScalarCow::new).collect();
        let value = context.resolve(&keys).as_ref().map_or(Json::Null, to_json);
        put(&mut object, path, value);
    }
    Json::Object(object)
}

fn put(object: &mut serde_json::Map<String, Json>, path: &str, value: Json) {
    let Some((key, rest)) = path.split_once('.') else {
        object.insert(path.to_owned(), value);
        return;
    };
    let below = object.entry(key).or_insert_with(|| Json::Object(serde_json::Map::new()));
    // Validation refuses a path that ends within another one.
    if let Json::Object(below) = below {
        put(below, rest, value);
    }
}
