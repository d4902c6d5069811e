//! Consent: recorded permission per channel and topic.

use serde::{Deserialize, Serialize};

use crate::ids::{ChannelName, Topic};
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
}

impl Consent {
    /// Records a change. A later word for the same (channel, topic) replaces an earlier one; one
    /// that arrives late is ignored. A change that covers more (every topic of a channel) replaces
    /// the narrower records it covers.
    pub fn record(&mut self, change: ConsentChange, at: Instant) {
        let stale = self.records.iter().any(|known| {
            known.at > at
                && known.change.channel == change.channel
                && known.change.topic == change.topic
        });
        if stale {
            return;
        }
        self.records.retain(|known| {
            let channel = change.channel.is_none() || change.channel == known.change.channel;
            let topic = change.topic.is_none() || change.topic == known.change.topic;
            !(channel && topic && known.at <= at)
        });
        self.records.push(ConsentRecord { change, at });
    }

    /// The permission for a channel and topic: the most specific record decides (channel and
    /// topic, then topic, then channel, then everything). `None` if nothing was ever said.
    pub fn permission(&self, channel: &ChannelName, topic: Option<&Topic>) -> Option<Permission> {
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
            .map(|(_, _, permission)| permission)
    }

    /// All records, in the order in which they were made.
    pub fn records(&self) -> &[ConsentRecord] {
        &self.records
    }
}
