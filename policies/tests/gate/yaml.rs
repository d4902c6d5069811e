//! Bad policies: every problem, each at its place, with advice.

use cadencia_policies::{ContactPolicy, PolicyDocument, RawContactPolicy, lint};

use crate::fixture::policy;

fn validated(spec: &str) -> Result<PolicyDocument, Vec<String>> {
    let raw: RawContactPolicy = serde_saphyr::from_str(spec).expect("the YAML parses");
    raw.validate().map_err(|problems| {
        problems
            .into_iter()
            .map(|problem| {
                let advice = problem.suggestion.map_or(String::new(), |text| format!(" ({text})"));
                format!("{}: {}{advice}", problem.path, problem.message)
            })
            .collect()
    })
}

fn problems(spec: &str) -> Vec<String> {
    validated(spec).expect_err("the policy is not valid")
}

fn cap(body: &str) -> Vec<String> {
    problems(&format!("fallback_zone: UTC\nrules: [{{name: cap, frequency_cap: {{{body}}}}}]"))
}

#[test]
fn all_problems_are_reported_at_once() {
    assert_eq!(
        problems(
            r#"
fallback_zone: Madrid
plausible_zones: [Europe/Madrid, Europe/Tenerifa]
on_suppressed: hold
rules:
  - {name: consent, quiet_hours: {windows: [{from: "9:00", to: "08:00"}]}}
  - {name: both, frequency_cap: {limit: 0, window: {}}, quiet_hours: {windows: []}}
  - {name: ""}
  - name: cap
    frequency_cap: {limit: 2, window: {rolling: 7 days}, per: household, scope: {topics: []}}"#
        ),
        [
            "spec.rules[2].name: length is lower than 1",
            "spec.fallback_zone: unknown time zone `Madrid` (did you mean `Europe/Madrid`?)",
            "spec.plausible_zones[1]: unknown time zone `Europe/Tenerifa` \
             (write a name such as Europe/Madrid)",
            "spec.on_suppressed: waiting does not help here (write `refuse` or `next_channel`)",
            "spec.rules[0].name: consent is the name of a rule that always runs",
            "spec.rules[0].quiet_hours.windows[0]: `9:00` is not a time of day \
             (write \"09:00\")",
            "spec.rules[1]: a rule has exactly one of `frequency_cap`, `minimum_gap`, \
             `quiet_hours` and `send_window`",
            "spec.rules[2]: a rule has exactly one of `frequency_cap`, `minimum_gap`, \
             `quiet_hours` and `send_window`",
            "spec.rules[3].frequency_cap.per: caps per address or household are not supported yet \
             (write `per: customer`)",
            "spec.rules[3].frequency_cap.scope.topics: the list is empty \
             (leave the key out to mean all of them)",
            "spec.rules[3].frequency_cap.window.rolling: `7 days` is not a duration (write P7D)",
        ]
    );
}

#[test]
fn windows_say_exactly_what_they_mean() {
    let window = "spec.rules[0].frequency_cap.window";
    let either = "a window is either `rolling` or `calendar` \
                  (write `{rolling: P7D}` or `{calendar: week, ...}`)";
    let table = [
        ("{}", format!("{window}: {either}")),
        ("{rolling: P7D, calendar: day, zone: utc}", format!("{window}: {either}")),
        (
            "{calendar: day}",
            format!(
                "{window}: a calendar window needs a `zone` \
                 (write `zone: customer`, `utc` or a zone's name)"
            ),
        ),
        (
            "{calendar: day, zone: utc, widen_to: week}",
            format!("{window}.widen_to: only a rolling window is widened (leave `widen_to` out)"),
        ),
        (
            "{rolling: P7D, zone: utc}",
            format!("{window}.zone: a rolling window is the same in every zone (leave `zone` out)"),
        ),
        (
            "{calendar: day, zone: utc, week_start: mon}",
            format!("{window}.week_start: `week_start` is only for windows of a week"),
        ),
        (
            "{calendar: week, zone: utc, week_start: mo}",
            format!("{window}.week_start: `mo` is not a weekday (write mon)"),
        ),
        ("{rolling: PT0S}", format!("{window}.rolling: a window of no length counts nothing")),
        (
            "{rolling: P2Y}",
            format!("{window}: the window is longer than sends are remembered: 400 days"),
        ),
        (
            "{calendar: day, zone: mars}",
            format!("{window}.zone: unknown time zone `mars` (write a name such as Europe/Madrid)"),
        ),
    ];
    for (text, expected) in table {
        assert_eq!(cap(&format!("limit: 1, window: {text}")), [expected], "{text}");
    }
}

#[test]
fn unknown_keys_are_refused() {
    for text in [
        "fallback_zone: UTC\nzones: []",
        "fallback_zone: UTC\nrules: [{name: a, frequency_capp: {}}]",
        "fallback_zone: UTC\nrules: [{name: a, quiet_hours: {windows: [], hold: true}}]",
        "fallback_zone: UTC\nclasses: {a: {obey_caps: true}}",
        "rules: []",
    ] {
        assert!(serde_saphyr::from_str::<RawContactPolicy>(text).is_err(), "{text}");
    }
}

#[test]
fn documents_merge_in_order_and_must_agree() {
    let night = r#"quiet_hours: {windows: [{from: "21:00", to: "08:00"}]}"#;
    let document = |spec: &str| validated(spec).expect("a valid policy");
    let first = document(&format!(
        "fallback_zone: UTC\nclasses: {{service: {{}}}}\nrules: [{{name: a, {night}}}]"
    ));
    let second = document(&format!(
        "fallback_zone: UTC\nplausible_zones: [Europe/Madrid]\non_no_consent: next_channel\n\
         classes: {{service: {{}}}}\nrules: [{{name: b, {night}}}]"
    ));
    let merged = ContactPolicy::merge(&[first.clone(), second.clone()]).expect("they agree");
    let names: Vec<&str> = merged.rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(merged.plausible_zones.len(), 1);
    assert_eq!(merged.classes.len(), 4);
    let third = document(&format!(
        "fallback_zone: Europe/Madrid\non_no_consent: refuse\n\
         classes: {{service: {{obeys_caps: false}}}}\n\
         rules: [{{name: c, {night}}}, {{name: a, {night}}}]"
    ));
    let problems = ContactPolicy::merge(&[first, second, third]).expect_err("they differ");
    let shown: Vec<String> = problems
        .into_iter()
        .map(|(index, problem)| format!("{index} {}: {}", problem.path, problem.message))
        .collect();
    assert_eq!(
        shown,
        [
            "2 spec.fallback_zone: another ContactPolicy says the fallback zone is UTC",
            "2 spec.on_no_consent: another ContactPolicy says something else for `on_no_consent`",
            "2 spec.classes.service: another ContactPolicy declares class service differently",
            "2 spec.rules[1].name: there is already a rule named a",
        ]
    );
    assert!(ContactPolicy::merge(&[]).is_err());
}

#[test]
fn there_is_a_limit_to_caps() {
    let caps: Vec<String> = (0..65)
        .map(|cap| {
            format!("{{name: c{cap}, frequency_cap: {{limit: 1, window: {{rolling: P1D}}}}}}")
        })
        .collect();
    let document = validated(&format!("fallback_zone: UTC\nrules: [{}]", caps.join(", ")));
    let problems = ContactPolicy::merge(&[document.expect("valid alone")]).expect_err("too many");
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].1.message, "more than 64 caps and gaps in all policies together");
}

#[test]
fn caps_that_never_bite_are_pointed_out() {
    let pair = |first: &str, second: &str| {
        let spec = format!(
            "fallback_zone: UTC\nrules: [{{name: a, frequency_cap: {{{first}}}}}, \
             {{name: b, frequency_cap: {{{second}}}}}]"
        );
        let lints = lint(&policy(&spec));
        lints.iter().map(|lint| lint.rule().to_string()).collect::<Vec<_>>().concat()
    };
    let week = "limit: 2, window: {rolling: P7D}";
    let table = [
        ("limit: 3, window: {rolling: P1D}", "b"),
        ("limit: 2, window: {rolling: P7D}", "b"),
        ("limit: 1, window: {rolling: P7D}", "a"),
        ("limit: 1, window: {rolling: P1D}", ""),
        ("limit: 3, window: {rolling: P8D}", ""),
        ("limit: 2, window: {rolling: P1D}, scope: {channels: [sms]}", "b"),
        ("limit: 2, window: {rolling: P1D}, counts: delivered", "b"),
        ("limit: 2, window: {rolling: P1D}, counts: reserved", ""),
        ("limit: 2, window: {calendar: day, zone: customer}", "b"),
        ("limit: 2, window: {calendar: week, zone: customer}", ""),
    ];
    for (other, moot) in table {
        assert_eq!(pair(week, other), moot, "{other}");
    }
    let scoped = "limit: 1, window: {rolling: P7D}, scope: {channels: [sms]}";
    assert_eq!(pair(scoped, "limit: 1, window: {rolling: P7D}"), "a");
    assert_eq!(pair(scoped, week), "");
}

#[test]
fn rules_that_cover_the_whole_week_together_are_pointed_out() {
    let spec = r#"
fallback_zone: UTC
rules:
  - {name: day, quiet_hours: {windows: [{from: "08:00", to: "20:00"}]}}
  - {name: night, quiet_hours: {windows: [{from: "20:00", to: "08:00"}]}}"#;
    let lints: Vec<String> = lint(&policy(spec)).iter().map(ToString::to_string).collect();
    assert_eq!(
        lints,
        ["quiet hours night and others leave no time of the week: such a message is never sent"]
    );
}
