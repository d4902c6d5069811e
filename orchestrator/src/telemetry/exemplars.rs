//! Exemplars: for a series of the metrics, a trace that it counts.
//!
//! Kept beside the metrics, and touched only for traces that are exported: counting stays an
//! atomic addition. The library has exemplars too, but forgets one with the next observation that
//! has none.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use super::names::Metric;

/// Most series that have exemplars: attributes have few values, so this is out of reach. What
/// comes beyond it has none.
const SERIES_MAX: usize = 1_000;
/// Most exemplars of one series: more than any histogram has buckets. The oldest one goes.
const PER_SERIES_MAX: usize = 24;

#[derive(Clone, Copy, Debug)]
struct Exemplar {
    trace: [u8; 16],
    value: f64,
}

/// The newest exemplars of each series.
#[derive(Debug, Default)]
pub struct Exemplars(Mutex<BTreeMap<String, Vec<Exemplar>>>);

impl Exemplars {
    /// A counter has counted one of this trace.
    pub fn counted(&self, metric: &Metric, labels: &[(&str, &str)], trace: [u8; 16]) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        put(&mut all, series(metric.name, labels), |known| {
            known.clear();
            known.push(Exemplar { trace, value: 1.0 });
        });
    }

    /// A histogram has observed a value of this trace.
    pub fn observed(&self, metric: &Metric, labels: &[(&str, &str)], value: f64, trace: [u8; 16]) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        put(&mut all, series(metric.name, labels), |known| {
            if known.len() >= PER_SERIES_MAX {
                known.remove(0);
            }
            known.push(Exemplar { trace, value });
        });
    }

    /// OpenMetrics text with the exemplars at the end of their lines.
    pub(super) fn within(&self, text: &str) -> String {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.is_empty() {
            return text.to_owned();
        }
        let mut out = String::with_capacity(text.len());
        let mut below = f64::NEG_INFINITY;
        for line in text.lines() {
            out.push_str(line);
            let shown = line.rsplit_once(' ').map_or(line, |(series, _)| series);
            let found = match bucket(shown) {
                Some((series, bound)) => {
                    let from = if bound <= below { f64::NEG_INFINITY } else { below };
                    below = bound;
                    let within = |one: &&Exemplar| one.value > from && one.value <= bound;
                    all.get(&series).and_then(|known| known.iter().rev().find(within))
                }
                None => all.get(shown).and_then(|known| known.last()),
            };
            if let Some(Exemplar { trace, value }) = found {
                let trace = u128::from_be_bytes(*trace);
                let _ = write!(out, " # {{trace_id=\"{trace:032x}\"}} {value:?}");
            }
            out.push('\n');
        }
        out
    }
}

fn put(
    all: &mut BTreeMap<String, Vec<Exemplar>>,
    series: String,
    change: impl FnOnce(&mut Vec<Exemplar>),
) {
    if all.len() < SERIES_MAX || all.contains_key(&series) {
        change(all.entry(series).or_default());
    }
}

/// A series as the exposition shows it.
fn series(name: &str, labels: &[(&str, &str)]) -> String {
    let shown: Vec<String> = labels
        .iter()
        .map(|(name, value)| {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            format!("{name}=\"{value}\"")
        })
        .collect();
    match shown.as_slice() {
        [] => name.to_owned(),
        shown => format!("{name}{{{}}}", shown.join(",")),
    }
}

/// Of the line of a bucket: its histogram's series, and the bucket's upper bound.
fn bucket(shown: &str) -> Option<(String, f64)> {
    let (name, labels) = shown.split_once("_bucket{")?;
    let at = labels.find("le=\"")?;
    let (bound, after) = labels[at + 4..].split_once('"')?;
    let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().ok()? };
    let others = format!("{}{}", &labels[..at], after.trim_start_matches(','));
    let others = others.trim_end_matches('}').trim_end_matches(',');
    let series = if others.is_empty() { name.to_owned() } else { format!("{name}{{{others}}}") };
    Some((series, bound))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::names;

    #[test]
    fn each_exemplar_stands_in_its_series_and_bucket() {
        let exemplars = Exemplars::default();
        let text = "cadencia_attempt_seconds_bucket{le=\"0.1\",channel=\"email\"} 3\n\
            cadencia_attempt_seconds_bucket{le=\"1.0\",channel=\"email\"} 4\n\
            cadencia_attempt_seconds_bucket{le=\"+Inf\",channel=\"email\"} 4\n\
            cadencia_attempt_seconds_bucket{le=\"0.1\",channel=\"sms\"} 1\n\
            cadencia_refusals_total{rule=\"consent\"} 7\n# EOF\n";
        assert_eq!(exemplars.within(text), text);
        let email = [(names::CHANNEL, "email")];
        exemplars.observed(&names::ATTEMPT, &email, 0.5, [1; 16]);
        exemplars.observed(&names::ATTEMPT, &email, 0.6, [2; 16]);
        exemplars.counted(&names::REFUSALS, &[(names::RULE, "consent")], [3; 16]);
        let shown = exemplars.within(text);
        let lines: Vec<&str> = shown.lines().filter(|line| line.contains(" # ")).collect();
        let trace = |digit: &str| digit.repeat(16);
        assert_eq!(
            lines,
            [
                format!(
                    "cadencia_attempt_seconds_bucket{{le=\"1.0\",channel=\"email\"}} 4 \
                     # {{trace_id=\"{}\"}} 0.6",
                    trace("02")
                ),
                format!(
                    "cadencia_refusals_total{{rule=\"consent\"}} 7 # {{trace_id=\"{}\"}} 1.0",
                    trace("03")
                ),
            ]
        );
    }
}
