//! Looks at what is published, for pages.

use domain::time::Zone;
use engine::codec;
use serde::{Deserialize, Serialize};
use store::{Range, Read};

use super::Admin;
use crate::access::mask::Mask;
use crate::access::principal::Principal;
use crate::access::scope::Scope;
use crate::publish::{Built, Plan, Publication};
use crate::recovery::RecoverError;
use crate::rows;

/// What the keys of these rows begin with.
const PREFIX: &[u8] = b"Ap";
/// What was applied is remembered for so many revisions: years of work with definitions, and at
/// some KiB each a few MiB.
const REVISIONS_KEPT: u64 = 1_000;

/// What one `apply` changed, kept beside the publication.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AppliedRow {
    /// The revision that it made.
    pub revision: u64,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// Who.
    pub who: String,
    /// The plan as JSON: values of fields are of any shape.
    plan: String,
}

impl AppliedRow {
    /// What it changed; `None` for a row that this build cannot read.
    pub fn plan(&self) -> Option<Plan> {
        serde_json::from_str(&self.plan).ok()
    }

    /// The rows that remember an `apply`: the new one, and the one that is forgotten for it.
    pub(super) fn writes(
        revision: u64,
        at_ms: i64,
        by: &Principal,
        plan: &Plan,
    ) -> Vec<engine::Write> {
        let plan = serde_json::to_string(plan).unwrap_or_default();
        let row = Self { revision, at_ms, who: by.who.to_string(), plan };
        let write = |revision, value| engine::Write {
            table: engine::Table::Meta,
            key: key(revision),
            value,
        };
        let old = revision.checked_sub(REVISIONS_KEPT).map(|old| write(old, None));
        [write(revision, Some(codec::encode(&row)))].into_iter().chain(old).collect()
    }
}

fn key(revision: u64) -> Vec<u8> {
    [PREFIX, &revision.to_be_bytes()].concat()
}

/// What was applied, newest first, before a revision.
pub fn applied(
    store: &impl Read,
    before: Option<u64>,
    count: usize,
) -> Result<Vec<AppliedRow>, RecoverError> {
    let table = rows::table(engine::Table::Meta);
    let mut range = Range::prefix(PREFIX);
    if let Some(before) = before {
        range.until = Some(key(before));
    }
    let mut found = Vec::new();
    while found.len() < count {
        let Some((key, value)) = store.last(table, &range)? else { break };
        found.push(codec::decode("applied row", &value)?);
        range.until = Some(key);
    }
    Ok(found)
}

impl Admin {
    /// Looks at what is published. Nothing may wait in `look`: changes wait for it.
    pub async fn published<T>(&self, look: impl FnOnce(&Publication, &Built) -> T) -> T {
        let state = self.state.lock().await;
        look(&state.publication, &state.built)
    }

    /// What somebody must not see, and the zone that counts where a customer's is unknown.
    pub async fn outlook(&self, by: &Principal) -> (Mask, Zone) {
        let state = self.state.lock().await;
        let parts = state.built.catalog.parts();
        let mask = match by.may(Scope::Personal) {
            true => Mask::nothing(),
            false => {
                let channels = &parts.channels;
                let exported = channels.values().flat_map(|channel| channel.identifiers.iter());
                let addresses = channels.values().map(|channel| &*channel.address);
                Mask::personal(addresses.chain(exported.map(|(_, name)| &**name)))
            }
        };
        (mask, parts.fallback_zone.clone())
    }
}
