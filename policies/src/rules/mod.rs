//! The rules of the gate, one file each: YAML shape, validation, judgement.
//!
//! `suppression`, `consent`, `reachability`, `validity` and `catch_up` always run; `quiet_hours`,
//! `send_window`, `frequency_cap` and `minimum_gap` are declared in policies. Each judges one
//! request at one instant, without side effects and without knowing what the others say (semantics
//! 16).

pub(crate) mod catch_up;
pub(crate) mod consent;
pub mod frequency_cap;
pub mod minimum_gap;
pub mod quiet_hours;
pub(crate) mod reachability;
pub mod scope;
pub(crate) mod suppression;
pub(crate) mod validity;

use domain::journey::steps::send::OnCapped;
use domain::time::Instant;
use domain::verdict::{Reason, Ruling};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a rule that is not met does to the send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Wait for the first instant at which it may go.
    Hold,
    /// Do not send.
    Refuse,
    /// Try the next channel of the step.
    NextChannel,
}

impl From<OnCapped> for Outcome {
    fn from(on_capped: OnCapped) -> Self {
        match on_capped {
            OnCapped::Hold => Self::Hold,
            OnCapped::Refuse => Self::Refuse,
            OnCapped::NextChannel => Self::NextChannel,
        }
    }
}

/// What one rule found, before its name is put to it.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) ruling: Ruling,
    pub(crate) earliest: Option<Instant>,
    pub(crate) reason: Reason,
}

impl Finding {
    pub(crate) fn allow(reason: Reason, now: Instant) -> Self {
        Self { ruling: Ruling::Allow, earliest: Some(now), reason }
    }

    /// Not met, and waiting does not help.
    pub(crate) fn never(outcome: Outcome, reason: Reason) -> Self {
        Self::until(outcome, Instant::MAX, reason)
    }

    /// Not met before an instant; [`Instant::MAX`] for never.
    pub(crate) fn until(outcome: Outcome, until: Instant, reason: Reason) -> Self {
        let ruling = match outcome {
            Outcome::Hold => Ruling::HoldUntil(until),
            Outcome::Refuse => Ruling::Refuse,
            Outcome::NextChannel => Ruling::NextChannel,
        };
        Self { ruling, earliest: (until < Instant::MAX).then_some(until), reason }
    }
}
