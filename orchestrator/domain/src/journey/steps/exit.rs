//! `exit`: leave the journey.
//!
//! ```yaml
//! - exit: {reason: not interested}
//! ```

use schemars::JsonSchema;
use serde::Deserialize;

use crate::check::Check;
use crate::problem::Path;

/// Longest reason. It is a word for the history, not a report.
const REASON_MAX_CHARS: usize = 200;

/// Leave the journey.
#[derive(Clone, Debug, Deserialize, JsonSchema, garde::Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct RawExit {
    /// Id of the step. Default: `exit-` and its number.
    pub id: Option<String>,
    /// Free text, kept in the history.
    #[garde(length(chars, min = 1, max = REASON_MAX_CHARS))]
    pub reason: Option<String>,
}

/// Validates an exit that stands at `path`.
pub(crate) fn build(raw: &RawExit, path: &Path, check: &mut Check<'_>) -> Option<Exit> {
    check.limits(raw, path);
    Some(Exit { reason: raw.reason.clone() })
}

/// An exit.
#[derive(Clone, Debug, Default)]
pub struct Exit {
    /// Free text, kept in the history.
    pub reason: Option<String>,
}
