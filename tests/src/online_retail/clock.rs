//! The wall clock, by a time library that the product does not use.

use chrono::{Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

/// Quiet is from 21:00 to 08:00 local.
const QUIET_FROM: u32 = 21;
const QUIET_TO: u32 = 8;

/// A full hour.
pub fn hour(hour: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, 0, 0).expect("an hour of the day")
}

/// The date so many days later.
pub fn later(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_add_days(Days::new(days)).expect("a date of our time")
}

/// What the wall clock shows.
pub fn local(zone: Tz, at: i64) -> NaiveDateTime {
    Utc.timestamp_millis_opt(at).single().expect("our time").with_timezone(&zone).naive_local()
}

/// When the wall clock shows it: the first time, or the end of a gap.
pub fn instant(zone: Tz, local: NaiveDateTime) -> i64 {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => time.timestamp_millis(),
        // Gaps are whole minutes: the first minute that exists ends the gap.
        LocalResult::None => instant(zone, local + chrono::TimeDelta::minutes(1)),
    }
}

/// The first instant, from `at` on, outside the quiet hours.
pub fn loud(zone: Tz, at: i64) -> i64 {
    let now = local(zone, at);
    let end = |day: NaiveDate| instant(zone, day.and_time(hour(QUIET_TO)));
    if now.time() >= hour(QUIET_FROM) {
        end(later(now.date(), 1))
    } else if now.time() < hour(QUIET_TO) {
        end(now.date())
    } else {
        at
    }
}
