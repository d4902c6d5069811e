//! The publication: how it is stored, what `apply` makes of it, and the catalog built from it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::channel::Provider;
use domain::ids::{ChannelName, JourneyName, VersionNo};
use domain::journey::steps::Step;
use domain::segment::Segment;
use domain::time::Instant;
use engine::Catalog;
use engine::catalog::{ChannelInfo, Control, Names, Numbering, Parts};
use policies::PolicySet;
use serde::{Deserialize, Serialize};

use crate::config::{self, Definitions, Kind, Report, Source};

/// Most names of channels, classes, topics, campaigns and sets of labels over the life of a store:
/// ledger rows number them with 16 bits.
pub(super) const NAMES_MAX: usize = 65_000;

/// Key of the publication's row.
pub fn publication_key() -> Vec<u8> {
    b"P".to_vec()
}

/// What is published.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Publication {
    /// One more with each change.
    pub revision: u64,
    /// The documents in force.
    pub documents: Vec<StoredDocument>,
    /// Every journey version that is current or may still have enrollments.
    pub versions: Vec<StoredVersion>,
    /// The number that the next new version gets.
    pub next_version: u32,
    /// Since when each journey has been published without a break.
    pub since: BTreeMap<JourneyName, Instant>,
    /// Journeys that do not simply run.
    pub controls: BTreeMap<JourneyName, Control>,
    /// Segments: content hash, and the revision at which that content appeared.
    pub segments: BTreeMap<String, (String, u32)>,
    /// Revision of the segments.
    pub segments_revision: u32,
    /// Version of the contact policy, and the hashes of its documents.
    pub policy: (u32, Vec<String>),
    /// Numbers of names in ledger rows.
    pub names: Names,
}

/// A document as it is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredDocument {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Hex content hash.
    pub hash: String,
    /// Canonical text.
    pub canonical: String,
}

/// A journey version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredVersion {
    /// Its number.
    pub no: VersionNo,
    /// The journey.
    pub journey: JourneyName,
    /// Hex content hash.
    pub hash: String,
    /// Canonical text of its document.
    pub canonical: String,
    /// Whether new entries get it.
    pub current: bool,
}

/// A stored publication that this build cannot read.
#[derive(Debug, thiserror::Error)]
pub enum PublicationError {
    /// A definition that was valid when it was applied is not any more.
    #[error("a published definition cannot be read:\n{0}")]
    Definition(String),
    /// More names than ledger rows can number.
    #[error("more than {NAMES_MAX} names of channels, classes, topics, campaigns, sets of labels")]
    TooManyNames,
}

/// A publication, compiled.
#[derive(Clone, Debug)]
pub struct Built {
    /// For the engine.
    pub catalog: Arc<Catalog>,
    /// For channels and templates.
    pub definitions: Definitions,
}

impl Publication {
    /// What `apply` makes of this publication: new contents get new versions, everything else
    /// stays as it is. Applying the same definitions again changes nothing.
    pub fn applied(&self, definitions: &Definitions, now: Instant) -> Self {
        let mut next = self.clone();
        next.documents = definitions
            .documents
            .iter()
            .map(|document| StoredDocument {
                kind: document.kind,
                name: document.name.clone(),
                hash: document.hash.clone(),
                canonical: document.canonical.clone(),
            })
            .collect();
        if next.documents == self.documents {
            return next;
        }
        next.revision += 1;
        next.apply_journeys(now);
        next.apply_segments();
        next.apply_policy();
        next
    }

    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &StoredDocument> {
        self.documents.iter().filter(move |document| document.kind == kind)
    }

    fn apply_journeys(&mut self, now: Instant) {
        let documents: Vec<StoredDocument> = self.of_kind(Kind::Journey).cloned().collect();
        for version in &mut self.versions {
            version.current = false;
        }
        let names: BTreeSet<&str> = documents.iter().map(|one| one.name.as_str()).collect();
        self.since.retain(|journey, _| names.contains(journey.as_str()));
        for document in documents {
            self.since.entry(JourneyName::from(document.name.as_str())).or_insert(now);
            let known = self.versions.iter_mut().find(|known| {
                known.journey.as_str() == document.name && known.hash == document.hash
            });
            if let Some(version) = known {
                // Going back to earlier content goes back to its version.
                version.current = true;
                continue;
            }
            let no = VersionNo(self.next_version);
            self.next_version += 1;
            self.versions.push(StoredVersion {
                no,
                journey: JourneyName::from(document.name),
                hash: document.hash,
                canonical: document.canonical,
                current: true,
            });
        }
    }

    fn apply_segments(&mut self) {
        let known = std::mem::take(&mut self.segments);
        let found: Vec<(String, String)> = self
            .of_kind(Kind::Segment)
            .map(|document| (document.name.clone(), document.hash.clone()))
            .collect();
        let fresh = |(name, hash): &(String, String)| {
            known.get(name).is_none_or(|(known, _)| known != hash)
        };
        if found.iter().any(fresh) || known.len() != found.len() {
            self.segments_revision += 1;
        }
        for (name, hash) in found {
            let since = match known.get(&name) {
                Some((known, since)) if *known == hash => *since,
                _ => self.segments_revision,
            };
            self.segments.insert(name, (hash, since));
        }
    }

    fn apply_policy(&mut self) {
        let hashes: Vec<String> =
            self.of_kind(Kind::ContactPolicy).map(|document| document.hash.clone()).collect();
        if hashes != self.policy.1 {
            self.policy = (self.policy.0 + 1, hashes);
        }
    }

    /// Sets a journey's control; `false` if no such journey is published.
    pub fn control(&mut self, journey: &JourneyName, control: Control) -> bool {
        if !self.versions.iter().any(|version| version.journey == *journey) {
            return false;
        }
        self.revision += 1;
        if control == Control::Running {
            self.controls.remove(journey);
        } else {
            self.controls.insert(journey.clone(), control);
        }
        true
    }

    /// Forgets versions that are not current and have no enrollments any more.
    pub fn forget(&mut self, in_use: &BTreeSet<VersionNo>) {
        self.versions.retain(|version| version.current || in_use.contains(&version.no));
    }

    /// Compiles everything. May number new names, so the publication is stored afterwards.
    pub fn build(&mut self) -> Result<Built, PublicationError> {
        let definitions = self.definitions()?;
        let mut versions = BTreeMap::new();
        let mut current = BTreeMap::new();
        for stored in &self.versions {
            let journey = match definitions.journeys.get(&stored.journey) {
                Some(journey) if stored.current => journey.clone(),
                _ => config::revive_journey(&stored.canonical).map_err(unreadable)?,
            };
            if stored.current {
                current.insert(stored.journey.clone(), stored.no);
            }
            versions.insert(stored.no, journey);
        }
        let names = RefCell::new(std::mem::take(&mut self.names));
        for journey in versions.values() {
            number_names(journey, &names);
        }
        // After the journeys, so that it knows every set of labels.
        let numbering = Numbering(&names);
        let policy = PolicySet::compile(&definitions.policy, self.policy.0, &numbering);
        let channels = channels(&definitions, &names);
        self.names = names.into_inner();
        if self.names.len() > NAMES_MAX {
            return Err(PublicationError::TooManyNames);
        }
        let segments = definitions.segments.values().map(|segment| self.segment(segment));
        let parts = Parts {
            revision: self.revision,
            current_since: self.since.clone(),
            versions,
            current,
            segments: segments.collect(),
            segments_revision: self.segments_revision,
            fallback_zone: definitions.policy.fallback_zone.clone(),
            policy,
            channels,
            names: self.names.clone(),
            controls: self.controls.clone(),
        };
        Ok(Built { catalog: Arc::new(Catalog::new(parts)), definitions })
    }

    fn segment(&self, segment: &Segment) -> Segment {
        let since = self.segments.get(segment.name.as_str()).map_or(0, |(_, since)| *since);
        Segment { since, ..segment.clone() }
    }

    fn definitions(&self) -> Result<Definitions, PublicationError> {
        if self.documents.is_empty() {
            return Ok(Definitions::nothing());
        }
        let sources: Vec<Arc<Source>> = self
            .documents
            .iter()
            .map(|document| Source::new(&document.name, document.canonical.as_str()))
            .collect();
        let loaded = config::load_sources(&sources);
        loaded.definitions.ok_or_else(|| unreadable(loaded.report))
    }
}

fn unreadable(report: Report) -> PublicationError {
    PublicationError::Definition(report.render(false))
}

/// Numbers every name that a ledger row of this journey can hold.
fn number_names(journey: &domain::journey::definition::Journey, names: &RefCell<Names>) {
    let mut names = names.borrow_mut();
    if let Some(campaign) = &journey.campaign {
        names.number(campaign.as_str());
    }
    for node in &journey.nodes {
        let Step::Send(send) = &node.step else {
            continue;
        };
        names.number(send.class.as_str());
        if let Some(topic) = &send.topic {
            names.number(topic.as_str());
        }
        for (channel, _) in &send.channels {
            names.number(channel.as_str());
        }
        if !send.labels.is_empty() {
            names.number(send.labels.text());
        }
    }
}

fn channels(
    definitions: &Definitions,
    names: &RefCell<Names>,
) -> BTreeMap<ChannelName, ChannelInfo> {
    definitions
        .channels
        .iter()
        .map(|(name, channel)| {
            // Released messages are spread over the time that a full queue of slots needs at the
            // channel's rate; without a rate there is no spread (semantics 21).
            let spread_ms = channel.rate.as_ref().map_or(0, |rate| rate.per.elapsed_ms());
            let audience = match &channel.provider {
                Provider::Audience(audience) => Some(audience),
                _ => None,
            };
            let identifiers = audience.map_or(&[][..], |audience| &audience.identifiers);
            let identifiers = identifiers.iter().map(|(kind, name)| (*kind, Arc::from(&**name)));
            let info = ChannelInfo {
                id: names.borrow_mut().number(name.as_str()),
                address: Arc::from(channel.address.as_str()),
                address_form: channel.address_form(),
                identifiers: identifiers.collect(),
                export_ms: audience.map_or(0, |audience| audience.every_ms),
                cost: channel.cost.clone(),
                spread_ms,
            };
            (name.clone(), info)
        })
        .collect()
}
