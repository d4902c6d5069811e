//! Looks for what would keep a server from working: settings, data directory, disk, collector,
//! campaign, channels. Changes nothing, sends nothing.

mod campaign;
mod collector;
mod machine;

use serde::{Deserialize, Serialize};

pub use campaign::campaign;
pub use collector::collector;
pub use machine::{data_directory, listen, open_files, public_url};

/// How a look went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It works, but not as well as it should, or not for long.
    Warning,
    /// It does not work.
    Failed,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What.
    pub check: String,
    /// How it is.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do; empty where there is nothing to do.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub advice: String,
}

impl Check {
    /// All is well.
    pub fn ok(check: impl Into<String>, found: impl Into<String>) -> Self {
        let advice = String::new();
        Self { check: check.into(), verdict: Verdict::Ok, found: found.into(), advice }
    }

    /// It could be better.
    pub fn warning(
        check: impl Into<String>,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        let (check, found, advice) = (check.into(), found.into(), advice.into());
        Self { check, verdict: Verdict::Warning, found, advice }
    }

    /// It does not work.
    pub fn failed(
        check: impl Into<String>,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { verdict: Verdict::Failed, ..Self::warning(check, found, advice) }
    }
}
