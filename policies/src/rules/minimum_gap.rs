//! `minimum_gap`: at least so much time between two messages to a customer.
//!
//! The gap is elapsed time from the counted instant of the one before (`P1D` is 24 hours here, as
//! in rolling windows). It stops the messages that a cap with the same scope would stop, and sees
//! those that it would count: a class that does not obey caps does not keep the gap, one that does
//! not count toward caps opens none. `on_capped` of a step is about gaps too.
//!
//! ```yaml
//! fallback_zone: Europe/Madrid
//! rules:
//!   - name: room-to-breathe
//!     minimum_gap:
//!       gap: PT4H
//!       scope: {channels: [sms, push]}   # default: every message
//!       counts: accepted                 # or reserved, delivered; default accepted
//!       on_exceeded: hold                # or refuse, next_channel; default hold
//! ```

use domain::problem::{Path, Problem};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Outcome;
use super::frequency_cap::{FrequencyCap, Limit, RawCounts, Window, length, remembered};
use super::scope::{RawScope, Scope};
use crate::ledger::Counts;

/// A gap as it is written.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawMinimumGap {
    /// Shortest time between two messages, elapsed: `PT4H`, `P1D` (24 hours).
    pub gap: String,
    /// Which messages it is about; default all.
    pub scope: Option<RawScope>,
    /// Which sends it is kept from; default `accepted`.
    pub counts: Option<RawCounts>,
    /// What happens to a send that comes too soon, unless its step says otherwise; default `hold`.
    pub on_exceeded: Option<Outcome>,
}

/// A gap, validated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinimumGap {
    /// Shortest time between two messages, in milliseconds of elapsed time.
    pub gap_ms: i64,
    /// Which messages it is about.
    pub scope: Scope<String>,
    /// Which sends it is kept from.
    pub counts: Counts,
    /// What happens to a send that comes too soon.
    pub on_exceeded: Outcome,
}

impl RawMinimumGap {
    pub(crate) fn validate(&self, path: &Path, problems: &mut Vec<Problem>) -> Option<MinimumGap> {
        let raw_scope = self.scope.clone().unwrap_or_default();
        let scope = raw_scope.validate(&path.key("scope"), problems);
        let path = path.key("gap");
        let gap_ms = length(&self.gap, &path, problems)?;
        let fits = remembered(&Window::Rolling { ms: gap_ms }, &path, problems);
        fits.then_some(MinimumGap {
            gap_ms,
            scope,
            counts: RawCounts::counts(self.counts),
            on_exceeded: self.on_exceeded.unwrap_or(Outcome::Hold),
        })
    }
}

impl MinimumGap {
    /// The cap that says the same: one send in any stretch of that length.
    pub(crate) fn as_cap(&self) -> FrequencyCap<String> {
        FrequencyCap {
            limit: Limit::Number(1),
            window: Window::Rolling { ms: self.gap_ms },
            scope: self.scope.clone(),
            weights: Vec::new(),
            counts: self.counts,
            on_exceeded: self.on_exceeded,
        }
    }
}
