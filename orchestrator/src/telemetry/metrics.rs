//! The metrics of one process: created once, counted from every thread, read by `/metrics`.
//!
//! Counting is an atomic addition; only the families with a channel or rule attribute take a read
//! lock, and those count sends, not events.

use policies::CountState;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric as Registered, Registry};

use super::AtomicHistogram;
use super::exemplars::Exemplars;
use super::names::{self, Metric};

/// Media type of [`Metrics::render`].
pub const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Media type of [`Metrics::render_plain`].
pub const PLAIN_METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Upper bounds in seconds. The target for timers is 0.2 s, so the bounds are close around it.
const LATENESS_BOUNDS: &[f64] =
    &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 1.0, 2.5, 10.0, 60.0, 600.0, 3600.0];
/// Upper bounds in seconds, from a fast disk's barrier to the watchdog's patience.
const COMMIT_BOUNDS: &[f64] =
    &[0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];
/// Upper bounds up to the most transactions of one commit.
const TRANSACTION_BOUNDS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// Upper bounds in seconds, from a message that is kept in memory to the patience of a provider.
const ATTEMPT_BOUNDS: &[f64] =
    &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Seconds are summed to the microsecond.
const SECONDS_SCALE: f64 = 1e6;

/// The type of an event in the tracking API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    /// Traits of a customer.
    Identify,
    /// Something that the customer did.
    Track,
    /// A page that was seen.
    Page,
    /// A screen that was seen.
    Screen,
    /// Membership of a group.
    Group,
    /// Two ids of one customer.
    Alias,
    /// What a provider told about a message.
    Delivery,
    /// Could not be told.
    Other,
}

impl EventType {
    /// Every type, in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::Identify,
        Self::Track,
        Self::Page,
        Self::Screen,
        Self::Group,
        Self::Alias,
        Self::Delivery,
        Self::Other,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Identify => "identify",
            Self::Track => "track",
            Self::Page => "page",
            Self::Screen => "screen",
            Self::Group => "group",
            Self::Alias => "alias",
            Self::Delivery => "delivery",
            Self::Other => "other",
        }
    }
}

/// What was done with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventResult {
    /// Taken and durable.
    Accepted,
    /// Not valid.
    Rejected,
}

impl EventResult {
    const ALL: [Self; 2] = [Self::Accepted, Self::Rejected];

    fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        }
    }
}

/// What telemetry consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Log records.
    Logs,
    /// Metrics.
    Metrics,
}

impl Signal {
    /// Every signal.
    pub const ALL: [Self; 3] = [Self::Traces, Self::Logs, Self::Metrics];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Logs => "logs",
            Self::Metrics => "metrics",
        }
    }
}

type ChannelLabels = [(&'static str, String); 1];
type Attempts = Family<ChannelLabels, AtomicHistogram, fn() -> AtomicHistogram>;
type RuleLabels = [(&'static str, &'static str); 1];
type SendLabels = [(&'static str, String); 2];
type EventLabels = [(&'static str, &'static str); 2];

/// Every metric of a process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    sends: Family<SendLabels, Counter>,
    reports: Family<SendLabels, Counter>,
    refusals: Family<RuleLabels, Counter>,
    holds: Family<RuleLabels, Counter>,
    /// Resolved once: events are counted on the hot path.
    events: [[Counter; EventResult::ALL.len()]; EventType::ALL.len()],
    /// Time from a timer's due instant to its hand-over, in seconds.
    pub timer_lateness: AtomicHistogram,
    /// Duration of a group commit, in seconds.
    pub commit: AtomicHistogram,
    /// Transactions per group commit.
    pub commit_transactions: AtomicHistogram,
    /// Customers whose actor is in memory.
    pub active_customers: Gauge,
    /// Customers with a due instant.
    pub pending_timers: Gauge,
    /// Sends without an outcome yet.
    pub outbox_open: Gauge,
    /// Sends whose outcome nobody knows.
    pub sends_unknown: Counter,
    /// Requests refused for want of credits.
    pub mailbox_refused: Counter,
    /// Turns that were dropped because of their size.
    pub turns_too_large: Counter,
    stops_lost: Family<RuleLabels, Counter>,
    audience_exports: Family<SendLabels, Counter>,
    store_bytes: Family<RuleLabels, Gauge>,
    attempts: Attempts,
    dropped: Family<RuleLabels, Counter>,
    /// Traces that the metrics point at.
    pub exemplars: Exemplars,
}

impl Metrics {
    /// All metrics at zero.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let events = Family::<EventLabels, Counter>::default();
        let build = Info::new([(names::VERSION, env!("CARGO_PKG_VERSION"))]);
        registry.register(base_name(&names::BUILD), names::BUILD.help, build);
        let stops_lost = Family::<RuleLabels, Counter>::default();
        for rule in ["suppression", "consent"] {
            // Shown from the start: an alert on the first one needs the zero before it.
            drop(stops_lost.get_or_create_owned(&[(names::RULE, rule)]));
        }
        let dropped = Family::<RuleLabels, Counter>::default();
        for signal in Signal::ALL {
            drop(dropped.get_or_create_owned(&[(names::SIGNAL, signal.as_str())]));
        }
        let attempts: Attempts =
            Family::new_with_constructor(|| AtomicHistogram::new(ATTEMPT_BOUNDS, SECONDS_SCALE));
        Self {
            sends: register(&mut registry, &names::SENDS, Family::default()),
            reports: register(&mut registry, &names::REPORTS, Family::default()),
            refusals: register(&mut registry, &names::REFUSALS, Family::default()),
            holds: register(&mut registry, &names::HOLDS, Family::default()),
            events: resolve(&register(&mut registry, &names::EVENTS, events)),
            timer_lateness: register(
                &mut registry,
                &names::TIMER_LATENESS,
                AtomicHistogram::new(LATENESS_BOUNDS, SECONDS_SCALE),
            ),
            commit: register(
                &mut registry,
                &names::COMMIT,
                AtomicHistogram::new(COMMIT_BOUNDS, SECONDS_SCALE),
            ),
            commit_transactions: register(
                &mut registry,
                &names::COMMIT_TRANSACTIONS,
                AtomicHistogram::new(TRANSACTION_BOUNDS, 1.0),
            ),
            active_customers: register(&mut registry, &names::ACTIVE_CUSTOMERS, Gauge::default()),
            pending_timers: register(&mut registry, &names::PENDING_TIMERS, Gauge::default()),
            outbox_open: register(&mut registry, &names::OUTBOX_OPEN, Gauge::default()),
            sends_unknown: register(&mut registry, &names::SENDS_UNKNOWN, Counter::default()),
            mailbox_refused: register(&mut registry, &names::MAILBOX_REFUSED, Counter::default()),
            turns_too_large: register(&mut registry, &names::TURNS_TOO_LARGE, Counter::default()),
            stops_lost: register(&mut registry, &names::STOPS_LOST, stops_lost),
            audience_exports: register(&mut registry, &names::AUDIENCE_EXPORTS, Family::default()),
            store_bytes: register(&mut registry, &names::STORE_BYTES, Family::default()),
            attempts: register(&mut registry, &names::ATTEMPT, attempts),
            dropped: register(&mut registry, &names::TELEMETRY_DROPPED, dropped),
            exemplars: Exemplars::default(),
            registry,
        }
    }

    /// Counts `count` events of one type with one result.
    pub fn events(&self, event_type: EventType, result: EventResult, count: u64) {
        self.events[event_type as usize][result as usize].inc_by(count);
    }

    /// Counts sends of a channel that ended in a state.
    pub fn sends_ended(&self, channel: &str, state: CountState, count: u64) {
        let outcome = match state {
            CountState::Accepted => "accepted",
            CountState::Delivered => "delivered",
            CountState::Bounced => "bounced",
            CountState::Rejected => "rejected",
            CountState::Released => "not_sent",
            CountState::Unknown => "unknown",
            // It has not ended.
            CountState::Reserved => return,
        };
        if state == CountState::Unknown {
            self.sends_unknown.inc_by(count);
        }
        let labels = [(names::CHANNEL, channel.to_owned()), (names::OUTCOME, outcome.to_owned())];
        self.sends.get_or_create(&labels).inc_by(count);
    }

    /// Counts a report of a provider: the word of what it says.
    pub fn report(&self, channel: &str, said: &'static str) {
        let labels = [(names::CHANNEL, channel.to_owned()), (names::REPORT, said.to_owned())];
        self.reports.get_or_create(&labels).inc();
    }

    /// Takes over how long one attempt took, in seconds.
    pub fn attempt(&self, channel: &str, seconds: f64) {
        let labels = [(names::CHANNEL, channel.to_owned())];
        self.attempts.get_or_create(&labels).observe(seconds);
    }

    /// Counts telemetry that did not reach its collector.
    pub fn telemetry_dropped(&self, signal: Signal, records: u64) {
        self.dropped.get_or_create(&[(names::SIGNAL, signal.as_str())]).inc_by(records);
    }

    /// Takes over how often a rule held and refused, as the partitions have counted it: their
    /// counts are durable, so these go on over a restart. `rule` is the word of its kind.
    pub fn ruled(&self, rule: &'static str, held: u64, refused: u64) {
        for (family, total) in [(&self.holds, held), (&self.refusals, refused)] {
            let counter = family.get_or_create_owned(&[(names::RULE, rule)]);
            counter.inc_by(total.saturating_sub(counter.get()));
        }
    }

    /// Counts a stop that could not be recorded. `rule` is the word of the rule's kind.
    pub fn stop_lost(&self, rule: &'static str) {
        self.stops_lost.get_or_create(&[(names::RULE, rule)]).inc();
    }

    /// Counts an export of an audience. `outcome` is the word of what became of it.
    pub fn audience_export(&self, audience: &str, outcome: &'static str) {
        let labels = [(names::AUDIENCE, audience.to_owned()), (names::OUTCOME, outcome.to_owned())];
        self.audience_exports.get_or_create(&labels).inc();
    }

    /// Takes over what the store occupies.
    pub fn store_bytes(&self, journal: u64, tables: u64) {
        for (part, bytes) in [("journal", journal), ("tables", tables)] {
            let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
            self.store_bytes.get_or_create(&[(names::PART, part)]).set(bytes);
        }
    }

    /// All metrics in OpenMetrics text, as [`OPEN_METRICS`]: with exemplars.
    pub fn render(&self) -> String {
        self.exemplars.within(&self.encode())
    }

    /// All metrics in Prometheus' own text, as [`PLAIN_METRICS`]: it knows no exemplars, and names
    /// families as their samples are named.
    pub fn render_plain(&self) -> String {
        let mut plain = String::new();
        for line in self.encode().lines() {
            let Some((word, rest)) = line.strip_prefix("# ").and_then(|it| it.split_once(' '))
            else {
                if !line.starts_with('#') {
                    plain.push_str(line);
                    plain.push('\n');
                }
                continue;
            };
            let (base, text) = rest.split_once(' ').unwrap_or((rest, ""));
            let declared = names::METRICS.into_iter().find(|metric| base_name(metric) == base);
            let name = declared.map_or(base, |metric| metric.name);
            let text = if text == "info" { "gauge" } else { text };
            if word == "HELP" || word == "TYPE" {
                plain.push_str(&format!("# {word} {name} {text}\n"));
            }
        }
        plain
    }

    fn encode(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("a String takes every write");
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// Without the suffix of its kind, which the library adds.
fn base_name(declared: &Metric) -> &'static str {
    let name = declared.name;
    name.strip_suffix("_total").or(name.strip_suffix("_info")).unwrap_or(name)
}

fn register<M: Registered + Clone>(registry: &mut Registry, declared: &Metric, metric: M) -> M {
    registry.register(base_name(declared), declared.help, metric.clone());
    metric
}

fn resolve(
    family: &Family<EventLabels, Counter>,
) -> [[Counter; EventResult::ALL.len()]; EventType::ALL.len()] {
    EventType::ALL.map(|event_type| {
        EventResult::ALL.map(|result| {
            let labels = [(names::TYPE, event_type.as_str()), (names::RESULT, result.as_str())];
            family.get_or_create_owned(&labels)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_declared_metric_is_shown_under_its_name() {
        let metrics = Metrics::new();
        metrics.sends_ended("email", CountState::Accepted, 1);
        metrics.audience_export("buyers", "accepted");
        metrics.ruled("frequency_cap", 2, 1);
        metrics.store_bytes(1, 2);
        metrics.attempt("email", 0.02);
        metrics.report("sms", "delivered");
        metrics.audience_export("buyers", "accepted");
        let text = metrics.render();
        for metric in names::METRICS {
            let shown = text.lines().any(|line| {
                line.strip_prefix(metric.name).is_some_and(|rest| {
                    rest.starts_with([' ', '{']) || rest.starts_with("_bucket{")
                })
            });
            assert!(shown, "{} is not in\n{text}", metric.name);
        }
    }

    #[test]
    fn counts_carry_their_attributes() {
        let metrics = Metrics::new();
        metrics.events(EventType::Track, EventResult::Rejected, 3);
        metrics.ruled("quiet_hours", 2, 5);
        metrics.ruled("quiet_hours", 4, 5);
        metrics.sends_ended("email", CountState::Rejected, 1);
        metrics.sends_ended("email", CountState::Reserved, 1);
        metrics.sends_ended("email", CountState::Unknown, 2);
        let text = metrics.render();
        assert!(text.contains("cadencia_events_total{type=\"track\",result=\"rejected\"} 3"));
        assert!(text.contains("cadencia_holds_total{rule=\"quiet_hours\"} 4"), "{text}");
        assert!(text.contains("cadencia_refusals_total{rule=\"quiet_hours\"} 5"), "{text}");
        assert!(text.contains("cadencia_sends_total{channel=\"email\",outcome=\"rejected\"} 1"));
        assert!(text.contains("cadencia_sends_unknown_total 2"), "{text}");
    }

    #[test]
    fn a_histogram_counts_a_bound_under_itself() {
        let metrics = Metrics::new();
        metrics.timer_lateness.observe(0.2);
        metrics.timer_lateness.observe(-1.0);
        metrics.timer_lateness.observe(1e9);
        let text = metrics.render();
        let line = |bound: &str, count: u32| {
            format!("cadencia_timer_lateness_seconds_bucket{{le=\"{bound}\"}} {count}")
        };
        assert!(text.contains(&line("0.001", 1)), "{text}");
        assert!(text.contains(&line("0.2", 2)), "{text}");
        assert!(text.contains(&line("+Inf", 3)), "{text}");
    }
}
