//! `quiet_hours`: local windows in which sends are held. `send_window`: the other way round, local
//! windows outside of which they are.
//!
//! Windows are half-open `[from, to)` on the customer's wall clock, run over midnight and over
//! changes of the clock, and belong to the weekday on which they start. If the zone of a customer
//! is unknown, an instant is quiet if it is quiet in any plausible zone (semantics 15): those that
//! the rule lists, else those of the policy, else the fallback zone alone.
//!
//! With `holidays: true` the holidays of the customer's country are quiet too, as whole local days.
//!
//! ```yaml
//! fallback_zone: Europe/Madrid
//! plausible_zones: [Europe/Madrid, Atlantic/Canary]
//! country_trait: country
//! holidays:
//!   ES: [01-01, 01-06, {name: Christmas, date: 12-25}, {name: Good Friday, date: 2026-04-03}]
//! rules:
//!   - name: nights
//!     quiet_hours:
//!       windows:
//!         - {on: mon-fri, from: "21:00", to: "08:00"}
//!         - {on: "sat,sun", from: "20:00", to: "10:00"}
//!       holidays: true
//!       on_quiet: hold            # or refuse, next_channel; default hold
//!       scope: {channels: [sms]}  # default: every message whose class obeys quiet hours
//!   - name: office-hours
//!     send_window:
//!       windows: [{on: mon-fri, from: "09:00", to: "18:00"}]
//!       scope: {topics: [sales]}
//! ```

mod holidays;
mod preset;
mod validate;

use domain::ids::{NameId, RuleName};
use domain::time::{Holidays, Instant, Windows, Zone};
use domain::verdict::{Reason, RuleKind};
use garde::Validate;
use schemars::JsonSchema;
use serde::Deserialize;

use super::scope::{Naming, RawScope, Scope};
use super::{Finding, Outcome};
use crate::request::Request;
use crate::set::{Names, PolicySet};

pub use holidays::{COUNTRIES_MAX, Country, CountryHolidays, RawHoliday, RawNamedHoliday};
pub(crate) use holidays::{country_of, validate as validate_holidays};
pub use preset::Preset;
pub(crate) use validate::at;

/// How far is looked for an instant that is neither quiet nor a holiday, in milliseconds: 400 days,
/// in which every date comes once. Beyond it the answer is "never".
const QUIET_SEARCH_MAX_MS: i64 = 400 * domain::time::DAY_MS;

/// Quiet hours as they are written.
#[derive(Clone, Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct RawQuietHours {
    /// The windows. At least one, unless there is a `preset` or `holidays`.
    #[garde(length(max = domain::time::WINDOWS_MAX))]
    #[serde(default)]
    pub windows: Vec<RawLocalWindow>,
    /// Windows and plausible zones that the law of a country asks for.
    pub preset: Option<Preset>,
    /// Whether the holidays of the customer's country are quiet too. Default: false.
    #[serde(default)]
    pub holidays: bool,
    /// The zones in which customers of unknown zone may be, for this rule. Default: those of the
    /// policy.
    #[garde(length(max = 64))]
    #[serde(default)]
    pub plausible_zones: Vec<String>,
    /// What happens to a send within a window; default `hold`.
    pub on_quiet: Option<Outcome>,
    /// Which messages it is about; default all whose class obeys quiet hours.
    pub scope: Option<RawScope>,
}

/// A send window as it is written.
#[derive(Clone, Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct RawSendWindow {
    /// The windows in which messages may go; at least one.
    #[garde(length(min = 1, max = domain::time::WINDOWS_MAX))]
    pub windows: Vec<RawLocalWindow>,
    /// Whether nothing goes on holidays of the customer's country. Default: false.
    #[serde(default)]
    pub holidays: bool,
    /// The zones in which customers of unknown zone may be, for this rule. Default: those of the
    /// policy.
    #[garde(length(max = 64))]
    #[serde(default)]
    pub plausible_zones: Vec<String>,
    /// What happens to a send outside of the windows; default `hold`.
    pub on_outside: Option<Outcome>,
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

/// Quiet hours, or what a send window leaves, validated; names by text or by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuietHours<N: Naming> {
    /// When it is quiet.
    pub windows: Windows,
    /// Whether holidays of the customer's country are quiet too.
    pub holidays: bool,
    /// The zones in which customers of unknown zone may be; none for those of the policy.
    pub plausible_zones: Vec<Zone>,
    /// What happens to a send when it is quiet.
    pub on_quiet: Outcome,
    /// Which messages it is about.
    pub scope: Scope<N>,
}

impl QuietHours<String> {
    pub(crate) fn compile(&self, names: &impl Names) -> QuietHours<NameId> {
        QuietHours {
            windows: self.windows.clone(),
            holidays: self.holidays,
            plausible_zones: self.plausible_zones.clone(),
            on_quiet: self.on_quiet,
            scope: self.scope.compile(names),
        }
    }
}

/// Quiet hours in a policy set.
#[derive(Clone, Debug)]
pub(crate) struct QuietRule {
    pub(crate) name: RuleName,
    pub(crate) kind: RuleKind,
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
        let windows = &self.hours.windows;
        let known = request.subject.zone;
        let Some(holidays) = self.holidays(request, set) else {
            return match known {
                Some(zone) => windows.quiet_until(at, zone),
                None => windows.quiet_in_any(at, self.plausible_zones(set)),
            };
        };
        let zones = known.map_or(self.plausible_zones(set), std::slice::from_ref);
        if known.is_none() && windows.quiet_in_any(at, zones) == Some(Instant::MAX) {
            return Some(Instant::MAX);
        }
        let mut now = at;
        loop {
            let next = zones
                .iter()
                .filter_map(|zone| windows.quiet_until(now, zone).max(holidays.until(now, zone)));
            match next.max() {
                None => return (now > at).then_some(now),
                Some(next) if next.ms_since(at) > QUIET_SEARCH_MAX_MS => return Some(Instant::MAX),
                Some(next) => now = next,
            }
        }
    }

    fn holidays<'a>(&self, request: &Request<'_>, set: &'a PolicySet) -> Option<&'a Holidays> {
        if self.hours.holidays { set.holidays(request.subject.traits) } else { None }
    }

    fn plausible_zones<'a>(&'a self, set: &'a PolicySet) -> &'a [Zone] {
        match &self.hours.plausible_zones[..] {
            [] => set.plausible_zones(),
            zones => zones,
        }
    }

    fn is_holiday(&self, request: &Request<'_>, set: &PolicySet, now: Instant) -> bool {
        let Some(holidays) = self.holidays(request, set) else { return false };
        let zones = request.subject.zone.map_or(self.plausible_zones(set), std::slice::from_ref);
        zones.iter().any(|zone| holidays.until(now, zone).is_some())
    }

    pub(crate) fn judge(&self, request: &Request<'_>, set: &PolicySet, now: Instant) -> Finding {
        if !set.class(request.class_id).obeys_quiet_hours {
            return Finding::allow(Reason::ClassExempt, now);
        }
        if !self.hours.scope.matches(request) {
            return Finding::allow(Reason::OutOfScope, now);
        }
        let is_window = self.kind == RuleKind::SendWindow;
        let Some(until) = self.until(request, set, now) else {
            let reason = if is_window { Reason::InSendWindow } else { Reason::NotQuiet };
            return Finding::allow(reason, now);
        };
        let zone_known = request.subject.zone.is_some();
        let reason = if self.is_holiday(request, set, now) {
            Reason::Holiday { until, zone_known }
        } else if is_window {
            Reason::OutsideSendWindow { until, zone_known }
        } else {
            Reason::Quiet { until, zone_known }
        };
        Finding::until(self.hours.on_quiet, until, reason)
    }
}
