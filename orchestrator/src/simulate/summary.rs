//! What `summary.json` says: counts per journey and step, per channel and rule, by day.

use std::collections::BTreeMap;

use domain::time::Instant;
use engine::Catalog;
use engine::counters::{CounterKey, Counters, EXITS};
use serde::Serialize;

use super::life::SendOutcome;
use super::sends::Sends;
use super::tally::Tally;
use crate::web::console::counts::{Overview, Spent};

/// Everything that a simulation found.
#[derive(Debug)]
pub struct Results {
    /// Intended sends, by (created at, customer, send id).
    pub sends: Sends,
    /// The counts.
    pub summary: Summary,
}

/// Counts. Maps are ordered, so that the same results make the same bytes.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Customers with at least one event.
    pub customers: usize,
    /// Customers that were merged into another one.
    #[serde(skip_serializing_if = "is_none")]
    pub merged: u64,
    /// Events, ticks and due timers handled.
    pub inputs: u64,
    /// The horizon, RFC 3339.
    pub until: String,
    /// By journey.
    pub journeys: BTreeMap<String, JourneySummary>,
    /// Intended sends by outcome, over everything.
    pub sends: Outcomes,
    /// What the messages would cost at most; only where a channel says what one costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spent: Option<Spent>,
    /// Intended sends by channel.
    pub channels: BTreeMap<String, ChannelSummary>,
    /// Refusals by the rule that decided.
    pub refused_by_rule: BTreeMap<String, u64>,
    /// Decisions to hold, by the rule that decided.
    pub held_by_rule: BTreeMap<String, u64>,
    /// Settled sends by UTC day.
    pub days: BTreeMap<String, Outcomes>,
}

fn is_none(count: &u64) -> bool {
    *count == 0
}

/// Counts that no journey has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    pub(super) customers: usize,
    pub(super) merged: u64,
    pub(super) inputs: u64,
}

/// Counts of one journey.
#[derive(Debug, Default, Serialize)]
pub struct JourneySummary {
    /// Enrollments made.
    pub entered: i64,
    /// Enrollments still active at the horizon.
    pub active: i64,
    /// Enrollments ended, by reason.
    pub exited: BTreeMap<String, i64>,
    /// Steps, in the order of the definition.
    pub steps: Vec<StepSummary>,
    /// Intended sends by outcome.
    pub sends: Outcomes,
    /// What its messages would cost at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spent: Option<Spent>,
}

/// Counts of one step.
#[derive(Debug, Serialize)]
pub struct StepSummary {
    /// Its id.
    pub id: String,
    /// Its kind.
    pub kind: &'static str,
    /// Enrollments that came to it.
    pub entered: i64,
    /// Enrollments that stand on it at the horizon.
    pub waiting: i64,
}

/// Counts of one channel.
#[derive(Debug, Default, Serialize)]
pub struct ChannelSummary {
    /// By outcome.
    #[serde(flatten)]
    pub outcomes: Outcomes,
    /// Refusals by the rule that decided.
    pub refused_by_rule: BTreeMap<String, u64>,
    /// What its messages would cost at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spent: Option<Spent>,
}

/// Intended sends by outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcomes {
    /// Would have gone.
    pub sent: u64,
    /// Refused by the policy.
    pub refused: u64,
    /// Withdrawn while held.
    pub withdrawn: u64,
    /// Still held at the horizon.
    pub held: u64,
}

impl Outcomes {
    pub(super) fn add(&mut self, outcome: SendOutcome) {
        match outcome {
            SendOutcome::Sent => self.sent += 1,
            SendOutcome::Refused => self.refused += 1,
            SendOutcome::Withdrawn => self.withdrawn += 1,
            SendOutcome::Held => self.held += 1,
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        let Self { sent, refused, withdrawn, held } = other;
        self.sent += sent;
        self.refused += refused;
        self.withdrawn += withdrawn;
        self.held += held;
    }
}

impl Summary {
    pub(super) fn new(
        catalog: &Catalog,
        counters: &Counters,
        tally: Tally,
        Counted { customers, merged, inputs }: Counted,
        until: Instant,
    ) -> Self {
        let mut journeys = journeys(catalog, counters);
        for (name, sends) in tally.journeys {
            if let Some(journey) = journeys.get_mut(&name) {
                journey.sends = sends;
            }
        }
        let mut channels = tally.channels;
        let spent = catalog.currency().map(|currency| {
            let mut all = Overview::new(catalog, counters);
            for counts in all.journeys.iter().filter(|counts| counts.current) {
                if let Some(journey) = journeys.get_mut(&counts.name) {
                    let (micros, currency) = (counts.spent_micros(), Some(currency.to_owned()));
                    journey.spent = Some(Spent { micros, currency });
                }
            }
            for (name, micros) in std::mem::take(&mut all.spent_on) {
                let spent = Spent { micros, currency: Some(currency.to_owned()) };
                channels.entry(name).or_default().spent = Some(spent);
            }
            all.spent
        });
        Self {
            customers,
            merged,
            inputs,
            until: until.to_string(),
            journeys,
            sends: tally.sends,
            spent,
            channels,
            refused_by_rule: tally.refused_by_rule,
            held_by_rule: tally.held_by_rule,
            days: tally.days,
        }
    }
}

fn journeys(catalog: &Catalog, counters: &Counters) -> BTreeMap<String, JourneySummary> {
    let mut journeys = BTreeMap::new();
    for (name, version) in &catalog.parts().current {
        let Some(journey) = catalog.version(*version) else {
            continue;
        };
        let mut summary = JourneySummary {
            entered: counters.get(CounterKey::Entered(*version)),
            ..JourneySummary::default()
        };
        for (index, reason) in EXITS.iter().enumerate() {
            let count = counters.get(CounterKey::Exited(*version, index as u8));
            if count > 0 {
                summary.exited.insert((*reason).to_owned(), count);
            }
        }
        summary.active = summary.entered - summary.exited.values().sum::<i64>();
        for (index, node) in journey.nodes.iter().enumerate() {
            let entered = counters.get(CounterKey::StepEntered(*version, index as u16));
            let left = counters.get(CounterKey::StepLeft(*version, index as u16));
            summary.steps.push(StepSummary {
                id: node.id.to_string(),
                kind: node.step.kind(),
                entered,
                waiting: entered - left,
            });
        }
        journeys.insert(name.to_string(), summary);
    }
    journeys
}
