//! The gate's answer, with every rule's result, so that `explain` can show it later.

use serde::{Deserialize, Serialize};

use crate::ids::RuleName;
use crate::time::Instant;

/// What a rule says about one send at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ruling {
    /// It may go.
    Allow,
    /// Not before this instant.
    HoldUntil(Instant),
    /// Not on this channel: try the next of the step.
    NextChannel,
    /// It may not go at all.
    Refuse,
}

/// The kind of a rule: the stable word in metrics, API and console.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleKind {
    /// A stop on the address, whatever the consent.
    Suppression,
    /// Recorded permission per channel and topic.
    Consent,
    /// Deterministically withheld customers.
    Holdout,
    /// The message is past its `valid_for`.
    Validity,
    /// Local windows in which sends are held.
    QuietHours,
    /// At most N sends per key and window.
    FrequencyCap,
    /// Money.
    Budget,
    /// Attempts per second of a channel.
    ChannelRate,
    /// The customer has no address on the channel.
    Reachability,
    /// The wait was completed late and the journey says to skip what follows.
    CatchUp,
}

impl RuleKind {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Suppression => "suppression",
            Self::Consent => "consent",
            Self::Holdout => "holdout",
            Self::Validity => "validity",
            Self::QuietHours => "quiet_hours",
            Self::FrequencyCap => "frequency_cap",
            Self::Budget => "budget",
            Self::ChannelRate => "channel_rate",
            Self::Reachability => "reachability",
            Self::CatchUp => "catch_up",
        }
    }
}

/// One rule's result: what it said and the numbers that it saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleResult {
    /// Name of the rule in the policy, or its kind where it has none.
    pub rule: RuleName,
    /// Kind of the rule.
    pub kind: RuleKind,
    /// What it said.
    pub ruling: Ruling,
    /// The counter that the rule read (sends inside the window), where it has one.
    pub counted: Option<u32>,
    /// The limit that the counter is held against.
    pub limit: Option<u32>,
    /// Why, in words: lower case, without a full stop.
    pub reason: String,
}

/// What the rules say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It goes now.
    Allow,
    /// It waits, at least until then; then it passes the gate again.
    HoldUntil(Instant),
    /// The next channel of the step is tried.
    NextChannel,
    /// It does not go.
    Refuse,
}

/// The gate's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What the rules say together (semantics 16).
    pub decision: Decision,
    /// Every rule's result at the instant of the decision, in policy order.
    pub rules: Vec<RuleResult>,
    /// Version of the policy that decided.
    pub policy: u32,
}

impl Verdict {
    /// The rule that decided: the first that refuses, else names the next channel, else holds
    /// until the decided instant (or, failing that, holds longest).
    pub fn deciding(&self) -> Option<&RuleResult> {
        let find = |wanted: fn(&Ruling) -> bool| self.rules.iter().find(|r| wanted(&r.ruling));
        match self.decision {
            Decision::Allow => None,
            Decision::Refuse => find(|ruling| matches!(ruling, Ruling::Refuse)),
            Decision::NextChannel => find(|ruling| matches!(ruling, Ruling::NextChannel)),
            Decision::HoldUntil(_) => self
                .rules
                .iter()
                .filter_map(|rule| match rule.ruling {
                    Ruling::HoldUntil(until) => Some((until, rule)),
                    _ => None,
                })
                // `max_by_key` takes the last of equals; the first rule in policy order decides.
                .rev()
                .max_by_key(|(until, _)| *until)
                .map(|(_, rule)| rule),
        }
    }
}
