//! The catalog: everything published, compiled, as one immutable value. A change (an `apply`, a
//! pause) makes a new catalog; a turn sees exactly one.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use domain::channel::audience::Identifier;
use domain::channel::{AddressForm, Cost};
use domain::ids::{ChannelName, EventName, JourneyName, NameId, SegmentName, VersionNo};
use domain::journey::definition::{Entry, Journey};
use domain::labels::Labels;
use domain::segment::Segment;
use domain::time::{Instant, Zone};
use policies::{NameKind, PolicySet};
use serde::{Deserialize, Serialize};

/// Whether a journey runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// It enrolls and sends.
    #[default]
    Running,
    /// Waits keep their due instants, events count, goals and exits run; nothing enters and
    /// nothing is released (semantics 11).
    Paused,
    /// Its enrollments end at their next turn; nothing enters.
    Stopped,
}

/// What the engine must know of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelInfo {
    /// Its number in ledger rows.
    pub id: NameId,
    /// The trait that holds a customer's address on it.
    pub address: Arc<str>,
    /// What such an address must look like.
    pub address_form: AddressForm,
    /// What an audience exports of its members, and the traits that hold it; none for other
    /// channels.
    pub identifiers: Arc<[(Identifier, Arc<str>)]>,
    /// How often an audience is exported, in milliseconds; 0 for other channels.
    pub export_ms: i64,
    /// What a message on it costs, where that is said.
    pub cost: Option<Cost>,
    /// Period over which released messages are spread; 0 where the channel has no rate.
    pub spread_ms: i64,
}

/// Names of channels, classes, topics, campaigns and sets of labels, numbered for ledger rows.
/// Append-only: a number keeps its meaning for as long as there are rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    texts: Vec<Arc<str>>,
    #[serde(skip)]
    numbers: BTreeMap<Arc<str>, NameId>,
}

impl Names {
    /// The number of a name, given to it now if it has none. Beyond 65,534 names the number is
    /// that of "none"; `apply` refuses a catalog with so many before it comes to that.
    pub fn number(&mut self, text: &str) -> NameId {
        self.index();
        if let Some(known) = self.numbers.get(text) {
            return *known;
        }
        let Ok(number) = u16::try_from(self.texts.len() + 1) else {
            return NameId::NONE;
        };
        let text: Arc<str> = Arc::from(text);
        self.texts.push(text.clone());
        self.numbers.insert(text, NameId(number));
        NameId(number)
    }

    /// How many names are numbered.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The number of a name, if it has one.
    pub fn find(&self, text: &str) -> Option<NameId> {
        self.numbers.get(text).copied()
    }

    /// The name of a number.
    pub fn text(&self, number: NameId) -> Option<&str> {
        let at = usize::from(number.0).checked_sub(1)?;
        self.texts.get(at).map(|text| &**text)
    }

    /// All names with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (NameId, &str)> {
        // There are no more names than numbers.
        self.texts.iter().enumerate().map(|(at, text)| (NameId(at as u16 + 1), &**text))
    }

    /// Rebuilds the index after decoding.
    fn index(&mut self) {
        if self.numbers.len() != self.texts.len() {
            let numbered = self.texts.iter().enumerate();
            self.numbers =
                numbered.map(|(at, text)| (text.clone(), NameId(at as u16 + 1))).collect();
        }
    }
}

/// Names, as a policy is compiled with them: those that it brings get their numbers.
#[derive(Clone, Copy, Debug)]
pub struct Numbering<'a>(pub &'a RefCell<Names>);

impl policies::Names for Numbering<'_> {
    fn id(&self, _: NameKind, name: &str) -> NameId {
        self.0.borrow_mut().number(name)
    }

    fn label_sets(&self) -> Vec<(NameId, Labels)> {
        let names = self.0.borrow();
        names.iter().filter_map(|(id, text)| Some((id, Labels::parse(text)?))).collect()
    }
}

/// What a catalog is made of.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Revision of what is published: one more with each change.
    pub revision: u64,
    /// Every version that is current or still has enrollments.
    pub versions: BTreeMap<VersionNo, Arc<Journey>>,
    /// The version that new entries get, per journey.
    pub current: BTreeMap<JourneyName, VersionNo>,
    /// Since when each journey has been published without a break: its schedule ticks from then.
    pub current_since: BTreeMap<JourneyName, Instant>,
    /// Segments, by name.
    pub segments: Vec<Segment>,
    /// Revision of the segments: one more for each `apply` that changed any.
    pub segments_revision: u32,
    /// The contact policy.
    pub policy: PolicySet,
    /// Zone of customers whose own is not known.
    pub fallback_zone: Zone,
    /// Channels.
    pub channels: BTreeMap<ChannelName, ChannelInfo>,
    /// Numbers of names.
    pub names: Names,
    /// Journeys that do not simply run.
    pub controls: BTreeMap<JourneyName, Control>,
}

/// Everything published, with the indexes that a turn needs.
#[derive(Clone, Debug)]
pub struct Catalog {
    parts: Parts,
    by_event: BTreeMap<EventName, Vec<VersionNo>>,
    by_segment: BTreeMap<SegmentName, Vec<VersionNo>>,
}

impl Catalog {
    /// Builds the indexes.
    pub fn new(mut parts: Parts) -> Self {
        parts.names.index();
        parts.segments.sort_by(|a, b| a.name.cmp(&b.name));
        let mut by_event: BTreeMap<EventName, Vec<VersionNo>> = BTreeMap::new();
        let mut by_segment: BTreeMap<SegmentName, Vec<VersionNo>> = BTreeMap::new();
        // In the order of journey names, which is the order in which entries happen.
        for version in parts.current.values() {
            match parts.versions.get(version).map(|journey| &journey.entry) {
                Some(Entry::Event { matching, .. }) => {
                    by_event.entry(matching.event.clone()).or_default().push(*version);
                }
                Some(Entry::Segment { segment, .. }) => {
                    by_segment.entry(segment.clone()).or_default().push(*version);
                }
                Some(Entry::Schedule { .. } | Entry::Api) | None => {}
            }
        }
        Self { parts, by_event, by_segment }
    }

    /// What it was made of.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// A version, if it is still known.
    pub fn version(&self, version: VersionNo) -> Option<&Arc<Journey>> {
        self.parts.versions.get(&version)
    }

    /// The version that new entries of a journey get.
    pub fn current(&self, journey: &JourneyName) -> Option<(VersionNo, &Arc<Journey>)> {
        let version = *self.parts.current.get(journey)?;
        Some((version, self.parts.versions.get(&version)?))
    }

    /// Versions that an event of this name may enter, by journey name.
    pub fn entered_by_event(&self, event: &EventName) -> &[VersionNo] {
        self.by_event.get(event).map_or(&[], Vec::as_slice)
    }

    /// Versions that becoming a member of a segment may enter, by journey name.
    pub fn entered_by_segment(&self, segment: &SegmentName) -> &[VersionNo] {
        self.by_segment.get(segment).map_or(&[], Vec::as_slice)
    }

    /// Whether a journey runs.
    pub fn control(&self, journey: &JourneyName) -> Control {
        self.parts.controls.get(journey).copied().unwrap_or_default()
    }

    /// The zone that counts for a customer.
    pub fn zone<'a>(&'a self, zone: Option<&'a Zone>) -> &'a Zone {
        zone.unwrap_or(&self.parts.fallback_zone)
    }

    /// The contact policy.
    pub fn policy(&self) -> &PolicySet {
        &self.parts.policy
    }

    /// What the engine must know of a channel.
    pub fn channel(&self, name: &ChannelName) -> Option<&ChannelInfo> {
        self.parts.channels.get(name)
    }

    /// The currency that spend is counted in; none where no channel says what a message costs.
    pub fn currency(&self) -> Option<&str> {
        let mut costs = self.parts.channels.values().filter_map(|info| info.cost.as_ref());
        costs.next().map(|cost| cost.currency.as_str())
    }

    /// The most that a message on a channel may cost, in millionths of the currency's unit.
    pub fn most_cost(&self, channel: &ChannelName) -> i64 {
        let cost = self.channel(channel).and_then(|info| info.cost.as_ref());
        cost.map_or(0, Cost::most)
    }

    /// The number of a set of labels, 0 where there is no label.
    pub fn labels(&self, labels: &Labels) -> NameId {
        if labels.is_empty() { NameId::NONE } else { self.name(labels.text()) }
    }

    /// The number of a name, 0 where it has none.
    pub fn name(&self, text: &str) -> NameId {
        self.parts.names.find(text).unwrap_or(NameId::NONE)
    }
}
