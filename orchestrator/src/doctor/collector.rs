//! The collector of traces, logs and metrics.

use super::Check;
use crate::config::settings::Telemetry as Settings;
use crate::telemetry::export::{NotTaken, probe};

/// Whether the collector takes an empty export of each signal that is exported.
pub async fn collector(settings: &Settings) -> Check {
    let name = "collector";
    let Some(endpoint) = &settings.endpoint else {
        return Check::ok(name, "none is set: no traces, logs or metrics are exported");
    };
    let advice = match probe(settings).await {
        Ok(taken) => {
            let taken = if taken.is_empty() { "nothing".to_owned() } else { taken.join(", ") };
            return Check::ok(name, format!("{endpoint} takes {taken}"));
        }
        Err(error) => (error.to_string(), advice(&error)),
    };
    Check::failed(name, format!("{endpoint}: {}", advice.0), advice.1)
}

fn advice(error: &NotTaken) -> &'static str {
    match error {
        NotTaken::Settings(_) => "correct what `telemetry` sets",
        NotTaken::Certificate(_) => {
            "name the certificate of who signed the collector's as `telemetry.ca_file`, and the \
             collector as its certificate does"
        }
        NotTaken::Headers(_) => "correct `telemetry.headers` or what `headers_file` holds",
        NotTaken::Protocol(_) => {
            "another protocol is spoken there: gRPC usually has port 4317, HTTP 4318, and \
             `endpoint` begins with https:// where there is TLS"
        }
        NotTaken::Reach(_) => "is the collector running, and `telemetry.endpoint` right?",
    }
}
