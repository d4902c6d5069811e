//! What is published, as people look at it: documents, versions of journeys, what is in force.

use domain::channel::Provider;
use domain::ids::JourneyName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Admin, Refusal, refuse};
use crate::config::Kind;
use crate::error::ErrorCode;
use crate::publish::{FieldChange, StoredDocument, differences};

/// A document in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DefinitionLine {
    /// Its kind.
    pub kind: Kind,
    /// Its name, unique among its kind.
    pub name: String,
    /// Its content hash.
    pub hash: String,
}

/// A document in force, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Definition {
    /// Which one.
    #[serde(flatten)]
    pub line: DefinitionLine,
    /// What it says, as it was applied.
    pub document: Value,
}

/// A version of a journey that is current or still has enrollments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JourneyVersion {
    /// Its number.
    pub version: u32,
    /// Its content hash.
    pub hash: String,
    /// Whether new entries get it.
    pub current: bool,
    /// What it says.
    pub document: Value,
}

/// Where two versions of a journey differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VersionDiff {
    /// The journey.
    pub journey: String,
    /// The version that is compared.
    pub from: u32,
    /// With this one.
    pub to: u32,
    /// The fields that differ.
    pub fields: Vec<FieldChange>,
}

/// A segment in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentState {
    /// Its name.
    pub name: String,
    /// Who is a member, as an expression.
    pub when: String,
    /// Its content hash.
    pub hash: String,
}

/// The contact policy in force: all documents of it together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyState {
    /// Its version: sends keep the one that they were decided by.
    pub version: u32,
    /// Names of its documents.
    pub documents: Vec<String>,
    /// The zone of customers whose own is not known.
    pub fallback_zone: String,
    /// Message classes.
    pub classes: Vec<ClassState>,
    /// Its declared rules, in their order.
    pub rules: Vec<RuleState>,
}

/// A message class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClassState {
    /// Its name.
    pub name: String,
    /// Whether it obeys caps.
    pub obeys_caps: bool,
    /// Whether it counts toward caps.
    pub counts_toward_caps: bool,
    /// Whether it obeys quiet hours.
    pub obeys_quiet_hours: bool,
}

/// A declared rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleState {
    /// Its name.
    pub name: String,
    /// `quiet_hours`, `send_window`, `frequency_cap` or `minimum_gap`.
    pub kind: String,
}

/// A channel in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelState {
    /// Its name.
    pub name: String,
    /// `capture`, `smtp`, `sms`, `webhook` or `audience`.
    pub provider: String,
    /// The trait with the customer's address.
    pub address: String,
    /// Its content hash.
    pub hash: String,
}

impl Admin {
    /// The documents in force, by kind and name.
    pub async fn definitions(&self, kind: Option<Kind>) -> Vec<DefinitionLine> {
        let state = self.state.lock().await;
        let mut lines: Vec<DefinitionLine> = state
            .publication
            .documents
            .iter()
            .filter(|document| kind.is_none_or(|kind| document.kind == kind))
            .map(line)
            .collect();
        lines.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
        lines
    }

    /// A document in force.
    ///
    /// # Errors
    /// If there is none.
    pub async fn definition(&self, kind: Kind, name: &str) -> Result<Definition, Refusal> {
        let state = self.state.lock().await;
        let mut all = state.publication.documents.iter();
        match all.find(|document| document.kind == kind && document.name == name) {
            Some(found) => {
                Ok(Definition { line: line(found), document: document(&found.canonical)? })
            }
            None => {
                let detail = format!("no {} `{name}` is published", kind.word());
                refuse(ErrorCode::DefinitionUnknown, detail)
            }
        }
    }

    /// Versions of a journey that are current or still have enrollments, the newest first.
    ///
    /// # Errors
    /// If there is no such journey.
    pub async fn versions(&self, journey: &JourneyName) -> Result<Vec<JourneyVersion>, Refusal> {
        let state = self.state.lock().await;
        let all = state.publication.versions.iter().filter(|one| one.journey == *journey);
        let mut versions = Vec::new();
        for one in all {
            versions.push(JourneyVersion {
                version: one.no.0,
                hash: one.hash.clone(),
                current: one.current,
                document: document(&one.canonical)?,
            });
        }
        if versions.is_empty() {
            let detail = format!("no journey `{journey}` is published");
            return refuse(ErrorCode::JourneyUnknown, detail);
        }
        versions.sort_by_key(|one| std::cmp::Reverse(one.version));
        Ok(versions)
    }

    /// Where two versions of a journey differ.
    ///
    /// # Errors
    /// If there is no such version.
    pub async fn diff(
        &self,
        journey: &JourneyName,
        from: u32,
        to: u32,
    ) -> Result<VersionDiff, Refusal> {
        let state = self.state.lock().await;
        let find = |no: u32| {
            let mut all = state.publication.versions.iter();
            all.find(|one| one.journey == *journey && one.no.0 == no).ok_or_else(|| {
                let detail = format!("journey `{journey}` has no version {no} any more");
                Box::new(crate::error::Problem::new(ErrorCode::JourneyUnknown, detail))
            })
        };
        let fields = differences(&find(from)?.canonical, &find(to)?.canonical);
        Ok(VersionDiff { journey: journey.to_string(), from, to, fields })
    }

    /// The segments in force, by name.
    pub async fn segments(&self) -> Result<Vec<SegmentState>, Refusal> {
        let state = self.state.lock().await;
        let documents = state.publication.documents.iter();
        let mut segments = Vec::new();
        for one in documents.filter(|document| document.kind == Kind::Segment) {
            let when =
                document(&one.canonical)?["spec"]["when"].as_str().unwrap_or_default().into();
            segments.push(SegmentState { name: one.name.clone(), when, hash: one.hash.clone() });
        }
        segments.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(segments)
    }

    /// The contact policy in force.
    pub async fn policy(&self) -> PolicyState {
        let state = self.state.lock().await;
        let policy = &state.built.definitions.policy;
        let documents = state.publication.documents.iter();
        let documents = documents.filter(|document| document.kind == Kind::ContactPolicy);
        PolicyState {
            version: state.publication.policy.0,
            documents: documents.map(|document| document.name.clone()).collect(),
            fallback_zone: policy.fallback_zone.name().to_owned(),
            classes: policy
                .classes
                .iter()
                .map(|(name, bits)| ClassState {
                    name: name.to_string(),
                    obeys_caps: bits.obeys_caps,
                    counts_toward_caps: bits.counts_toward_caps,
                    obeys_quiet_hours: bits.obeys_quiet_hours,
                })
                .collect(),
            rules: policy
                .rules
                .iter()
                .map(|rule| RuleState {
                    name: rule.name.to_string(),
                    kind: rule.body.kind().as_str().to_owned(),
                })
                .collect(),
        }
    }

    /// The channels in force, by name.
    pub async fn channels(&self) -> Vec<ChannelState> {
        let state = self.state.lock().await;
        let provider = |provider: &Provider| match provider {
            Provider::Capture { .. } => "capture",
            Provider::Smtp(_) => "smtp",
            Provider::Sms(_) => "sms",
            Provider::Webhook(_) => "webhook",
            Provider::Audience(_) => "audience",
        };
        let channels = state.built.definitions.channels.values();
        channels
            .map(|channel| ChannelState {
                name: channel.name.to_string(),
                provider: provider(&channel.provider).to_owned(),
                address: channel.address.clone(),
                hash: channel.hash.clone(),
            })
            .collect()
    }
}

fn line(document: &StoredDocument) -> DefinitionLine {
    let StoredDocument { kind, name, hash, .. } = document;
    DefinitionLine { kind: *kind, name: name.clone(), hash: hash.clone() }
}

fn document(canonical: &str) -> Result<Value, Refusal> {
    serde_json::from_str(canonical).or_else(|error| refuse(ErrorCode::StoreCorrupt, error))
}
