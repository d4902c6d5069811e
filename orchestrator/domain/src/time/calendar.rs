//! Calendar windows for caps: the day, week or month in a zone that contains an instant.

use jiff::civil::{Date, Weekday};

use super::{Instant, Zone};

/// A kind of calendar window. Windows of one kind follow each other without gap or overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CalendarWindow {
    /// A civil day.
    Day,
    /// Seven days from a weekday.
    Week {
        /// The weekday on which a week starts.
        start: Weekday,
    },
    /// A civil month.
    Month,
    /// Three civil months, the first of which is January, April, July or October.
    Quarter,
}

impl CalendarWindow {
    /// The window `[start, end)` that contains the instant.
    ///
    /// A window starts at the first valid instant at or after its midnight, or at the first
    /// occurrence of a repeated midnight. So it always contains the instant, even where the clock
    /// goes back over midnight, and a day that a zone skipped has no window.
    pub fn bounds(self, instant: Instant, zone: &Zone) -> (Instant, Instant) {
        let mut first = self.first_day(zone.local(instant).date());
        let mut next = self.following(first);
        // The clock can go back over midnight: the evening repeats in the window of the next day.
        while zone.start_of_day(next) <= instant && next < Date::MAX {
            (first, next) = (next, self.following(next));
        }
        (zone.start_of_day(first), zone.start_of_day(next))
    }

    fn first_day(self, date: Date) -> Date {
        match self {
            Self::Day => date,
            Self::Week { start } => {
                let back = i64::from(start.until(date.weekday()));
                date.checked_sub(jiff::Span::new().days(back)).unwrap_or(Date::MIN)
            }
            Self::Month => date.first_of_month(),
            Self::Quarter => {
                let back = i64::from((date.month() - 1) % 3);
                let first = date.first_of_month();
                first.checked_sub(jiff::Span::new().months(back)).unwrap_or(Date::MIN)
            }
        }
    }

    fn following(self, first: Date) -> Date {
        let span = match self {
            Self::Day => jiff::Span::new().days(1),
            Self::Week { .. } => jiff::Span::new().days(7),
            Self::Month => jiff::Span::new().months(1),
            Self::Quarter => jiff::Span::new().months(3),
        };
        first.checked_add(span).unwrap_or(Date::MAX)
    }
}
