//! Looks at what is published, for pages.

use domain::time::Zone;
use engine::codec;
use serde::{Deserialize, Serialize};
use store::{Limit, Range, Read};

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
/// Rows that are forgotten with one new one, so that a transaction stays small: more than one, so
/// that a long line becomes shorter.
const FORGOTTEN_MAX: usize = 16;

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

    /// The rows that remember an `apply`: the new one, and those that are forgotten for it.
    /// Revisions have gaps: pausing a journey makes one, and no row.
    pub(super) fn writes(
        store: &impl Read,
        revision: u64,
        at_ms: i64,
        by: &Principal,
        plan: &Plan,
    ) -> Vec<engine::Write> {
        let plan = serde_json::to_string(plan).unwrap_or_default();
        let row = Self { revision, at_ms, who: by.who.to_string(), plan };
        let write = |key, value| engine::Write { table: engine::Table::Meta, key, value };
        let mut writes = vec![write(key(revision), Some(codec::encode(&row)))];
        let old = key((revision + 1).saturating_sub(REVISIONS_KEPT));
        let range = Range { from: PREFIX.to_vec(), until: Some(old) };
        // What cannot be read now is forgotten with a later one.
        let table = rows::table(engine::Table::Meta);
        let old = store.scan(table, &range, Limit::rows(FORGOTTEN_MAX)).unwrap_or_default();
        writes.extend(old.rows.into_iter().map(|(key, _)| write(key, None)));
        writes
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
