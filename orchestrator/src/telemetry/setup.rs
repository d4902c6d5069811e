//! Sets up logging, once, at start.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

use super::export::LogLayer;

/// Filter where the configuration names none: what an operator wants to read day by day.
pub const LOG_FILTER_DEFAULT: &str =
    "info,actix_server=warn,actix_web=warn,fjall=warn,lsm_tree=warn";

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Logging cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter does not parse.
    #[error("log filter `{filter}` is not valid: {source}")]
    Filter {
        /// As given.
        filter: String,
        /// What the parser says.
        source: ParseError,
    },
    /// Something else in this process has set up logging before.
    #[error("logging is set up already: {0}")]
    Twice(#[from] TryInitError),
}

/// Writes logs to standard error from now on. `filter` is in the form `info,cadencia=debug`; it
/// comes from the configuration, never from the environment on its own.
pub fn log_to_stderr(format: LogFormat, filter: &str) -> Result<(), LogError> {
    log_to_stderr_and(None, format, filter)
}

/// As [`log_to_stderr`]; the same lines also go to a collector.
pub fn log_to_stderr_and(
    export: Option<LogLayer>,
    format: LogFormat,
    filter: &str,
) -> Result<(), LogError> {
    let parsed = EnvFilter::builder()
        .parse(filter)
        .map_err(|source| LogError::Filter { filter: filter.to_owned(), source })?;
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let all = tracing_subscriber::registry().with(parsed).with(export);
    match format {
        LogFormat::Text => all.with(lines).try_init()?,
        LogFormat::Json => all.with(lines.json().flatten_event(true)).try_init()?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_filter_parses() {
        EnvFilter::builder().parse(LOG_FILTER_DEFAULT).unwrap();
    }

    #[test]
    fn a_bad_filter_is_refused_with_its_text() {
        let error = log_to_stderr(LogFormat::Text, "cadencia=loud").unwrap_err();
        assert!(error.to_string().contains("cadencia=loud"), "{error}");
    }
}
