//! Limits by trait, weights, labels, periods of the clock, gaps: what each says, in words.

use cadencia_policies::{CountState, PolicySet};
use domain::value::{Map, Text, Value};
use domain::verdict::{Decision, Ruling};

use crate::fixture::{World, at, hold, set, zone};

const MONDAY: &str = "2026-06-08T10:00:00Z";
const TUESDAY: &str = "2026-06-09T10:00:00Z";

fn capped(cap: &str) -> PolicySet {
    set(&format!("rules: [{{name: cap, frequency_cap: {{{cap}}}}}]"))
}

fn with(name: &str, value: impl Into<Value>) -> Map {
    [(Text::from(name), value.into())].into_iter().collect()
}

/// The ruling, counter, limit and words of the only declared rule.
fn said(world: &World, set: &PolicySet, now: &str) -> String {
    let verdict = world.ask(set, at(now));
    let rule = verdict.rules.last().expect("a rule");
    let number = |number: Option<u32>| number.map_or("-".to_owned(), |number| number.to_string());
    let ruling = match rule.ruling {
        Ruling::Allow => "allow".to_owned(),
        Ruling::HoldUntil(until) => format!("hold until {until}"),
        Ruling::NextChannel => "next channel".to_owned(),
        Ruling::Refuse => "refuse".to_owned(),
    };
    format!("{ruling} {}/{}: {}", number(rule.counted), number(rule.limit), rule.reason)
}

#[test]
fn a_limit_may_depend_on_the_customer() {
    let set = capped(
        "limit: 'customer.traits.tier == \"gold\" ? 3 : 1', window: {rolling: P7D}, \
         on_exceeded: next_channel",
    );
    let world = World { traits: with("tier", "gold"), ..World::default() };
    let world = world.after(&set, &[MONDAY]);
    assert_eq!(said(&world, &set, TUESDAY), "allow 1/3: the cap has room in any 7 days");
    let silver = World { traits: with("tier", "silver"), ..world.clone() };
    assert_eq!(said(&silver, &set, TUESDAY), "next channel 1/1: the cap is full in any 7 days");
    // Without the trait there is no number: refused, whatever the rule does when it is full.
    let unknown = World { traits: Map::new(), ..world.clone() };
    let words =
        "refuse 1/-: the cap's limit cannot be computed: `customer.traits.tier` has no value";
    assert_eq!(said(&unknown, &set, TUESDAY), words);
    let verdict = unknown.ask(&set, at(TUESDAY));
    assert_eq!((verdict.decision, verdict.earliest), (Decision::Refuse, None));
    // A class that obeys no cap asks for no limit.
    let transactional = World { class: 1, ..unknown };
    assert_eq!(transactional.decision(&set, TUESDAY), Decision::Allow);
}

#[test]
fn what_is_no_number_refuses_and_what_is_one_is_cut() {
    let set = capped("limit: customer.traits.room, window: {rolling: P7D}");
    let no_number = "refuse 0/-: the cap's limit cannot be computed: the result is not a number of \
                     0 or more";
    let never = "hold until never 0/0: the cap is full in any 7 days";
    let room = |limit: &str| format!("allow 0/{limit}: the cap has room in any 7 days");
    let table = [
        (Value::Int(2), room("2")),
        (Value::Int(0), never.to_owned()),
        (Value::Int(-1), no_number.to_owned()),
        (Value::Int(i64::MAX), room("10000")),
        (Value::Float(2.9), room("2")),
        (Value::Float(0.5), never.to_owned()),
        (Value::Float(-0.5), no_number.to_owned()),
        (Value::Float(f64::NAN), no_number.to_owned()),
        (Value::Float(1e300), room("10000")),
        (Value::from("2"), no_number.to_owned()),
        (Value::Bool(true), no_number.to_owned()),
        (Value::Null, no_number.to_owned()),
    ];
    for (value, expected) in table {
        let world = World { traits: with("room", value.clone()), ..World::default() };
        assert_eq!(said(&world, &set, MONDAY), expected, "{value:?}");
    }
}

#[test]
fn a_message_may_count_as_more_than_one() {
    let set = capped(
        "limit: 4, window: {rolling: P7D}, weights: [{scope: {channels: [sms]}, count_as: 2}, \
         {scope: {labels: {size: big}}, count_as: 3}]",
    );
    let sms = World { channel: 1, ..World::default() }.after(&set, &[MONDAY]);
    // Both entries fit a big text message: the first decides.
    let sms = World { labels: Some(0), ..sms }.after(&set, &["2026-06-08T11:00:00Z"]);
    let words = "hold until 2026-06-15T10:00:00Z 4/4: the cap is full in any 7 days";
    assert_eq!(said(&World { channel: 0, labels: None, ..sms.clone() }, &set, TUESDAY), words);
    // A big e-mail needs three places: both text messages must be gone.
    let big = World { channel: 0, labels: Some(1), ..sms.clone() };
    let words = "hold until 2026-06-15T11:00:00Z 4/4: the cap is full in any 7 days";
    assert_eq!(said(&big, &set, TUESDAY), words);
    let words = "hold until 2026-06-15T11:00:00Z 2/4: the cap has no room for a message that \
                 counts as 3 in any 7 days";
    assert_eq!(said(&big, &set, "2026-06-15T10:30:00Z"), words);
    let plain = World { channel: 0, labels: Some(2), ..sms };
    let words = "allow 2/4: the cap has room in any 7 days";
    assert_eq!(said(&plain, &set, "2026-06-15T10:30:00Z"), words);
}

#[test]
fn what_is_heavier_than_the_limit_never_goes() {
    let set =
        capped("limit: 1, window: {calendar: day, zone: utc}, weights: [{scope: {}, count_as: 2}]");
    let verdict = World::default().ask(&set, at(MONDAY));
    assert_eq!((verdict.decision, verdict.earliest), (Decision::Refuse, None));
}

#[test]
fn labels_of_a_scope_must_all_be_there() {
    let set =
        capped("limit: 1, window: {rolling: P7D}, scope: {labels: {size: big, team: growth}}");
    let both = World { labels: Some(1), ..World::default() }.after(&set, &[MONDAY]);
    assert_eq!(both.decision(&set, TUESDAY), hold("2026-06-15T10:00:00Z"));
    for labels in [None, Some(0), Some(2)] {
        let world = World { labels, ..both.clone() };
        assert_eq!(world.decision(&set, TUESDAY), Decision::Allow, "{labels:?}");
        let sent = World { labels, ..World::default() }.after(&set, &[MONDAY]);
        let asked = World { labels: Some(1), ..sent };
        assert_eq!(asked.decision(&set, TUESDAY), Decision::Allow, "counted {labels:?}");
    }
    // Labels that nothing has are about nothing.
    let set = capped("limit: 1, window: {rolling: P7D}, scope: {labels: {size: small}}");
    assert_eq!(both.decision(&set, TUESDAY), Decision::Allow);
}

#[test]
fn hours_and_minutes_are_those_of_the_clock() {
    let set = capped("limit: 1, window: {calendar: hour, zone: customer}");
    let world = World::default().after(&set, &["2026-06-08T10:59:59Z"]);
    let words = "hold until 2026-06-08T11:00:00Z 1/1: the cap is full in the hour of the clock";
    assert_eq!(said(&world, &set, "2026-06-08T10:59:59.999Z"), words);
    assert_eq!(world.decision(&set, "2026-06-08T11:00:00Z"), Decision::Allow);
    // Nepal is 45 minutes off the hour of UTC.
    let nepal = World { zone: Some(zone("Asia/Kathmandu")), ..world };
    assert_eq!(nepal.decision(&set, "2026-06-08T11:00:00Z"), hold("2026-06-08T11:15:00Z"));
    let set = capped("limit: 1, window: {calendar: minute, zone: utc}");
    let world = World::default().after(&set, &["2026-06-08T10:59:59Z"]);
    assert_eq!(world.decision(&set, "2026-06-08T10:59:59.999Z"), hold("2026-06-08T11:00:00Z"));
}

#[test]
fn an_hour_that_the_clock_shows_twice_is_two() {
    let set = capped("limit: 1, window: {calendar: hour, zone: customer}");
    let world = |name: &str, sent: &str| {
        World { zone: Some(zone(name)), ..World::default() }.after(&set, &[sent])
    };
    // 01:30 EDT and 01:30 EST.
    let new_york = world("America/New_York", "2026-11-01T05:30:00Z");
    let until = hold("2026-11-01T06:00:00Z");
    assert_eq!(new_york.decision(&set, "2026-11-01T05:59:59Z"), until);
    assert_eq!(new_york.decision(&set, "2026-11-01T06:00:00Z"), Decision::Allow);
    // Lord Howe goes back by half an hour at 02:00: 01:30 to 02:00 comes again.
    let lord_howe = world("Australia/Lord_Howe", "2026-04-04T14:10:00Z");
    let until = hold("2026-04-04T15:00:00Z");
    assert_eq!(lord_howe.decision(&set, "2026-04-04T14:50:00Z"), until);
    let again = world("Australia/Lord_Howe", "2026-04-04T15:10:00Z");
    assert_eq!(again.decision(&set, "2026-04-04T15:20:00Z"), hold("2026-04-04T15:30:00Z"));
    // St. John's went back at one minute past midnight: that hour had a minute, and the evening
    // before came again.
    let st_johns = world("America/St_Johns", "2010-11-07T02:30:30Z");
    assert_eq!(st_johns.decision(&set, "2010-11-07T02:30:40Z"), hold("2010-11-07T02:31:00Z"));
    assert_eq!(st_johns.decision(&set, "2010-11-07T02:31:00Z"), Decision::Allow);
    let evening = world("America/St_Johns", "2010-11-07T02:31:00Z");
    assert_eq!(evening.decision(&set, "2010-11-07T03:29:00Z"), hold("2010-11-07T03:30:00Z"));
}

#[test]
fn a_gap_is_kept_from_the_last_message() {
    let set = set("rules: [{name: gap, minimum_gap: {gap: PT4H, scope: {channels: [email]}}}]");
    let world = World::default();
    assert_eq!(said(&world, &set, MONDAY), "allow -/-: no message within 4 hours");
    let mut world = world.after(&set, &["2026-06-08T07:00:00Z", "2026-06-08T09:00:00Z"]);
    let words = "hold until 2026-06-08T13:00:00Z -/-: the last message was at \
                 2026-06-08T09:00:00Z, less than 4 hours before";
    assert_eq!(said(&world, &set, MONDAY), words);
    assert_eq!(world.decision(&set, "2026-06-08T12:59:59.999Z"), hold("2026-06-08T13:00:00Z"));
    assert_eq!(world.decision(&set, "2026-06-08T13:00:00Z"), Decision::Allow);
    let verdict = world.ask(&set, at(MONDAY));
    assert_eq!(verdict.deciding().expect("a rule decided").kind.as_str(), "minimum_gap");
    // What never left keeps nobody waiting; another channel is no matter of this gap.
    world.rows[1].state = CountState::Released;
    assert_eq!(world.decision(&set, MONDAY), hold("2026-06-08T11:00:00Z"));
    let push = World { channel: 2, ..world };
    assert_eq!(push.decision(&set, MONDAY), Decision::Allow);
}

#[test]
fn a_step_overrides_what_too_short_a_gap_does() {
    use domain::journey::steps::send::OnCapped;
    let set = set("rules: [{name: gap, minimum_gap: {gap: PT4H}}]");
    let world = World { on_capped: Some(OnCapped::NextChannel), ..World::default() };
    let world = world.after(&set, &["2026-06-08T09:00:00Z"]);
    assert_eq!(world.decision(&set, MONDAY), Decision::NextChannel);
}

#[test]
fn adobes_groupings_come_out_with_weights_too() {
    // Three newsletters per two weeks, of six that count as two each: a limit of 6 says the same.
    let days = ["05-30", "06-03", "06-08", "06-12", "06-22", "06-30"];
    let blocked = |window: &str| {
        let set =
            capped(&format!("limit: 6, window: {window}, weights: [{{scope: {{}}, count_as: 2}}]"));
        let mut world = World::default();
        let mut blocked = Vec::new();
        for day in days {
            let now = at(&format!("2026-{day}T10:00:00Z"));
            match world.ask(&set, now).decision {
                Decision::Allow => world.reserve(&set, now, CountState::Accepted),
                _ => blocked.push(day),
            }
        }
        blocked
    };
    assert_eq!(blocked("{rolling: P14D}"), ["06-12"]);
    let month = "{rolling: P14D, widen_to: month, zone: utc}";
    assert_eq!(blocked(month), ["06-12", "06-30"]);
    let quarter = "{rolling: P14D, widen_to: quarter, zone: utc}";
    assert_eq!(blocked(quarter), ["06-12", "06-22", "06-30"]);
}
