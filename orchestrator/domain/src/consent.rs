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

/// What decides about one channel and topic.
#[derive(Clone, Copy, Debug)]
struct Word {
    specific: u8,
    at: Instant,
    permission: Permission,
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
    /// that it covers (every topic of a channel). In whatever order words arrive, the same are
    /// kept: one that a later word covers is ignored.
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
    /// Of customers that were merged the stricter word counts, until one as specific is said after
    /// the merge.
    pub fn permission(&self, channel: &ChannelName, topic: Option<&Topic>) -> Option<Permission> {
        self.word(channel, topic).map(|word| word.permission)
    }

    fn word(&self, channel: &ChannelName, topic: Option<&Topic>) -> Option<Word> {
        let own = self.own_word(channel, topic);
        let earlier = self
            .united
            .iter()
            .filter_map(|one| Some((one.at, one.consent.word(channel, topic)?)))
            .filter(|(merged, word)| {
                own.is_none_or(|own| own.at <= *merged || own.specific < word.specific)
            })
            .map(|(_, word)| word);
        let strictness = |word: &Word| (word.permission == Permission::Denied, word.at);
        own.into_iter().chain(earlier).max_by_key(strictness)
    }

    /// The most specific record decides: channel and topic, then topic, then channel, then
    /// everything.
    fn own_word(&self, channel: &ChannelName, topic: Option<&Topic>) -> Option<Word> {
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
                let (at, permission) = (known.at, known.change.permission);
                Some(Word { specific: by_channel + by_topic, at, permission })
            })
            .max_by_key(|word| (word.specific, word.at))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::CustomerId;

    fn change(channel: Option<&str>, permission: Permission) -> ConsentChange {
        let channel = channel.map(ChannelName::from);
        ConsentChange { channel, topic: None, permission, source: "test".to_owned() }
    }

    fn email(consent: &Consent) -> Option<Permission> {
        consent.permission(&ChannelName::from("email"), None)
    }

    #[test]
    fn the_stricter_word_counts_until_one_is_said_after_the_merge() {
        let (granted, denied) = (Permission::Granted, Permission::Denied);
        let (other, mut one) = (CustomerId::from("other").key(), Consent::default());
        let mut before = Consent::default();
        before.record(change(None, denied), Instant(1));
        one.record(change(Some("email"), granted), Instant(2));
        one.unite(other, before, Instant(5));
        assert_eq!(email(&one), Some(denied));
        // A late word of the other one replaces only what she said herself.
        one.record_as(other, change(None, granted), Instant(3));
        assert_eq!(email(&one), Some(granted));
        one.record_as(other, change(None, denied), Instant(4));
        assert_eq!(email(&one), Some(denied));
        one.record_as(other, change(None, granted), Instant(6));
        assert_eq!(email(&one), Some(granted));
    }

    #[test]
    fn a_late_narrow_word_does_not_beat_a_later_one_that_covers_it() {
        let mut one = Consent::default();
        one.record(change(None, Permission::Denied), Instant(2));
        one.record(change(Some("email"), Permission::Granted), Instant(1));
        assert_eq!(email(&one), Some(Permission::Denied));
    }
}
