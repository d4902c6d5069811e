//! Quiet hours, calendar windows and cron patterns.

use super::*;

#[test]
fn quiet_hours_hold_until_the_first_uncovered_instant() {
    let night: &[(Option<&str>, &str, &str)] = &[(None, "21:00", "08:00")];
    for (list, name, instant, until) in [
        (night, "UTC", "2026-06-01T20:59:59.999Z", None),
        (night, "UTC", "2026-06-01T21:00:00Z", Some("2026-06-02T08:00:00Z")),
        (night, "UTC", "2026-06-02T07:59:59.999Z", Some("2026-06-02T08:00:00Z")),
        (night, "UTC", "2026-06-02T08:00:00Z", None),
        // Sunday night runs into Monday.
        (night, "UTC", "2026-06-07T23:00:00Z", Some("2026-06-08T08:00:00Z")),
        // A night of 10 hours in spring and of 12 in autumn.
        (night, "Europe/Berlin", "2026-03-28T20:00:00Z", Some("2026-03-29T06:00:00Z")),
        (night, "Europe/Berlin", "2026-10-24T19:00:00Z", Some("2026-10-25T07:00:00Z")),
        // The window ends inside the gap: at the first valid instant.
        (
            &[(None, "21:00", "02:30")],
            "Europe/Berlin",
            "2026-03-28T23:00:00Z",
            Some("2026-03-29T01:00:00Z"),
        ),
        // It ends inside the gap and another begins there.
        (
            &[(None, "21:00", "02:15"), (None, "02:45", "05:00")],
            "Europe/Berlin",
            "2026-03-28T23:00:00Z",
            Some("2026-03-29T03:00:00Z"),
        ),
        // It ends inside the fold: free in the rest of the first pass, quiet in the second again.
        (
            &[(None, "21:00", "02:30")],
            "Europe/Berlin",
            "2026-10-24T23:00:00Z",
            Some("2026-10-25T00:30:00Z"),
        ),
        (
            &[(None, "21:00", "02:30")],
            "Europe/Berlin",
            "2026-10-25T01:10:00Z",
            Some("2026-10-25T01:30:00Z"),
        ),
        // It ends where the fold ends: both passes are quiet.
        (
            &[(None, "21:00", "03:00")],
            "Europe/Berlin",
            "2026-10-25T00:30:00Z",
            Some("2026-10-25T02:00:00Z"),
        ),
        // The gap lies at midnight.
        (night, "Africa/Cairo", "2026-04-23T21:00:00Z", Some("2026-04-24T05:00:00Z")),
        // Samoa skipped the 30th: from Thursday night straight to Saturday morning.
        (night, "Pacific/Apia", "2011-12-30T08:00:00Z", Some("2011-12-30T18:00:00Z")),
        // Windows that touch or overlap are one.
        (
            &[(None, "20:00", "22:00"), (None, "22:00", "23:00"), (None, "21:30", "24:00")],
            "UTC",
            "2026-06-01T20:00:00Z",
            Some("2026-06-02T00:00:00Z"),
        ),
        // A weekend: Friday 18:00 to Monday 09:00.
        (
            &[
                (Some("fri"), "18:00", "24:00"),
                (Some("sat,sun"), "00:00", "24:00"),
                (Some("mon"), "00:00", "09:00"),
            ],
            "UTC",
            "2026-06-05T18:30:00Z",
            Some("2026-06-08T09:00:00Z"),
        ),
    ] {
        let (windows, zone) = (windows(list), zone(name));
        let until = until.map(at);
        assert_eq!(windows.quiet_until(at(instant), &zone), until, "{list:?} {name} {instant}");
        assert_eq!(windows.is_quiet(at(instant), &zone), until.is_some());
    }
}

#[test]
fn an_unknown_zone_is_quiet_if_any_plausible_one_is() {
    let night = windows(&[(None, "21:00", "08:00")]);
    let usa = [zone("America/New_York"), zone("America/Chicago"), zone("America/Los_Angeles")];
    let quiet = |instant: &str| night.quiet_in_any(at(instant), &usa);
    // 08:00 in Los Angeles is 15:00Z in summer; 21:00 in New York is 01:00Z.
    assert_eq!(quiet("2026-06-01T15:00:00Z"), None);
    assert_eq!(quiet("2026-06-02T00:59:59Z"), None);
    assert_eq!(quiet("2026-06-02T01:00:00Z"), Some(at("2026-06-02T15:00:00Z")));
    assert_eq!(quiet("2026-06-01T14:59:59Z"), Some(at("2026-06-01T15:00:00Z")));
    assert_eq!(night.quiet_in_any(at("2026-06-01T14:00:00Z"), &[]), None);
    // Somewhere on Earth it is always night.
    let everywhere = plausible_offsets();
    assert_eq!(everywhere.len(), 105);
    let never = night.quiet_in_any(at("2026-06-01T14:00:00Z"), &everywhere);
    assert_eq!(never, Some(Instant::MAX));
    // But a weekend ends everywhere.
    let sunday = windows(&[(Some("sun"), "00:00", "24:00")]);
    let free = sunday.quiet_in_any(at("2026-06-07T12:00:00Z"), &everywhere);
    assert_eq!(free, Some(at("2026-06-08T12:00:00Z")));
}

#[test]
fn schedules_are_checked() {
    for (list, message) in [
        (vec![(None, "00:00", "24:00")], "the windows cover the whole week"),
        (vec![(None, "00:00", "12:00"), (None, "12:00", "00:00")], "the windows cover the whole"),
    ] {
        let parsed = list.iter().map(|(days, start, end)| LocalWindow::parse(*days, start, end));
        let error = Windows::new(parsed.collect::<Result<_, _>>().expect("windows"));
        assert!(error.expect_err("always quiet").message.starts_with(message));
    }
    assert!(LocalWindow::parse(None, "10:00", "10:00").is_err());
    assert!(Windows::new(Vec::new()).expect("no windows").is_empty());
    let gaps = |list: &[(Option<&str>, &str, &str)]| {
        let gaps = windows(list).suspicious_gaps();
        gaps.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(gaps(&[(Some("mon-fri"), "21:00", "09:00")]), ["mon 00:00 to mon 09:00"]);
    assert_eq!(
        gaps(&[(Some("mon-fri"), "21:00", "09:00"), (Some("sat,sun"), "22:00", "07:00")]),
        ["mon 07:00 to mon 09:00"]
    );
    assert!(gaps(&[(None, "21:00", "08:00")]).is_empty());
    assert!(gaps(&[(Some("sat,sun"), "00:00", "24:00")]).is_empty());
    let uncovered = windows(&[(Some("sun"), "00:00", "24:00")]).uncovered();
    assert_eq!(uncovered, [WeekStretch { start_s: 0, end_s: 6 * 86_400 }]);
}

#[test]
fn calendar_windows_contain_their_instant() {
    let week = CalendarWindow::Week { start: Weekday::Monday };
    let sunday = CalendarWindow::Week { start: Weekday::Sunday };
    let day = CalendarWindow::Day;
    for (window, name, instant, start, end) in [
        (day, "UTC", "2026-06-01T00:00:00Z", "2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z"),
        // Days of 23 and of 25 hours.
        (
            day,
            "America/New_York",
            "2026-03-08T12:00:00Z",
            "2026-03-08T05:00:00Z",
            "2026-03-09T04:00:00Z",
        ),
        (
            day,
            "America/New_York",
            "2026-11-01T12:00:00Z",
            "2026-11-01T04:00:00Z",
            "2026-11-02T05:00:00Z",
        ),
        // The day starts at 01:00.
        (
            day,
            "Africa/Cairo",
            "2026-04-23T22:00:00Z",
            "2026-04-23T22:00:00Z",
            "2026-04-24T21:00:00Z",
        ),
        (
            day,
            "America/Santiago",
            "2026-09-06T03:59:59Z",
            "2026-09-05T04:00:00Z",
            "2026-09-06T04:00:00Z",
        ),
        // The 30th does not exist: the 29th ends where the 31st starts.
        (
            day,
            "Pacific/Apia",
            "2011-12-30T09:59:59Z",
            "2011-12-29T10:00:00Z",
            "2011-12-30T10:00:00Z",
        ),
        (
            day,
            "Pacific/Apia",
            "2011-12-30T10:00:00Z",
            "2011-12-30T10:00:00Z",
            "2011-12-31T10:00:00Z",
        ),
        // The clock went back over midnight (00:01 to 23:01): the repeated evening counts once.
        (
            day,
            "America/St_Johns",
            "2010-11-07T02:45:00Z",
            "2010-11-07T02:30:00Z",
            "2010-11-08T03:30:00Z",
        ),
        (week, "UTC", "2026-06-07T23:59:59Z", "2026-06-01T00:00:00Z", "2026-06-08T00:00:00Z"),
        (sunday, "UTC", "2026-06-07T23:59:59Z", "2026-06-07T00:00:00Z", "2026-06-14T00:00:00Z"),
        (
            CalendarWindow::Quarter,
            "Europe/Berlin",
            "2026-05-15T12:00:00Z",
            "2026-03-31T22:00:00Z",
            "2026-06-30T22:00:00Z",
        ),
        (
            CalendarWindow::Month,
            "Europe/Berlin",
            "2026-10-31T22:59:59Z",
            "2026-09-30T22:00:00Z",
            "2026-10-31T23:00:00Z",
        ),
    ] {
        let expected = (at(start), at(end));
        assert_eq!(window.bounds(at(instant), &zone(name)), expected, "{name} {instant}");
    }
}

#[test]
fn cron_patterns_fire_in_civil_time() {
    for (pattern, name, after, next) in [
        ("0 10 * * *", "Europe/Berlin", "2026-06-01T08:00:00Z", "2026-06-02T08:00:00Z"),
        ("0 10 * * *", "Europe/Berlin", "2026-06-01T07:59:59.999Z", "2026-06-01T08:00:00Z"),
        ("30 0 10 * * *", "UTC", "2026-06-01T10:00:00Z", "2026-06-01T10:00:30Z"),
        // POSIX weekdays: 1 is Monday, 0 and 7 are Sunday. 2026-06-01 is a Monday.
        ("0 0 * * 1", "UTC", "2026-06-02T00:00:00Z", "2026-06-08T00:00:00Z"),
        ("0 0 * * 0", "UTC", "2026-06-02T00:00:00Z", "2026-06-07T00:00:00Z"),
        ("0 0 * * 7", "UTC", "2026-06-02T00:00:00Z", "2026-06-07T00:00:00Z"),
        ("0 0 * * 5-7", "UTC", "2026-06-02T00:00:00Z", "2026-06-05T00:00:00Z"),
        ("0 0 * * fri-sun", "UTC", "2026-06-06T00:00:00Z", "2026-06-07T00:00:00Z"),
        ("0 0 * * Wednesday", "UTC", "2026-06-02T00:00:00Z", "2026-06-03T00:00:00Z"),
        ("0 0 * * */2", "UTC", "2026-06-02T00:00:00Z", "2026-06-04T00:00:00Z"),
        ("0 0 ? jan,dec *", "UTC", "2026-06-02T00:00:00Z", "2026-12-01T00:00:00Z"),
        // Either kind of day is enough where both are restricted.
        ("0 0 13 * 5", "UTC", "2026-06-06T00:00:00Z", "2026-06-12T00:00:00Z"),
        ("0 0 13 * 5", "UTC", "2026-06-12T00:00:00Z", "2026-06-13T00:00:00Z"),
        ("0 0 29 2 *", "UTC", "2026-06-01T00:00:00Z", "2028-02-29T00:00:00Z"),
        ("@weekly", "UTC", "2026-06-02T00:00:00Z", "2026-06-07T00:00:00Z"),
        // In a gap: once, at the first valid instant after it.
        ("30 2 * * *", "America/New_York", "2026-03-08T06:00:00Z", "2026-03-08T07:00:00Z"),
        ("30 2 * * *", "America/New_York", "2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"),
        ("*/10 * * * *", "America/New_York", "2026-03-08T06:50:00Z", "2026-03-08T07:00:00Z"),
        ("*/10 * * * *", "America/New_York", "2026-03-08T07:00:00Z", "2026-03-08T07:10:00Z"),
        ("30 0 * * *", "Africa/Cairo", "2026-04-23T12:00:00Z", "2026-04-23T22:00:00Z"),
        ("0 12 * * *", "Pacific/Apia", "2011-12-30T00:00:00Z", "2011-12-30T10:00:00Z"),
        // In a fold: once, at the first occurrence.
        ("30 1 * * *", "America/New_York", "2026-11-01T05:00:00Z", "2026-11-01T05:30:00Z"),
        ("30 1 * * *", "America/New_York", "2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"),
        ("30 1 * * *", "America/New_York", "2026-11-01T06:10:00Z", "2026-11-02T06:30:00Z"),
        ("* * * * *", "America/New_York", "2026-11-01T05:59:00Z", "2026-11-01T07:00:00Z"),
        ("* * * * * *", "America/New_York", "2026-11-01T06:30:00Z", "2026-11-01T07:00:00Z"),
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T14:00:00Z", "2026-04-04T14:45:00Z"),
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T15:00:00Z", "2026-10-03T15:30:00Z"),
    ] {
        let cron = Cron::parse(pattern).expect(pattern);
        let fired = cron.next_after(at(after), &zone(name));
        assert_eq!(fired, Some(at(next)), "{pattern} {name} {after}");
    }
    assert_eq!(
        Cron::parse("* * * * *").expect("valid").next_after(Instant::MAX, &Zone::utc()),
        None
    );
}

#[test]
fn wrong_cron_patterns_name_the_field() {
    for (pattern, message) in [
        ("", "`` is not a cron pattern"),
        ("* * * *", "`* * * *` is not a cron pattern"),
        ("* * * * * * *", "`* * * * * * *` is not a cron pattern"),
        ("60 * * * *", "field minute: `60` is not understood"),
        ("0 24 * * *", "field hour: `24` is not understood"),
        ("0 0 32 * *", "field day of month: `32` is not understood"),
        ("0 0 L * *", "field day of month: `L` is not understood"),
        ("0 0 * 13 *", "field month: `13` is not understood"),
        ("0 0 * * 8", "field day of week: `8` is not understood"),
        ("0 0 * * mon-", "field day of week: `mon-` is not understood"),
        ("0 0 * * 5-2", "field day of week: `5-2` is not understood"),
        ("0 0 * * */0", "field day of week: `*/0` is not understood"),
        ("*/0 * * * *", "field minute: `*/0` is not understood"),
        ("61 0 0 * * *", "field second: `61` is not understood"),
        ("0 0 30 2 *", "`0 0 30 2 *` never comes"),
    ] {
        assert_eq!(Cron::parse(pattern).expect_err(pattern).message, message);
    }
}
