//! What the console counts: the partitions' counters, added up and put in the catalog's words.
//! Read from the same counters that are committed with the state they count, so that the page
//! and the ledger agree. Used by the page and by the demo's terminal summary. Decides nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::channel::cost::MICROS;
use domain::ids::{NameId, VersionNo};
use domain::journey::definition::Journey;
use engine::Catalog;
use engine::counters::{CounterKey, Counters, EXITS};
use runtime::handle::AskError;
use runtime::reply::{Unanswered, reply};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::actors::PartitionMsg;
use crate::actors::ingest::Directory;

/// Counts of everything that is published.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// Journey versions: the current ones, and older ones that have been used.
    pub journeys: Vec<JourneyCounts>,
    /// Held and refused by the kind of the rule that decided, by its stable word.
    pub rules: BTreeMap<&'static str, RuleCounts>,
    /// Messages handed over, by channel.
    pub channels: BTreeMap<String, i64>,
    /// What messages cost, by channel, in millionths of the currency's unit.
    pub spent_on: BTreeMap<String, i64>,
    /// What messages cost, in all.
    pub spent: Spent,
    /// Messages handed over, in all.
    pub sent: i64,
    /// Decisions to hold a message, in all; one message may be held more than once.
    pub held: i64,
    /// Messages refused, in all.
    pub refused: i64,
    /// Messages handed to a channel that has not answered yet.
    pub open: usize,
    /// Transactions that are not durable yet.
    pub undurable: u64,
}

/// Money that messages cost: reserved at the hand-over with the most that they may cost, settled
/// with the outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Spent {
    /// In millionths of the currency's unit.
    pub micros: i64,
    /// The currency; none where no channel says what a message costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
}

impl std::fmt::Display for Spent {
    /// With two places, or as many as are needed: `12.50 EUR`, `0.000120 EUR`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(currency) = &self.currency else { return f.write_str("-") };
        let sign = if self.micros < 0 { "-" } else { "" };
        let (micros, unit) = (self.micros.unsigned_abs(), MICROS.unsigned_abs());
        let (whole, rest) = (micros / unit, micros % unit);
        match rest % 10_000 {
            0 => write!(f, "{sign}{whole}.{:02} {currency}", rest / 10_000),
            _ => write!(f, "{sign}{whole}.{rest:06} {currency}"),
        }
    }
}

/// Counts of one rule kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleCounts {
    /// Decisions to hold.
    pub held: i64,
    /// Messages refused.
    pub refused: i64,
}

/// Counts of one journey version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JourneyCounts {
    /// Name of the journey.
    pub name: String,
    /// Number of the version.
    pub version: u32,
    /// Whether new entries get it.
    pub current: bool,
    /// Enrollments made.
    pub entered: i64,
    /// Enrollments that have not ended.
    pub active: i64,
    /// Enrollments ended, by reason.
    pub exited: Vec<(&'static str, i64)>,
    /// Steps in the order of the definition.
    pub steps: Vec<StepCounts>,
}

/// Counts of one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepCounts {
    /// Its id.
    pub id: String,
    /// Its kind.
    pub kind: &'static str,
    /// Enrollments that came to it.
    pub entered: i64,
    /// Enrollments that stand on it.
    pub standing: i64,
    /// Messages handed over.
    pub sent: i64,
    /// Decisions to hold.
    pub held: i64,
    /// Messages refused.
    pub refused: i64,
    /// What its messages cost, in millionths of the currency's unit.
    pub spent_micros: i64,
}

impl JourneyCounts {
    /// What all its messages cost, in millionths of the currency's unit.
    pub fn spent_micros(&self) -> i64 {
        self.steps.iter().map(|step| step.spent_micros).sum()
    }

    /// Messages of all its steps: handed over, times held, refused.
    pub fn messages(&self) -> (i64, i64, i64) {
        self.steps.iter().fold((0, 0, 0), |(sent, held, refused), step| {
            (sent + step.sent, held + step.held, refused + step.refused)
        })
    }
}

/// The counters of all partitions, added up.
pub async fn counters(directory: &Directory) -> Result<Counters, AskError> {
    Ok(ask(directory).await?.counters)
}

/// What the partitions say, added up.
#[derive(Default)]
struct Said {
    catalog: Option<Arc<Catalog>>,
    counters: Counters,
    open: usize,
    undurable: u64,
}

/// Asks every partition and adds up what they say. Each partition answers between two turns; the
/// sum is not of one instant.
async fn ask(directory: &Directory) -> Result<Said, AskError> {
    let mut answers = Vec::new();
    for partition in directory.all() {
        let (asker, answer) = reply();
        let query = PartitionMsg::Query(Box::new(move |partition| {
            let undurable = partition.seq().saturating_sub(partition.durable());
            let (catalog, open) = (partition.catalog().clone(), partition.open_sends());
            asker.send((catalog, partition.counters().clone(), open, undurable));
        }));
        let credit = partition.control.credits().try_take(1)?;
        partition.control.tell_reserved(query, credit).map_err(|_| Unanswered)?;
        answers.push(answer);
    }
    let mut said = Said::default();
    for answer in answers {
        let (catalog, more, open, undurable) = answer.await?;
        said.counters.merge(&more);
        said.open += open;
        said.undurable += undurable;
        said.catalog = Some(catalog);
    }
    Ok(said)
}

/// What all partitions have counted, in the words of the catalog.
pub async fn overview(directory: &Directory) -> Result<Overview, AskError> {
    let Said { catalog, counters, open, undurable } = ask(directory).await?;
    let mut overview = match catalog {
        Some(catalog) => Overview::new(&catalog, &counters),
        None => Overview::default(),
    };
    (overview.open, overview.undurable) = (open, undurable);
    Ok(overview)
}

impl Overview {
    /// Counters in the words of a catalog. Counts of versions that it no longer has are part of
    /// the totals only.
    pub fn new(catalog: &Catalog, counters: &Counters) -> Self {
        let mut overview = Self::default();
        overview.spent.currency = catalog.currency().map(str::to_owned);
        let mut steps: BTreeMap<(VersionNo, u16), StepCounts> = BTreeMap::new();
        let mut versions: BTreeMap<VersionNo, (i64, BTreeMap<u8, i64>)> = BTreeMap::new();
        for (key, count) in counters.iter() {
            match key {
                CounterKey::Entered(version) => versions.entry(version).or_default().0 += count,
                CounterKey::Exited(version, reason) => {
                    *versions.entry(version).or_default().1.entry(reason).or_default() += count;
                }
                CounterKey::StepEntered(version, node) => {
                    let step = steps.entry((version, node)).or_default();
                    step.entered += count;
                    step.standing += count;
                }
                CounterKey::StepLeft(version, node) => {
                    steps.entry((version, node)).or_default().standing -= count;
                }
                CounterKey::Sent(version, node, channel) => {
                    steps.entry((version, node)).or_default().sent += count;
                    overview.sent += count;
                    *overview.channels.entry(channel_name(catalog, channel)).or_default() += count;
                }
                CounterKey::Spent(version, node, channel) => {
                    steps.entry((version, node)).or_default().spent_micros += count;
                    overview.spent.micros += count;
                    *overview.spent_on.entry(channel_name(catalog, channel)).or_default() += count;
                }
                CounterKey::Held(version, node, rule) => {
                    steps.entry((version, node)).or_default().held += count;
                    overview.held += count;
                    overview.rules.entry(rule.as_str()).or_default().held += count;
                }
                CounterKey::Refused(version, node, rule) => {
                    steps.entry((version, node)).or_default().refused += count;
                    overview.refused += count;
                    overview.rules.entry(rule.as_str()).or_default().refused += count;
                }
            }
        }
        for (no, journey) in &catalog.parts().versions {
            let current = catalog.parts().current.get(&journey.name) == Some(no);
            let (entered, exited) = versions.remove(no).unwrap_or_default();
            if current || entered > 0 {
                let counts = journey_counts(*no, journey, current, entered, &exited, &mut steps);
                overview.journeys.push(counts);
            }
        }
        overview.journeys.sort_by(|a, b| (&a.name, a.version).cmp(&(&b.name, b.version)));
        overview
    }
}

fn channel_name(catalog: &Catalog, channel: NameId) -> String {
    catalog.parts().names.text(channel).unwrap_or("unknown").to_owned()
}

fn journey_counts(
    no: VersionNo,
    journey: &Journey,
    current: bool,
    entered: i64,
    exited: &BTreeMap<u8, i64>,
    steps: &mut BTreeMap<(VersionNo, u16), StepCounts>,
) -> JourneyCounts {
    let word = |reason: u8| EXITS.get(usize::from(reason)).copied().unwrap_or("unknown");
    let steps = journey.nodes.iter().enumerate().map(|(at, node)| StepCounts {
        id: node.id.to_string(),
        kind: node.step.kind(),
        ..steps.remove(&(no, at as u16)).unwrap_or_default()
    });
    JourneyCounts {
        name: journey.name.to_string(),
        version: no.0,
        current,
        entered,
        active: entered - exited.values().sum::<i64>(),
        exited: exited.iter().map(|(reason, count)| (word(*reason), *count)).collect(),
        steps: steps.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::Spent;

    #[test]
    fn money_has_the_places_that_it_needs() {
        for (micros, text) in [
            (0, "0.00 EUR"),
            (12_500_000, "12.50 EUR"),
            (120, "0.000120 EUR"),
            (-72_500, "-0.072500 EUR"),
            (1_000_000_010_000, "1000000.01 EUR"),
        ] {
            assert_eq!(Spent { micros, currency: Some("EUR".to_owned()) }.to_string(), text);
        }
        assert_eq!(Spent::default().to_string(), "-");
    }
}
