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
//! ```

mod lanes;
mod tally;
mod validate;
mod window;

use domain::ids::NameId;
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Outcome;
use super::scope::{RawScope, Scope};
use crate::ledger::Counts;
use crate::set::Names;

pub(crate) use tally::{Asking, CapTable};
pub use window::{CapZone, Window};

/// Most caps of one policy set: their results of a scan stand in one machine word.
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
    /// Most sends in the window.
    #[garde(range(min = 1, max = CAP_LIMIT_MAX))]
    pub limit: u32,
    /// The window.
    pub window: RawWindow,
    /// Which messages it is about; default all.
    pub scope: Option<RawScope>,
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
    /// A calendar period; needs `zone`.
    pub calendar: Option<RawPeriod>,
    /// Whose midnight: `customer`, `utc`, or the name of a time zone.
    pub zone: Option<String>,
    /// Weekday on which a week starts; default `mon`.
    pub week_start: Option<String>,
}

/// A calendar period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawPeriod {
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
pub struct FrequencyCap<N> {
    /// Most sends in the window, 1 to [`CAP_LIMIT_MAX`].
    pub limit: u32,
    /// The window.
    pub window: Window,
    /// Which messages it is about.
    pub scope: Scope<N>,
    /// Which sends count.
    pub counts: Counts,
    /// What happens to a send beyond the limit.
    pub on_exceeded: Outcome,
}

impl FrequencyCap<String> {
    pub(crate) fn compile(&self, names: &impl Names) -> FrequencyCap<NameId> {
        FrequencyCap {
            limit: self.limit,
            window: self.window.clone(),
            scope: self.scope.compile(names),
            counts: self.counts,
            on_exceeded: self.on_exceeded,
        }
    }

    /// Whether this cap makes another one moot: whatever that one would stop, this one stops.
    pub fn makes_moot(&self, other: &Self) -> bool {
        let counts_as_much = match self.counts {
            Counts::Reserved => true,
            Counts::Accepted => other.counts != Counts::Reserved,
            Counts::Delivered => other.counts == Counts::Delivered,
        };
        self.limit <= other.limit
            && counts_as_much
            && self.scope.covers(&other.scope)
            && self.window.covers(&other.window)
    }
}
