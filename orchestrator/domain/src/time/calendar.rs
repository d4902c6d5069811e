//! Calendar windows for caps: the day, week or month in a zone that contains an instant.

use jiff::civil::{Date, Weekday};

use super::{DAY_MS, Instant, Zone};

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
        self.bounds_by_number(instant, zone).unwrap_or_else(|| self.bounds_by_date(instant, zone))
    }

    /// The same with all that a clock can do.
    pub(super) fn bounds_by_date(self, instant: Instant, zone: &Zone) -> (Instant, Instant) {
        let mut first = self.first_day(zone.local(instant).date());
        let mut next = self.following(first);
        // The clock can go back over midnight: the evening repeats in the window of the next day.
        while zone.start_of_day(next) <= instant && next < Date::MAX {
            (first, next) = (next, self.following(next));
        }
        (zone.start_of_day(first), zone.start_of_day(next))
    }

    /// The same without the time library, where no change of the clock is near its ends.
    pub(super) fn bounds_by_number(
        self,
        instant: Instant,
        zone: &Zone,
    ) -> Option<(Instant, Instant)> {
        let day = zone.local_ms(instant)?.div_euclid(DAY_MS);
        let (first, next) = match self {
            Self::Day => (day, day + 1),
            Self::Week { start } => {
                // The first day of 1970 was a Thursday.
                let back = (day + 3 - i64::from(start.to_monday_zero_offset())).rem_euclid(7);
                (day - back, day - back + 7)
            }
            Self::Month => months_around(day, 1),
            Self::Quarter => months_around(day, 3),
        };
        Some((zone.start_of_day_number(first)?, zone.start_of_day_number(next)?))
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

/// The first day of the group of so many months that contains a day, and of the next group. Days
/// are counted from 1970-01-01.
fn months_around(day: i64, months: i64) -> (i64, i64) {
    // Years begin in March here, so that the day which leap years add is their last one, and
    // counting begins with a period of 400 years (H. Hinnant, chrono-compatible date algorithms).
    let day_of_era = (day + 719_468).rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let year = (day + 719_468).div_euclid(146_097) * 400 + year_of_era;
    // Months since January of year 0.
    let month = year * 12 + month_from_march + 2;
    let first = month - month.rem_euclid(months);
    (first_of_month(first), first_of_month(first + months))
}

/// The first day of a month that is counted from January of year 0.
fn first_of_month(month: i64) -> i64 {
    let (year, month_from_march) = ((month - 2).div_euclid(12), (month - 2).rem_euclid(12));
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month_from_march + 2) / 5;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}
