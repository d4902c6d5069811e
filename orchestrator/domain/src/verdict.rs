//! The gate's answer, with every rule's result, so that `explain` can show it later.

use std::fmt;

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
    /// A shortest time between two sends.
    MinimumGap,
    /// Local windows outside of which sends are held.
    SendWindow,
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
            Self::MinimumGap => "minimum_gap",
            Self::SendWindow => "send_window",
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
    /// The first instant at which this rule alone would allow it, where that is known. The rule's
    /// outcome may still be to refuse: this says when it would not have.
    pub earliest: Option<Instant>,
    /// Why; its text is made only when somebody reads it.
    pub reason: Reason,
}

/// Why a rule ruled as it did. Displays as words: lower case, without a full stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Suppression: no stop on the address.
    AddressClear,
    /// Suppression: a stop on the address, with the reason that was recorded with it.
    Suppressed(String),
    /// Consent: recorded.
    ConsentGranted,
    /// Consent: denied or withdrawn.
    ConsentDenied,
    /// Consent: nothing was ever said.
    ConsentAbsent,
    /// Consent: the class is sent whatever was said.
    ConsentIgnored,
    /// Reachability: there is an address.
    Reachable,
    /// Reachability: there is none.
    NoAddress,
    /// Validity: it may go until this instant, exclusive.
    ValidUntil(Instant),
    /// Validity: it could go only before this instant, which has passed.
    Expired(Instant),
    /// Validity: a rule holds it until an instant at which it is no longer valid.
    HeldPastValidity {
        /// The rule that holds it longest at the instant of the decision.
        rule: RuleName,
        /// The first instant at which all rules would allow it; [`Instant::MAX`] for never.
        until: Instant,
        /// The end of its validity, exclusive.
        valid_until: Instant,
    },
    /// Catch-up: the wait before it was completed in time, or the journey does not mind.
    InTime,
    /// Catch-up: the wait before it was completed late and the journey skips what follows.
    SkippedCatchUp,
    /// Quiet hours, caps: the class does not obey such rules.
    ClassExempt,
    /// Quiet hours, caps: the rule is about other channels, classes, topics or campaigns.
    OutOfScope,
    /// Quiet hours: no window covers the instant.
    NotQuiet,
    /// Quiet hours: a window covers the instant.
    Quiet {
        /// The first instant that no window of this rule covers.
        until: Instant,
        /// Whether the zone of the customer is known; else every plausible zone was looked at.
        zone_known: bool,
    },
    /// Cap: fewer sends than its limit are counted.
    CapRoom(CapWindow),
    /// Cap: as many sends as its limit, or more, are counted.
    CapFull(CapWindow),
    /// Reachability: what stands in the profile is not a telephone number in E.164.
    NotE164,
    /// Cap: fewer are counted than its limit, but this message counts as more than is left.
    CapTooFull {
        /// The window.
        window: CapWindow,
        /// As how many sends it counts.
        weight: u32,
    },
    /// Cap: its limit is an expression that gives no number for this customer; why, without values.
    CapLimitUnknown(String),
    /// Gap: no send stands so many milliseconds before.
    GapKept(i64),
    /// Gap: a send stands within it.
    GapTooShort {
        /// The newest send that counts.
        last: Instant,
        /// The gap, in milliseconds.
        gap_ms: i64,
    },
    /// Quiet hours, send windows: a holiday of the customer's country.
    Holiday {
        /// The first instant at which this rule would allow it.
        until: Instant,
        /// Whether the zone of the customer is known; else every plausible zone was looked at.
        zone_known: bool,
    },
    /// Send window: a window covers the instant.
    InSendWindow,
    /// Send window: no window covers the instant.
    OutsideSendWindow {
        /// The first instant that a window covers.
        until: Instant,
        /// Whether the zone of the customer is known; else every plausible zone was looked at.
        zone_known: bool,
    },
    /// Reachability: the customer is a member of as many audiences as one may be.
    AudiencesFull,
}

/// The window of a cap, as far as a reader needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CapWindow {
    /// Any stretch of so many milliseconds.
    Rolling(i64),
    /// The calendar day.
    Day,
    /// The calendar week.
    Week,
    /// The calendar month.
    Month,
    /// The calendar quarter.
    Quarter,
    /// The hour of the clock.
    Hour,
    /// The minute of the clock.
    Minute,
}

/// So many milliseconds, in the largest unit that has no remainder: `4 hours`.
fn length(ms: i64) -> String {
    const UNITS: [(i64, &str); 4] =
        [(86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second")];
    let exact = UNITS.into_iter().find(|(unit, _)| ms % unit == 0);
    let (unit, word) = exact.unwrap_or((1, "millisecond"));
    let count = ms / unit;
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

impl fmt::Display for CapWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Rolling(ms) => write!(f, "any {}", length(ms)),
            Self::Day => f.write_str("the calendar day"),
            Self::Week => f.write_str("the calendar week"),
            Self::Month => f.write_str("the calendar month"),
            Self::Quarter => f.write_str("the calendar quarter"),
            Self::Hour => f.write_str("the hour of the clock"),
            Self::Minute => f.write_str("the minute of the clock"),
        }
    }
}

/// What is said of an instant that depends on the wall clock of a customer.
fn unknown_zone(zone_known: &bool) -> &'static str {
    if *zone_known { "" } else { ", the time zone is not known" }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddressClear => f.write_str("no stop on the address"),
            Self::Suppressed(reason) => write!(f, "the address is suppressed: {reason}"),
            Self::ConsentGranted => f.write_str("consent is recorded"),
            Self::ConsentDenied => f.write_str("consent is denied"),
            Self::ConsentAbsent => f.write_str("no consent is recorded"),
            Self::ConsentIgnored => f.write_str("the class needs no consent"),
            Self::Reachable => f.write_str("the customer has an address on this channel"),
            Self::NoAddress => f.write_str("the customer has no address on this channel"),
            Self::ValidUntil(until) => write!(f, "valid until {until}"),
            Self::Expired(until) => write!(f, "it was valid until {until}"),
            Self::HeldPastValidity { rule, until, valid_until } => {
                write!(f, "rule {rule} holds it until {until}, but it is valid until {valid_until}")
            }
            Self::InTime => f.write_str("nothing was missed"),
            Self::SkippedCatchUp => f.write_str("the wait ended late and catch-up says skip"),
            Self::ClassExempt => f.write_str("the message class does not obey this rule"),
            Self::OutOfScope => f.write_str("the rule is about other messages"),
            Self::NotQuiet => f.write_str("outside quiet hours"),
            Self::Quiet { until, zone_known } => {
                write!(f, "quiet hours until {until}{}", unknown_zone(zone_known))
            }
            Self::CapRoom(window) => write!(f, "the cap has room in {window}"),
            Self::CapFull(window) => write!(f, "the cap is full in {window}"),
            Self::NotE164 => f.write_str(
                "the customer's number is not in E.164 (`+`, country code, digits, no blanks)",
            ),
            Self::CapTooFull { window, weight } => {
                write!(f, "the cap has no room for a message that counts as {weight} in {window}")
            }
            Self::CapLimitUnknown(why) => write!(f, "the cap's limit cannot be computed: {why}"),
            Self::GapKept(ms) => write!(f, "no message within {}", length(*ms)),
            Self::GapTooShort { last, gap_ms } => {
                write!(f, "the last message was at {last}, less than {} before", length(*gap_ms))
            }
            Self::Holiday { until, zone_known } => {
                write!(f, "a holiday, quiet until {until}{}", unknown_zone(zone_known))
            }
            Self::InSendWindow => f.write_str("within the send window"),
            Self::OutsideSendWindow { until, zone_known } => {
                write!(f, "outside the send window until {until}{}", unknown_zone(zone_known))
            }
            Self::AudiencesFull => {
                f.write_str("the customer is a member of as many audiences as one may be")
            }
        }
    }
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
    /// The first instant at which every rule other than validity would allow it, given what is
    /// known now; `None` where none is known. The instant of the decision if it may go.
    pub earliest: Option<Instant>,
    /// Every rule's result at the instant of the decision: the built-in rules, then those of the
    /// policy in its order.
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
