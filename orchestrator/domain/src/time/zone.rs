//! Time zones from the bundled database.
//!
//! The database of the machine is never read: the same release gives the same instants everywhere.

use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Instant;
use super::stretches::Stretches;
use crate::problem::nearest;

/// Abbreviations that people write and that name no zone (or name several).
const ABBREVIATIONS: &[(&str, &str)] = &[
    ("PST", "America/Los_Angeles"),
    ("PDT", "America/Los_Angeles"),
    ("MDT", "America/Denver"),
    ("CST", "America/Chicago"),
    ("CDT", "America/Chicago"),
    ("EDT", "America/New_York"),
    ("BST", "Europe/London"),
    ("CEST", "Europe/Berlin"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("AEST", "Australia/Sydney"),
];

/// Seconds of a civil day.
const DAY_S: i64 = 24 * 3600;
/// Largest distance from UTC of a fixed offset, in seconds.
const FIXED_OFFSET_MAX_S: i32 = 18 * 3600;

/// A time zone. A clone costs one reference count.
#[derive(Clone)]
pub struct Zone(Arc<Inner>);

struct Inner {
    name: Box<str>,
    rules: TimeZone,
    stretches: Stretches,
}

/// A name that the bundled database does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown time zone `{name}`")]
pub struct UnknownZone {
    /// What was written.
    pub name: String,
    /// The name that was probably meant.
    pub suggestion: Option<String>,
}

/// Every known name, each with its zone once it has been asked for.
fn known() -> &'static HashMap<Box<str>, OnceLock<Zone>> {
    static KNOWN: OnceLock<HashMap<Box<str>, OnceLock<Zone>>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let names = database().available();
        names.map(|name| (Box::from(name.as_str()), OnceLock::new())).collect()
    })
}

fn database() -> &'static TimeZoneDatabase {
    static DATABASE: OnceLock<TimeZoneDatabase> = OnceLock::new();
    DATABASE.get_or_init(TimeZoneDatabase::bundled)
}

impl Zone {
    /// UTC.
    pub fn utc() -> Self {
        static UTC: OnceLock<Zone> = OnceLock::new();
        UTC.get_or_init(|| Self::new("UTC", TimeZone::UTC)).clone()
    }

    /// A zone by its IANA name (`Europe/Berlin`, in any case) or a fixed offset (`+05:30`).
    pub fn parse(name: &str) -> Result<Self, UnknownZone> {
        if let Some((name, slot)) = known().get_key_value(name) {
            return Self::of_slot(name, slot).ok_or_else(|| unknown(name));
        }
        if name.starts_with(['+', '-']) {
            return fixed_offset_s(name).and_then(Self::fixed).ok_or_else(|| unknown(name));
        }
        known()
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .and_then(|(name, slot)| Self::of_slot(name, slot))
            .ok_or_else(|| unknown(name))
    }

    /// A fixed distance from UTC in seconds; `None` beyond 18 hours.
    pub fn fixed(offset_s: i32) -> Option<Self> {
        if offset_s.abs() > FIXED_OFFSET_MAX_S {
            return None;
        }
        let offset = Offset::from_seconds(offset_s).ok()?;
        let sign = if offset_s < 0 { '-' } else { '+' };
        let (hours, minutes) = (offset_s.abs() / 3600, offset_s.abs() / 60 % 60);
        let mut name = format!("{sign}{hours:02}:{minutes:02}");
        if offset_s % 60 != 0 {
            name.push_str(&format!(":{:02}", offset_s.abs() % 60));
        }
        Some(Self::new(&name, TimeZone::fixed(offset)))
    }

    /// All names of the bundled database, sorted.
    pub fn names() -> Vec<&'static str> {
        let mut names: Vec<_> = known().keys().map(|name| &**name).collect();
        names.sort_unstable();
        names
    }

    /// The name, as the database spells it.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// What the clock on the wall shows at an instant.
    pub fn local(&self, instant: Instant) -> DateTime {
        self.0.rules.to_datetime(instant.to_timestamp())
    }

    /// The same as [`Self::local`], as milliseconds of a clock that showed 1970-01-01T00:00 at 0;
    /// `None` in years that are far from ours.
    pub(super) fn local_ms(&self, instant: Instant) -> Option<i64> {
        self.0.stretches.local_ms(instant)
    }

    /// The first instant of a day, counted from 1970-01-01; `None` where the clock changes nearby,
    /// and in years that are far from ours.
    pub(super) fn start_of_day_number(&self, day: i64) -> Option<Instant> {
        self.0.stretches.resolve_s(day * DAY_S)
    }

    /// The time around an instant in which the clock on the wall runs evenly: from when, until
    /// when, and its distance from UTC in milliseconds.
    pub(super) fn even_around(&self, instant: Instant) -> (Instant, Instant, i64) {
        if let Some(stretch) = self.0.stretches.around(instant) {
            return stretch;
        }
        let rules = &self.0.rules;
        let change = |at: Option<jiff::tz::TimeZoneTransition<'_>>| {
            at.map(|at| Instant::from_timestamp(at.timestamp()))
        };
        let from = change(rules.preceding(instant.plus_ms(1).to_timestamp()).next());
        let until = change(rules.following(instant.to_timestamp()).next());
        let offset_s = rules.to_offset(instant.to_timestamp()).seconds();
        let (from, until) = (from.unwrap_or(Instant::MIN), until.unwrap_or(Instant::MAX));
        (from, until, i64::from(offset_s) * 1_000)
    }

    /// The instant of a local time: in a gap the first valid instant after it, in a fold the first
    /// occurrence (semantics 13). Clamped at the ends of the calendar.
    pub fn resolve(&self, local: DateTime) -> Instant {
        match self.0.rules.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset }
            | AmbiguousOffset::Fold { before: offset, .. } => at_offset(local, offset),
            AmbiguousOffset::Gap { before, after } => self.end_of_gap(local, before, after),
        }
    }

    /// The first instant of a date. Where midnight is skipped: the first valid instant after it.
    pub fn start_of_day(&self, date: Date) -> Instant {
        self.resolve(date.at(0, 0, 0, 0))
    }

    /// The first change of the clock strictly after an instant, if any is known.
    pub fn next_transition(&self, instant: Instant) -> Option<Instant> {
        let next = self.0.rules.following(instant.to_timestamp()).next()?;
        Some(Instant::from_timestamp(next.timestamp()))
    }

    /// In the second pass of a fold: the local time at which the repeated stretch ends.
    ///
    /// Local times before it have had their (first) occurrence already.
    pub(super) fn end_of_repeat(&self, instant: Instant) -> Option<DateTime> {
        let now = instant.to_timestamp();
        let rules = &self.0.rules;
        let ambiguous = rules.to_ambiguous_timestamp(rules.to_datetime(now));
        let AmbiguousOffset::Fold { before, after } = ambiguous.offset() else { return None };
        if rules.to_offset(now) != after {
            return None;
        }
        let change = rules.preceding(instant.plus_ms(1).to_timestamp()).next()?;
        Some(before.to_datetime(change.timestamp()))
    }

    /// The change of the clock that skips `local`: it lies after the time read with the later
    /// offset and not after the time read with the earlier one.
    fn end_of_gap(&self, local: DateTime, before: Offset, after: Offset) -> Instant {
        let latest = at_offset(local, before);
        let changes = self.0.rules.following(at_offset(local, after).to_timestamp());
        changes
            .map(|change| (Instant::from_timestamp(change.timestamp()), change.offset()))
            .take_while(|(at, _)| *at <= latest)
            .find(|(_, offset)| *offset == after)
            .map_or(latest, |(at, _)| at)
    }

    fn new(name: &str, rules: TimeZone) -> Self {
        let first = Stretches::first().to_timestamp();
        let changes = rules.following(first);
        let changes = changes.map(|at| (at.timestamp().as_second(), at.offset().seconds()));
        let stretches = Stretches::new(rules.to_offset(first).seconds(), changes);
        Self(Arc::new(Inner { name: Box::from(name), rules, stretches }))
    }

    fn of_slot(name: &str, slot: &OnceLock<Self>) -> Option<Self> {
        if let Some(zone) = slot.get() {
            return Some(zone.clone());
        }
        let rules = database().get(name).ok()?;
        Some(slot.get_or_init(|| Self::new(name, rules)).clone())
    }
}

fn at_offset(local: DateTime, offset: Offset) -> Instant {
    match offset.to_timestamp(local) {
        Ok(timestamp) => Instant::from_timestamp(timestamp),
        Err(_) if local.year() < 0 => Instant::from_timestamp(jiff::Timestamp::MIN),
        Err(_) => Instant::from_timestamp(jiff::Timestamp::MAX),
    }
}

/// `+05:30`, `-08:00`, `+00:19:32` in seconds.
fn fixed_offset_s(text: &str) -> Option<i32> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let mut total = 0;
    let parts: Vec<&str> = rest.split(':').collect();
    if !(2..=3).contains(&parts.len()) {
        return None;
    }
    for (part, scale) in parts.into_iter().zip([3600, 60, 1]) {
        if part.len() != 2 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let number: i32 = part.parse().ok()?;
        if scale != 3600 && number >= 60 {
            return None;
        }
        total += number * scale;
    }
    Some(sign * total)
}

fn unknown(name: &str) -> UnknownZone {
    UnknownZone { name: name.chars().take(64).collect(), suggestion: suggestion(name) }
}

/// An abbreviation, a city alone, a slip of the pen.
fn suggestion(name: &str) -> Option<String> {
    let name = name.trim();
    if name.len() > 64 {
        return None;
    }
    let abbreviation = ABBREVIATIONS.iter().find(|(short, _)| short.eq_ignore_ascii_case(name));
    if let Some((_, zone)) = abbreviation {
        return Some((*zone).to_owned());
    }
    let wanted = name.replace(' ', "_");
    let names = Zone::names();
    let city = |zone: &&&str| {
        let city = zone.rsplit('/').next().unwrap_or(zone);
        city.eq_ignore_ascii_case(&wanted) || zone.eq_ignore_ascii_case(&wanted)
    };
    names.iter().find(city).copied().or_else(|| nearest(&wanted, names)).map(str::to_owned)
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.name == other.0.name
    }
}

impl Eq for Zone {}

impl Hash for Zone {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name.hash(state);
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(text: &str) -> Result<Self, UnknownZone> {
        Self::parse(text)
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::text::deserialize(deserializer)
    }
}
