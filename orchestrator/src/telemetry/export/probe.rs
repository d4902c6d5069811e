//! A look at the collector: an empty export of each signal that is exported.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

use super::ExportError;
use super::transport::{Plan, Transport};
use crate::config::settings::Telemetry as Settings;
use crate::telemetry::metrics::Signal;

/// Why a collector does not take what it is given.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    /// What is set cannot be used.
    #[error(transparent)]
    Settings(#[from] ExportError),
    /// Its certificate is not trusted, or is of another name.
    #[error("{0}")]
    Certificate(String),
    /// It does not take the headers.
    #[error("{0}")]
    Headers(String),
    /// It is reached, and speaks something else.
    #[error("{0}")]
    Protocol(String),
    /// It is not reached, or does not answer.
    #[error("{0}")]
    Reach(String),
}

/// Words of libraries and collectors by which a reason is known, in this order.
const CERTIFICATE: [&str; 2] = ["certificate", "UnknownIssuer"];
const HEADERS: [&str; 4] = ["status 401", "status 403", "Unauthenticated", "PermissionDenied"];
const PROTOCOL: [&str; 7] = [
    "status ",
    "Unimplemented",
    "http2 error",
    "frame",
    "InvalidContentType",
    "invalid HTTP",
    "unexpected message",
];

impl NotTaken {
    fn of(words: String) -> Self {
        let says = |known: &[&str]| known.iter().any(|word| words.contains(word));
        if says(&CERTIFICATE) {
            Self::Certificate(words)
        } else if says(&HEADERS) {
            Self::Headers(words)
        } else if says(&PROTOCOL) {
            Self::Protocol(words)
        } else {
            Self::Reach(words)
        }
    }
}

/// Offers nothing of each signal to the collector, and gives back the signals that it took. Must be
/// called inside a tokio runtime.
///
/// # Errors
/// Why it did not take one.
pub async fn probe(settings: &Settings) -> Result<Vec<&'static str>, NotTaken> {
    let plan = Plan::new(settings)?;
    let transport = Transport::connect(&plan).map_err(ExportError::from)?;
    let mut taken = Vec::new();
    for (signal, wanted) in [
        (Signal::Traces, settings.traces),
        (Signal::Logs, settings.logs),
        (Signal::Metrics, settings.metrics),
    ] {
        if !wanted {
            continue;
        }
        let answer = match signal {
            Signal::Traces => transport.traces(ExportTraceServiceRequest::default()).await,
            Signal::Logs => transport.logs(ExportLogsServiceRequest::default()).await,
            Signal::Metrics => transport.metrics(ExportMetricsServiceRequest::default()).await,
        };
        answer.map_err(|words| NotTaken::of(format!("{}: {words}", signal.as_str())))?;
        taken.push(signal.as_str());
    }
    Ok(taken)
}
