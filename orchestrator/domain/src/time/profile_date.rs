//! Dates that stand on a profile: a birthday, a renewal.

use jiff::civil::{Date, DateTime};

use super::Instant;

/// A date as a trait holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProfileDate {
    /// `2026-05-01` (or with a local time, which is ignored): that day in the customer's zone.
    Once(Date),
    /// `2026-05-01T10:00:00Z`: an instant.
    Instant(Instant),
    /// `05-01` or `--05-01`: that day of every year.
    Yearly(Yearly),
}

/// A day of every year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Yearly {
    month: i8,
    day: i8,
}

impl Yearly {
    /// The day of a date: a date of birth becomes a birthday.
    pub(super) fn of(date: Date) -> Self {
        Self { month: date.month(), day: date.day() }
    }

    /// The day in one year; 29 February is the 28th in a common year.
    pub(super) fn in_year(self, year: i16) -> Date {
        Date::new(year, self.month, self.day)
            .or_else(|_| Date::new(year, self.month, 28))
            .unwrap_or(Date::MAX)
    }
}

impl ProfileDate {
    /// Reads the text of a trait; `None` if it is no date.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some((month, day)) = month_and_day(text) {
            // Checked against a leap year, so that 29 February is a day.
            return Date::new(2000, month, day).ok().map(|_| Self::Yearly(Yearly { month, day }));
        }
        if text.len() == 10 {
            return text.parse().ok().map(Self::Once);
        }
        Instant::parse(text)
            .map(Self::Instant)
            .or_else(|| Some(Self::Once(text.parse::<DateTime>().ok()?.date())))
    }
}

/// `05-01` or `--05-01`.
fn month_and_day(text: &str) -> Option<(i8, i8)> {
    let (month, day) = text.strip_prefix("--").unwrap_or(text).split_once('-')?;
    let digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    (digits(month) && digits(day)).then_some(())?;
    Some((month.parse().ok()?, day.parse().ok()?))
}
