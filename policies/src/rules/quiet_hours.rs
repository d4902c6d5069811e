//! `quiet_hours`: local windows in which sends are held.
//!
//! Windows are half-open `[from, to)` on the customer's wall clock, run over midnight and over
//! changes of the clock, and belong to the weekday on which they start. If the zone of a customer
//! is unknown, an instant is quiet if it is quiet in any plausible zone (semantics 15): those that
//! the policy lists, or its fallback zone alone.
//!
//! ```yaml
//! fallback_zone: Europe/Madrid
//! plausible_zones: [Europe/Madrid, Atlantic/Canary]
//! rules:
//!   - name: nights
//!     quiet_hours:
//!       windows:
//!         - {on: mon-fri, from: "21:00", to: "08:00"}
//!         - {on: "sat,sun", from: "20:00", to: "10:00"}
//!       on_quiet: hold            # or refuse, next_channel; default hold
//!       scope: {channels: [sms]}  # default: every message whose class obeys quiet hours
//! ```

use domain::ids::{NameId, RuleName};
use domain::problem::{Path, Problem};
use domain::time::{Instant, LocalWindow, TimeProblem, Windows};
use domain::verdict::Reason;
use garde::Validate;
use schemars::JsonSchema;
use serde::Deserialize;

use super::scope::{RawScope, Scope};
use super::{Finding, Outcome};
use crate::request::Request;
use crate::set::{Names, PolicySet};

/// Quiet hours as they are written.
#[derive(Clone, Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct RawQuietHours {
    /// The windows; at least one.
    #[garde(length(min = 1, max = domain::time::WINDOWS_MAX))]
    pub windows: Vec<RawLocalWindow>,
    /// What happens to a send within a window; default `hold`.
    pub on_quiet: Option<Outcome>,
    /// Which messages it is about; default all whose class obeys quiet hours.
    pub scope: Option<RawScope>,
}

/// A window as it is written.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawLocalWindow {
    /// Weekdays on which it starts: `mon`, `mon-fri`, `sat,sun`; default every day.
    pub on: Option<String>,
    /// Its first minute, local time: `21:00`.
    pub from: String,
    /// The first minute after it; on the next day if it is not after `from`.
    pub to: String,
}

/// Quiet hours, validated; names by text or by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuietHours<N> {
    /// The windows.
    pub windows: Windows,
    /// What happens to a send within a window.
    pub on_quiet: Outcome,
    /// Which messages it is about.
    pub scope: Scope<N>,
}

impl RawQuietHours {
    pub(crate) fn validate(
        &self,
        path: &Path,
        problems: &mut Vec<Problem>,
    ) -> Option<QuietHours<String>> {
        let mut windows = Vec::with_capacity(self.windows.len());
        for (index, raw) in self.windows.iter().enumerate() {
            match LocalWindow::parse(raw.on.as_deref(), &raw.from, &raw.to) {
                Ok(window) => windows.push(window),
                Err(problem) => {
                    problems.push(at(path.key("windows").index(index), problem));
                }
            }
        }
        let raw_scope = self.scope.clone().unwrap_or_default();
        let scope = raw_scope.validate(&path.key("scope"), problems);
        if windows.len() < self.windows.len() {
            return None;
        }
        match Windows::new(windows) {
            Ok(windows) => {
                let on_quiet = self.on_quiet.unwrap_or(Outcome::Hold);
                Some(QuietHours { windows, on_quiet, scope })
            }
            Err(problem) => {
                problems.push(at(path.key("windows"), problem));
                None
            }
        }
    }
}

/// A problem of the time module, at its place.
pub(crate) fn at(path: Path, problem: TimeProblem) -> Problem {
    let placed = Problem::new(path, problem.message);
    match problem.suggestion {
        Some(suggestion) => placed.suggest(suggestion),
        None => placed,
    }
}

impl QuietHours<String> {
    pub(crate) fn compile(&self, names: &impl Names) -> QuietHours<NameId> {
        QuietHours {
            windows: self.windows.clone(),
            on_quiet: self.on_quiet,
            scope: self.scope.compile(names),
        }
    }
}

/// Quiet hours in a policy set.
#[derive(Clone, Debug)]
pub(crate) struct QuietRule {
    pub(crate) name: RuleName,
    pub(crate) hours: QuietHours<NameId>,
}

impl QuietRule {
    /// The first instant that is not quiet, if this one is. The class bit is the caller's.
    pub(crate) fn until(
        &self,
        request: &Request<'_>,
        set: &PolicySet,
        at: Instant,
    ) -> Option<Instant> {
        if !self.hours.scope.matches(request) {
            return None;
        }
        match request.subject.zone {
            Some(zone) => self.hours.windows.quiet_until(at, zone),
            None => self.hours.windows.quiet_in_any(at, set.plausible_zones()),
        }
    }

    pub(crate) fn judge(&self, request: &Request<'_>, set: &PolicySet, now: Instant) -> Finding {
        if !set.class(request.class_id).obeys_quiet_hours {
            return Finding::allow(Reason::ClassExempt, now);
        }
        if !self.hours.scope.matches(request) {
            return Finding::allow(Reason::OutOfScope, now);
        }
        match self.until(request, set, now) {
            None => Finding::allow(Reason::NotQuiet, now),
            Some(until) => {
                let zone_known = request.subject.zone.is_some();
                Finding::until(self.hours.on_quiet, until, Reason::Quiet { until, zone_known })
            }
        }
    }
}
