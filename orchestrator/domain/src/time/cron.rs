//! Cron patterns over civil time: the only file that knows the `cron` and `chrono` crates.
//!
//! The crate is asked in "UTC" about wall-clock readings; which instant a reading means is decided
//! by [`Zone::resolve`], so a reading in a gap fires once, after it, and one in a fold once, first.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use cron::Schedule;
use jiff::civil;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::due::LocalTime;
use super::text::{TimeProblem, quoted};
use super::{Instant, Zone};

/// Longest pattern, in bytes.
const PATTERN_MAX_BYTES: usize = 256;

/// Names of the fields, seconds first.
const FIELDS: [&str; 6] = ["second", "minute", "hour", "day of month", "month", "day of week"];

/// What `@daily` and its like stand for.
const SHORTHANDS: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// A schedule: five fields as in crontab(5), or six with seconds first.
///
/// Weekdays are 0 to 7 (both ends are Sunday) or names. If day of month and day of week are both
/// restricted, either one is enough, as in POSIX. Readings end with the year 2100.
#[derive(Clone)]
pub struct Cron {
    pattern: String,
    schedule: Schedule,
    /// The same by weekday alone, where either kind of day is enough.
    or_weekday: Option<Schedule>,
}

impl Cron {
    /// Reads a pattern; the message of an error names the field.
    pub fn parse(pattern: &str) -> Result<Self, TimeProblem> {
        if pattern.len() > PATTERN_MAX_BYTES {
            return Err(TimeProblem::new("the pattern is too long"));
        }
        let trimmed = pattern.trim();
        let shorthand = SHORTHANDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(trimmed));
        let mut fields: Vec<&str> =
            shorthand.map_or(trimmed, |(_, meaning)| meaning).split_whitespace().collect();
        if fields.len() == 5 {
            fields.insert(0, "0");
        }
        let Ok([second, minute, hour, day, month, weekday]) = <[&str; 6]>::try_from(fields) else {
            let problem = TimeProblem::new(format!("{} is not a cron pattern", quoted(pattern)));
            return Err(problem.suggest(
                "write five fields: minute, hour, day of month, month, day of week, \
                 such as \"0 10 * * mon-fri\"",
            ));
        };
        let weekdays = weekdays(weekday)?;
        for (index, text) in [second, minute, hour, day, month].into_iter().enumerate() {
            check_field(index, text)?;
        }
        let either = !day.starts_with(['*', '?']) && !weekday.starts_with(['*', '?']);
        let with = |day: &str, weekday: &str| {
            let text = format!("{second} {minute} {hour} {day} {month} {weekday}");
            Schedule::from_str(&text).map_err(|error| TimeProblem::new(error.to_string()))
        };
        let cron = Self {
            pattern: trimmed.to_owned(),
            schedule: with(day, if either { "*" } else { &weekdays })?,
            or_weekday: if either { Some(with("*", &weekdays)?) } else { None },
        };
        if cron.next_civil(civil::date(2000, 1, 1).at(0, 0, 0, 0)).is_none() {
            let problem = TimeProblem::new(format!("{} never comes", quoted(pattern)));
            return Err(problem.suggest("no month has that day"));
        }
        Ok(cron)
    }

    /// The pattern as it was written.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// The first instant strictly after `instant`; `None` beyond the year 2100.
    pub fn next_after(&self, instant: Instant, zone: &Zone) -> Option<Instant> {
        // In the second pass of a fold every reading up to its end has had its turn.
        let mut from = match zone.end_of_repeat(instant) {
            Some(end) => end.checked_sub(jiff::Span::new().seconds(1)).ok()?,
            None => zone.local(instant),
        };
        loop {
            from = self.next_civil(from)?;
            let next = zone.resolve(from);
            if next > instant {
                return Some(next);
            }
        }
    }

    /// The first wall-clock reading strictly after another.
    fn next_civil(&self, after: civil::DateTime) -> Option<civil::DateTime> {
        let after = DateTime::<Utc>::from_timestamp_millis(LocalTime::from_civil(after).0)?;
        let next = |schedule: &Schedule| schedule.after(&after).next();
        let by_weekday = self.or_weekday.as_ref().and_then(next);
        let earliest = next(&self.schedule).into_iter().chain(by_weekday).min()?;
        Some(LocalTime(earliest.timestamp_millis()).to_civil())
    }
}

/// Checks one field alone, so that an error can name it.
fn check_field(index: usize, text: &str) -> Result<(), TimeProblem> {
    let mut fields = ["*"; 6];
    fields[index] = text;
    if Schedule::from_str(&fields.join(" ")).is_ok() {
        return Ok(());
    }
    let name = FIELDS[index];
    let allowed = match index {
        0 | 1 => "0 to 59",
        2 => "0 to 23",
        3 => "1 to 31",
        _ => "1 to 12 or jan to dec",
    };
    let problem = TimeProblem::new(format!("field {name}: {} is not understood", quoted(text)));
    Err(problem
        .suggest(format!("write *, numbers ({allowed}), lists 1,2, ranges 1-5 or steps */2")))
}

/// POSIX weekdays (0 and 7 are Sunday) as the crate counts them (1 is Sunday).
fn weekdays(field: &str) -> Result<String, TimeProblem> {
    if field == "*" || field == "?" {
        return Ok("*".to_owned());
    }
    let wrong = || {
        let message = format!("field {}: {} is not understood", FIELDS[5], quoted(field));
        TimeProblem::new(message)
            .suggest("write *, 0 to 7 (0 and 7 are Sunday), names such as mon-fri, or lists 1,3")
    };
    let mut set = [false; 7];
    for part in field.split(',') {
        let (base, step) = match part.split_once('/') {
            Some((base, step)) => {
                (base, number(step, 7).filter(|step| *step > 0).ok_or_else(wrong)?)
            }
            None => (part, 1),
        };
        let (from, to) = match base.split_once('-') {
            _ if base == "*" => (0, 6),
            Some((from, to)) => (weekday(from).ok_or_else(wrong)?, weekday(to).ok_or_else(wrong)?),
            None if part.contains('/') => (weekday(base).ok_or_else(wrong)?, 6),
            None => (weekday(base).ok_or_else(wrong)?, weekday(base).ok_or_else(wrong)?),
        };
        // `fri-sun`: Sunday by name closes a range.
        let to = if to == 0 && from > 0 { 7 } else { to };
        if from > to {
            return Err(wrong());
        }
        for day in (from..=to).step_by(step) {
            set[day % 7] = true;
        }
    }
    let days: Vec<String> = set
        .iter()
        .enumerate()
        .filter(|(_, on)| **on)
        .map(|(day, _)| (day + 1).to_string())
        .collect();
    Ok(days.join(","))
}

fn number(text: &str, max: usize) -> Option<usize> {
    text.parse().ok().filter(|number| *number <= max && text.len() == 1)
}

fn weekday(text: &str) -> Option<usize> {
    let by_name = || super::clock_face::parse_weekday(text).ok();
    number(text, 7).or_else(|| Some(usize::from(by_name()?.to_sunday_zero_offset().unsigned_abs())))
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.pattern == other.pattern
    }
}

impl Eq for Cron {}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pattern)
    }
}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cron({})", self.pattern)
    }
}

impl FromStr for Cron {
    type Err = TimeProblem;

    fn from_str(text: &str) -> Result<Self, TimeProblem> {
        Self::parse(text)
    }
}

impl Serialize for Cron {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.pattern)
    }
}

impl<'de> Deserialize<'de> for Cron {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::text::deserialize(deserializer)
    }
}
