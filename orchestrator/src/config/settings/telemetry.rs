//! Where traces, logs and metrics are sent.
//!
//! ```yaml
//! telemetry:
//!   endpoint: http://collector:4317
//!   protocol: grpc
//!   headers_file: /etc/cadencia/telemetry-headers
//!   sample_ratio: 0.1
//!   slow_ms: 1000
//!   resource: ["deployment.environment.name=production"]
//! ```

use std::path::PathBuf;

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most headers and resource attributes: each goes along with every batch.
const LIST_MAX: usize = 64;
/// Longest time for which one batch may be under way, in seconds.
const TIMEOUT_SECONDS_MAX: u64 = 120;
/// Longest time between two exports of the metrics: an hour.
const METRICS_SECONDS_MAX: u64 = 3_600;

/// Variables of the OpenTelemetry specification, with the keys that they set where neither the
/// file nor a variable of ours does.
pub(super) const STANDARD_VARIABLES: [(&str, &str); 6] = [
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "telemetry.endpoint"),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "telemetry.protocol"),
    ("OTEL_EXPORTER_OTLP_CERTIFICATE", "telemetry.ca_file"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "telemetry.headers"),
    ("OTEL_SERVICE_NAME", "telemetry.service_name"),
    ("OTEL_RESOURCE_ATTRIBUTES", "telemetry.resource"),
];

/// Where traces, logs and metrics are sent, and which traces are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[garde(allow_unvalidated)]
pub struct Telemetry {
    /// Scheme, host and port of an OTLP collector. Without one nothing is exported. Also
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub endpoint: Option<String>,
    /// How the collector is spoken to: `grpc`, or `http` (protobuf). Also
    /// `OTEL_EXPORTER_OTLP_PROTOCOL`.
    pub protocol: Protocol,
    /// Headers of each request, `name=value`. Also `OTEL_EXPORTER_OTLP_HEADERS`.
    #[garde(length(max = LIST_MAX))]
    pub headers: Vec<String>,
    /// File with more of them, one a line: for secrets.
    pub headers_file: Option<PathBuf>,
    /// File with the certificates (PEM) that the collector's is checked against, instead of the
    /// public ones. Also `OTEL_EXPORTER_OTLP_CERTIFICATE`.
    pub ca_file: Option<PathBuf>,
    /// Longest time that one request to the collector may take, in seconds.
    #[garde(range(min = 1, max = TIMEOUT_SECONDS_MAX))]
    pub timeout_seconds: u64,
    /// Part of the enrollments whose activations are traced, from 0 to 1. Failed and slow
    /// activations are kept whatever it says.
    #[garde(range(min = 0.0, max = 1.0))]
    pub sample_ratio: f64,
    /// Part of the events that are traced where they do nothing to any enrollment, from 0 to 1; by
    /// default as `sample_ratio`.
    #[garde(inner(range(min = 0.0, max = 1.0)))]
    pub event_sample_ratio: Option<f64>,
    /// An activation or attempt that takes longer is slow, in milliseconds.
    #[garde(range(min = 1))]
    pub slow_ms: u64,
    /// `service.name` of everything that is exported. Also `OTEL_SERVICE_NAME`.
    pub service_name: String,
    /// More attributes of the resource, `name=value`. Also `OTEL_RESOURCE_ATTRIBUTES`.
    #[garde(length(max = LIST_MAX))]
    pub resource: Vec<String>,
    /// Whether traces are exported.
    pub traces: bool,
    /// Whether logs are exported; they are written to standard error all the same.
    pub logs: bool,
    /// Whether metrics are exported; `/metrics` shows them all the same.
    pub metrics: bool,
    /// Time between two exports of the metrics, in seconds.
    #[garde(range(min = 1, max = METRICS_SECONDS_MAX))]
    pub metrics_seconds: u64,
}

/// How a collector is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// OTLP over gRPC.
    #[default]
    Grpc,
    /// OTLP over HTTP, as protobuf.
    #[serde(alias = "http/protobuf")]
    Http,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            endpoint: None,
            protocol: Protocol::default(),
            headers: Vec::new(),
            headers_file: None,
            ca_file: None,
            timeout_seconds: 10,
            sample_ratio: 1.0,
            event_sample_ratio: None,
            slow_ms: 1_000,
            service_name: "cadencia".to_owned(),
            resource: Vec::new(),
            traces: true,
            logs: true,
            metrics: true,
            metrics_seconds: 60,
        }
    }
}
