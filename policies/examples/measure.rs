//! How many verdicts one core makes in a second, with 20 rules and 200 ledger rows.
//!
//!     cargo run --release -p cadencia-policies --example measure

#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]

use std::hint::black_box;
use std::time::Instant as Clock;

use cadencia_policies::{
    ContactPolicy, CountState, History, LedgerRow, NameKind, PolicySet, RawContactPolicy, Request,
    Subject, allows, decide,
};
use domain::consent::{Consent, ConsentChange, Permission};
use domain::ids::{ChannelName, NameId, SendId, Topic};
use domain::time::{DAY_MS, Instant, Zone};
use domain::verdict::Verdict;

const NAMES: [&str; 8] =
    ["email", "sms", "push", "marketing", "service", "carts", "news", "spring"];
const ROWS: u64 = 200;
const ROUNDS: u32 = 50_000;
/// 2026-06-10T12:00:00Z.
const NOW: Instant = Instant(1_781_092_800_000);

/// Sixteen caps and four quiet hours, as a large sender would have them.
const MIXED: &str = r#"
fallback_zone: UTC
rules:
  - {name: r1, frequency_cap: {limit: 9, window: {rolling: P1D}}}
  - {name: r2, frequency_cap: {limit: 30, window: {rolling: P7D}}}
  - {name: r3, frequency_cap: {limit: 90, window: {rolling: P30D}}}
  - {name: r4, frequency_cap: {limit: 9, window: {calendar: day, zone: customer}}}
  - {name: r5, frequency_cap: {limit: 40, window: {calendar: week, zone: customer}}}
  - {name: r6, frequency_cap: {limit: 120, window: {calendar: month, zone: utc}}}
  - {name: r7, frequency_cap: {limit: 60, window: {rolling: P30D}, scope: {channels: [email]}}}
  - {name: r8, frequency_cap: {limit: 20, window: {rolling: P7D}, scope: {channels: [sms]}}}
  - {name: r9, frequency_cap: {limit: 20, window: {rolling: P7D}, scope: {channels: [push]}}}
  - {name: r10, frequency_cap: {limit: 60, window: {rolling: P30D}, scope: {topics: [carts]}}}
  - {name: r11, frequency_cap: {limit: 30, window: {rolling: P30D}, scope: {topics: [news]}}}
  - {name: r12, frequency_cap: {limit: 50, window: {rolling: P30D}, scope: {campaigns: [spring]}}}
  - {name: r13, frequency_cap: {limit: 60, window: {rolling: P30D}, scope: {classes: [marketing]}}}
  - {name: r14, frequency_cap: {limit: 30, window: {rolling: P7D}, scope: {classes: [marketing]}}}
  - {name: r15, frequency_cap: {limit: 30, window: {rolling: P7D}, counts: delivered}}
  - {name: r16, frequency_cap: {limit: 30, window: {rolling: P7D}, counts: reserved}}
  - {name: q1, quiet_hours: {windows: [{on: mon-fri, from: "21:00", to: "08:00"}]}}
  - {name: q2, quiet_hours: {windows: [{on: "sat,sun", from: "20:00", to: "10:00"}]}}
  - {name: q3, quiet_hours: {windows: [{from: "20:00", to: "09:00"}], scope: {channels: [sms]}}}
  - name: q4
    quiet_hours: {windows: [{on: sun, from: "00:00", to: "24:00"}], scope: {channels: [push]}}
"#;

/// Twenty caps for each of which every row counts, and none of which is ever full.
fn dense() -> String {
    let mut text = "fallback_zone: UTC\nrules:\n".to_owned();
    for cap in 0..20 {
        let window = format!("{{rolling: P{}D}}", 100 + cap);
        let body = format!("{{limit: {}, window: {window}}}", 300 + cap);
        text.push_str(&format!("  - {{name: c{cap}, frequency_cap: {body}}}\n"));
    }
    text
}

fn id(_: NameKind, name: &str) -> NameId {
    let at = NAMES.iter().position(|known| *known == name);
    NameId(at.map_or(60, |at| at as u16 + 1))
}

fn compile(spec: &str) -> PolicySet {
    let raw: RawContactPolicy = serde_saphyr::from_str(spec).expect("the YAML parses");
    let document = raw.validate().expect("the policy is valid");
    PolicySet::compile(&ContactPolicy::merge(&[document]).expect("one document"), 1, &id)
}

/// Rows of the last 60 days, in a fixed mix of channels, classes, topics and outcomes.
fn rows() -> Vec<LedgerRow> {
    let row = |at: u64| {
        let draw = domain::hash::bucket("row", &at.to_le_bytes(), 1 << 20);
        LedgerRow {
            send: SendId(u128::from(at)),
            counted_at: NOW.plus_ms(-60 * DAY_MS / ROWS as i64 * (ROWS - at) as i64),
            cost_micros: 0,
            policy: 1,
            channel: NameId(1 + (draw % 3) as u16),
            class: NameId(4 + (draw / 3 % 2) as u16),
            topic: NameId((draw / 6 % 3 * (5 + draw / 18 % 2)) as u16),
            campaign: NameId((draw / 36 % 2 * 8) as u16),
            state: CountState::ALL[(draw / 72 % 3) as usize],
            counts_toward_caps: true,
            shadow: false,
        }
    };
    (0..ROWS).map(row).collect()
}

/// Nanoseconds that this thread has had a core: what others do on the machine does not count.
fn core_ns(started: Clock) -> u128 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let ns = stat.split(' ').next().and_then(|ns| ns.parse().ok());
    ns.unwrap_or_else(|| started.elapsed().as_nanos())
}

/// Nanoseconds per call: the median of nine runs.
fn median_ns(mut call: impl FnMut(Instant)) -> f64 {
    let clock = Clock::now();
    let mut runs: Vec<f64> = (0..9)
        .map(|_| {
            let started = core_ns(clock);
            for round in 0..ROUNDS {
                call(NOW.plus_ms(i64::from(round % 1_000)));
            }
            (core_ns(clock) - started) as f64 / f64::from(ROUNDS)
        })
        .collect();
    runs.sort_by(f64::total_cmp);
    runs[4]
}

fn main() {
    let mut consent = Consent::default();
    let change = ConsentChange {
        channel: None,
        topic: None,
        permission: Permission::Granted,
        source: "import".to_owned(),
    };
    consent.record(change, Instant(0));
    let (channel, topic) = (ChannelName::from("email"), Topic::from("carts"));
    let zone = Zone::parse("Europe/Madrid").expect("a zone");
    let request = Request {
        send: SendId(u128::MAX),
        channel: &channel,
        topic: Some(&topic),
        channel_id: NameId(1),
        class_id: NameId(4),
        topic_id: NameId(6),
        campaign_id: NameId(8),
        valid_until: NOW.plus_ms(DAY_MS),
        on_capped: None,
        skip_catch_up: false,
        shadow: false,
        subject: Subject {
            zone: Some(&zone),
            consent: &consent,
            address: Some("someone@example.com"),
            suppressed: None,
        },
    };
    let rows = rows();
    let none = "fallback_zone: UTC".to_owned();
    println!("policy   rows   verdict ns   verdicts/s   short answer ns   decision");
    for (name, spec, rows) in [
        ("built-in", &none, &rows[..]),
        ("mixed", &MIXED.to_owned(), &rows[..]),
        ("full", &MIXED.replace("limit: 9,", "limit: 1,"), &rows[..]),
        ("mixed", &MIXED.to_owned(), &rows[..20]),
        ("mixed", &MIXED.to_owned(), &[]),
        ("dense", &dense(), &rows[..]),
    ] {
        let (set, history) = (compile(spec), History::new(rows));
        let ns = median_ns(|now| drop::<Verdict>(black_box(decide(&request, history, &set, now))));
        let short = median_ns(|now| {
            black_box(allows(&request, history, &set, now));
        });
        let decision = decide(&request, history, &set, NOW).decision;
        println!(
            "{name:8} {:4} {ns:12.0} {:12.0} {short:17.0}   {decision:?}",
            rows.len(),
            1e9 / ns
        );
    }
}
