//! The cases that bite people in other products (research note c), one test each, by number.

use cadencia_policies::{Candidate, CountState, PolicySet, arbitrate, release_spread};
use domain::consent::Permission;
use domain::ids::SendId;
use domain::time::Instant;
use domain::verdict::{Decision, RuleKind, Ruling};

use crate::fixture::{World, at, consent, hold, policy, set, zone};

fn capped(window: &str, more: &str) -> PolicySet {
    let cap = format!("frequency_cap: {{limit: 1, window: {window}{more}}}");
    set(&format!("rules: [{{name: cap, {cap}}}]"))
}

const NIGHT: &str = r#"
rules: [{name: night, quiet_hours: {windows: [{from: "21:00", to: "08:00"}]}}]"#;

#[test]
fn edge_01_a_reservation_counts_at_once_whatever_is_counted() {
    for counts in ["reserved", "accepted", "delivered"] {
        let set = capped("{rolling: P7D}", &format!(", counts: {counts}"));
        let mut world = World::default();
        world.reserve(&set, at("2026-06-01T10:00:00Z"), CountState::Reserved);
        let decision = world.decision(&set, "2026-06-01T10:00:00Z");
        assert_eq!(decision, hold("2026-06-08T10:00:00Z"), "{counts}");
    }
}

#[test]
fn edge_02_what_counts_is_declared() {
    use CountState::*;
    let table = [
        ("reserved", [true, true, true, true, true, false, true]),
        ("accepted", [true, true, true, true, false, false, true]),
        ("delivered", [true, true, true, false, false, false, true]),
    ];
    let states = [Reserved, Accepted, Delivered, Bounced, Rejected, Released, Unknown];
    for (counts, expected) in table {
        let set = capped("{rolling: P7D}", &format!(", counts: {counts}"));
        for (state, counted) in states.into_iter().zip(expected) {
            let mut world = World::default();
            world.reserve(&set, at("2026-06-01T10:00:00Z"), state);
            let allowed = world.decision(&set, "2026-06-02T10:00:00Z") == Decision::Allow;
            assert_eq!(!allowed, counted, "{counts} {state:?}");
        }
    }
    assert_eq!(states, CountState::ALL);
}

/// Two campaigns at the same moment: one total order, whatever the order of arrival.
#[test]
fn edge_03_of_competing_messages_the_same_one_goes_whatever_the_order_of_arrival() {
    let set = capped("{rolling: P7D}", ", on_exceeded: refuse");
    // Priority, value, deadline, journey, step, channel: each beats the next by one of them.
    let messages = [
        (80, 5, 9, "spring", "a", 0_usize),
        (80, 4, 8, "spring", "a", 1),
        (80, 4, 9, "autumn", "b", 2),
        (80, 4, 9, "spring", "a", 0),
        (70, 9, 1, "autumn", "a", 1),
    ];
    for turn in 0..120_usize {
        let mut order: Vec<usize> = (0..5).collect();
        // Every permutation once, by its number.
        let mut rest = turn;
        let arrived: Vec<usize> = (1..=5)
            .rev()
            .map(|left| {
                let at = rest % left;
                rest /= left;
                order.remove(at)
            })
            .collect();
        let mut candidates: Vec<Candidate<'_, usize>> = arrived
            .iter()
            .map(|&at| {
                let (priority, value_micros, deadline, journey, step, _) = messages[at];
                Candidate {
                    priority,
                    value_micros,
                    valid_until: Instant(deadline),
                    journey,
                    step,
                    key: "",
                    send: SendId(at as u128),
                    payload: at,
                }
            })
            .collect();
        arbitrate(&mut candidates);
        let now = at("2026-06-01T10:00:00Z");
        let mut world = World::default();
        let mut went = Vec::new();
        for candidate in candidates {
            world.channel = messages[candidate.payload].5;
            world.send = 100 + candidate.send.0;
            if world.ask(&set, now).decision == Decision::Allow {
                world.reserve(&set, now, CountState::Reserved);
                went.push(candidate.payload);
            }
        }
        assert_eq!(went, [0], "arrived as {arrived:?}");
    }
}

#[test]
fn edge_04_calendar_and_rolling_are_different_things() {
    let late = ["2026-06-01T23:00:00Z"];
    let day = capped("{calendar: day, zone: utc}", "");
    let any_day = capped("{rolling: P1D}", "");
    let midnight = "2026-06-02T00:00:00Z";
    assert_eq!(World::default().after(&day, &late).decision(&day, midnight), Decision::Allow);
    let rolling = World::default().after(&any_day, &late).decision(&any_day, midnight);
    assert_eq!(rolling, hold("2026-06-02T23:00:00Z"));
    let month = capped("{calendar: month, zone: utc}", "");
    let july = World::default().after(&month, &["2026-07-31T12:00:00Z"]);
    assert_eq!(july.decision(&month, "2026-08-01T00:00:00Z"), Decision::Allow);
    assert_eq!(july.decision(&month, "2026-07-31T23:59:59Z"), hold("2026-08-01T00:00:00Z"));
}

#[test]
fn edge_05_the_zone_of_a_calendar_window_is_explicit() {
    // 11:00Z is 23:00 in Auckland, 13:00Z is 01:00 of the next day there.
    let sent = ["2026-06-10T11:00:00Z"];
    let now = "2026-06-10T13:00:00Z";
    let table = [
        ("utc", hold("2026-06-11T00:00:00Z")),
        ("customer", Decision::Allow),
        ("Pacific/Auckland", Decision::Allow),
        ("America/New_York", hold("2026-06-11T04:00:00Z")),
    ];
    for (name, expected) in table {
        let set = capped(&format!("{{calendar: day, zone: {name}}}"), "");
        let world = World { zone: Some(zone("Pacific/Auckland")), ..World::default() };
        assert_eq!(world.after(&set, &sent).decision(&set, now), expected, "{name}");
    }
}

#[test]
fn edge_05_weeks_start_where_the_policy_says() {
    // 2026-06-07 is a Sunday.
    let table = [
        ("", hold("2026-06-08T00:00:00Z")),
        (", week_start: sun", Decision::Allow),
        (", week_start: wed", hold("2026-06-10T00:00:00Z")),
    ];
    for (start, expected) in table {
        let set = capped(&format!("{{calendar: week, zone: utc{start}}}"), "");
        let world = World::default().after(&set, &["2026-06-06T12:00:00Z"]);
        assert_eq!(world.decision(&set, "2026-06-07T12:00:00Z"), expected, "{start}");
    }
}

#[test]
fn edge_06_an_unknown_zone_is_quiet_if_any_plausible_one_is() {
    let night = NIGHT.trim_start();
    let unknown = World { zone: None, ..World::default() };
    // The fallback zone alone: UTC.
    let fallback = set(night);
    assert_eq!(unknown.decision(&fallback, "2026-06-10T20:30:00Z"), Decision::Allow);
    assert_eq!(unknown.decision(&fallback, "2026-06-10T21:00:00Z"), hold("2026-06-11T08:00:00Z"));
    // Madrid (+2) gets quiet first, the Canaries (+1) wake up last.
    let set = set(&format!("plausible_zones: [Europe/Madrid, Atlantic/Canary]\n{night}"));
    assert_eq!(unknown.decision(&set, "2026-06-10T18:59:00Z"), Decision::Allow);
    assert_eq!(unknown.decision(&set, "2026-06-10T19:00:00Z"), hold("2026-06-11T07:00:00Z"));
    assert_eq!(unknown.decision(&set, "2026-06-11T06:59:59Z"), hold("2026-06-11T07:00:00Z"));
}

#[test]
fn edge_06_where_it_is_always_quiet_somewhere_nothing_goes() {
    let zones = "plausible_zones: [UTC, Asia/Tokyo, America/New_York, Pacific/Auckland]";
    let set = set(&format!("{zones}\n{}", NIGHT.trim_start()));
    let unknown = World { zone: None, ..World::default() };
    let verdict = unknown.ask(&set, at("2026-06-10T10:00:00Z"));
    assert_eq!((verdict.decision, verdict.earliest), (Decision::Refuse, None));
    let deciding = verdict.deciding().expect("a rule decided");
    assert_eq!(deciding.kind, RuleKind::Validity);
    assert_eq!(
        deciding.reason.to_string(),
        "rule night holds it until never, but it is valid until never"
    );
}

#[test]
fn edge_07_a_new_zone_means_new_quiet_hours() {
    let set = set(NIGHT);
    let mut world = World { zone: Some(zone("Europe/Madrid")), ..World::default() };
    assert_eq!(world.decision(&set, "2026-06-10T20:00:00Z"), hold("2026-06-11T06:00:00Z"));
    world.zone = Some(zone("America/New_York"));
    assert_eq!(world.decision(&set, "2026-06-11T06:00:00Z"), hold("2026-06-11T12:00:00Z"));
}

#[test]
fn edge_08_quiet_hours_end_by_the_wall_clock_on_days_of_23_and_25_hours() {
    let set = set(NIGHT);
    let world = World { zone: Some(zone("America/New_York")), ..World::default() };
    let table = [
        ("2026-03-08T03:00:00Z", "2026-03-08T12:00:00Z"),
        ("2026-11-01T02:00:00Z", "2026-11-01T13:00:00Z"),
    ];
    for (now, until) in table {
        assert_eq!(world.decision(&set, now), hold(until), "{now}");
    }
    // A window that ends within the gap ends with it; 02:30 does not exist on that day.
    let gap = r#"{windows: [{from: "21:00", to: "02:30"}]}"#;
    let set = crate::fixture::set(&format!("rules: [{{name: n, quiet_hours: {gap}}}]"));
    assert_eq!(world.decision(&set, "2026-03-08T06:30:00Z"), hold("2026-03-08T07:00:00Z"));
}

#[test]
fn edge_08_a_day_that_does_not_exist_has_no_window() {
    let set = capped("{calendar: day, zone: customer}", "");
    let apia = World { zone: Some(zone("Pacific/Apia")), ..World::default() };
    // 29 December 23:00 local; the next instant of a new day is 31 December 00:00 local.
    let world = apia.after(&set, &["2011-12-30T09:00:00Z"]);
    assert_eq!(world.decision(&set, "2011-12-30T09:30:00Z"), hold("2011-12-30T10:00:00Z"));
}

#[test]
fn edge_09_a_rolling_day_is_24_hours_half_open() {
    let set = capped("{rolling: P1D}", "");
    let world = World { zone: Some(zone("America/New_York")), ..World::default() };
    // Over the night of 23 hours: still 24 hours.
    let world = world.after(&set, &["2026-03-07T15:00:00Z"]);
    assert_eq!(world.decision(&set, "2026-03-08T14:59:59.999Z"), hold("2026-03-08T15:00:00Z"));
    assert_eq!(world.decision(&set, "2026-03-08T15:00:00Z"), Decision::Allow);
}

#[test]
fn edge_10_a_window_over_midnight_belongs_to_the_day_it_starts_on() {
    let windows = r#"[{on: mon-fri, from: "21:00", to: "09:00"}]"#;
    let rules = format!("rules: [{{name: night, quiet_hours: {{windows: {windows}}}}}]");
    let (set, world) = (set(&rules), World::default());
    // 2026-06-08 is a Monday.
    assert_eq!(world.decision(&set, "2026-06-08T08:00:00Z"), Decision::Allow);
    assert_eq!(world.decision(&set, "2026-06-09T08:00:00Z"), hold("2026-06-09T09:00:00Z"));
    assert_eq!(world.decision(&set, "2026-06-13T08:59:59.999Z"), hold("2026-06-13T09:00:00Z"));
    assert_eq!(world.decision(&set, "2026-06-13T21:00:00Z"), Decision::Allow);
    let lints = cadencia_policies::lint(&policy(&format!("fallback_zone: UTC\n{rules}")));
    let texts: Vec<String> = lints.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        ["quiet hours night leave mon 00:00 to mon 09:00 uncovered: \
          windows belong to the day they start on"]
    );
}

#[test]
fn edge_11_a_crowd_held_by_the_same_window_spreads_out() {
    let spreads = (0..100).map(|send| release_spread(SendId(send), 600_000));
    let distinct: std::collections::BTreeSet<i64> = spreads.collect();
    assert!(distinct.len() > 90);
}

#[test]
fn edge_12_a_held_message_passes_the_whole_gate_again() {
    let set = set(NIGHT);
    let mut world = World::default();
    assert_eq!(world.decision(&set, "2026-06-10T22:00:00Z"), hold("2026-06-11T08:00:00Z"));
    world.consent = consent(Some("email"), None, Permission::Denied);
    assert_eq!(world.decision(&set, "2026-06-11T08:00:00Z"), Decision::Refuse);
}

#[test]
fn edge_16_editing_a_class_does_not_rewrite_history() {
    let rule = "rules: [{name: cap, frequency_cap: {limit: 1, window: {rolling: P7D}}}]";
    let before = set(&format!("classes: {{service: {{counts_toward_caps: true}}}}\n{rule}"));
    let after = set(&format!("classes: {{service: {{counts_toward_caps: false}}}}\n{rule}"));
    let sent = ["2026-06-01T10:00:00Z"];
    for (then, expected) in [(&before, hold("2026-06-08T10:00:00Z")), (&after, Decision::Allow)] {
        let mut world = World { class: 2, ..World::default() }.after(then, &sent);
        world.class = 0;
        for now in [&before, &after] {
            assert_eq!(world.decision(now, "2026-06-02T10:00:00Z"), expected);
        }
    }
}

#[test]
fn edge_17_the_version_that_decided_is_recorded() {
    let set = set("rules: []");
    assert_eq!(World::default().ask(&set, at("2026-06-01T10:00:00Z")).policy, 7);
}

#[test]
fn edge_18_the_three_bits_of_a_class_are_independent() {
    for bits in 0..8 {
        let [obeys, counts, quiet] = [1, 2, 4].map(|bit| bits & bit != 0);
        let class = format!(
            "{{obeys_caps: {obeys}, counts_toward_caps: {counts}, obeys_quiet_hours: {quiet}}}"
        );
        let set = set(&format!(
            r#"
classes: {{service: {class}}}
rules:
  - {{name: cap, frequency_cap: {{limit: 1, window: {{rolling: P7D}}, on_exceeded: refuse}}}}
  - {{name: night, quiet_hours: {{windows: [{{from: "21:00", to: "08:00"}}]}}}}"#
        ));
        let marketing = World::default().after(&set, &["2026-06-01T10:00:00Z"]);
        let service = World { class: 2, ..marketing };
        let capped = service.decision(&set, "2026-06-02T10:00:00Z") == Decision::Refuse;
        assert_eq!(capped, obeys, "obeys caps: {class}");
        let fresh = World { class: 2, ..World::default() };
        let held = fresh.decision(&set, "2026-06-02T22:00:00Z") != Decision::Allow;
        assert_eq!(held, quiet, "obeys quiet hours: {class}");
        let mut after = fresh.after(&set, &["2026-06-01T10:00:00Z"]);
        after.class = 0;
        let counted = after.decision(&set, "2026-06-02T10:00:00Z") == Decision::Refuse;
        assert_eq!(counted, counts, "counts toward caps: {class}");
    }
}

#[test]
fn edge_20_what_never_left_gives_its_place_back() {
    let set = capped("{rolling: P7D}", ", counts: reserved");
    let mut world = World::default();
    for day in 1..=6 {
        let day = at(&format!("2026-06-0{day}T10:00:00Z"));
        world.reserve(&set, day, CountState::Released);
    }
    assert_eq!(world.decision(&set, "2026-06-06T10:00:00Z"), Decision::Allow);
}

#[test]
fn edge_23_shadows_count_only_for_shadows() {
    let set = capped("{rolling: P7D}", "");
    let shadow = World { shadow: true, ..World::default() };
    let mut world = shadow.after(&set, &["2026-06-01T10:00:00Z"]);
    assert_eq!(world.decision(&set, "2026-06-02T10:00:00Z"), hold("2026-06-08T10:00:00Z"));
    world.shadow = false;
    assert_eq!(world.decision(&set, "2026-06-02T10:00:00Z"), Decision::Allow);
    let sent = World::default().after(&set, &["2026-06-01T10:00:00Z"]);
    let shadow = World { shadow: true, ..sent };
    assert_eq!(shadow.decision(&set, "2026-06-02T10:00:00Z"), hold("2026-06-08T10:00:00Z"));
}

#[test]
fn edge_24_a_send_never_counts_against_itself() {
    let set = capped("{rolling: P7D}", "");
    let mut world = World::default().after(&set, &["2026-06-01T10:00:00Z"]);
    world.send = world.rows[0].send.0;
    assert_eq!(world.decision(&set, "2026-06-01T10:05:00Z"), Decision::Allow);
}

#[test]
fn edge_25_validity_is_half_open_and_holds_do_not_outlive_it() {
    let set = set(NIGHT);
    let world = |until| World { valid_until: at(until), ..World::default() };
    let now = "2026-06-10T22:00:00Z";
    let late = world("2026-06-11T08:00:00.001Z");
    assert_eq!(late.decision(&set, now), hold("2026-06-11T08:00:00Z"));
    assert_eq!(late.decision(&set, "2026-06-11T08:00:00Z"), Decision::Allow);
    assert_eq!(late.decision(&set, "2026-06-11T08:00:00.001Z"), Decision::Refuse);
    let verdict = world("2026-06-11T08:00:00Z").ask(&set, at(now));
    assert_eq!(verdict.decision, Decision::Refuse);
    let deciding = verdict.deciding().expect("a rule decided");
    assert_eq!((deciding.kind, deciding.ruling), (RuleKind::Validity, Ruling::Refuse));
    assert_eq!(
        deciding.reason.to_string(),
        "rule night holds it until 2026-06-11T08:00:00Z, but it is valid until 2026-06-11T08:00:00Z"
    );
}
