//! `plan`: what an `apply` would change, and what it means for customers who are on their way.

use std::collections::{BTreeMap, BTreeSet};

use domain::ids::VersionNo;
use domain::journey::definition::Journey;
use engine::counters::{CounterKey, Counters};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::publication::{Publication, StoredDocument};
use crate::config::{Definitions, Kind};

/// What happens to a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// Its content is another.
    Changed,
    /// It is gone.
    Removed,
}

/// A change of one document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "DefinitionChange")]
pub struct Change {
    /// What happens.
    pub change: ChangeKind,
    /// Kind of the document.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// The fields that differ, as paths with the old and the new value.
    pub fields: Vec<FieldChange>,
    /// Enrollments of the versions that this replaces, per step.
    pub in_flight: Vec<InFlight>,
}

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FieldChange {
    /// Where (`spec.steps[1].wait.for`).
    pub path: String,
    /// The value in force, as JSON; absent if the field is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<serde_json::Value>,
    /// The new value; absent if the field goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<serde_json::Value>,
}

/// Enrollments that stand on a step of an earlier version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InFlight {
    /// The version they are on.
    pub version: u32,
    /// The step.
    pub step: String,
    /// How many.
    pub enrollments: i64,
    /// The step of the new version that they move to; `None` keeps them on their version.
    pub migrates_to: Option<String>,
}

/// What an `apply` would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// The revision that it was made against: `apply` refuses a plan that is older.
    pub revision: u64,
    /// The changes, by kind and name.
    pub changes: Vec<Change>,
}

impl Plan {
    /// Whether an `apply` would change nothing.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// Compares definitions with what is published. `journeys` are the published versions, compiled;
/// `counters` say who stands where.
pub fn plan(
    publication: &Publication,
    definitions: &Definitions,
    journeys: &BTreeMap<VersionNo, std::sync::Arc<Journey>>,
    counters: &Counters,
) -> Plan {
    let next = publication.applied(definitions, domain::time::Instant::MIN);
    let key = |document: &StoredDocument| (document.kind, document.name.clone());
    let old: BTreeMap<_, _> = publication.documents.iter().map(|d| (key(d), d)).collect();
    let new: BTreeMap<_, _> = next.documents.iter().map(|d| (key(d), d)).collect();
    let all: BTreeSet<_> = old.keys().chain(new.keys()).cloned().collect();
    let mut changes = Vec::new();
    for (kind, name) in all {
        let (was, will) = (old.get(&(kind, name.clone())), new.get(&(kind, name.clone())));
        let change = match (was, will) {
            (Some(was), Some(will)) if was.hash == will.hash => continue,
            (Some(_), Some(_)) => ChangeKind::Changed,
            (None, _) => ChangeKind::Added,
            (_, None) => ChangeKind::Removed,
        };
        let mut fields = Vec::new();
        if let (Some(was), Some(will)) = (was, will) {
            compare("", json(&was.canonical), json(&will.canonical), &mut fields);
        }
        let in_flight = if kind == Kind::Journey {
            let newer = definitions.journeys.get(name.as_str());
            in_flight(publication, &name, newer.map(|journey| &**journey), journeys, counters)
        } else {
            Vec::new()
        };
        changes.push(Change { change, kind, name, fields, in_flight });
    }
    Plan { revision: publication.revision, changes }
}

/// Where two documents differ, by their canonical texts.
pub fn differences(old: &str, new: &str) -> Vec<FieldChange> {
    let mut fields = Vec::new();
    compare("", json(old), json(new), &mut fields);
    fields
}

fn json(text: &str) -> Option<serde_json::Value> {
    serde_json::from_str(text).ok()
}

/// Where two values differ, as deep as their shapes agree.
fn compare(
    path: &str,
    old: Option<serde_json::Value>,
    new: Option<serde_json::Value>,
    fields: &mut Vec<FieldChange>,
) {
    use serde_json::Value::{Array, Object};
    match (old, new) {
        (old, new) if old == new => {}
        (Some(Object(mut old)), Some(Object(mut new))) => {
            let names: BTreeSet<String> = old.keys().chain(new.keys()).cloned().collect();
            for name in names {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                compare(&path, old.shift_remove(&name), new.shift_remove(&name), fields);
            }
        }
        (Some(Array(old)), Some(Array(new))) => {
            let (mut old, mut new) = (old.into_iter(), new.into_iter());
            for at in 0..old.len().max(new.len()) {
                compare(&format!("{path}[{at}]"), old.next(), new.next(), fields);
            }
        }
        (old, new) => fields.push(FieldChange { path: path.to_owned(), old, new }),
    }
}

fn in_flight(
    publication: &Publication,
    name: &str,
    newer: Option<&Journey>,
    journeys: &BTreeMap<VersionNo, std::sync::Arc<Journey>>,
    counters: &Counters,
) -> Vec<InFlight> {
    let mut found = Vec::new();
    for version in publication.versions.iter().filter(|v| v.journey.as_str() == name) {
        let Some(journey) = journeys.get(&version.no) else {
            continue;
        };
        for (at, node) in journey.nodes.iter().enumerate() {
            let entered = counters.get(CounterKey::StepEntered(version.no, at as u16));
            let left = counters.get(CounterKey::StepLeft(version.no, at as u16));
            if entered > left {
                found.push(InFlight {
                    version: version.no.0,
                    step: node.id.to_string(),
                    enrollments: entered - left,
                    migrates_to: newer
                        .and_then(|newer| newer.migrate.get(&node.id))
                        .map(ToString::to_string),
                });
            }
        }
    }
    found
}
