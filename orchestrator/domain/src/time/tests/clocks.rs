//! Zones and their gaps and folds.

use super::*;

#[test]
fn local_times_resolve_to_the_first_valid_instant() {
    for (name, local, expected) in [
        // Gaps: the first valid instant after them.
        ("America/New_York", "2026-03-08T02:30", "2026-03-08T07:00:00Z"),
        ("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:00:00Z"),
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30:00Z"),
        // Folds: the first occurrence.
        ("America/New_York", "2026-11-01T01:30", "2026-11-01T05:30:00Z"),
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30:00Z"),
        ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45:00Z"),
        // Gaps at midnight: the day has no 00:00.
        ("Africa/Cairo", "2026-04-24T00:30", "2026-04-23T22:00:00Z"),
        ("Africa/Cairo", "2026-04-24T00:00", "2026-04-23T22:00:00Z"),
        ("America/Santiago", "2026-09-06T00:30", "2026-09-06T04:00:00Z"),
        // A whole day is missing.
        ("Pacific/Apia", "2011-12-30T10:00", "2011-12-30T10:00:00Z"),
        ("Pacific/Apia", "2011-12-30T00:00", "2011-12-30T10:00:00Z"),
        // Just beside the edges.
        ("America/New_York", "2026-03-08T01:59:59.999", "2026-03-08T06:59:59.999Z"),
        ("America/New_York", "2026-03-08T03:00", "2026-03-08T07:00:00Z"),
        ("America/New_York", "2026-11-01T02:00", "2026-11-01T07:00:00Z"),
        ("+05:30", "2026-01-01T00:00", "2025-12-31T18:30:00Z"),
    ] {
        assert_eq!(zone(name).resolve(civil(local)), at(expected), "{name} {local}");
    }
}

#[test]
fn both_passes_of_a_fold_show_the_same_local_time() {
    for (name, local, first, second) in [
        ("America/New_York", "2026-11-01T01:30", "2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z"),
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"),
        ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z"),
    ] {
        let zone = zone(name);
        assert_eq!(zone.local(at(first)), civil(local));
        assert_eq!(zone.local(at(second)), civil(local));
        assert_eq!(zone.end_of_repeat(at(first)), None);
        assert_eq!(
            zone.end_of_repeat(at(second)).map(|end| end.hour()),
            Some(if name.starts_with('A') { 2 } else { 3 })
        );
    }
}

#[test]
fn zones_are_known_by_name_and_advice_is_given() {
    assert_eq!(zone("Europe/Berlin"), zone("europe/berlin"));
    assert_eq!(zone("europe/berlin").name(), "Europe/Berlin");
    assert_eq!(zone("-03:30").name(), "-03:30");
    assert_eq!(zone("UTC"), Zone::utc());
    for (wrong, suggestion) in [
        ("Berlin", Some("Europe/Berlin")),
        ("new york", Some("America/New_York")),
        ("Europe/Berln", Some("Europe/Berlin")),
        ("PST", Some("America/Los_Angeles")),
        ("+5:30", None),
        ("+99:00", None),
        ("", None),
        ("Middle/Earth", None),
    ] {
        let error = Zone::parse(wrong).expect_err(wrong);
        assert_eq!(error.suggestion.as_deref(), suggestion, "{wrong}");
    }
    assert!(Zone::names().len() > 400);
}

/// A client's trait may hold any text: comparing a long one with every zone would take minutes.
#[test]
fn a_long_text_is_no_zone_and_near_none() {
    let problem = Zone::parse(&"Europe/Madrid".repeat(100_000)).expect_err("it is no zone");
    assert_eq!((problem.name.len(), problem.suggestion), (64, None));
    let near = Zone::parse("Europe/Madird").expect_err("it is no zone").suggestion;
    assert_eq!(near.as_deref(), Some("Europe/Madrid"));
}
