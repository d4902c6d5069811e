//! `frequency_cap`: at most so many sends per customer in a window.
//!
//! A cap limits the messages in its scope whose class obeys caps, and counts those in its scope
//! whose class counts toward caps. A reservation counts from its commit on (semantics 18).
//!
//! ```yaml
//! fallback_zone: Europe/Madrid
//! rules:
//!   - name: two-in-any-week
//!     frequency_cap:
//!       limit: 2
//!       window: {rolling: P7D}       # every stretch of 168 hours
//!       counts: accepted             # or reserved, delivered; default accepted
//!       on_exceeded: hold            # or refuse, next_channel; default hold
//!   - name: one-sms-a-day
//!     frequency_cap:
//!       limit: 1
//!       window: {calendar: day, zone: customer}
//!       scope: {channels: [sms]}
//!       per: customer
//!   - name: carts-per-week
//!     frequency_cap:
//!       limit: 3
//!       window: {calendar: week, week_start: sun, zone: Europe/Madrid}
//!       scope: {topics: [carts]}
//!   - name: whole-months
//!     frequency_cap:
//!       limit: 3
//!       window: {rolling: P14D, widen_to: month, zone: utc}
//!   - name: by-tier
//!     frequency_cap:
//!       limit: 'customer.traits.tier == "gold" ? 5 : 2'
//!       window: {calendar: hour, zone: utc}
//!       weights:
//!         - {scope: {channels: [sms]}, count_as: 2}
//! ```

mod lanes;
mod limit;
mod scope_table;
mod tally;
mod validate;
mod weight;
mod window;

use domain::ids::NameId;
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Outcome;
use super::scope::{Naming, RawScope, Scope};
use crate::ledger::Counts;
use crate::set::Names;

pub use limit::{Limit, RawLimit};
pub(crate) use tally::{Asking, CapTable};
pub(crate) use validate::{length, remembered};
pub use weight::{RawWeight, WEIGHT_MAX, WEIGHTS_MAX, Weight};
pub use window::{CapZone, Period, Window};

/// Most caps of one policy set, gaps included: their results of a scan stand in one machine word.
pub const CAPS_MAX: usize = 64;
/// Highest limit of a cap. A limit beyond it limits nothing that a person would notice.
pub const CAP_LIMIT_MAX: u32 = 10_000;
/// How long ledger rows are kept, in milliseconds: 400 days. A window must fit within it, else a
/// cap would count rows that are gone.
pub const LEDGER_RETENTION_MS: i64 = 400 * domain::time::DAY_MS;

/// A cap as it is written.
#[derive(Clone, Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct RawFrequencyCap {
    /// Most sends in the window: a number, or an expression over `customer.traits` that gives one.
    pub limit: RawLimit,
    /// The window.
    pub window: RawWindow,
    /// Which messages it is about; default all.
    pub scope: Option<RawScope>,
    /// As how many sends messages count; the first entry that a message is in the scope of decides.
    /// Default: once.
    #[serde(default)]
    pub weights: Vec<RawWeight>,
    /// Whose sends are counted together; default `customer`.
    pub per: Option<RawPer>,
    /// Which sends count; default `accepted`.
    pub counts: Option<RawCounts>,
    /// What happens to a send beyond the limit, unless its step says otherwise; default `hold`.
    pub on_exceeded: Option<Outcome>,
}

/// A window as it is written: either `rolling` or `calendar`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawWindow {
    /// Length of a window that slides with time, elapsed: `P7D` is 168 hours.
    pub rolling: Option<String>,
    /// Widens a rolling window to whole calendar periods; needs `zone`.
    pub widen_to: Option<RawPeriod>,
    /// A period of the calendar or of the clock; needs `zone`.
    pub calendar: Option<RawPeriod>,
    /// Whose midnight: `customer`, `utc`, or the name of a time zone.
    pub zone: Option<String>,
    /// Weekday on which a week starts; default `mon`.
    pub week_start: Option<String>,
}

/// A period of the calendar or of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawPeriod {
    /// A minute of the clock.
    Minute,
    /// An hour of the clock.
    Hour,
    /// A civil day.
    Day,
    /// Seven days.
    Week,
    /// A civil month.
    Month,
    /// Three civil months.
    Quarter,
}

/// Whose sends are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawPer {
    /// Those of one customer.
    Customer,
    /// Those to one address. Not supported yet.
    Address,
    /// Those to one household. Not supported yet.
    Household,
}

/// Which sends count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawCounts {
    /// Everything that was handed over, whatever came of it.
    Reserved,
    /// What a provider took.
    Accepted,
    /// What reached the receiver's side, as far as anybody can say.
    Delivered,
}

/// A cap, validated; names by text or by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrequencyCap<N: Naming> {
    /// Most sends in the window.
    pub limit: Limit,
    /// The window.
    pub window: Window,
    /// Which messages it is about.
    pub scope: Scope<N>,
    /// As how many sends messages count.
    pub weights: Vec<Weight<N>>,
    /// Which sends count.
    pub counts: Counts,
    /// What happens to a send beyond the limit.
    pub on_exceeded: Outcome,
}

impl FrequencyCap<String> {
    pub(crate) fn compile(&self, names: &impl Names) -> FrequencyCap<NameId> {
        FrequencyCap {
            limit: self.limit.clone(),
            window: self.window.clone(),
            scope: self.scope.compile(names),
            weights: self.weights.iter().map(|weight| weight.compile(names)).collect(),
            counts: self.counts,
            on_exceeded: self.on_exceeded,
        }
    }

    /// Whether this cap makes another one moot: whatever that one would stop, this one stops.
    pub fn makes_moot(&self, other: &Self) -> bool {
        self.limit.at_most(&other.limit)
            && self.counts_as_much(other)
            && self.window.covers(&other.window)
    }

    /// The same where no message counts without obeying: then as many as fit into the windows of
    /// this one that cover a window of the other are the most that it ever counts.
    pub fn makes_moot_by_pace(&self, other: &Self) -> bool {
        let windows = match (self.window.rolling_ms(), other.window.rolling_ms()) {
            (Some(ours), Some(theirs)) => (theirs + ours - 1) / ours,
            _ => return false,
        };
        match (&self.limit, &other.limit) {
            (Limit::Number(ours), Limit::Number(theirs)) => {
                i64::from(*ours).saturating_mul(windows) <= i64::from(*theirs)
                    && other.weights.is_empty()
                    && self.counts_as_much(other)
            }
            _ => false,
        }
    }

    /// Whether every send that the other one counts counts here, and no less.
    fn counts_as_much(&self, other: &Self) -> bool {
        let states = match self.counts {
            Counts::Reserved => true,
            Counts::Accepted => other.counts != Counts::Reserved,
            Counts::Delivered => other.counts == Counts::Delivered,
        };
        states
            && self.scope.covers(&other.scope)
            && (other.weights.is_empty() || self.weights == other.weights)
    }
}
