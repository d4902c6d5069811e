//! Log lines on their way to the collector: a layer that notes them, and their form in OTLP.

use std::fmt::Write as _;
use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use runtime::Clock;
use tokio::sync::mpsc;
use tracing::field::{Field, Visit};
use tracing::{Event, Level};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::resource::{attribute, text};
use crate::telemetry::metrics::{Metrics, Signal};

/// Crates whose lines are exported. Others may say anything, and those of the transport would be
/// made by exporting.
const OURS: [&str; 8] = [
    "cadencia",
    "cadencia_channels",
    "cadencia_runtime",
    "cadencia_store",
    "channels",
    "runtime",
    "store",
    "actix_server",
];
/// The module whose lines are about exporting itself.
const ITSELF: &str = "cadencia::telemetry::export";

/// One line.
#[derive(Debug)]
pub(super) struct LogLine {
    at_ms: i64,
    level: Level,
    target: &'static str,
    message: String,
    fields: Vec<KeyValue>,
    trace: Option<Vec<u8>>,
    span: Option<Vec<u8>>,
}

/// Notes lines for the collector.
#[derive(Debug)]
pub struct LogLayer {
    queue: mpsc::Sender<LogLine>,
    clock: Clock,
    metrics: Arc<Metrics>,
}

impl LogLayer {
    pub(super) fn new(queue: mpsc::Sender<LogLine>, clock: Clock, metrics: Arc<Metrics>) -> Self {
        Self { queue, clock, metrics }
    }
}

fn is_ours(target: &str) -> bool {
    let first = target.split("::").next().unwrap_or_default();
    OURS.contains(&first) && !target.starts_with(ITSELF)
}

impl<S: tracing::Subscriber> Layer<S> for LogLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        if !is_ours(metadata.target()) {
            return;
        }
        let mut line = LogLine {
            at_ms: self.clock.now_ms(),
            level: *metadata.level(),
            target: metadata.target(),
            message: String::new(),
            fields: Vec::new(),
            trace: None,
            span: None,
        };
        event.record(&mut line);
        if self.queue.try_send(line).is_err() {
            self.metrics.telemetry_dropped(Signal::Logs, 1);
        }
    }
}

impl LogLine {
    fn field(&mut self, name: &str, value: Value) {
        match (name, value) {
            ("message", Value::StringValue(text)) => self.message = text,
            ("trace_id", Value::StringValue(text)) => self.trace = bytes(&text),
            ("span_id", Value::StringValue(text)) => self.span = bytes(&text),
            (name, value) => self.fields.push(attribute(name, value)),
        }
    }
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let pair = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    (0..hex.len()).step_by(2).map(pair).collect()
}

impl Visit for LogLine {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let mut words = String::new();
        let _ = write!(words, "{value:?}");
        self.field(field.name(), Value::StringValue(words));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.field(field.name(), Value::StringValue(value.to_owned()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.field(field.name(), Value::IntValue(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field.name(), Value::IntValue(i64::try_from(value).unwrap_or(i64::MAX)));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.field(field.name(), Value::BoolValue(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.field(field.name(), Value::DoubleValue(value));
    }
}

/// The line as OTLP has it. Severities are those of the specification's table.
pub(super) fn record(line: LogLine) -> LogRecord {
    let severity = match line.level {
        Level::ERROR => 17,
        Level::WARN => 13,
        Level::INFO => 9,
        Level::DEBUG => 5,
        Level::TRACE => 1,
    };
    let at_ns = u64::try_from(line.at_ms).unwrap_or(0).saturating_mul(1_000_000);
    let mut attributes = line.fields;
    attributes.push(text("code.namespace", line.target));
    LogRecord {
        time_unix_nano: at_ns,
        observed_time_unix_nano: at_ns,
        severity_number: severity,
        severity_text: line.level.as_str().to_owned(),
        body: Some(AnyValue { value: Some(Value::StringValue(line.message)) }),
        attributes,
        trace_id: line.trace.unwrap_or_default(),
        span_id: line.span.unwrap_or_default(),
        ..LogRecord::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_of_this_program_are_exported() {
        for (target, exported) in [
            ("cadencia::web::server", true),
            ("cadencia_store::committer", true),
            ("cadencia::telemetry::export::worker", false),
            ("h2::client", false),
            ("reqwest::connect", false),
        ] {
            assert_eq!(is_ours(target), exported, "{target}");
        }
    }
}
