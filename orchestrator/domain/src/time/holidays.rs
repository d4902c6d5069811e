//! Holidays: whole local days on which nothing is sent.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::calendar::CalendarWindow;
use super::text::{TimeProblem, quoted};
use super::{Instant, Zone};

/// Most holidays of one country: fewer than there are days, so that some day is none.
pub const HOLIDAYS_MAX: usize = 200;
/// A year in which every date of the calendar exists.
const LEAP_YEAR: i16 = 2024;

/// Dates, each of one year or of every year.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holidays {
    dates: BTreeSet<Date>,
    /// Month and day.
    yearly: BTreeSet<(i8, i8)>,
}

impl Holidays {
    /// Adds `2026-12-25`, or `12-25` for every year.
    pub fn add(&mut self, text: &str) -> Result<(), TimeProblem> {
        if self.dates.len() + self.yearly.len() >= HOLIDAYS_MAX {
            return Err(TimeProblem::new(format!("more than {HOLIDAYS_MAX} holidays")));
        }
        let number = |part: &str, digits: usize| {
            let fits = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse::<i16>().ok().filter(|_| fits)
        };
        let parts: Vec<&str> = text.split('-').collect();
        let date = |year: Option<i16>, month: &str, day: &str| {
            let (month, day) = (number(month, 2)?, number(day, 2)?);
            Date::new(year?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
        };
        let found = match parts[..] {
            [year, month, day] => {
                date(number(year, 4), month, day).map(|date| self.dates.insert(date))
            }
            [month, day] => date(Some(LEAP_YEAR), month, day)
                .map(|date| self.yearly.insert((date.month(), date.day()))),
            _ => None,
        };
        found.map(|_| ()).ok_or_else(|| {
            let problem = TimeProblem::new(format!("{} is not a date", quoted(text)));
            problem.suggest("write 2026-12-25, or 12-25 for every year")
        })
    }

    /// Adds all of another list.
    pub fn extend(&mut self, others: &Self) {
        self.dates.extend(&others.dates);
        self.yearly.extend(&others.yearly);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.dates.is_empty() && self.yearly.is_empty()
    }

    fn contains(&self, date: Date) -> bool {
        self.dates.contains(&date) || self.yearly.contains(&(date.month(), date.day()))
    }

    /// `None` if the instant is on no holiday, else the first later instant that is on none.
    ///
    /// Days are those of [`CalendarWindow::Day`]: an evening that the clock repeats after midnight
    /// belongs to the new day.
    pub fn until(&self, instant: Instant, zone: &Zone) -> Option<Instant> {
        let (from, mut to) = CalendarWindow::Day.bounds(instant, zone);
        if self.is_empty() || !self.contains(zone.local(from).date()) {
            return None;
        }
        for _ in 0..2 * HOLIDAYS_MAX {
            if !self.contains(zone.local(to).date()) {
                break;
            }
            to = CalendarWindow::Day.bounds(to, zone).1;
        }
        Some(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holidays(texts: &[&str]) -> Holidays {
        let mut holidays = Holidays::default();
        texts.iter().try_for_each(|text| holidays.add(text)).expect("dates");
        holidays
    }

    fn at(text: &str) -> Instant {
        Instant::parse(text).expect("an instant")
    }

    #[test]
    fn a_holiday_is_a_local_day_and_a_run_of_them_is_one() {
        let zone = Zone::parse("Europe/Madrid").expect("a zone");
        let holidays = holidays(&["12-25", "2026-12-26", "12-31", "2027-01-01"]);
        let table = [
            ("2026-12-24T22:59:59Z", None),
            ("2026-12-24T23:00:00Z", Some("2026-12-26T23:00:00Z")),
            ("2026-12-26T22:59:59Z", Some("2026-12-26T23:00:00Z")),
            ("2026-12-26T23:00:00Z", None),
            ("2027-12-25T12:00:00Z", Some("2027-12-25T23:00:00Z")),
            ("2026-12-31T12:00:00Z", Some("2027-01-01T23:00:00Z")),
        ];
        for (instant, until) in table {
            assert_eq!(holidays.until(at(instant), &zone), until.map(at), "{instant}");
        }
    }

    #[test]
    fn days_of_23_hours_and_days_that_do_not_exist_end_where_the_calendar_says() {
        let cairo = Zone::parse("Africa/Cairo").expect("a zone");
        // The clock jumps over midnight of that day.
        let gap = holidays(&["2026-04-24"]);
        assert_eq!(gap.until(at("2026-04-23T21:59:59Z"), &cairo), None);
        let end = Some(at("2026-04-24T21:00:00Z"));
        assert_eq!(gap.until(at("2026-04-23T22:00:00Z"), &cairo), end);
        let apia = Zone::parse("Pacific/Apia").expect("a zone");
        let missing = holidays(&["2011-12-30"]);
        for hour in 0..72 {
            let instant = at("2011-12-29T00:00:00Z").plus_ms(hour * 3_600_000);
            assert_eq!(missing.until(instant, &apia), None, "{instant}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        let bad = ["", "25-12", "2026-02-29", "12-32", "2-3", "Christmas", "2026-1-1", "+1-01"];
        for text in bad {
            assert!(Holidays::default().add(text).is_err(), "{text}");
        }
        assert!(Holidays::default().add("02-29").is_ok());
    }
}
