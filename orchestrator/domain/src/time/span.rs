//! Durations as people mean them: `P2D` is two days on the calendar, `PT48H` is elapsed time.

use std::fmt;

use jiff::civil::DateTime;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text::TimeProblem;
use super::{Instant, Zone};

/// Longest duration, in milliseconds of its nominal length: ten years. Longer ones are slips.
pub const SPAN_MAX_MS: i64 = 3_660 * DAY_MS;

/// Milliseconds of a day of 24 hours.
pub const DAY_MS: i64 = 86_400_000;

/// A duration: a calendar part, then an elapsed part. Never negative.
///
/// Written in ISO 8601: `P2D`, `P1M`, `P1W`, `P1Y` (calendar, in a zone), `PT48H`, `PT15M`
/// (elapsed), `P1DT2H` (the calendar part first, then the elapsed one). A year is twelve months
/// and a week seven days, so `P1W` and `P7D` are the same value, shown as `P7D`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    months: u32,
    days: u32,
    ms: i64,
}

impl Span {
    /// From its three parts; refused beyond [`SPAN_MAX_MS`].
    pub fn new(months: u32, days: u32, ms: u32) -> Result<Self, TimeProblem> {
        Self::checked(months.into(), days.into(), ms.into())
    }

    /// From ISO 8601 text.
    pub fn parse(text: &str) -> Result<Self, TimeProblem> {
        super::span_parse::parse(text)
    }

    /// From ISO 8601 text with an optional sign (`-P7D`): whether it is negative, and how long.
    pub fn parse_signed(text: &str) -> Result<(bool, Self), TimeProblem> {
        match text.strip_prefix('-') {
            Some(rest) => Ok((true, Self::parse(rest)?)),
            None => Ok((false, Self::parse(text.strip_prefix('+').unwrap_or(text))?)),
        }
    }

    /// So many days on the calendar.
    pub fn days(days: u16) -> Self {
        Self { months: 0, days: u32::from(days).min(3_660), ms: 0 }
    }

    /// So many hours of elapsed time.
    pub fn hours(hours: u16) -> Self {
        Self { months: 0, days: 0, ms: i64::from(hours) * 3_600_000 }
    }

    pub(super) fn checked(months: u64, days: u64, ms: u64) -> Result<Self, TimeProblem> {
        let nominal = |scale: u64, count: u64| count.checked_mul(scale);
        let total = nominal(30 * DAY_MS as u64, months)
            .zip(nominal(DAY_MS as u64, days))
            .and_then(|(months, days)| months.checked_add(days)?.checked_add(ms))
            .filter(|total| *total <= SPAN_MAX_MS as u64);
        match total {
            // Each part is at most the total, which fits.
            Some(_) => Ok(Self { months: months as u32, days: days as u32, ms: ms as i64 }),
            None => Err(TimeProblem::new("the duration is longer than ten years")),
        }
    }

    /// Whether nothing is waited for.
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it is elapsed time only, the same in every zone.
    pub fn is_elapsed(&self) -> bool {
        self.months == 0 && self.days == 0
    }

    /// Whether it has no elapsed part.
    pub fn is_calendar(&self) -> bool {
        self.ms == 0 && !self.is_elapsed()
    }

    /// Length in milliseconds for rolling windows (semantics 19): a day is 24 hours, a month 30
    /// days, a year twelve such months.
    pub fn elapsed_ms(&self) -> i64 {
        (i64::from(self.months) * 30 + i64::from(self.days)) * DAY_MS + self.ms
    }

    /// The elapsed part alone, in milliseconds.
    pub(super) fn clock_ms(&self) -> i64 {
        self.ms
    }

    /// This much after an instant: the calendar part on the wall clock of the zone, then the
    /// elapsed part. Never before the instant.
    pub fn after(&self, instant: Instant, zone: &Zone) -> Instant {
        if self.is_elapsed() {
            return instant.plus_ms(self.ms);
        }
        let resolved = zone.resolve(self.later(zone.local(instant)));
        resolved.plus_ms(self.ms).max(instant)
    }

    /// This much before an instant: the calendar part on the wall clock of the zone, then the
    /// elapsed part. Never after the instant.
    pub fn before(&self, instant: Instant, zone: &Zone) -> Instant {
        if self.is_elapsed() {
            return instant.plus_ms(-self.ms);
        }
        let resolved = zone.resolve(self.earlier(zone.local(instant)));
        resolved.plus_ms(-self.ms).min(instant)
    }

    /// The calendar part later; the 31st becomes the last day of a shorter month.
    pub(super) fn later(&self, local: DateTime) -> DateTime {
        local.checked_add(self.calendar()).unwrap_or(DateTime::MAX)
    }

    /// The calendar part earlier.
    pub(super) fn earlier(&self, local: DateTime) -> DateTime {
        local.checked_sub(self.calendar()).unwrap_or(DateTime::MIN)
    }

    fn calendar(&self) -> jiff::Span {
        // Both are far below jiff's limits: see `checked`.
        jiff::Span::new().months(self.months).days(self.days)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_zero() {
            return f.write_str("PT0S");
        }
        f.write_str("P")?;
        for (count, unit) in [(self.months / 12, 'Y'), (self.months % 12, 'M'), (self.days, 'D')] {
            if count > 0 {
                write!(f, "{count}{unit}")?;
            }
        }
        if self.ms == 0 {
            return Ok(());
        }
        f.write_str("T")?;
        for (count, unit) in [(self.ms / 3_600_000, 'H'), (self.ms / 60_000 % 60, 'M')] {
            if count > 0 {
                write!(f, "{count}{unit}")?;
            }
        }
        match (self.ms / 1_000 % 60, self.ms % 1_000) {
            (0, 0) => Ok(()),
            (seconds, 0) => write!(f, "{seconds}S"),
            (seconds, ms) => {
                let fraction = format!("{ms:03}");
                write!(f, "{seconds}.{}S", fraction.trim_end_matches('0'))
            }
        }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl std::str::FromStr for Span {
    type Err = TimeProblem;

    fn from_str(text: &str) -> Result<Self, TimeProblem> {
        Self::parse(text)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::text::deserialize(deserializer)
    }
}
