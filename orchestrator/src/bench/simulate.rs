//! `simulate`: a month of three journeys with caps and quiet hours, over customers with a few
//! events each, on as many threads as there are cores.

use domain::event::{Event, EventBody};
use domain::ids::{CustomerId, EventName};
use domain::time::{DAY_MS, Instant};
use domain::value::{Map, Value};
use store::bench::procfs::Process;

use super::known::{customer, granted};
use super::load::Chance;
use super::report::{Report, rounded};
use super::{Bench, BenchError, campaign, cannot};
use crate::demo::START_MS;
use crate::simulate::{Plan, Recording, simulate};

/// Days from the first event to the horizon.
const DAYS: i64 = 30;

const CAMPAIGN: &str = r#"
apiVersion: cadencia/v1
kind: ContactPolicy
metadata: {name: bench}
spec:
  fallback_zone: Europe/Madrid
  rules:
    - {name: a-week, frequency_cap: {limit: 3, window: {rolling: P7D}}}
    - {name: a-day, frequency_cap: {limit: 1, window: {calendar: day, zone: customer}}}
    - {name: nights, quiet_hours: {windows: [{from: "21:00", to: "08:00"}]}}
---
apiVersion: cadencia/v1
kind: Journey
metadata: {name: welcome}
spec:
  enter: {event: Account Created, reentry: never}
  steps:
    - send: {channels: [{email: hello}], class: marketing, topic: welcome, valid_for: P2D}
    - wait: {for: P2D, at: "10:00"}
    - send: {channels: [{email: hello}], class: marketing, topic: welcome, valid_for: P2D}
---
apiVersion: cadencia/v1
kind: Journey
metadata: {name: cart-rescue}
spec:
  enter: {event: Product Added, reentry: after_exit}
  exit: [{event: Order Completed}]
  steps:
    - wait: {for: PT1H}
    - branch:
        - when: event.properties.price > 20.0
          steps: [{send: {channels: [{email: hello}], class: marketing, topic: carts}}]
        - else: []
    - wait: {for: P1D}
---
apiVersion: cadencia/v1
kind: Journey
metadata: {name: win-back}
spec:
  enter: {event: Order Completed, reentry: after_exit}
  exit: [{event: Order Completed}]
  steps:
    - wait: {for: P14D, at: "11:00"}
    - send: {channels: [{email: hello}], class: marketing, topic: orders, on_capped: refuse}
---
apiVersion: cadencia/v1
kind: Template
metadata: {name: hello}
spec: {subject: Hello, text: Hello}
"#;

pub(super) fn run(bench: &Bench) -> Result<Report, BenchError> {
    let mut report = Report::new("simulate");
    let catalog = campaign::catalog(bench, &campaign::with_capture(CAMPAIGN))?;
    let customers = bench.customers(5_000, 1_000_000);
    let events = events(customers);
    let count = events.count() as u64;
    let with_events = Process::own().rss_bytes;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let until = Instant(START_MS).plus_ms(DAYS * DAY_MS);
    let began = bench.now_s();
    let results = simulate(&Plan { catalog, until, threads }, events, Vec::new());
    let results = results.map_err(cannot("simulate"))?;
    let seconds = bench.now_s() - began;
    report.figure("events_per_s", results.summary.inputs as f64 / seconds.max(1e-9));
    report.figure("peak_rss_mib", Process::own().peak_rss_bytes as f64 / f64::from(1 << 20));
    report.set("customers", customers);
    report.set("days", DAYS);
    report.set("events", count);
    report.set("timers", results.summary.inputs - count.min(results.summary.inputs));
    report.set("sends", results.sends.count());
    report.set("threads", threads);
    report.set("seconds", rounded(seconds));
    report.set("events_rss_mib", with_events >> 20);
    Ok(report)
}

/// Of each customer: a sign-up with a permission, two carts in the month, an order of every third.
/// They are packed as the command packs what it reads.
fn events(customers: u64) -> Recording {
    let mut chance = Chance(30);
    let mut events = Recording::default();
    for number in 0..customers {
        let id = customer(number);
        let first = Instant(START_MS).plus_ms(chance.below(20 * DAY_MS as u64) as i64);
        let traits = Map::from([(
            "email".into(),
            Value::from(format!("customer{number}@example.org").as_str()),
        )]);
        events.add(event(&id, first, EventBody::Identify { traits }));
        events.add(event(&id, first, EventBody::Consent(granted())));
        events.add(event(&id, first, track("Account Created", 0)));
        for _ in 0..2 {
            let at = first.plus_ms(chance.below(10 * DAY_MS as u64) as i64);
            events.add(event(&id, at, track("Product Added", chance.below(40))));
            if chance.below(6) == 0 {
                let at = at.plus_ms(chance.below(DAY_MS as u64) as i64);
                events.add(event(&id, at, track("Order Completed", 1)));
            }
        }
    }
    events
}

fn track(name: &str, price: u64) -> EventBody {
    let properties = Map::from([("price".into(), Value::Float(price as f64))]);
    EventBody::Track { name: EventName::from(name), properties }
}

fn event(id: &CustomerId, at: Instant, body: EventBody) -> Event {
    let name = match &body {
        EventBody::Track { name, .. } => name.as_str(),
        EventBody::Identify { .. } => "identify",
        EventBody::Consent(_) => "consent",
        EventBody::StopsLifted(_) => "stops-lifted",
    };
    let message_id = format!("{name}-{}", at.0);
    Event { customer: id.clone(), message_id, occurred_at: at, received_at: at, body }
}
