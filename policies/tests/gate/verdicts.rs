//! How rules combine, and what the verdict keeps.

use cadencia_policies::CountState;
use domain::consent::Permission;
use domain::journey::steps::send::OnCapped;
use domain::verdict::{Decision, RuleKind, Ruling, Verdict};

use crate::fixture::{World, at, consent, hold, set};

const NOW: &str = "2026-06-10T22:00:00Z";

/// One line per rule that does not allow, and the whole.
fn shown(verdict: &Verdict) -> Vec<String> {
    let mut lines = vec![format!("{:?}, legal at {:?}", verdict.decision, verdict.earliest)];
    for rule in &verdict.rules {
        if rule.ruling != Ruling::Allow {
            let numbers = match (rule.counted, rule.limit) {
                (Some(counted), Some(limit)) => format!(" {counted}/{limit}"),
                _ => String::new(),
            };
            lines.push(format!("{}: {:?}{numbers}: {}", rule.rule, rule.ruling, rule.reason));
        }
    }
    lines
}

#[test]
fn every_rule_is_asked_even_after_a_refusal() {
    let set = set(r#"
rules:
  - {name: week, frequency_cap: {limit: 1, window: {rolling: P7D}, on_exceeded: next_channel}}
  - {name: night, quiet_hours: {windows: [{from: "21:00", to: "08:00"}]}}"#);
    let world = World {
        consent: consent(None, None, Permission::Denied),
        suppressed: Some("hard bounce".to_owned()),
        address: None,
        valid_until: at("2026-06-10T20:00:00Z"),
        skip_catch_up: true,
        ..World::default()
    };
    let world = world.after(&set, &["2026-06-08T10:00:00Z", "2026-06-09T10:00:00Z"]);
    assert_eq!(
        shown(&world.ask(&set, at(NOW))),
        [
            "Refuse, legal at None",
            "suppression: Refuse: the address is suppressed: hard bounce",
            "consent: Refuse: consent is denied",
            "reachability: NextChannel: the customer has no address on this channel",
            "validity: Refuse: it was valid until 2026-06-10T20:00:00Z",
            "catch_up: Refuse: the wait ended late and catch-up says skip",
            "week: NextChannel 2/1: the cap is full in any 7 days",
            "night: HoldUntil(2026-06-11T08:00:00Z): quiet hours until 2026-06-11T08:00:00Z",
        ]
    );
}

#[test]
fn refuse_beats_next_channel_beats_hold() {
    let rules = |first: &str, second: &str| {
        format!(
            r#"
rules:
  - {{name: a, frequency_cap: {{limit: 1, window: {{rolling: P2D}}, on_exceeded: {first}}}}}
  - {{name: b, quiet_hours: {{windows: [{{from: "21:00", to: "08:00"}}], on_quiet: {second}}}}}"#
        )
    };
    let until = hold("2026-06-12T10:00:00Z");
    let table = [
        ("hold", "hold", until),
        ("hold", "next_channel", Decision::NextChannel),
        ("next_channel", "hold", Decision::NextChannel),
        ("next_channel", "refuse", Decision::Refuse),
        ("refuse", "next_channel", Decision::Refuse),
        ("hold", "refuse", Decision::Refuse),
    ];
    for (first, second, expected) in table {
        let set = set(&rules(first, second));
        let world = World::default().after(&set, &["2026-06-10T10:00:00Z"]);
        let verdict = world.ask(&set, at(NOW));
        assert_eq!(verdict.decision, expected, "{first} {second}");
        assert_eq!(verdict.earliest, Some(at("2026-06-12T10:00:00Z")), "{first} {second}");
    }
}

#[test]
fn a_hold_ends_when_all_rules_allow() {
    // The cap would free at 22:00, within the night; the night ends before the second cap frees,
    // whose day ends at midnight, which is quiet again.
    let set = set(r#"
rules:
  - {name: rolling, frequency_cap: {limit: 1, window: {rolling: PT12H}}}
  - {name: day, frequency_cap: {limit: 1, window: {calendar: day, zone: utc}}}
  - {name: night, quiet_hours: {windows: [{from: "21:00", to: "08:00"}]}}"#);
    let world = World::default().after(&set, &["2026-06-10T10:00:00Z"]);
    let verdict = world.ask(&set, at("2026-06-10T12:00:00Z"));
    assert_eq!(
        shown(&verdict),
        [
            "HoldUntil(2026-06-11T08:00:00Z), legal at Some(2026-06-11T08:00:00Z)",
            "rolling: HoldUntil(2026-06-10T22:00:00Z) 1/1: the cap is full in any 12 hours",
            "day: HoldUntil(2026-06-11T00:00:00Z) 1/1: the cap is full in the calendar day",
        ]
    );
    assert_eq!(verdict.deciding().expect("a rule decided").rule.as_str(), "day");
}

#[test]
fn a_hold_looks_past_rules_that_would_refuse_then() {
    // Released at 22:00 it would be refused by the night: it is held until the morning.
    let set = set(r#"
rules:
  - {name: cap, frequency_cap: {limit: 1, window: {rolling: PT12H}}}
  - {name: night, quiet_hours: {windows: [{from: "21:00", to: "08:00"}], on_quiet: refuse}}"#);
    let world = World::default().after(&set, &["2026-06-10T10:00:00Z"]);
    assert_eq!(world.decision(&set, "2026-06-10T12:00:00Z"), hold("2026-06-11T08:00:00Z"));
}

#[test]
fn a_step_overrides_what_a_full_cap_does() {
    let set = set("rules: [{name: cap, frequency_cap: {limit: 1, window: {rolling: P7D}}}]");
    let world = World::default().after(&set, &["2026-06-10T10:00:00Z"]);
    let table = [
        (None, hold("2026-06-17T10:00:00Z")),
        (Some(OnCapped::Hold), hold("2026-06-17T10:00:00Z")),
        (Some(OnCapped::Refuse), Decision::Refuse),
        (Some(OnCapped::NextChannel), Decision::NextChannel),
    ];
    for (on_capped, expected) in table {
        let world = World { on_capped, ..world.clone() };
        assert_eq!(world.decision(&set, NOW), expected, "{on_capped:?}");
    }
}

#[test]
fn scopes_are_conjunctions_over_messages_and_over_what_counts() {
    let scope = "{channels: [email, sms], topics: [carts]}";
    let set = set(&format!(
        "rules: [{{name: cap, frequency_cap: {{limit: 1, window: {{rolling: P7D}}, scope: {scope}, \
         on_exceeded: refuse}}}}]"
    ));
    let message = |channel, topic| World { channel, topic, ..World::default() };
    let carts = message(0, Some(0)).after(&set, &["2026-06-10T10:00:00Z"]);
    let table = [
        (0, Some(0), false),
        (1, Some(0), false),
        (2, Some(0), true),
        (0, Some(1), true),
        (0, None, true),
    ];
    for (channel, topic, allowed) in table {
        let asked = World { channel, topic, ..carts.clone() };
        let decision = asked.decision(&set, NOW);
        assert_eq!(decision == Decision::Allow, allowed, "asked {channel} {topic:?}");
        let sent = message(channel, topic).after(&set, &["2026-06-10T10:00:00Z"]);
        let later = World { channel: 0, topic: Some(0), ..sent };
        let decision = later.decision(&set, NOW);
        assert_eq!(decision == Decision::Allow, allowed, "counted {channel} {topic:?}");
    }
}

#[test]
fn consent_is_asked_as_the_class_needs_it() {
    use Permission::{Denied, Granted};
    let set = set("classes: {service: {consent: ignored}}");
    let nothing = domain::consent::Consent::default();
    let table = [
        (nothing, [false, true, true]),
        (consent(None, None, Granted), [true, true, true]),
        (consent(None, None, Denied), [false, false, true]),
        (consent(Some("email"), None, Granted), [true, true, true]),
        (consent(Some("sms"), None, Granted), [false, true, true]),
        (consent(Some("sms"), None, Denied), [false, true, true]),
        (consent(None, Some("carts"), Granted), [true, true, true]),
        (consent(None, Some("news"), Granted), [false, true, true]),
        (consent(None, Some("carts"), Denied), [false, false, true]),
    ];
    for (consent, expected) in table {
        for (class, allowed) in expected.into_iter().enumerate() {
            let world =
                World { consent: consent.clone(), class, topic: Some(0), ..World::default() };
            let decision = world.decision(&set, NOW);
            assert_eq!(decision == Decision::Allow, allowed, "class {class}, {consent:?}");
        }
    }
}

#[test]
fn what_missing_consent_and_stops_do_is_declared() {
    let set = set("on_no_consent: next_channel\non_suppressed: next_channel");
    let denied = World { consent: consent(None, None, Permission::Denied), ..World::default() };
    assert_eq!(denied.decision(&set, NOW), Decision::NextChannel);
    let stopped = World { suppressed: Some("complaint".to_owned()), ..World::default() };
    assert_eq!(stopped.decision(&set, NOW), Decision::NextChannel);
}

#[test]
fn a_class_that_the_policy_does_not_know_obeys_everything() {
    let set = set(r#"
rules: [{name: night, quiet_hours: {windows: [{from: "21:00", to: "08:00"}]}}]"#);
    let world = World { class: 2, ..World::default() };
    assert_eq!(world.decision(&set, NOW), hold("2026-06-11T08:00:00Z"));
    let silent = World { consent: domain::consent::Consent::default(), ..world };
    assert_eq!(silent.decision(&set, NOW), Decision::Refuse);
}

#[test]
fn rows_later_than_now_count_too() {
    // The clock went back: counting only what is earlier would let a window overflow.
    let set = set("rules: [{name: cap, frequency_cap: {limit: 1, window: {rolling: P1D}}}]");
    let world = World::default().after(&set, &["2026-06-10T10:00:05Z"]);
    assert_eq!(world.decision(&set, "2026-06-10T10:00:00Z"), hold("2026-06-11T10:00:05Z"));
}

#[test]
fn a_verdict_lists_built_in_rules_then_the_policy_in_its_order() {
    let set = set(r#"
rules:
  - {name: z, frequency_cap: {limit: 3, window: {rolling: P7D}, scope: {channels: [sms]}}}
  - {name: a, quiet_hours: {windows: [{from: "01:00", to: "02:00"}]}}
  - {name: m, frequency_cap: {limit: 3, window: {calendar: week, zone: utc}}}"#);
    let mut world = World::default();
    world.reserve(&set, at("2026-06-09T22:00:00Z"), CountState::Accepted);
    let verdict = world.ask(&set, at(NOW));
    let listed: Vec<_> = verdict
        .rules
        .iter()
        .map(|rule| format!("{} {:?} {:?}: {}", rule.rule, rule.counted, rule.limit, rule.reason))
        .collect();
    assert_eq!(
        listed,
        [
            "suppression None None: no stop on the address",
            "consent None None: consent is recorded",
            "reachability None None: the customer has an address on this channel",
            "validity None None: valid until never",
            "catch_up None None: nothing was missed",
            "z None Some(3): the rule is about other messages",
            "a None None: outside quiet hours",
            "m Some(1) Some(3): the cap has room in the calendar week",
        ]
    );
    assert_eq!(verdict.rules[7].kind, RuleKind::FrequencyCap);
    let transactional = World { class: 1, ..world };
    let verdict = transactional.ask(&set, at(NOW));
    assert_eq!(verdict.rules[5].reason.to_string(), "the message class does not obey this rule");
}

#[test]
fn a_number_that_is_not_e164_passes_to_the_next_channel() {
    let set = set("rules: []");
    let world = |address: &str| World {
        address: Some(address.to_owned()),
        address_form: domain::channel::AddressForm::E164,
        ..World::default()
    };
    let verdict = world("+34600123456").ask(&set, at(NOW));
    assert_eq!(verdict.decision, Decision::Allow);
    for number in ["600123456", "0034600123456", "+34 600 123 456", "someone@example.com"] {
        assert_eq!(
            shown(&world(number).ask(&set, at(NOW))),
            [
                "NextChannel, legal at None",
                "reachability: NextChannel: the customer's number is not in E.164 (`+`, country \
                 code, digits, no blanks)",
            ]
        );
    }
}
