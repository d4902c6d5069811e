//! When a timer is due: the intent, not only the instant, so that a change of zone can move it.

use std::fmt;

use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};

use super::clock_face::{TimeOfDay, Weekdays};
use super::profile_date::{ProfileDate, Yearly};
use super::span::Span;
use super::{Instant, Zone};

/// A local time: milliseconds from 1970-01-01T00:00:00 on the wall clock, in no zone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LocalTime(pub i64);

impl LocalTime {
    /// From a civil date and time, cut to whole milliseconds.
    pub fn from_civil(civil: DateTime) -> Self {
        let timestamp = Offset::UTC.to_timestamp(civil);
        Self(timestamp.map_or(i64::MAX, |timestamp| timestamp.as_millisecond()))
    }

    /// As a civil date and time, clamped at the ends of the calendar.
    pub fn to_civil(self) -> DateTime {
        Offset::UTC.to_datetime(Instant(self.0).to_timestamp())
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_civil())
    }
}

impl fmt::Debug for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// What a timer stores (semantics 14). Two small integers in a binary record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Due {
    /// An instant, the same in every zone.
    At(Instant),
    /// A local time of the customer, then so much elapsed time (negative: before it).
    Local {
        /// What the wall clock shows.
        local: LocalTime,
        /// Milliseconds of elapsed time from there.
        then_ms: i64,
    },
}

impl Due {
    /// The instant, for a customer in `zone`. One that has passed fires at once, once.
    pub fn resolve(&self, zone: &Zone) -> Instant {
        match self {
            Self::At(instant) => *instant,
            Self::Local { local, then_ms } => zone.resolve(local.to_civil()).plus_ms(*then_ms),
        }
    }

    /// Whether a change of the customer's zone moves it.
    pub fn follows_zone(&self) -> bool {
        matches!(self, Self::Local { .. })
    }

    /// `for: P2D`: a duration after now.
    pub fn after(now: Instant, span: &Span, zone: &Zone) -> Self {
        if span.is_elapsed() {
            return Self::At(span.after(now, zone));
        }
        Self::local(span.later(zone.local(now)), span.clock_ms())
    }

    /// `for: P3D` at a time of day: that many days after today's local date, at that time.
    ///
    /// It may already have passed (`P0D` in the evening at 10:00): then it is due at once.
    pub fn after_at(now: Instant, span: &Span, time: TimeOfDay, zone: &Zone) -> Self {
        let day = Self::after(now, span, zone);
        let date = match day {
            Self::At(instant) => zone.local(instant).date(),
            Self::Local { local, then_ms } => {
                LocalTime(local.0.saturating_add(then_ms)).to_civil().date()
            }
        };
        Self::local(time.on(date), 0)
    }

    /// The next time the wall clock shows `time` on one of these days, strictly later than now.
    pub fn next_at(now: Instant, days: Weekdays, time: TimeOfDay, zone: &Zone) -> Self {
        let mut date = zone.local(now).date();
        // Today may have passed, and a day that a zone skipped resolves to the day after it.
        for _ in 0..10 {
            let local = time.on(date);
            if days.contains(date.weekday()) && zone.resolve(local) > now {
                return Self::local(local, 0);
            }
            date = date.tomorrow().unwrap_or(Date::MAX);
        }
        Self::At(Instant::MAX)
    }

    /// A date on the profile, moved by an offset (`true` is before the date); `None` if `text` is
    /// no date (RFC 3339, `YYYY-MM-DD`, `MM-DD`).
    ///
    /// `time` replaces the time of day; without it a date means its midnight and an RFC 3339
    /// instant its own local time. A yearly date (asked for, or `MM-DD`) means its first
    /// occurrence strictly later than now, offset included; any other may have passed.
    pub fn on_date(
        now: Instant,
        text: &str,
        offset: Option<(bool, &Span)>,
        time: Option<TimeOfDay>,
        yearly: bool,
        zone: &Zone,
    ) -> Option<Self> {
        let (date, own) = match ProfileDate::parse(text)? {
            ProfileDate::Yearly(day) => {
                return Some(Self::next_yearly(now, day, offset, time, zone));
            }
            ProfileDate::Once(date) => (date, None),
            ProfileDate::Instant(instant) => {
                let local = zone.local(instant);
                (local.date(), Some((instant, local)))
            }
        };
        if yearly {
            return Some(Self::next_yearly(now, Yearly::of(date), offset, time, zone));
        }
        Some(match (own, time) {
            (Some((instant, _)), None) if offset.is_none_or(|(_, span)| span.is_elapsed()) => {
                Self::At(instant.plus_ms(signed_ms(offset)))
            }
            (Some((_, local)), None) => Self::moved(local, offset),
            _ => Self::moved(time.unwrap_or(TimeOfDay::MIDNIGHT).on(date), offset),
        })
    }

    fn next_yearly(
        now: Instant,
        day: Yearly,
        offset: Option<(bool, &Span)>,
        time: Option<TimeOfDay>,
        zone: &Zone,
    ) -> Self {
        let time = time.unwrap_or(TimeOfDay::MIDNIGHT);
        let year = zone.local(now).year();
        // An offset is at most ten years, either way.
        (year.saturating_sub(11)..=year.saturating_add(12))
            .map(|year| Self::moved(time.on(day.in_year(year)), offset))
            .find(|due| due.resolve(zone) > now)
            .unwrap_or(Self::At(Instant::MAX))
    }

    fn moved(local: DateTime, offset: Option<(bool, &Span)>) -> Self {
        let moved = match offset {
            None => local,
            Some((true, span)) => span.earlier(local),
            Some((false, span)) => span.later(local),
        };
        Self::local(moved, signed_ms(offset))
    }

    fn local(civil: DateTime, then_ms: i64) -> Self {
        Self::Local { local: LocalTime::from_civil(civil), then_ms }
    }
}

/// The elapsed part of an offset, negative before the date.
fn signed_ms(offset: Option<(bool, &Span)>) -> i64 {
    match offset {
        None => 0,
        Some((true, span)) => -span.clock_ms(),
        Some((false, span)) => span.clock_ms(),
    }
}
