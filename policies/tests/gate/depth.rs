//! Caps in their whole breadth against a naive count: any scope with labels, any window in any
//! zone, weights, limits by trait, gaps; over ledgers around changes of the clock.

use cadencia_policies::{CountState, Counts, LedgerRow};
use domain::ids::NameId;
use domain::time::{Instant, Zone};
use domain::value::{Map, Text, Value};
use domain::verdict::{Decision, RuleKind};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::fixture::{CHANNELS, CLASSES, LABELS, World, set, zone};
use crate::oracle::days;
use crate::properties::{starts, zones};

/// What a naive cap counts over.
#[derive(Clone, Copy, Debug)]
enum Span {
    Rolling(i64),
    Calendar(Period),
    Widened(i64, Period),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Period {
    Minute,
    Hour,
    Day,
    /// From this weekday on, counted from Monday.
    Week(i64),
    Month,
    Quarter,
}

/// What a scope asks for; indexes into the fixture's names.
#[derive(Clone, Copy, Debug, Default)]
struct Only {
    channel: Option<usize>,
    class: Option<usize>,
    /// 0 is `size: big`, 1 is `team: growth`.
    label: Option<usize>,
}

#[derive(Clone, Debug)]
struct Cap {
    /// Plain, or what the trait `room` adds to.
    limit: u32,
    by_trait: bool,
    span: Span,
    /// `None` is the customer's.
    zone: Option<&'static str>,
    only: Only,
    weights: Vec<(Only, u32)>,
    counts: Counts,
    gap: bool,
}

const LABEL_TEXTS: [&str; 2] = ["size: big", "team: growth"];
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Only {
    fn yaml(&self) -> String {
        let mut keys = Vec::new();
        keys.extend(self.channel.map(|at| format!("channels: [{}]", CHANNELS[at])));
        keys.extend(self.class.map(|at| format!("classes: [{}]", CLASSES[at])));
        keys.extend(self.label.map(|at| format!("labels: {{{}}}", LABEL_TEXTS[at])));
        format!("{{{}}}", keys.join(", "))
    }

    fn about(&self, channel: NameId, class: NameId, labels: NameId) -> bool {
        let is = |wanted: Option<usize>, id: NameId| {
            wanted.is_none_or(|wanted| usize::from(id.0) == wanted + 1)
        };
        let text = usize::from(labels.0).checked_sub(1).map_or("", |at| LABELS[at]);
        let has = |wanted: usize| text.contains(&LABEL_TEXTS[wanted].replace(": ", "="));
        is(self.channel, channel) && is(self.class, class) && self.label.is_none_or(has)
    }

    fn of(&self, world: &World) -> bool {
        let id = |at: Option<usize>| NameId(at.map_or(0, |at| at as u16 + 1));
        self.about(id(Some(world.channel)), id(Some(world.class)), id(world.labels))
    }
}

impl Period {
    fn yaml(self) -> (&'static str, String) {
        match self {
            Self::Minute => ("minute", String::new()),
            Self::Hour => ("hour", String::new()),
            Self::Day => ("day", String::new()),
            Self::Week(start) => ("week", format!(", week_start: {}", WEEKDAYS[start as usize])),
            Self::Month => ("month", String::new()),
            Self::Quarter => ("quarter", String::new()),
        }
    }

    /// What tells a period from others, in their order, by what the wall shows.
    fn of(self, at: Instant, zone: &Zone) -> (i64, i64, i64) {
        let local = zone.local(at);
        let midnight = zone.local(at).date().at(0, 0, 0, 0);
        let day = midnight.since(jiff_epoch()).expect("in range").get_days().into();
        let offset = -local_minus_utc_s(at, zone);
        let (year, month) = (i64::from(local.year()), i64::from(local.month()));
        let second = i64::from(local.hour()) * 3_600 + i64::from(local.minute()) * 60;
        match self {
            Self::Minute => (day, second, offset),
            Self::Hour => (day, second / 3_600, offset),
            Self::Day => (day, 0, 0),
            // The first day of 1970 was a Thursday.
            Self::Week(start) => ((day + 3 - start).div_euclid(7), 0, 0),
            Self::Month => (year * 12 + month, 0, 0),
            Self::Quarter => (year * 4 + (month - 1) / 3, 0, 0),
        }
    }
}

fn jiff_epoch() -> jiff::civil::DateTime {
    jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0)
}

fn local_minus_utc_s(at: Instant, zone: &Zone) -> i64 {
    let utc = Zone::utc().local(at);
    let span = zone.local(at).since((jiff::Unit::Second, utc)).expect("in range");
    span.get_seconds()
}

impl Cap {
    fn yaml(&self, name: usize) -> String {
        let counts = match self.counts {
            Counts::Reserved => "reserved",
            Counts::Accepted => "accepted",
            Counts::Delivered => "delivered",
        };
        let tail = format!("counts: {counts}, scope: {}", self.only.yaml());
        if let (true, Span::Rolling(ms)) = (self.gap, self.span) {
            return format!(
                "  - {{name: c{name}, minimum_gap: {{gap: PT{}S, {tail}}}}}\n",
                ms / 1_000
            );
        }
        let zone = self.zone.unwrap_or("customer");
        let window = match self.span {
            Span::Rolling(ms) => format!("{{rolling: PT{}S}}", ms / 1_000),
            Span::Calendar(period) => {
                let (word, start) = period.yaml();
                format!("{{calendar: {word}, zone: {zone}{start}}}")
            }
            Span::Widened(ms, period) => {
                let (word, start) = period.yaml();
                format!("{{rolling: PT{}S, widen_to: {word}, zone: {zone}{start}}}", ms / 1_000)
            }
        };
        let limit = match self.by_trait {
            true => format!("'customer.traits.room + {}'", self.limit),
            false => self.limit.to_string(),
        };
        let weights: Vec<String> = self
            .weights
            .iter()
            .map(|(only, weight)| format!("{{scope: {}, count_as: {weight}}}", only.yaml()))
            .collect();
        format!(
            "  - {{name: c{name}, frequency_cap: {{limit: {limit}, window: {window}, \
             weights: [{}], \
             {tail}}}}}\n",
            weights.join(", ")
        )
    }

    fn limit(&self, world: &World) -> u32 {
        let more = match world.traits.get("room") {
            Some(Value::Int(room)) if self.by_trait => *room as u32,
            _ => 0,
        };
        if self.gap { 1 } else { self.limit + more }
    }

    fn weight(&self, about: impl Fn(&Only) -> bool) -> u32 {
        let found = self.weights.iter().find(|(only, _)| !self.gap && about(only));
        found.map_or(1, |(_, weight)| *weight)
    }

    fn together(&self, row: Instant, at: Instant, customer: &Zone) -> bool {
        let fixed = self.zone.map(zone);
        let zone = fixed.as_ref().unwrap_or(customer);
        match self.span {
            Span::Rolling(ms) => at.0 - row.0 < ms,
            Span::Calendar(period) => period.of(row, zone) == period.of(at, zone),
            Span::Widened(ms, period) => {
                let first = Instant(at.0 - ms + 1);
                row >= first || period.of(row, zone) == period.of(first, zone)
            }
        }
    }

    fn counted(&self, world: &World, at: Instant) -> u32 {
        let customer = world.zone.as_ref().expect("a zone");
        let rows = world.rows.iter().filter(|row: &&LedgerRow| {
            row.marks.counts_toward_caps()
                && self.counts.counts(row.state)
                && self.only.about(row.channel, row.class, row.labels)
                && self.together(row.counted_at, at, customer)
        });
        rows.map(|row| self.weight(|only| only.about(row.channel, row.class, row.labels))).sum()
    }

    /// Whether it stands in the way of the world's message at an instant.
    fn stops(&self, world: &World, at: Instant) -> bool {
        let taken = self.weight(|only| only.of(world));
        self.only.of(world) && self.counted(world, at) + taken > self.limit(world)
    }
}

fn only() -> impl Strategy<Value = Only> {
    let some = |upto: usize| prop::option::weighted(0.3, 0..upto);
    (some(3), prop::option::weighted(0.2, Just(0_usize)), some(2))
        .prop_map(|(channel, class, label)| Only { channel, class, label })
}

fn period() -> impl Strategy<Value = Period> {
    prop_oneof![
        Just(Period::Minute),
        Just(Period::Hour),
        Just(Period::Day),
        (0..7_i64).prop_map(Period::Week),
        Just(Period::Month),
        Just(Period::Quarter),
    ]
}

fn cap() -> impl Strategy<Value = Cap> {
    let length = || select(vec![30, 60, 600, 3_600, 86_400, 90_000, 604_800, 1_209_600]);
    let length = move || length().prop_map(|seconds: i64| seconds * 1_000);
    let span = prop_oneof![
        length().prop_map(Span::Rolling),
        period().prop_map(Span::Calendar),
        (length(), period()).prop_map(|(ms, period)| Span::Widened(ms, period)),
    ];
    let zone = select(vec![None, None, Some("utc"), Some("Australia/Lord_Howe")]);
    let weights = prop::collection::vec((only(), 1_u32..5), 0..3);
    let counts = select(vec![Counts::Reserved, Counts::Accepted, Counts::Delivered]);
    (1_u32..7, any::<bool>(), span, zone, only(), weights, counts, prop::bool::weighted(0.2))
        .prop_map(|(limit, by_trait, span, zone, only, weights, counts, gap)| Cap {
            limit,
            by_trait,
            span,
            zone,
            only,
            weights,
            counts,
            gap: gap && matches!(span, Span::Rolling(_)),
        })
}

fn yaml(caps: &[Cap]) -> String {
    let rules: String = caps.iter().enumerate().map(|(at, cap)| cap.yaml(at)).collect();
    format!("rules:\n{rules}")
}

type Message = (usize, usize, Option<usize>);

fn message() -> impl Strategy<Value = Message> {
    (0_usize..3, 0_usize..2, prop::option::weighted(0.6, 0_usize..3))
}

fn traits(room: u32) -> Map {
    [(Text::from("room"), Value::Int(i64::from(room)))].into_iter().collect()
}

fn ask(world: &mut World, (channel, class, labels): Message) {
    (world.channel, world.class, world.labels) = (channel, class, labels);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Each cap and gap counts what a naive count counts, has room when that says so, and names the
    /// first instant at which it has.
    #[test]
    fn caps_and_gaps_agree_with_a_naive_count(
        caps in prop::collection::vec(cap(), 1..12),
        zone in zones(),
        now in starts(),
        room in 0_u32..3,
        rows in prop::collection::vec(
            (prop_oneof![0..days(20), 0..3_600_000_i64], message(),
             select(CountState::ALL.to_vec())), 0..40),
        asked in message(),
    ) {
        let set = set(&yaml(&caps));
        let mut world =
            World { zone: Some(zone), traits: traits(room), ..World::default() };
        for (back, message, state) in rows {
            ask(&mut world, message);
            world.reserve(&set, now.plus_ms(-back), state);
        }
        ask(&mut world, asked);
        // Class 1 is transactional: it obeys no cap.
        let obeys = world.class == 0;
        let verdict = world.ask(&set, now);
        let kinds = [RuleKind::FrequencyCap, RuleKind::MinimumGap];
        let found = verdict.rules.iter().filter(|rule| kinds.contains(&rule.kind));
        for (cap, rule) in caps.iter().zip(found) {
            prop_assert_eq!(cap.gap, rule.kind == RuleKind::MinimumGap);
            if !obeys || !cap.only.of(&world) {
                prop_assert_eq!(rule.earliest, Some(now));
                continue;
            }
            if !cap.gap {
                prop_assert_eq!(rule.counted, Some(cap.counted(&world, now)), "{:?}", cap);
                prop_assert_eq!(rule.limit, Some(cap.limit(&world)), "{:?}", cap);
            }
            prop_assert_eq!(rule.earliest != Some(now), cap.stops(&world, now), "{:?}", cap);
            match rule.earliest {
                Some(at) if at > now => {
                    prop_assert!(!cap.stops(&world, at), "{:?} stops at {}", cap, at);
                    prop_assert!(cap.stops(&world, at.plus_ms(-1)), "{:?} too late", cap);
                }
                Some(_) => {}
                None => prop_assert!(
                    cap.weight(|only| only.of(&world)) > cap.limit(&world), "{:?} never", cap
                ),
            }
        }
        let stopped = obeys && caps.iter().any(|cap| cap.stops(&world, now));
        prop_assert_eq!(verdict.decision == Decision::Allow, !stopped);
    }

    /// Whatever is asked in whatever order, nothing goes that the naive model forbids, and a hold
    /// ends at an instant at which it does not.
    #[test]
    fn nothing_goes_that_the_naive_model_forbids(
        caps in prop::collection::vec(cap(), 1..5),
        zone in zones(),
        start in starts(),
        room in 0_u32..3,
        steps in prop::collection::vec(
            (0_i64..days(1), message(), any::<Index>(), prop::bool::weighted(0.2)), 1..50),
    ) {
        let set = set(&yaml(&caps));
        let mut world =
            World { zone: Some(zone), traits: traits(room), ..World::default() };
        let mut now = start;
        for (ms, message, index, settles) in steps {
            if settles && !world.rows.is_empty() {
                let row = index.get_mut(&mut world.rows);
                let next = CountState::ALL[index.index(CountState::ALL.len())];
                if row.state.may_become(next) {
                    row.state = next;
                }
                continue;
            }
            now = now.plus_ms(ms / 5);
            ask(&mut world, message);
            world.send = 1_000 + world.rows.len() as u128;
            let stops = |world: &World, at| {
                world.class == 0 && caps.iter().any(|cap| cap.stops(world, at))
            };
            match world.ask(&set, now).decision {
                Decision::Allow => {
                    prop_assert!(!stops(&world, now));
                    world.reserve(&set, now, CountState::Reserved);
                }
                Decision::HoldUntil(until) => {
                    prop_assert!(stops(&world, now) && !stops(&world, until), "{}", until);
                }
                _ => prop_assert!(stops(&world, now)),
            }
        }
    }
}
