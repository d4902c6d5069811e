//! The head that all documents share.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::check::Check;
use crate::problem::Path;

/// Most labels of a document.
pub const LABELS_MAX: usize = 32;
/// Longest label, key or value, in characters.
pub const LABEL_MAX_CHARS: usize = 128;

/// Who a document is.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawMetadata {
    /// Its name, unique among the documents of its kind.
    pub name: String,
    /// The campaign that a journey belongs to.
    pub campaign: Option<String>,
    /// Free words for people and tools; they change nothing.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// Checks the head of a document. Only a journey may name a campaign.
pub fn metadata(raw: &RawMetadata, is_journey: bool, check: &mut Check<'_>) {
    let path = Path::root().key("metadata");
    check.name(&raw.name, &path.key("name"));
    if let Some(campaign) = &raw.campaign {
        let path = path.key("campaign");
        if is_journey {
            let known = check.known;
            check.reference("campaign", campaign, &known.campaigns, &path);
        } else {
            let problem = crate::problem::Problem::new(path, "only a journey names a campaign");
            check.problem(problem.on_key().suggest("remove it"));
        }
    }
    let path = path.key("labels");
    if raw.labels.len() > LABELS_MAX {
        check.wrong(&path, format!("more than {LABELS_MAX} labels"));
    }
    for (key, value) in &raw.labels {
        if key.chars().count().max(value.chars().count()) > LABEL_MAX_CHARS {
            let message = format!("the label is longer than {LABEL_MAX_CHARS} characters");
            check.wrong(&path.key(key.as_str()), message);
        }
    }
}
