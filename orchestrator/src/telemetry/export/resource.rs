//! Who it is that tells, and the small shapes of OTLP that all signals share.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;

use crate::config::settings::Telemetry as Settings;

/// One attribute.
pub(super) fn attribute(name: &str, value: Value) -> KeyValue {
    let value = Some(AnyValue { value: Some(value) });
    KeyValue { key: name.to_owned(), value, ..KeyValue::default() }
}

/// One attribute with a text.
pub(super) fn text(name: &str, value: impl Into<String>) -> KeyValue {
    attribute(name, Value::StringValue(value.into()))
}

/// The resource of everything that this process exports.
pub(super) fn of(settings: &Settings) -> Resource {
    let mut attributes = vec![
        text("service.name", settings.service_name.as_str()),
        text("service.version", env!("CARGO_PKG_VERSION")),
    ];
    let more = settings.resource.iter().filter_map(|pair| pair.split_once('='));
    attributes.extend(more.map(|(name, value)| text(name.trim(), value.trim())));
    Resource { attributes, ..Resource::default() }
}

/// The scope of everything that this process exports.
pub(super) fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "cadencia".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}
