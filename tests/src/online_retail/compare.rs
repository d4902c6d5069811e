//! What `simulate` wrote, held against what the oracle expects, send by send.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::log::instant;
use super::oracle::{Expected, Outcome};

/// Most differences that are kept as text; all are counted.
const SHOWN: usize = 20;

/// One line of `sends.ndjson`, as far as it is compared.
#[derive(Clone, Debug, Deserialize)]
pub struct Line {
    /// Customer id.
    pub customer: String,
    /// Name of the journey.
    pub journey: String,
    /// Id of the send step.
    pub step: String,
    /// Entry key; empty or missing where the journey has none.
    #[serde(default)]
    pub key: String,
    /// When the send was reached, RFC 3339.
    pub created_at: String,
    /// When it was decided for good.
    #[serde(alias = "decided_at")]
    pub settled_at: Option<String>,
    /// When it went.
    pub sent_at: Option<String>,
    /// `sent`, `refused`, `withdrawn` or `held`.
    pub outcome: String,
    /// The rule that refused it, by kind or by its name in the policy.
    #[serde(default)]
    pub rule: Option<String>,
    /// Holds on the way, in order.
    #[serde(default)]
    pub holds: Vec<HoldLine>,
}

/// A hold, as far as it is compared.
#[derive(Clone, Debug, Deserialize)]
pub struct HoldLine {
    /// Its end.
    pub until: Option<String>,
}

/// The result of a comparison.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Messages that agree.
    pub agree: usize,
    /// Of these: messages of one journey and instant that differ in nothing but their key, where
    /// another one of them got the slot. The rules leave open which; the instants agree.
    pub swapped: usize,
    /// Messages that do not agree.
    pub differ: usize,
    /// The first differences, in words.
    pub differences: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} agree ({} swapped), {} differ", self.agree, self.swapped, self.differ)?;
        for difference in &self.differences {
            writeln!(f, "  {difference}")?;
        }
        Ok(())
    }
}

/// The messages of one customer, step and instant, each as (key, what became of it).
type Messages = Vec<(String, String)>;
type Group = (String, String, String, i64);

/// Compares the text of `sends.ndjson` with what is expected.
pub fn compare(expected: &[Expected], sends: &str) -> Result<Report> {
    let mut groups: BTreeMap<Group, (Messages, Messages)> = BTreeMap::new();
    for message in expected {
        let (journey, step) = (message.journey.to_owned(), message.step.to_owned());
        let group = (message.customer.clone(), journey, step, message.created_at);
        let text = wanted(&message.outcome);
        groups.entry(group).or_default().0.push((message.key.clone(), text));
    }
    for (number, line) in sends.lines().enumerate() {
        let place = || format!("sends, line {}", number + 1);
        let line: Line = serde_json::from_str(line).with_context(place)?;
        let created_at = instant(&line.created_at).with_context(place)?;
        let text = found(&line).with_context(place)?;
        let group = (line.customer, line.journey, line.step, created_at);
        groups.entry(group).or_default().1.push((line.key, text));
    }
    let mut report = Report::default();
    for (group, (mut wanted, mut found)) in groups {
        wanted.sort();
        found.sort();
        check(&mut report, &group, &wanted, &found);
    }
    Ok(report)
}

fn check(report: &mut Report, group: &Group, wanted: &Messages, found: &Messages) {
    let column = |messages: &Messages, key: bool| {
        let pick = |(k, text): &(String, String)| if key { k.clone() } else { text.clone() };
        let mut column: Vec<_> = messages.iter().map(pick).collect();
        column.sort();
        column
    };
    if wanted == found {
        report.agree += wanted.len();
    } else if column(wanted, true) == column(found, true)
        && column(wanted, false) == column(found, false)
    {
        report.agree += wanted.len();
        report.swapped += wanted.iter().zip(found).filter(|(a, b)| a != b).count();
    } else {
        report.differ += wanted.len().max(found.len());
        if report.differences.len() < SHOWN {
            let (customer, journey, step, created_at) = group;
            let at = time(*created_at);
            report.differences.push(format!(
                "customer {customer}, {journey}.{step}, reached {at}: expected {wanted:?}, \
                 found {found:?}"
            ));
        }
    }
}

fn time(at: i64) -> String {
    chrono::DateTime::from_timestamp_millis(at).map_or_else(|| at.to_string(), |t| t.to_rfc3339())
}

fn wanted(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Sent(at) => format!("sent {}", time(*at)),
        Outcome::Refused(at, rule) => format!("refused by {rule} {}", time(*at)),
        Outcome::Withdrawn(at) => format!("withdrawn {}", time(*at)),
        Outcome::Held(until) => format!("held until {}", time(*until)),
    }
}

fn found(line: &Line) -> Result<String> {
    let at = |text: &Option<String>, what: &str| -> Result<String> {
        let text = text.as_deref().with_context(|| format!("no {what}"))?;
        Ok(time(instant(text)?))
    };
    Ok(match line.outcome.as_str() {
        "sent" => format!("sent {}", at(&line.sent_at, "sent_at")?),
        "refused" => {
            let rule = kind(line.rule.as_deref().unwrap_or("no rule"));
            format!("refused by {rule} {}", at(&line.settled_at, "settled_at")?)
        }
        "withdrawn" => format!("withdrawn {}", at(&line.settled_at, "settled_at")?),
        "held" => {
            let last = line.holds.last().and_then(|hold| hold.until.clone());
            format!("held until {}", at(&last, "holds")?)
        }
        other => format!("unknown outcome {other}"),
    })
}

/// The kind of a rule of the campaign's policy.
fn kind(rule: &str) -> &str {
    match rule {
        "weekly" => "frequency_cap",
        "night" => "quiet_hours",
        kind => kind,
    }
}
