//! `policy`: verdicts of the gate on one core, each with the record of why: twenty rules, a
//! customer with 200 ledger rows.

use std::hint::black_box;

use domain::channel::AddressForm;
use domain::consent::{Consent, ConsentChange, Permission};
use domain::ids::{ChannelName, NameId, SendId, Topic};
use domain::time::{DAY_MS, Instant, Zone};
use domain::value::Map;
use policies::{
    ContactPolicy, CountState, History, LEDGER_ROW_BYTES, LedgerRow, Marks, NameKind, PolicySet,
    RawContactPolicy, Request, Subject, decide,
};
use store::bench::procfs::thread_core_ns;

use super::report::{Report, rounded};
use super::{Bench, BenchError, cannot, median};

const NAMES: [&str; 8] =
    ["email", "sms", "push", "marketing", "service", "carts", "news", "spring"];
const ROWS: u64 = 200;
const RUNS: usize = 9;
/// 2026-06-10T12:00:00Z.
const NOW: Instant = Instant(1_781_092_800_000);

/// Sixteen caps and four quiet hours, as a large sender would have them; none is full.
const MIXED: &str = r#"
fallback_zone: UTC
rules:
  - {name: r1, frequency_cap: {limit: 9, window: {rolling: P1D}}}
  - {name: r2, frequency_cap: {limit: 30, window: {rolling: P7D}}}
  - {name: r3, frequency_cap: {limit: 120, window: {rolling: P30D}}}
  - {name: r4, frequency_cap: {limit: 9, window: {calendar: day, zone: customer}}}
  - {name: r5, frequency_cap: {limit: 40, window: {calendar: week, zone: customer}}}
  - {name: r6, frequency_cap: {limit: 120, window: {calendar: month, zone: utc}}}
  - {name: r7, frequency_cap: {limit: 60, window: {rolling: P30D}, scope: {channels: [email]}}}
  - {name: r8, frequency_cap: {limit: 20, window: {rolling: P7D}, scope: {channels: [sms]}}}
  - {name: r9, frequency_cap: {limit: 20, window: {rolling: P7D}, scope: {channels: [push]}}}
  - {name: r10, frequency_cap: {limit: 60, window: {rolling: P30D}, scope: {topics: [carts]}}}
  - {name: r11, frequency_cap: {limit: 30, window: {rolling: P30D}, scope: {topics: [news]}}}
  - {name: r12, frequency_cap: {limit: 80, window: {rolling: P30D}, scope: {campaigns: [spring]}}}
  - {name: r13, frequency_cap: {limit: 80, window: {rolling: P30D}, scope: {classes: [marketing]}}}
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

fn compile(spec: &str) -> Result<PolicySet, BenchError> {
    let what = "compile the contact policy";
    let raw: RawContactPolicy = serde_saphyr::from_str(spec).map_err(cannot(what))?;
    let problems = |problems| BenchError::new(what, format!("{problems:?}"));
    let document = raw.validate().map_err(problems)?;
    let merged = ContactPolicy::merge(&[document]);
    let merged = merged.map_err(|problems| BenchError::new(what, format!("{problems:?}")))?;
    Ok(PolicySet::compile(&merged, 1, &id))
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
            labels: NameId::NONE,
            state: CountState::ALL[(draw / 72 % 3) as usize],
            marks: Marks::new(true, false),
        }
    };
    (0..ROWS).map(row).collect()
}

pub(super) fn run(bench: &Bench) -> Result<Report, BenchError> {
    let mut report = Report::new("policy");
    let mut consent = Consent::default();
    let granted = ConsentChange {
        channel: None,
        topic: None,
        permission: Permission::Granted,
        source: "bench".to_owned(),
    };
    consent.record(granted, Instant(0));
    let (channel, topic) = (ChannelName::from("email"), Topic::from("carts"));
    let traits = Map::new();
    let zone = Zone::parse("Europe/Madrid").map_err(|_| BenchError::new("read a zone", "bad"))?;
    let request = Request {
        send: SendId(u128::MAX),
        channel: &channel,
        topic: Some(&topic),
        channel_id: NameId(1),
        class_id: NameId(4),
        topic_id: NameId(6),
        campaign_id: NameId(8),
        labels_id: NameId::NONE,
        valid_until: NOW.plus_ms(DAY_MS),
        on_capped: None,
        skip_catch_up: false,
        shadow: false,
        subject: Subject {
            zone: Some(&zone),
            traits: &traits,
            consent: &consent,
            address: Some("someone@example.com"),
            address_form: AddressForm::Any,
            suppressed: None,
        },
    };
    let rows = rows();
    let full = MIXED.replace("limit: 9,", "limit: 1,");
    let rounds = bench.pick(500, 50_000);
    let mut rates = Vec::new();
    for (name, spec) in [("mixed", MIXED), ("full", &full), ("dense", &dense())] {
        let (set, history) = (compile(spec)?, History::new(&rows));
        let rate = rate(bench, rounds, |now| {
            black_box(decide(&request, history, &set, now));
        });
        rates.push(rate);
        let decision = decide(&request, history, &set, NOW).decision;
        report.set(&format!("{name}_decision"), format!("{decision:?}"));
        report.set(&format!("{name}_per_s"), rounded(rate));
    }
    report.figure("verdicts_per_s_per_core", rates[0]);
    report.figure("bytes_per_ledger_row", size_of::<LedgerRow>() as f64);
    report.set("rules", 20);
    report.set("ledger_rows", ROWS);
    report.set("encoded_row_bytes", LEDGER_ROW_BYTES);
    report.set("rounds", rounds);
    report.set("runs", RUNS);
    Ok(report)
}

/// Calls per second of core time: the median of some runs.
fn rate(bench: &Bench, rounds: i64, mut call: impl FnMut(Instant)) -> f64 {
    let runs = (0..RUNS).map(|_| {
        let (core_ns, began) = (thread_core_ns(), bench.now_s());
        for round in 0..rounds {
            call(NOW.plus_ms(round % 1_000));
        }
        let wall_s = bench.now_s() - began;
        let core_s = core_ns.zip(thread_core_ns()).map(|(from, to)| (to - from) as f64 / 1e9);
        rounds as f64 / core_s.unwrap_or(wall_s).max(1e-9)
    });
    median(runs.collect())
}
