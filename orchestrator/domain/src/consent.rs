//! Consent: recorded permission per channel and topic.

use serde::{Deserialize, Serialize};

use crate::ids::{ChannelName, CustomerKey, Topic};
use crate::time::Instant;

/// Whether a customer allowed something. Absence of a record is its own case (semantics 17).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Allowed.
    Granted,
    /// Denied or withdrawn.
    Denied,
}

/// A change of consent. `None` stands for every channel or every topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentChange {
    /// The channel, or every one.
    pub channel: Option<ChannelName>,
    /// The topic, or every one.
    pub topic: Option<Topic>,
    /// What was said.
    pub permission: Permission,
    /// Where it was said (`unsubscribe-link`, `import`, `api`), kept as proof.
    pub source: String,
}

impl ConsentChange {
    /// Whether this says something of everything that the other one speaks of.
    fn covers(&self, other: &Self) -> bool {
        let channel = self.channel.is_none() || self.channel == other.channel;
        let topic = self.topic.is_none() || self.topic == other.topic;
        channel && topic
    }
}

/// One recorded permission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentRecord {
    /// What was said.
    pub change: ConsentChange,
    /// When it was said.
    pub at: Instant,
}

/// All recorded permissions of one customer, one per (channel, topic).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    records: Vec<ConsentRecord>,
    /// What customers that were merged into this one had said until then. Kept apart, so that a
    /// word that arrives late counts as if it had arrived before the merge (semantics 28).
    united: Vec<United>,
}

/// What a merged customer had said until the merge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct United {
    origin: CustomerKey,
    /// When the two became one: later words are those of the one.
    at: Instant,
    consent: Consent,
}

impl Consent {
    /// Records a change. A later word replaces earlier ones for the same (channel, topic) and those
    /// that it covers (every topic of a channel). In whatever order words arrive, the same are kept:
    /// one that a later word covers is ignored.
    pub fn record(&mut self, change: ConsentChange, at: Instant) {
        if self.records.iter().any(|known| known.at > at && known.change.covers(&change)) {
            return;
        }
        self.records.retain(|known| !(known.at <= at && change.covers(&known.change)));
        self.records.push(ConsentRecord { change, at });
    }

    /// Records a change that was said as `origin`, a customer that may have been merged into this
    /// one meanwhile.
    pub fn record_as(&mut self, origin: CustomerKey, change: ConsentChange, at: Instant) {
        let before = self.united.iter_mut().find(|one| at <= one.at && one.includes(origin));
        match before {
            Some(one) => one.consent.record_as(origin, change, at),
            None => self.record(change, at),
        }
    }

    /// Unites with what a customer had said that is merged into this one. What it said after the
    /// merge was asked for counts as said by both.
    pub fn unite(&mut self, origin: CustomerKey, mut consent: Self, at: Instant) {
        let later: Vec<ConsentRecord> =
            consent.records.extract_if(.., |known| known.at > at).collect();
        self.united.push(United { origin, at, consent });
        for ConsentRecord { change, at } in later {
            self.record(change, at);
        }
    }

    /// The permission for a channel and topic. `None` if nothing was ever said.
    ///
    /// Of customers that were merged the stricter word counts, until one is said after the merge.
    pub fn permission(&self, channel: &ChannelName, topic: Option<&Topic>) -> Option<Permission> {
        self.word(channel, topic).map(|(_, permission)| permission)
    }

    fn word(&self, channel: &ChannelName, topic: Option<&Topic>) -> Option<(Instant, Permission)> {
        let own = self.own_word(channel, topic);
        let earlier = self
            .united
            .iter()
            .filter(|one| own.is_none_or(|(at, _)| at <= one.at))
            .filter_map(|one| one.consent.word(channel, topic));
        own.into_iter().chain(earlier).max_by_key(|(at, said)| (*said == Permission::Denied, *at))
    }

    /// The most specific record decides: channel and topic, then topic, then channel, then
    /// everything.
    fn own_word(
        &self,
        channel: &ChannelName,
        topic: Option<&Topic>,
    ) -> Option<(Instant, Permission)> {
        self.records
            .iter()
            .filter_map(|known| {
                let by_channel = match &known.change.channel {
                    Some(name) if name == channel => 1,
                    Some(_) => return None,
                    None => 0,
                };
                let by_topic = match (&known.change.topic, topic) {
                    (Some(name), Some(asked)) if name == asked => 2,
                    (Some(_), _) => return None,
                    (None, _) => 0,
                };
                Some((by_channel + by_topic, known.at, known.change.permission))
            })
            .max_by_key(|(specific, at, _)| (*specific, *at))
            .map(|(_, at, permission)| (at, permission))
    }

    /// All records, in the order in which they were made.
    pub fn records(&self) -> &[ConsentRecord] {
        &self.records
    }
}

impl United {
    fn includes(&self, origin: CustomerKey) -> bool {
        self.origin == origin || self.consent.united.iter().any(|one| one.includes(origin))
    }
}
