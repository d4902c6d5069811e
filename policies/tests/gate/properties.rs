//! Properties of the gate over random policies, ledgers and zones.

use cadencia_policies::{
    ContactPolicy, CountState, Counts, LedgerRow, PolicySet, RawContactPolicy, lint,
};
use domain::ids::SendId;
use domain::time::{Instant, Zone};
use domain::verdict::{Decision, RuleKind, RuleResult, Verdict};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::fixture::{World, at, id, policy, set, zone};
use crate::oracle::{Naive, NaiveCap, NaivePolicy, days};

/// Zones with changes of 30 minutes and of an hour, at midnight, and none at all.
const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Madrid",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "America/Santiago",
    "Asia/Kathmandu",
    "Pacific/Chatham",
];

pub(crate) fn zones() -> impl Strategy<Value = Zone> {
    select(ZONES.to_vec()).prop_map(zone)
}

/// Instants near changes of the clock of most of the zones.
pub(crate) fn starts() -> impl Strategy<Value = Instant> {
    let near = [
        "2026-03-07T00:00:00Z",
        "2026-03-28T00:00:00Z",
        "2026-04-03T00:00:00Z",
        "2026-04-23T00:00:00Z",
        "2026-09-05T00:00:00Z",
        "2026-10-03T00:00:00Z",
        "2026-10-24T00:00:00Z",
        "2026-10-31T00:00:00Z",
        "2026-12-30T00:00:00Z",
    ];
    (select(near.to_vec()), 0..days(3)).prop_map(|(text, ms)| at(text).plus_ms(ms))
}

fn cap() -> impl Strategy<Value = NaiveCap> {
    let seconds = select(vec![3_600, 43_200, 86_400, 90_000, 172_800, 604_800]);
    let window = prop_oneof![
        seconds.prop_map(|seconds: i64| Naive::Rolling(seconds * 1_000)),
        Just(Naive::Day),
        Just(Naive::WeekFromMonday),
        Just(Naive::Month),
    ];
    let counts = select(vec![Counts::Reserved, Counts::Accepted, Counts::Delivered]);
    (1u32..4, window, prop::option::weighted(0.4, 0usize..3), counts)
        .prop_map(|(limit, window, channel, counts)| NaiveCap { limit, window, channel, counts })
}

fn naive_policy() -> impl Strategy<Value = NaivePolicy> {
    let quiet = (0u32..96, 0u32..96).prop_filter("not empty", |(from, to)| from != to);
    let quiet = prop::option::of(quiet.prop_map(|(from, to)| (from * 15, to * 15)));
    (prop::collection::vec(cap(), 0..4), quiet)
        .prop_map(|(caps, quiet)| NaivePolicy { caps, quiet })
}

/// Rows of the ten days before an instant: milliseconds back, channel, state.
fn rows() -> impl Strategy<Value = Vec<(i64, usize, CountState)>> {
    let back = prop_oneof![0..days(10), (0i64..240).prop_map(|hours| hours * 3_600_000)];
    prop::collection::vec((back, 0usize..3, select(CountState::ALL.to_vec())), 0..10)
}

fn world(set: &PolicySet, zone: Zone, now: Instant, rows: &[(i64, usize, CountState)]) -> World {
    let mut world = World { zone: Some(zone), ..World::default() };
    for (back, channel, state) in rows {
        world.channel = *channel;
        world.reserve(set, now.plus_ms(-back), *state);
    }
    world.channel = 0;
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// The answer agrees with the naive one; a hold is legal when it ends and at no instant before.
    #[test]
    fn the_gate_agrees_with_the_oracle_and_holds_are_minimal(
        naive in naive_policy(), zone in zones(), now in starts(), rows in rows(),
    ) {
        let set = set(&naive.yaml());
        let world = world(&set, zone, now, &rows);
        let verdict = world.ask(&set, now);
        let counted = verdict.rules.iter().filter(|rule| rule.kind == RuleKind::FrequencyCap);
        for (cap, rule) in naive.caps.iter().zip(counted) {
            let zone = world.zone.as_ref().expect("a zone");
            let about = cap.about(domain::ids::NameId(1));
            let expected = about.then(|| cap.count(&world.rows, now, zone));
            prop_assert_eq!(rule.counted, expected, "{:?}", cap);
        }
        prop_assert_eq!(verdict.decision == Decision::Allow, naive.allows(&world, now));
        if let Decision::HoldUntil(until) = verdict.decision {
            prop_assert!(naive.allows(&world, until), "not legal at {}", until);
            for early in naive.borders(&world, now, until) {
                prop_assert!(!naive.allows(&world, early), "legal at {} before {}", early, until);
            }
        }
    }

    /// Neither the order of rules nor that of rows matters.
    #[test]
    fn order_does_not_matter(
        naive in naive_policy(), zone in zones(), now in starts(), rows in rows(),
        by in any::<Index>(),
    ) {
        let one = set(&naive.yaml());
        let mut turned = naive.clone();
        if !turned.caps.is_empty() {
            let by = by.index(turned.caps.len());
            turned.caps.rotate_left(by);
            turned.caps.reverse();
        }
        let mut document = policy(&format!("fallback_zone: UTC\n{}", turned.yaml()));
        document.rules.reverse();
        let other = PolicySet::compile(&document, 7, &id);
        let mut reversed = rows.clone();
        reversed.reverse();
        let here = world(&one, zone.clone(), now, &rows).ask(&one, now);
        let there = world(&other, zone, now, &reversed).ask(&other, now);
        prop_assert_eq!(here.decision, there.decision);
        prop_assert_eq!(here.earliest, there.earliest);
        prop_assert_eq!(results(&here), results(&there));
    }

    /// Whatever is asked, and whatever becomes of what was sent, no window of a cap ever holds more
    /// than its limit: every window, at every moment.
    #[test]
    fn no_cap_is_ever_exceeded(
        caps in prop::collection::vec(cap(), 1..4),
        zone in zones(),
        start in starts(),
        steps in prop::collection::vec(
            (0u8..4, -600_000i64..days(1), 0usize..3, any::<Index>(), any::<Index>()), 1..60),
    ) {
        let naive = NaivePolicy { caps, quiet: None };
        let set = set(&naive.yaml());
        let mut world = World { zone: Some(zone), ..World::default() };
        let mut now = start;
        for (action, ms, channel, which, state) in steps {
            if action == 0 && !world.rows.is_empty() {
                let row = which.get_mut(&mut world.rows);
                let next = CountState::ALL[state.index(CountState::ALL.len())];
                if row.state.may_become(next) {
                    row.state = next;
                }
                continue;
            }
            // Mostly forward; sometimes the clock goes back a little.
            now = now.plus_ms(if action == 1 { ms / 24 } else { ms / 4 });
            world.channel = channel;
            world.send = 1_000 + world.rows.len() as u128;
            if world.ask(&set, now).decision == Decision::Allow {
                world.reserve(&set, now, CountState::Reserved);
                let zone = world.zone.as_ref().expect("a zone");
                for cap in &naive.caps {
                    prop_assert!(fullest(cap, &world.rows, zone) <= cap.limit, "{:?}", cap);
                }
            }
        }
    }

    /// Any text is a policy, or an error; nothing panics.
    #[test]
    fn any_text_is_a_policy_or_an_error(
        at in any::<Index>(), cut in any::<Index>(), insert in ".{0,6}",
    ) {
        let text = include_str!("../../examples/full.yaml");
        let bounds: Vec<usize> = text.char_indices().map(|(index, _)| index).collect();
        let (from, to) = (*at.get(&bounds), *cut.get(&bounds));
        let broken = format!("{}{insert}{}", &text[..from.min(to)], &text[from.max(to)..]);
        let spec = broken.split_once("spec:").map_or(broken.as_str(), |(_, spec)| spec);
        let raw: Result<RawContactPolicy, _> = serde_saphyr::from_str(spec);
        if let Some(document) = raw.ok().and_then(|raw| raw.validate().ok()) {
            let _ = ContactPolicy::merge(&[document]).map(|merged| lint(&merged));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Many caps over a long ledger: each counts as if it stood alone, and a full one has room at
    /// the instant that it names and not a millisecond before.
    #[test]
    fn many_caps_over_a_long_ledger_agree_with_the_oracle(
        caps in prop::collection::vec((cap(), 1u32..400), 1..64),
        zone in zones(),
        now in starts(),
        rows in prop::collection::vec(
            (0..days(12), 0usize..3, select(CountState::ALL.to_vec())), 100..600),
    ) {
        let caps = caps.into_iter().map(|(cap, limit)| NaiveCap { limit, ..cap }).collect();
        let naive = NaivePolicy { caps, quiet: None };
        let set = set(&naive.yaml());
        let world = world(&set, zone, now, &rows);
        let zone = world.zone.clone().expect("a zone");
        let verdict = world.ask(&set, now);
        let counted = verdict.rules.iter().filter(|rule| rule.kind == RuleKind::FrequencyCap);
        for (cap, rule) in naive.caps.iter().zip(counted) {
            if !cap.about(domain::ids::NameId(1)) {
                prop_assert_eq!(rule.counted, None);
                continue;
            }
            let count = |at: Instant| cap.count(&world.rows, at, &zone);
            prop_assert_eq!(rule.counted, Some(count(now)), "{:?}", cap);
            let room = rule.earliest.expect("a cap always has room some time");
            prop_assert!(count(room) < cap.limit, "{:?} is full at {}", cap, room);
            if room > now {
                prop_assert!(count(room.plus_ms(-1)) >= cap.limit, "{:?} too late", cap);
            }
        }
    }
}

/// What the rules said, in an order of its own.
fn results(verdict: &Verdict) -> Vec<(Option<u32>, Option<u32>, String)> {
    let shown = |rule: &RuleResult| {
        (rule.counted, rule.limit, format!("{:?} {:?} {}", rule.kind, rule.ruling, rule.reason))
    };
    let mut results: Vec<_> = verdict.rules.iter().map(shown).collect();
    results.sort();
    results
}

/// The most that stands in any one window of a cap.
fn fullest(cap: &NaiveCap, rows: &[LedgerRow], zone: &Zone) -> u32 {
    let counted: Vec<&LedgerRow> =
        rows.iter().filter(|row| cap.counts.counts(row.state) && cap.about(row.channel)).collect();
    // A window that holds as many as any starts with one of the rows.
    let together = |first: &LedgerRow| {
        let within = counted.iter().filter(|row| {
            row.counted_at >= first.counted_at
                && cap.together(first.counted_at, row.counted_at, zone)
        });
        within.count() as u32
    };
    counted.iter().map(|row| together(row)).max().unwrap_or(0)
}

/// The same send, asked for twice in one round, takes one place.
#[test]
fn rows_reserved_earlier_in_a_round_count() {
    let set = set("rules: [{name: cap, frequency_cap: {limit: 2, window: {rolling: P7D}}}]");
    let now = at("2026-06-01T10:00:00Z");
    let mut world = World::default();
    for send in 0..5 {
        world.send = send;
        if world.ask(&set, now).decision == Decision::Allow {
            world.reserve(&set, now, CountState::Reserved);
            world.rows.last_mut().expect("a row").send = SendId(send);
        }
    }
    assert_eq!(world.rows.len(), 2);
}
