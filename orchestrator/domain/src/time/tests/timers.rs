//! Timers and dates on the profile.

use super::*;

#[test]
fn timers_follow_the_customer_to_another_zone() {
    let (berlin, tokyo) = (zone("Europe/Berlin"), zone("Asia/Tokyo"));
    let now = at("2026-06-01T12:00:00Z");
    let due = Due::after_at(now, &span("P3D"), time("10:00"), &berlin);
    assert!(due.follows_zone());
    assert_eq!(due.resolve(&berlin), at("2026-06-04T08:00:00Z"));
    assert_eq!(due.resolve(&tokyo), at("2026-06-04T01:00:00Z"));
    let elapsed = Due::after(now, &span("PT48H"), &berlin);
    assert_eq!(elapsed.resolve(&tokyo), at("2026-06-03T12:00:00Z"));
    for due in [due, elapsed, Due::after(now, &span("P1DT2H"), &berlin)] {
        let bytes = postcard::to_allocvec(&due).expect("encodes");
        assert!(bytes.len() <= 12, "{bytes:?}");
        assert_eq!(postcard::from_bytes::<Due>(&bytes), Ok(due));
    }
}

#[test]
fn values_survive_a_binary_codec_and_json() {
    let bytes = postcard::to_allocvec(&(zone("Asia/Tokyo"), span("P1DT2H"))).expect("encodes");
    assert_eq!(postcard::from_bytes(&bytes), Ok((zone("Asia/Tokyo"), span("P1DT2H"))));
    let json = serde_json::to_string(&(time("10:00"), Weekdays::ALL)).expect("encodes");
    assert_eq!(json, "[\"10:00\",\"mon,tue,wed,thu,fri,sat,sun\"]");
    assert!(serde_json::from_str::<Span>("\"15m\"").is_err());
    let cron: Cron = serde_json::from_str("\"0 9 * * 1\"").expect("a pattern");
    assert_eq!(cron.to_string(), "0 9 * * 1");
}

#[test]
fn the_next_time_of_day_is_strictly_later() {
    let zone = zone("America/New_York");
    let next = |now: &str, days: &str, text: &str| {
        let days = Weekdays::parse(days).expect("days");
        Due::next_at(at(now), days, time(text), &zone).resolve(&zone)
    };
    let all = "mon-sun";
    assert_eq!(next("2026-06-01T12:59:59Z", all, "09:00"), at("2026-06-01T13:00:00Z"));
    assert_eq!(next("2026-06-01T13:00:00Z", all, "09:00"), at("2026-06-02T13:00:00Z"));
    // 02:30 does not exist on 8 March: it fires at the end of the gap, once.
    assert_eq!(next("2026-03-07T08:00:00Z", all, "02:30"), at("2026-03-08T07:00:00Z"));
    assert_eq!(next("2026-03-08T07:00:00Z", all, "02:30"), at("2026-03-09T06:30:00Z"));
    // 01:30 comes twice on 1 November: it fires at the first, and not again in the second pass.
    assert_eq!(next("2026-11-01T05:00:00Z", all, "01:30"), at("2026-11-01T05:30:00Z"));
    assert_eq!(next("2026-11-01T06:10:00Z", all, "01:30"), at("2026-11-02T06:30:00Z"));
    // 2026-06-05 is a Friday.
    assert_eq!(next("2026-06-05T14:00:00Z", "mon-fri", "09:00"), at("2026-06-08T13:00:00Z"));
    assert_eq!(next("2026-06-05T13:00:00Z", "fri", "09:00"), at("2026-06-12T13:00:00Z"));
}

#[test]
fn dates_on_the_profile() {
    let zone = zone("Europe/Berlin");
    let now = at("2026-06-01T12:00:00Z");
    let due = |text: &str, offset: &str, clock: Option<&str>, yearly: bool| {
        let (before, span) = Span::parse_signed(offset).expect("an offset");
        let due = Due::on_date(now, text, Some((before, &span)), clock.map(time), yearly, &zone);
        due.map(|due| due.resolve(&zone))
    };
    for (text, offset, clock, yearly, expected) in [
        ("2026-09-10", "-P7D", Some("09:00"), false, "2026-09-03T07:00:00Z"),
        ("2026-09-10", "P1M", None, false, "2026-10-09T22:00:00Z"),
        ("2026-09-10T23:30:00Z", "P0D", Some("09:00"), false, "2026-09-11T07:00:00Z"),
        ("2026-09-10T23:30:00Z", "-PT1H", None, false, "2026-09-10T22:30:00Z"),
        ("2026-09-10T23:30:00Z", "-P1D", None, false, "2026-09-09T23:30:00Z"),
        ("2020-01-01", "P0D", None, false, "2019-12-31T23:00:00Z"),
        // Yearly: the next occurrence, the offset included.
        ("1984-06-01", "P0D", Some("09:00"), true, "2027-06-01T07:00:00Z"),
        ("06-02", "-P1D", Some("09:00"), false, "2027-06-01T07:00:00Z"),
        ("--06-02", "P0D", Some("09:00"), false, "2026-06-02T07:00:00Z"),
        ("1984-02-29", "P0D", Some("09:00"), true, "2027-02-28T08:00:00Z"),
        ("05-20", "P1M", Some("09:00"), true, "2026-06-20T07:00:00Z"),
    ] {
        assert_eq!(due(text, offset, clock, yearly), Some(at(expected)), "{text} {offset}");
    }
    for wrong in ["", "soon", "2026-13-01", "02-30", "31.12.2026", "2026-9-1"] {
        assert_eq!(due(wrong, "P0D", None, false), None, "{wrong}");
    }
}
