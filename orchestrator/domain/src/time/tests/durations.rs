//! Durations, times of day and weekdays.

use super::*;

#[test]
fn durations_count_from_an_instant() {
    for (text, name, from, after) in [
        // A calendar day is 23 or 25 hours where the clock changes, elapsed time is not.
        ("P1D", "America/New_York", "2026-03-07T15:00:00Z", "2026-03-08T14:00:00Z"),
        ("PT24H", "America/New_York", "2026-03-07T15:00:00Z", "2026-03-08T15:00:00Z"),
        ("P1D", "America/New_York", "2026-10-31T14:00:00Z", "2026-11-01T15:00:00Z"),
        // Into the gap, into the fold.
        ("P1D", "America/New_York", "2026-03-07T07:30:00Z", "2026-03-08T07:00:00Z"),
        ("P1D", "America/New_York", "2026-10-31T05:30:00Z", "2026-11-01T05:30:00Z"),
        // The 31st becomes the last of a shorter month.
        ("P1M", "UTC", "2026-01-31T08:00:00Z", "2026-02-28T08:00:00Z"),
        ("P1Y", "UTC", "2024-02-29T08:00:00Z", "2025-02-28T08:00:00Z"),
        ("P1W", "Europe/Berlin", "2026-03-25T09:00:00Z", "2026-04-01T08:00:00Z"),
        // The calendar part first, then the elapsed part.
        ("P1DT2H", "America/New_York", "2026-03-07T06:30:00Z", "2026-03-08T08:30:00Z"),
        // The day that Samoa skipped.
        ("P1D", "Pacific/Apia", "2011-12-29T20:00:00Z", "2011-12-30T10:00:00Z"),
        ("PT0S", "UTC", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
    ] {
        let (zone, from) = (zone(name), at(from));
        assert_eq!(span(text).after(from, &zone), at(after), "{text} {name}");
        assert_eq!(Due::after(from, &span(text), &zone).resolve(&zone), at(after), "{text}");
    }
    let new_york = zone("America/New_York");
    assert_eq!(
        span("P1D").before(at("2026-03-08T14:00:00Z"), &new_york),
        at("2026-03-07T15:00:00Z")
    );
    assert_eq!(
        span("PT1H").before(at("2026-03-08T14:00:00Z"), &new_york),
        at("2026-03-08T13:00:00Z")
    );
}

#[test]
fn durations_are_read_and_shown() {
    for (text, shown, elapsed_h) in [
        ("P2D", "P2D", 48),
        ("P1W", "P7D", 168),
        ("P7D", "P7D", 168),
        ("P1Y2M3DT4H5M6S", "P1Y2M3DT4H5M6S", 14 * 720 + 72 + 4),
        ("PT48H", "PT48H", 48),
        ("PT90M", "PT1H30M", 1),
        ("PT0.25S", "PT0.25S", 0),
        ("P14M", "P1Y2M", 14 * 720),
        ("P0D", "PT0S", 0),
        ("P10Y", "P10Y", 86_400),
    ] {
        let span = span(text);
        assert_eq!(span.to_string(), shown);
        assert_eq!(Span::parse(shown), Ok(span));
        assert_eq!(span.elapsed_ms() / 3_600_000, elapsed_h, "{text}");
    }
    assert!(span("PT48H").is_elapsed() && !span("P2D").is_elapsed());
    assert!(span("P2D").is_calendar() && !span("P1DT1H").is_calendar());
    assert_eq!(Span::parse_signed("-P7D"), Ok((true, span("P7D"))));
}

#[test]
fn wrong_durations_say_what_to_write() {
    for (text, expected) in [
        ("15m", "`15m` is not a duration: write PT15M"),
        ("7 days", "`7 days` is not a duration: write P7D"),
        ("2 weeks and 1 hour", "`2 weeks and 1 hour` is not a duration: write P2WT1H"),
        ("1h30m", "`1h30m` is not a duration: write PT1H30M"),
        ("p2d", "`p2d` is not a duration: write P2D"),
        ("P2H", "`P2H` is not a duration: write PT2H"),
        ("P1D2H", "`P1D2H` is not a duration: write P1DT2H"),
        ("P1D1M", "`P1D1M` is not a duration: write P1M1D"),
        ("pt15m", "`pt15m` is not a duration: write PT15M"),
        (
            "15",
            "`15` is not a duration: a number needs a unit: PT15M is minutes, PT15H hours, P15D \
             days",
        ),
        (
            "P1.5D",
            "`P1.5D` has a fraction: write whole days plus hours, such as P1DT12H, or elapsed \
             time, PT36H",
        ),
        ("PT1.5H", "`PT1.5H` has a fraction: write minutes, such as PT90M"),
        ("-P1D", "a duration is never negative: write it without the minus sign"),
        ("P11Y", "the duration is longer than ten years"),
        ("P99999999999999999999D", "`P99999999999999999999D` is too long a duration"),
        ("", "`` is not a duration: write P2D for days, PT48H for hours, PT15M for minutes"),
        ("P", "`P` is not a duration: write P2D for days, PT48H for hours, PT15M for minutes"),
        (
            "soon",
            "`soon` is not a duration: write P2D for days, PT48H for hours, PT15M for minutes",
        ),
    ] {
        assert_eq!(Span::parse(text).expect_err(text).to_string(), expected);
    }
}

#[test]
fn times_of_day_and_weekdays_are_read_and_shown() {
    assert_eq!(time("10:00").to_string(), "10:00");
    assert_eq!(time("23:59:30").to_string(), "23:59:30");
    for (text, expected) in [
        ("9:00", "`9:00` is not a time of day: write \"09:00\""),
        ("10am", "`10am` is not a time of day: write \"10:00\""),
        ("12:30 am", "`12:30 am` is not a time of day: write \"00:30\""),
        ("7 pm", "`7 pm` is not a time of day: write \"19:00\""),
        ("24:00", "24:00 is not a time of day: write 00:00, the start of the next day"),
        ("25:00", "`25:00` is not a time of day: write hours and minutes, such as \"10:00\""),
        (
            "10:00:00:00",
            "`10:00:00:00` is not a time of day: write hours and minutes, such as \"10:00\"",
        ),
    ] {
        assert_eq!(TimeOfDay::parse(text).expect_err(text).to_string(), expected);
    }
    for (text, shown) in [
        ("mon", "mon"),
        ("mon-fri", "mon,tue,wed,thu,fri"),
        ("sun,sat", "sat,sun"),
        ("fri-mon", "mon,fri,sat,sun"),
        ("Monday , wednesday", "mon,wed"),
    ] {
        assert_eq!(Weekdays::parse(text).expect(text).to_string(), shown);
    }
    let error = Weekdays::parse("mon,tues").expect_err("a short form");
    assert_eq!(error.to_string(), "`tues` is not a weekday: write tue");
    assert!(Weekdays::parse("").is_err());
}
