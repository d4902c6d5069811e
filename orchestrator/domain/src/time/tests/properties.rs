//! Properties over every zone of the database.

use jiff::civil::date;
use proptest::prelude::*;

use super::*;

/// Every zone, one year, one daily pattern: never twice, never zero times.
#[test]
fn a_daily_pattern_fires_once_per_date_in_every_zone() {
    for (pattern, hour, minute) in
        [("30 2 * * *", 2, 30), ("0 0 * * *", 0, 0), ("45 1 * * *", 1, 45)]
    {
        let cron = Cron::parse(pattern).expect("a pattern");
        for name in Zone::names() {
            let zone = zone(name);
            let mut expected = date(2026, 1, 1);
            let mut fired = Instant(zone.start_of_day(expected).0 - 1);
            while expected < date(2027, 1, 1) {
                fired = cron.next_after(fired, &zone).expect("it fires");
                assert_eq!(
                    fired,
                    zone.resolve(expected.at(hour, minute, 0, 0)),
                    "{name} {expected}"
                );
                let shown = zone.local(fired);
                assert!(shown >= expected.at(hour, minute, 0, 0), "{name} {expected}");
                expected = expected.tomorrow().expect("a next day");
            }
        }
    }
}

fn any_zone() -> impl Strategy<Value = Zone> {
    prop::sample::select(Zone::names()).prop_map(zone)
}

/// Instants of 1900 to 2099.
fn any_instant() -> impl Strategy<Value = Instant> {
    (-2_208_988_800_000..4_102_444_800_000_i64).prop_map(Instant)
}

/// Instants near a change of the clock, where there is one.
fn near_change() -> impl Strategy<Value = (Zone, Instant)> {
    (any_zone(), any_instant(), -7_200_000..7_200_000_i64).prop_map(|(zone, instant, distance)| {
        let change = zone.next_transition(instant).unwrap_or(instant);
        (zone, change.plus_ms(distance))
    })
}

proptest! {
    #[test]
    fn the_table_of_a_zone_agrees_with_its_rules(
        (zone, near) in near_change(), far in any_instant()
    ) {
        let epoch = civil("1970-01-01T00:00");
        for instant in [near, far] {
            if let Some(local_ms) = zone.local_ms(instant) {
                let shown = zone.local(instant);
                let known = epoch.checked_add(jiff::Span::new().milliseconds(local_ms));
                prop_assert_eq!(known.expect("in range"), shown, "{:?}", instant);
            } else {
                // The table has the years from 1970 to 2099; a change after it may be in 2100.
                let known = at("1970-01-01T00:00:00Z")..at("2100-01-01T00:00:00Z");
                prop_assert!(!known.contains(&instant), "{:?}", instant);
            }
            let week = |start| CalendarWindow::Week { start };
            let weeks = [week(Weekday::Monday), week(Weekday::Thursday), week(Weekday::Sunday)];
            let others = [CalendarWindow::Day, CalendarWindow::Month, CalendarWindow::Quarter];
            for window in weeks.into_iter().chain(others) {
                if let Some(bounds) = window.bounds_by_number(instant, &zone) {
                    let expected = window.bounds_by_date(instant, &zone);
                    prop_assert_eq!(bounds, expected, "{:?} {:?}", window, instant);
                }
            }
        }
    }

    #[test]
    fn resolving_what_the_clock_shows_gives_the_instant_or_its_first_occurrence(
        (zone, instant) in near_change()
    ) {
        let local = zone.local(instant);
        let resolved = zone.resolve(local);
        prop_assert!(resolved <= instant);
        prop_assert_eq!(zone.local(resolved), local);
        prop_assert_eq!(resolved == instant, zone.end_of_repeat(instant).is_none());
    }

    #[test]
    fn a_later_local_time_never_comes_earlier(
        (zone, instant) in near_change(), later_ms in 0..7_200_000_i64
    ) {
        let local = LocalTime::from_civil(zone.local(instant));
        let later = LocalTime(local.0 + later_ms);
        prop_assert!(zone.resolve(later.to_civil()) >= zone.resolve(local.to_civil()));
    }

    #[test]
    fn a_span_never_leads_back(
        (zone, instant) in near_change(), days in 0_u16..400, ms in 0_u32..90_000_000
    ) {
        let span = Span::new(0, days.into(), ms).expect("short enough");
        prop_assert!(span.after(instant, &zone) >= instant);
        prop_assert!(span.before(instant, &zone) <= instant);
        prop_assert_eq!(Span::parse(&span.to_string()), Ok(span));
    }

    #[test]
    fn cron_moves_strictly_forward(
        (zone, instant) in near_change(), minute in 0..60, hour in 0..24
    ) {
        let pattern = format!("{minute} {hour},{} * * *", (hour + 7) % 24);
        let cron = Cron::parse(&pattern).expect("valid");
        let first = cron.next_after(instant, &zone).expect("it fires");
        prop_assert!(first > instant);
        // Whatever lies between finds the same firing.
        let between = Instant(instant.0 + (first.0 - instant.0) / 2);
        prop_assert_eq!(cron.next_after(between, &zone), Some(first));
        prop_assert!(cron.next_after(first, &zone).expect("it fires") > first);
    }

    #[test]
    fn quiet_ends_at_the_first_uncovered_instant(
        (zone, instant) in near_change(), start in 0_u32..1_440, length in 1_u32..1_300
    ) {
        let clock = |minute: u32| format!("{:02}:{:02}", minute / 60 % 24, minute % 60);
        let windows = windows(&[(None, &clock(start), &clock(start + length))]);
        match windows.quiet_until(instant, &zone) {
            None => prop_assert!(!windows.is_quiet(instant, &zone)),
            Some(until) => {
                prop_assert!(until > instant && !windows.is_quiet(until, &zone));
                // Every instant before it is quiet: looked at in steps.
                let step = (until.ms_since(instant) / 97).max(1);
                for part in 0..97 {
                    let between = Instant(instant.0 + part * step);
                    prop_assert!(between >= until || windows.is_quiet(between, &zone));
                }
                prop_assert!(windows.is_quiet(Instant(until.0 - 1), &zone));
            }
        }
    }

    #[test]
    fn calendar_windows_follow_each_other((zone, instant) in near_change(), kind in 0..3) {
        let window = match kind {
            0 => CalendarWindow::Day,
            1 => CalendarWindow::Week { start: Weekday::Wednesday },
            _ => CalendarWindow::Month,
        };
        let (start, end) = window.bounds(instant, &zone);
        prop_assert!(start <= instant && instant < end, "{start} {instant} {end}");
        prop_assert_eq!(window.bounds(start, &zone), (start, end));
        prop_assert_eq!(window.bounds(end, &zone).0, end);
        prop_assert_eq!(window.bounds(Instant(end.0 - 1), &zone), (start, end));
    }

    #[test]
    fn parsers_never_panic(
        text in "\\PC{0,40}", iso in "[P0-9YMWDTHS.,]{0,14}", clock in "[0-9:amp ]{0,9}"
    ) {
        for text in [&text, &iso, &clock] {
            let _ = Span::parse_signed(text);
            let _ = TimeOfDay::parse_end(text);
            let _ = Weekdays::parse(text);
            let _ = Zone::parse(text);
            let _ = Cron::parse(text);
            let _ = Due::on_date(Instant(0), text, None, None, true, &Zone::utc());
        }
    }

    #[test]
    fn extreme_instants_never_panic(ms in any::<i64>(), (zone, _) in near_change()) {
        let instant = Instant(ms);
        let _ = zone.resolve(zone.local(instant));
        let _ = CalendarWindow::Month.bounds(instant, &zone);
        let _ = windows(&[(None, "21:00", "08:00")]).quiet_until(instant, &zone);
        let _ = Due::after(instant, &span("P10Y"), &zone).resolve(&zone);
        let _ = Due::next_at(instant, Weekdays::ALL, time("10:00"), &zone).resolve(&zone);
        let _ = Cron::parse("0 0 * * *").expect("valid").next_after(instant, &zone);
    }
}
