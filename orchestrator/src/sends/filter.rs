//! Which sends are wanted.

use domain::ids::{ChannelName, CustomerId, JourneyName};
use domain::time::Instant;
use domain::verdict::{Decision, RuleResult};
use policies::CountState;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a send stands.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
    clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum State {
    /// The gate lets it through, and it waits for a connection.
    Planned,
    /// The gate holds it.
    Held,
    /// It is handed over, or tried again later.
    InFlight,
    /// The provider took it.
    Accepted,
    /// The receiver's side has it.
    Delivered,
    /// The receiver's side certainly has it not.
    Bounced,
    /// The provider will never take it.
    Rejected,
    /// It certainly did not go.
    NotSent,
    /// Nobody can say whether it went.
    Unknown,
    /// The gate refused it.
    Refused,
    /// It was held, and then no longer wanted.
    Withdrawn,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Planned,
        Self::Held,
        Self::InFlight,
        Self::Accepted,
        Self::Delivered,
        Self::Bounced,
        Self::Rejected,
        Self::NotSent,
        Self::Unknown,
        Self::Refused,
        Self::Withdrawn,
    ];

    /// Its stable word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Held => "held",
            Self::InFlight => "in_flight",
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Bounced => "bounced",
            Self::Rejected => "rejected",
            Self::NotSent => "not_sent",
            Self::Unknown => "unknown",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The state of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Of a send that was handed over.
    pub(super) fn of_count(state: CountState) -> Self {
        match state {
            CountState::Reserved => Self::InFlight,
            CountState::Accepted => Self::Accepted,
            CountState::Delivered => Self::Delivered,
            CountState::Bounced => Self::Bounced,
            CountState::Rejected => Self::Rejected,
            CountState::Released => Self::NotSent,
            CountState::Unknown => Self::Unknown,
        }
    }

    /// Whether a send of this state can have had this as its last decision.
    fn follows(self, decision: Decision) -> bool {
        match self {
            Self::Refused => decision != Decision::Allow,
            Self::Held | Self::Withdrawn => {
                matches!(decision, Decision::HoldUntil(_) | Decision::NextChannel)
            }
            Self::Planned => decision != Decision::Refuse,
            Self::InFlight
            | Self::Accepted
            | Self::Delivered
            | Self::Bounced
            | Self::Rejected
            | Self::NotSent
            | Self::Unknown => decision == Decision::Allow,
        }
    }
}

/// Which sends are wanted; nothing that is not named matters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// One of these states.
    pub states: Vec<State>,
    /// Held or refused by a rule of this name or of this kind.
    pub rule: Option<String>,
    /// On this channel.
    pub channel: Option<ChannelName>,
    /// Of this journey.
    pub journey: Option<JourneyName>,
    /// To this customer.
    pub customer: Option<CustomerId>,
    /// Decided at this instant or later.
    pub from: Option<Instant>,
    /// Decided before this instant.
    pub until: Option<Instant>,
}

impl Filter {
    /// Whether a state is wanted.
    pub(super) fn wants(&self, state: State) -> bool {
        self.states.is_empty() || self.states.contains(&state)
    }

    /// Whether a decision may lead to what is wanted: asked before anything more is read.
    pub(super) fn may_want(
        &self,
        journey: &JourneyName,
        channel: &ChannelName,
        decision: Decision,
        deciding: Option<&RuleResult>,
    ) -> bool {
        let is = |rule: &RuleResult, name: &str| {
            rule.rule.as_str() == name || rule.kind.as_str() == name
        };
        self.journey.as_ref().is_none_or(|wanted| wanted == journey)
            && self.channel.as_ref().is_none_or(|wanted| wanted == channel)
            && self.rule.as_ref().is_none_or(|name| deciding.is_some_and(|rule| is(rule, name)))
            && (self.states.is_empty() || self.states.iter().any(|state| state.follows(decision)))
    }
}
