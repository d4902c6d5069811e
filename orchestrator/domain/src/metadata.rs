//! The head that all documents share.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::check::Check;
use crate::labels;
use crate::problem::Path;

/// Who a document is.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawMetadata {
    /// Its name, unique among the documents of its kind.
    pub name: String,
    /// The campaign that a journey belongs to.
    pub campaign: Option<String>,
    /// Free words. Those of a journey are labels of its messages, which rules of a contact policy
    /// can be about; those of other documents are for people and tools, and change nothing.
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
    labels::check(&raw.labels, &path.key("labels"), check);
}
