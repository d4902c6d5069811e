//! Definitions for tests: a catalog from the same text that a user writes, without files.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::channel::audience::Identifier;
use domain::channel::{AddressForm, Cost};
use domain::check::{Check, Known};
use domain::consent::{ConsentChange, Permission};
use domain::ids::{ChannelName, JourneyName, SegmentName, VersionNo};
use domain::journey::definition::Journey;
use domain::journey::raw::RawJourney;
use domain::journey::steps::Step;
use domain::journey::validate::{self, Identity};
use domain::labels::Labels;
use domain::problem::Path;
use domain::segment::RawSegment;
use domain::time::Zone;
use domain::value::{Map, Value};
use engine::Catalog;
use engine::catalog::{ChannelInfo, Control, Names, Numbering, Parts};
use policies::{ContactPolicy, PolicySet, RawContactPolicy};
use serde_json::Value as Json;

/// Channels of every test catalog, with the trait that holds the address.
const CHANNELS: [(&str, &str); 2] = [("email", "email"), ("sms", "phone")];
/// An audience of every test catalog, unless it says that it has none.
pub(crate) const AUDIENCE: &str = "ads";
/// Templates of every test catalog.
const TEMPLATES: [&str; 2] = ["hello", "text"];

/// Definitions, in the order in which versions are numbered from 1.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    journeys: Vec<(String, Json)>,
    /// How many of them are not published yet.
    later: usize,
    segments: Vec<(String, String, u32)>,
    policy: Json,
    controls: BTreeMap<JourneyName, Control>,
    spread_ms: i64,
    costs: BTreeMap<&'static str, Cost>,
    revision: u64,
    audience: bool,
    /// Audiences beside it: `more-0` and so on.
    more_audiences: usize,
}

impl Given {
    /// Nothing but a policy without rules, and Madrid as the fallback zone.
    pub(crate) fn new() -> Self {
        Self {
            journeys: Vec::new(),
            later: 0,
            segments: Vec::new(),
            policy: serde_json::json!({"fallback_zone": "Europe/Madrid"}),
            controls: BTreeMap::new(),
            spread_ms: 0,
            costs: BTreeMap::new(),
            revision: 1,
            audience: true,
            more_audiences: 0,
        }
    }

    /// Adds a journey; the same name again is a newer version of it.
    pub(crate) fn journey(mut self, name: &str, spec: Json) -> Self {
        self.journeys.push((name.to_owned(), spec));
        self
    }

    /// Adds a journey that is published later, by [`Self::publish`].
    pub(crate) fn later(mut self, name: &str, spec: Json) -> Self {
        self.later += 1;
        self.journey(name, spec)
    }

    /// Publishes everything.
    pub(crate) fn publish(&mut self) {
        self.later = 0;
    }

    /// Adds a segment that appeared at a revision; the catalog's revision is the highest.
    pub(crate) fn segment(mut self, name: &str, when: &str, since: u32) -> Self {
        self.segments.push((name.to_owned(), when.to_owned(), since));
        self
    }

    /// The rules of the contact policy.
    pub(crate) fn rules(mut self, rules: Json) -> Self {
        self.policy["rules"] = rules;
        self
    }

    /// What each part of a message on a channel costs.
    pub(crate) fn cost(mut self, channel: &'static str, part_micros: i64, parts_max: u16) -> Self {
        let cost = Cost { currency: "EUR".to_owned(), part_micros, parts_max };
        self.costs.insert(channel, cost);
        self
    }

    /// The whole contact policy.
    pub(crate) fn contact_policy(mut self, spec: Json) -> Self {
        self.policy = spec;
        self
    }

    /// Releases of held messages are spread over this period.
    pub(crate) fn spread_ms(mut self, spread_ms: i64) -> Self {
        self.spread_ms = spread_ms;
        self
    }

    /// As published later: everybody looks at it.
    pub(crate) fn revision(mut self, revision: u64) -> Self {
        self.revision = revision;
        self
    }

    /// The audience is not declared any more.
    pub(crate) fn remove_audience(&mut self) {
        self.audience = false;
    }

    /// Pauses, resumes or stops a journey.
    pub(crate) fn control(&mut self, journey: &str, control: Control) {
        self.controls.insert(JourneyName::from(journey), control);
    }

    /// So many audiences more: `more-0` and so on.
    pub(crate) fn more_audiences(mut self, count: usize) -> Self {
        self.more_audiences = count;
        self
    }

    fn audiences(&self) -> Vec<String> {
        let more = (0..self.more_audiences).map(|at| format!("more-{at}"));
        [AUDIENCE.to_owned()].into_iter().chain(more).collect()
    }

    /// The catalog that these definitions mean.
    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        let known = self.known();
        let mut check = Check::new(&known);
        let mut versions = BTreeMap::new();
        let mut current = BTreeMap::new();
        let published = self.journeys.len() - self.later;
        for (at, (name, spec)) in self.journeys[..published].iter().enumerate() {
            let raw: RawJourney = serde_json::from_value(spec.clone()).expect("a journey's shape");
            let name = JourneyName::from(name.as_str());
            let identity = Identity {
                name: name.clone(),
                campaign: None,
                labels: Labels::default(),
                hash: format!("{at:08x}"),
            };
            let journey = validate::journey(&raw, identity, &Path::root(), &mut check);
            let version = VersionNo(at as u32 + 1);
            if let Some(journey) = journey {
                versions.insert(version, Arc::new(journey));
                current.insert(name, version);
            }
        }
        let mut segments = Vec::new();
        for (name, when, since) in &self.segments {
            let raw = RawSegment { when: when.clone() };
            let name = SegmentName::from(name.as_str());
            let segment = domain::segment::segment(&raw, name, &Path::root(), &mut check);
            segments.extend(
                segment.map(|segment| domain::segment::Segment { since: *since, ..segment }),
            );
        }
        let problems = check.finish();
        assert!(problems.is_empty(), "the definitions of this test are wrong: {problems:#?}");
        let names = RefCell::new(Names::default());
        number_labels(&versions, &names);
        let (policy, fallback_zone) = self.policy(&names);
        let mut channels: BTreeMap<_, _> = CHANNELS
            .iter()
            .map(|(name, address)| {
                let id = names.borrow_mut().number(name);
                let (address, spread_ms) = (Arc::from(*address), self.spread_ms);
                let address_form = AddressForm::Any;
                let (identifiers, export_ms) = (Arc::default(), 0);
                let cost = self.costs.get(*name).cloned();
                let info = ChannelInfo {
                    id,
                    address,
                    address_form,
                    identifiers,
                    export_ms,
                    cost,
                    spread_ms,
                };
                (ChannelName::from(*name), info)
            })
            .collect();
        // A name keeps its number, also when it names nothing any more.
        for audience in self.audiences() {
            let id = names.borrow_mut().number(&audience);
            if audience == AUDIENCE && !self.audience {
                continue;
            }
            let identifiers = [(Identifier::Email, "email"), (Identifier::Phone, "phone")];
            let info = ChannelInfo {
                id,
                address: Arc::from("email"),
                address_form: AddressForm::Any,
                identifiers: identifiers.map(|(kind, name)| (kind, Arc::from(name))).into(),
                export_ms: 3_600_000,
                cost: None,
                spread_ms: 0,
            };
            channels.insert(ChannelName::from(audience.as_str()), info);
        }
        Arc::new(Catalog::new(Parts {
            revision: self.revision,
            current_since: BTreeMap::new(),
            versions,
            current,
            segments_revision: segments.iter().map(|segment| segment.since).max().unwrap_or(0),
            segments,
            policy,
            fallback_zone,
            channels,
            names: names.into_inner(),
            controls: self.controls.clone(),
        }))
    }

    fn known(&self) -> Known {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Known {
            channels: CHANNELS
                .iter()
                .map(|(name, _)| (*name).to_owned())
                .chain(self.audiences())
                .collect(),
            templates: set(&TEMPLATES),
            segments: self.segments.iter().map(|(name, _, _)| name.clone()).collect(),
            classes: self.classes(),
            ..Known::default()
        }
    }

    fn classes(&self) -> BTreeSet<String> {
        let declared = self.policy["classes"].as_object().into_iter().flatten();
        let built_in = ["marketing", "transactional", "advertising"].map(str::to_owned);
        declared.map(|(name, _)| name.clone()).chain(built_in).collect()
    }

    fn policy(&self, names: &RefCell<Names>) -> (PolicySet, Zone) {
        let raw: RawContactPolicy =
            serde_json::from_value(self.policy.clone()).expect("a policy's shape");
        let document = raw.validate().expect("a valid policy");
        let policy = ContactPolicy::merge(&[document]).expect("a policy without contradictions");
        let zone = policy.fallback_zone.clone();
        (PolicySet::compile(&policy, 1, &Numbering(names)), zone)
    }
}

/// As the publication does before it compiles the policy.
fn number_labels(versions: &BTreeMap<VersionNo, Arc<Journey>>, names: &RefCell<Names>) {
    for node in versions.values().flat_map(|journey| &journey.nodes) {
        match &node.step {
            Step::Send(send) if !send.labels.is_empty() => {
                names.borrow_mut().number(send.labels.text());
            }
            _ => {}
        }
    }
}

/// Consent to everything.
pub(crate) fn granted() -> ConsentChange {
    ConsentChange {
        channel: None,
        topic: None,
        permission: Permission::Granted,
        source: "test".to_owned(),
    }
}

/// Consent to nothing.
pub(crate) fn denied() -> ConsentChange {
    ConsentChange { permission: Permission::Denied, ..granted() }
}

/// Traits or properties from JSON.
pub(crate) fn map(json: &Json) -> Map {
    match Value::from_json(json).expect("not too deep") {
        Value::Map(map) => map,
        other => panic!("{other:?} is no object"),
    }
}
