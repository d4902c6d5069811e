//! Times of day and sets of weekdays, as they are written in definitions.

use std::fmt;
use std::str::FromStr;

pub use jiff::civil::Weekday;
use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text::{TimeProblem, quoted};

/// Seconds of a civil day.
pub(super) const DAY_S: u32 = 86_400;

/// A time of day on the wall clock: `10:00`, `10:00:30`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TimeOfDay {
    seconds: u32,
}

impl TimeOfDay {
    /// 00:00.
    pub const MIDNIGHT: Self = Self { seconds: 0 };
    /// 24:00, only as the end of a window.
    pub const END_OF_DAY: Self = Self { seconds: DAY_S };

    /// `HH:MM` or `HH:MM:SS`, from 00:00 to 23:59:59.
    pub fn parse(text: &str) -> Result<Self, TimeProblem> {
        let time = Self::parse_end(text)?;
        if time == Self::END_OF_DAY {
            let problem = TimeProblem::new("24:00 is not a time of day");
            return Err(problem.suggest("write 00:00, the start of the next day"));
        }
        Ok(time)
    }

    /// Like [`TimeOfDay::parse`], with 24:00 for the end of a window.
    pub fn parse_end(text: &str) -> Result<Self, TimeProblem> {
        if text == "24:00" || text == "24:00:00" {
            return Ok(Self::END_OF_DAY);
        }
        strict(text).ok_or_else(|| advise(text))
    }

    /// Seconds since midnight on the wall clock, 0 to 86,400.
    pub fn seconds(self) -> u32 {
        self.seconds
    }

    /// This time on a date.
    pub fn on(self, date: Date) -> DateTime {
        let (hour, minute, second) = self.parts();
        if self == Self::END_OF_DAY {
            return date.tomorrow().unwrap_or(Date::MAX).at(0, 0, 0, 0);
        }
        date.at(hour, minute, second, 0)
    }

    fn parts(self) -> (i8, i8, i8) {
        // Each is below 60 (or 25): see `strict`.
        let seconds = self.seconds;
        ((seconds / 3600) as i8, (seconds / 60 % 60) as i8, (seconds % 60) as i8)
    }
}

/// Two digits per part, nothing else.
fn strict(text: &str) -> Option<TimeOfDay> {
    let mut seconds = 0;
    let mut count = 0;
    for (part, (limit, scale)) in text.split(':').zip([(24, 3600), (60, 60), (60, 1)]) {
        if part.len() != 2 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let number: u32 = part.parse().ok().filter(|number| *number < limit)?;
        seconds += number * scale;
        count += 1;
    }
    (count >= 2 && text.split(':').count() == count).then_some(TimeOfDay { seconds })
}

/// `9:00`, `10am`, `7:30 pm`, `10h`, `1000` in the right form.
fn advise(text: &str) -> TimeProblem {
    let problem = TimeProblem::new(format!("{} is not a time of day", quoted(text)));
    let lower = text.trim().to_ascii_lowercase();
    let (digits, noon) = match (lower.strip_suffix("am"), lower.strip_suffix("pm")) {
        (Some(rest), _) => (rest.trim_end(), Some(0)),
        (_, Some(rest)) => (rest.trim_end(), Some(12)),
        _ => (lower.trim_end_matches('h'), None),
    };
    let (hour, minute) = digits.split_once([':', '.']).unwrap_or((digits, "00"));
    let hour = hour.parse::<u32>().ok().and_then(|hour| match noon {
        Some(noon) if (1..=12).contains(&hour) => Some(hour % 12 + noon),
        Some(_) => None,
        None => Some(hour),
    });
    let better = hour.map(|hour| format!("{hour:02}:{minute:0>2}"));
    match better.filter(|better| strict(better).is_some()) {
        Some(better) => problem.suggest(format!("write \"{better}\"")),
        None => problem.suggest("write hours and minutes, such as \"10:00\""),
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts() {
            (hour, minute, 0) => write!(f, "{hour:02}:{minute:02}"),
            (hour, minute, second) => write!(f, "{hour:02}:{minute:02}:{second:02}"),
        }
    }
}

/// A set of weekdays, never empty: `mon`, `mon-fri`, `sat,sun`, `fri-mon`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Weekdays(u8);

const DAY_NAMES: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl Weekdays {
    /// Every day.
    pub const ALL: Self = Self(0b111_1111);

    /// One day.
    pub fn only(day: Weekday) -> Self {
        Self(1 << day.to_monday_zero_offset())
    }

    /// Names (three letters or whole), lists and ranges of them; a range may run over Sunday.
    pub fn parse(text: &str) -> Result<Self, TimeProblem> {
        let mut set = 0_u8;
        for part in text.split(',') {
            let (from, to) = match part.split_once('-') {
                Some((from, to)) => (day_index(from)?, day_index(to)?),
                None => (day_index(part)?, day_index(part)?),
            };
            let length = (to + 7 - from) % 7;
            for step in 0..=length {
                set |= 1 << ((from + step) % 7);
            }
        }
        Ok(Self(set))
    }

    /// This set and that day.
    #[must_use]
    pub fn and(self, day: Weekday) -> Self {
        Self(self.0 | Self::only(day).0)
    }

    /// Whether a day is in it.
    pub fn contains(self, day: Weekday) -> bool {
        self.0 & Self::only(day).0 != 0
    }

    /// Its days, Monday first.
    pub fn iter(self) -> impl Iterator<Item = Weekday> {
        Weekday::Monday.cycle_forward().take(7).filter(move |day| self.contains(*day))
    }
}

/// One weekday by its name (`mon` or `monday`).
pub fn parse_weekday(text: &str) -> Result<Weekday, TimeProblem> {
    let index = day_index(text)?;
    // The index is 0 to 6, counted from Monday.
    Ok(Weekday::from_monday_zero_offset(index as i8).unwrap_or(Weekday::Monday))
}

/// Three letters of a weekday.
pub(super) fn short_name(day: Weekday) -> &'static str {
    &DAY_NAMES[usize::from(day.to_monday_zero_offset().unsigned_abs())][..3]
}

fn day_index(text: &str) -> Result<u8, TimeProblem> {
    let word = text.trim().to_ascii_lowercase();
    let found = DAY_NAMES.iter().position(|name| word == *name || word == name[..3]);
    // The position is below 7.
    found.map(|index| index as u8).ok_or_else(|| {
        let problem = TimeProblem::new(format!("{} is not a weekday", quoted(text)));
        let near = DAY_NAMES.iter().find(|name| word.len() >= 2 && name.starts_with(&word[..]));
        let near = near.copied().or_else(|| crate::problem::nearest(&word, DAY_NAMES));
        match near {
            Some(name) => problem.suggest(format!("write {}", &name[..3])),
            None => problem.suggest("write mon, tue, wed, thu, fri, sat or sun"),
        }
    })
}

impl fmt::Display for Weekdays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for day in self.iter() {
            if !first {
                f.write_str(",")?;
            }
            first = false;
            f.write_str(short_name(day))?;
        }
        Ok(())
    }
}

macro_rules! written_as_text {
    ($type:ty) => {
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }

        impl FromStr for $type {
            type Err = TimeProblem;

            fn from_str(text: &str) -> Result<Self, TimeProblem> {
                Self::parse(text)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                super::text::deserialize(deserializer)
            }
        }
    };
}

written_as_text!(TimeOfDay);
written_as_text!(Weekdays);
