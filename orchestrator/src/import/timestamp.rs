//! Instants from text: RFC 3339, Unix time, or a pattern of civil time in a zone.

use domain::time::{Instant, Zone};
use jiff::civil::DateTime;
use jiff::fmt::strtime;

use super::row::{ColumnId, Row};

/// How a column becomes an instant.
#[derive(Clone, Debug)]
pub(super) struct TimeSpec {
    pub(super) column: ColumnId,
    pub(super) name: String,
    pub(super) format: Format,
}

/// How an instant is written.
#[derive(Clone, Debug)]
pub(super) enum Format {
    Rfc3339,
    UnixSeconds,
    UnixMilliseconds,
    /// A pattern of `strptime`, with the zone of patterns that have no offset.
    Pattern(String, Option<Zone>),
}

impl TimeSpec {
    /// The instant of a row; `None` if the column is empty.
    pub(super) fn read(&self, row: &Row) -> Result<Option<Instant>, String> {
        let Some(text) = row.cell(self.column).text() else { return Ok(None) };
        match self.format.parse(text.trim()) {
            Some(instant) => Ok(Some(instant)),
            None => Err(format!("`{}`: `{text}` is not a time of the given format", self.name)),
        }
    }
}

impl Format {
    /// The instant that a text means. A civil time that the clock skipped is the first valid
    /// instant after it; one that came twice is its first occurrence (semantics 13).
    pub(super) fn parse(&self, text: &str) -> Option<Instant> {
        match self {
            Self::Rfc3339 => Instant::parse(text),
            Self::UnixSeconds => Some(Instant(text.parse::<i64>().ok()?.checked_mul(1000)?)),
            Self::UnixMilliseconds => Some(Instant(text.parse().ok()?)),
            Self::Pattern(pattern, zone) => {
                let parts = strtime::parse(pattern, text).ok()?;
                match zone {
                    None => parts.to_timestamp().ok().map(Instant::from_timestamp),
                    Some(zone) => {
                        let midnight = || parts.to_date().ok().map(DateTime::from);
                        let local = parts.to_datetime().ok().or_else(midnight)?;
                        Some(zone.resolve(local))
                    }
                }
            }
        }
    }
}
