//! From a written cap to a valid one.

use domain::problem::{Path, Problem};
use domain::time::{CalendarWindow, ClockWindow, Span, Weekday, Zone, parse_weekday};

use super::weight;
use super::{CapZone, Period, Window};
use super::{
    Counts, FrequencyCap, LEDGER_RETENTION_MS, RawCounts, RawFrequencyCap, RawPer, RawPeriod,
    RawWindow,
};
use crate::rules::Outcome;
use crate::rules::quiet_hours::at;

impl RawFrequencyCap {
    pub(crate) fn validate(
        &self,
        path: &Path,
        problems: &mut Vec<Problem>,
    ) -> Option<FrequencyCap<String>> {
        if let Some(RawPer::Address | RawPer::Household) = self.per {
            let problem = Problem::new(
                path.key("per"),
                "caps per address or household are not supported yet",
            );
            problems.push(problem.suggest("write `per: customer`"));
        }
        let raw_scope = self.scope.clone().unwrap_or_default();
        let scope = raw_scope.validate(&path.key("scope"), problems);
        let limit = self.limit.validate(&path.key("limit"), problems);
        let weights = weight::validate(&self.weights, &path.key("weights"), problems);
        let window = self.window.validate(&path.key("window"), problems)?;
        Some(FrequencyCap {
            limit: limit?,
            window,
            scope,
            weights,
            counts: RawCounts::counts(self.counts),
            on_exceeded: self.on_exceeded.unwrap_or(Outcome::Hold),
        })
    }
}

impl RawCounts {
    /// What is meant, also where nothing is said.
    pub(crate) fn counts(raw: Option<Self>) -> Counts {
        match raw {
            Some(Self::Reserved) => Counts::Reserved,
            Some(Self::Delivered) => Counts::Delivered,
            Some(Self::Accepted) | None => Counts::Accepted,
        }
    }
}

impl RawWindow {
    fn validate(&self, path: &Path, problems: &mut Vec<Problem>) -> Option<Window> {
        let week_start = self.week_start(path, problems);
        let period = |raw: RawPeriod| match raw {
            RawPeriod::Minute => Period::Clock(ClockWindow::Minute),
            RawPeriod::Hour => Period::Clock(ClockWindow::Hour),
            RawPeriod::Day => Period::Calendar(CalendarWindow::Day),
            RawPeriod::Week => Period::Calendar(CalendarWindow::Week { start: week_start }),
            RawPeriod::Month => Period::Calendar(CalendarWindow::Month),
            RawPeriod::Quarter => Period::Calendar(CalendarWindow::Quarter),
        };
        let window = match (&self.rolling, self.calendar, self.widen_to) {
            (Some(rolling), None, None) => {
                self.refuse_zone(path, problems);
                Window::Rolling { ms: length(rolling, &path.key("rolling"), problems)? }
            }
            (Some(rolling), None, Some(raw)) => {
                let zone = self.zone(path, problems);
                let ms = length(rolling, &path.key("rolling"), problems);
                Window::Widened { ms: ms?, period: period(raw), zone: zone? }
            }
            (None, Some(raw), None) => {
                Window::Calendar { period: period(raw), zone: self.zone(path, problems)? }
            }
            (None, Some(_), Some(_)) => {
                let problem =
                    Problem::new(path.key("widen_to"), "only a rolling window is widened");
                problems.push(problem.suggest("leave `widen_to` out"));
                return None;
            }
            (Some(_), Some(_), _) | (None, None, _) => {
                let problem =
                    Problem::new(path.clone(), "a window is either `rolling` or `calendar`");
                problems.push(problem.suggest("write `{rolling: P7D}` or `{calendar: week, ...}`"));
                return None;
            }
        };
        remembered(&window, path, problems).then_some(window)
    }

    fn week_start(&self, path: &Path, problems: &mut Vec<Problem>) -> Weekday {
        let week = |raw| raw == Some(RawPeriod::Week);
        let Some(text) = &self.week_start else { return Weekday::Monday };
        if !week(self.calendar) && !week(self.widen_to) {
            let path = path.key("week_start");
            problems.push(Problem::new(path, "`week_start` is only for windows of a week"));
        }
        parse_weekday(text).unwrap_or_else(|problem| {
            problems.push(at(path.key("week_start"), problem));
            Weekday::Monday
        })
    }

    /// A calendar period needs to say whose midnight it means.
    fn zone(&self, path: &Path, problems: &mut Vec<Problem>) -> Option<CapZone> {
        match self.zone.as_deref() {
            None => {
                let problem = Problem::new(path.clone(), "a calendar window needs a `zone`");
                problems.push(problem.suggest("write `zone: customer`, `utc` or a zone's name"));
                None
            }
            Some("customer") => Some(CapZone::Customer),
            Some("utc") => Some(CapZone::Fixed(Zone::utc())),
            Some(name) => crate::yaml::zone(name, path.key("zone"), problems).map(CapZone::Fixed),
        }
    }

    fn refuse_zone(&self, path: &Path, problems: &mut Vec<Problem>) {
        if self.zone.is_some() {
            let problem =
                Problem::new(path.key("zone"), "a rolling window is the same in every zone");
            problems.push(problem.suggest("leave `zone` out"));
        }
    }
}

/// Whether rows are kept for as long as a window looks back; a problem if not.
pub(crate) fn remembered(window: &Window, path: &Path, problems: &mut Vec<Problem>) -> bool {
    let fits = window.reach_ms() <= LEDGER_RETENTION_MS;
    if !fits {
        let days = LEDGER_RETENTION_MS / domain::time::DAY_MS;
        let message = format!("the window is longer than sends are remembered: {days} days");
        problems.push(Problem::new(path.clone(), message));
    }
    fits
}

/// An elapsed time from a text, in milliseconds.
pub(crate) fn length(text: &str, path: &Path, problems: &mut Vec<Problem>) -> Option<i64> {
    match Span::parse(text) {
        Ok(span) if span.elapsed_ms() > 0 => Some(span.elapsed_ms()),
        Ok(_) => {
            problems.push(Problem::new(path.clone(), "a window of no length counts nothing"));
            None
        }
        Err(problem) => {
            problems.push(at(path.clone(), problem));
            None
        }
    }
}
