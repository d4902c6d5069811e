//! What is allowed and probably not meant: each with its place below the rule.

use cadencia_policies::lint;

use crate::fixture::policy;

fn lints(spec: &str) -> Vec<String> {
    let found = lint(&policy(&format!("fallback_zone: UTC\n{spec}")));
    found.iter().map(|lint| format!("{} {}: {lint}", lint.rule(), lint.place())).collect()
}

fn none(spec: &str) {
    assert_eq!(lints(spec), [""; 0], "{spec}");
}

#[test]
fn a_gap_can_make_a_cap_moot() {
    let pair = |gap: &str, cap: &str| {
        lints(&format!(
            "rules: [{{name: gap, minimum_gap: {{{gap}}}}}, {{name: cap, \
             frequency_cap: {{{cap}}}}}]"
        ))
    };
    let moot =
        ["cap frequency_cap.limit: cap cap never has an effect: gap is at least as tight for \
                 all its messages"];
    let week = "limit: 7, window: {rolling: P7D}";
    assert_eq!(pair("gap: P1D", week), moot);
    assert_eq!(pair("gap: PT25H", week), moot);
    assert_eq!(pair("gap: PT23H", week), [""; 0]);
    assert_eq!(pair("gap: P1D", "limit: 6, window: {rolling: P7D}"), [""; 0]);
    assert_eq!(pair("gap: P1D, scope: {channels: [sms]}", week), [""; 0]);
    assert_eq!(pair("gap: P1D, counts: delivered", week), [""; 0]);
    let weights = "weights: [{scope: {channels: [sms]}, count_as: 2}]";
    assert_eq!(pair("gap: P1D", &format!("{week}, {weights}")), [""; 0]);
    // A class that counts without obeying keeps no gap, and may fill the cap.
    let spec = format!(
        "classes: {{service: {{obeys_caps: false}}}}\nrules: [{{name: gap, minimum_gap: {{gap: \
         P1D}}}}, {{name: cap, frequency_cap: {{{week}}}}}]"
    );
    none(&spec);
    let found = lints(
        "rules: [{name: cap, frequency_cap: {limit: 1, window: {rolling: P2D}}}, {name: gap, \
         minimum_gap: {gap: P1D}}]",
    );
    assert_eq!(
        found,
        ["gap minimum_gap.gap: cap gap never has an effect: cap is at least as tight for all its \
          messages"]
    );
}

#[test]
fn caps_that_differ_in_weights_labels_or_traits_are_not_compared() {
    let week = "limit: 2, window: {rolling: P7D}";
    let heavy = "weights: [{scope: {channels: [sms]}, count_as: 2}]";
    let pair = |first: &str, second: &str| {
        lints(&format!(
            "rules: [{{name: a, frequency_cap: {{{first}}}}}, {{name: b, frequency_cap: \
             {{{second}}}}}]"
        ))
        .iter()
        .map(|text| text[..1].to_owned())
        .collect::<String>()
    };
    assert_eq!(pair(week, &format!("{week}, {heavy}")), "a");
    assert_eq!(pair(&format!("{week}, {heavy}"), week), "b");
    let labels = "scope: {labels: {size: big}}";
    let more = "scope: {labels: {size: big, team: growth}}";
    assert_eq!(pair(&format!("{week}, {labels}"), &format!("{week}, {more}")), "b");
    assert_eq!(pair(&format!("{week}, {more}"), &format!("{week}, {labels}")), "a");
    assert_eq!(pair(&format!("{week}, {labels}"), week), "a");
    let gold = "limit: customer.traits.room, window: {rolling: P7D}";
    assert_eq!(pair(gold, week), "");
    assert_eq!(pair(gold, gold), "b");
    assert_eq!(
        pair(
            "limit: 2, window: {calendar: day, zone: utc}",
            "limit: 2, window: {calendar: hour, zone: utc}"
        ),
        ""
    );
    assert_eq!(
        pair("limit: 2, window: {rolling: PT1H}", "limit: 2, window: {calendar: hour, zone: utc}"),
        "b"
    );
}

#[test]
fn a_message_heavier_than_the_limit_is_pointed_out() {
    assert_eq!(
        lints(
            "rules: [{name: cap, frequency_cap: {limit: 2, window: {rolling: P7D}, weights: \
             [{scope: {channels: [push]}, count_as: 2}, {scope: {channels: [sms]}, count_as: 3}]}}]"
        ),
        ["cap frequency_cap.weights[1].count_as: cap cap never lets these messages go: each \
          counts as 3, its limit is 2"]
    );
}

#[test]
fn a_rule_whose_classes_do_not_obey_is_pointed_out() {
    let of = |classes: &str| {
        lints(&format!(
            "rules: [{{name: cap, frequency_cap: {{limit: 2, window: {{rolling: P7D}}, scope: \
             {{classes: [{classes}]}}}}}}, {{name: night, quiet_hours: {{windows: [{{from: \
             \"21:00\", to: \"08:00\"}}], scope: {{classes: [{classes}]}}}}}}]"
        ))
    };
    assert_eq!(of("marketing, transactional"), [""; 0]);
    assert_eq!(
        of("transactional, advertising"),
        [
            "cap frequency_cap.scope.classes: rule cap never stops a message: none of its classes \
             obeys rules of this kind",
            "night quiet_hours.scope.classes: rule night never stops a message: none of its \
             classes obeys rules of this kind",
        ]
    );
}

#[test]
fn gaps_of_quiet_hours_are_pointed_out() {
    assert_eq!(
        lints(
            "rules: [{name: night, quiet_hours: {windows: [{from: \"21:00\", to: \"23:59\"}, \
             {from: \
             \"00:00\", to: \"08:00\"}], scope: {channels: [sms]}}}]"
        )
        .first()
        .map(String::as_str),
        Some(
            "night quiet_hours.windows: quiet hours night leave mon 23:59 to tue 00:00 uncovered: \
             the end of a day is 24:00"
        )
    );
    none(
        "rules: [{name: night, quiet_hours: {windows: [{from: \"21:00\", to: \"24:00\"}, {from: \
          \"00:00\", to: \"08:00\"}]}}]",
    );
    none(
        "rules: [{name: office, send_window: {windows: [{on: mon-fri, from: \"09:00\", to: \
          \"18:00\"}]}}]",
    );
}

#[test]
fn rules_that_leave_no_time_together_are_pointed_out_wherever_their_scopes_meet() {
    let rules = |night: &str, day: &str| {
        lints(&format!(
            "rules: [{{name: night, quiet_hours: {{windows: [{{from: \"20:00\", to: \
             \"08:00\"}}]{night}}}}}, {{name: day, send_window: {{windows: [{{from: \"22:00\", to: \
             \"07:00\"}}]{day}}}}}]"
        ))
    };
    let never = "day send_window: send windows day and others leave no time of the week: such a \
                 message is never sent";
    assert_eq!(rules("", ""), [never]);
    assert_eq!(rules("", ", scope: {channels: [sms]}"), [never]);
    assert_eq!(rules(", scope: {topics: [news]}", ", scope: {channels: [sms]}"), [""; 0]);
    let found = rules(", scope: {channels: [sms]}", "");
    assert_eq!(found, [never]);
}

#[test]
fn hours_that_are_always_quiet_somewhere_are_pointed_out() {
    let night =
        "rules: [{name: night, quiet_hours: {windows: [{from: \"21:00\", to: \"08:00\"}]}}]";
    let far = "plausible_zones: [UTC, Asia/Tokyo, America/New_York, Pacific/Auckland]";
    assert_eq!(
        lints(&format!("{far}\n{night}")),
        ["night quiet_hours: quiet hours night never let a message go to a customer of unknown \
          time \
          zone: it is always quiet in some plausible zone"]
    );
    none(&format!("plausible_zones: [Europe/Madrid, Atlantic/Canary]\n{night}"));
    none("rules: [{name: us, quiet_hours: {preset: us_sms}}]");
}

#[test]
fn holidays_without_a_list_are_pointed_out() {
    let rule = "rules: [{name: days, quiet_hours: {holidays: true}}]";
    assert_eq!(
        lints(&format!("holidays: {{ES: []}}\n{rule}")),
        ["days quiet_hours.holidays: rule days keeps holidays, but the policy lists none"]
    );
    none(&format!("holidays: {{ES: [01-01]}}\n{rule}"));
}
