//! Reads the metrics of a server: OpenMetrics text, as `/metrics` gives it.

use std::collections::BTreeMap;

/// All values at one time, by series.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample(BTreeMap<String, f64>);

/// A histogram's counts by upper bound: each of all values up to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Buckets(Vec<(f64, f64)>);

impl Sample {
    /// What cannot be read is left out: a newer server may say more.
    pub(super) fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let value = |line: &str| {
            // An exemplar follows behind ` # `; labels may hold spaces, values do not.
            let plain = line.split(" # ").next()?;
            let (series, value) = plain.rsplit_once(' ')?;
            Some((series.to_owned(), value.parse().ok()?))
        };
        Self(lines.filter_map(value).collect())
    }

    /// Sum of the series of a metric with a label (`outcome="accepted"`); of all if it is empty.
    pub(super) fn sum(&self, name: &str, label: &str) -> f64 {
        self.of(name).filter(|(labels, _)| labels.contains(label)).map(|(_, value)| value).sum()
    }

    /// What a histogram has counted since an earlier sample.
    pub(super) fn since(&self, before: &Self, name: &str) -> Buckets {
        let bucket = format!("{name}_bucket");
        let bound = |labels: &str| {
            let from = labels.find("le=\"")? + 4;
            let text = labels[from..].split('"').next()?;
            if text == "+Inf" { Some(f64::INFINITY) } else { text.parse().ok() }
        };
        let earlier: BTreeMap<&str, f64> = before.of(&bucket).collect();
        let mut counts: Vec<(f64, f64)> = self
            .of(&bucket)
            .filter_map(|(labels, count)| {
                let had = earlier.get(labels).copied().unwrap_or(0.0);
                Some((bound(labels)?, count - had))
            })
            .collect();
        counts.sort_by(|a, b| a.0.total_cmp(&b.0));
        Buckets(counts)
    }

    /// Labels and values of a metric's series.
    fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, f64)> {
        self.0.iter().filter_map(move |(series, value)| {
            let labels = series.strip_prefix(name)?;
            (labels.is_empty() || labels.starts_with('{')).then_some((labels, *value))
        })
    }
}

impl Buckets {
    /// The bound within which so large a part of the values lies; `None` if there are none, or if
    /// it lies beyond the last bound.
    pub(super) fn quantile(&self, part: f64) -> Option<f64> {
        let all = self.0.last().map(|(_, count)| *count).filter(|count| *count > 0.0)?;
        let found = self.0.iter().find(|(_, count)| *count >= all * part)?;
        Some(found.0).filter(|bound| bound.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "# TYPE cadencia_sends counter
cadencia_sends_total{channel=\"e mail\",outcome=\"accepted\"} 3
cadencia_commit_seconds_bucket{le=\"0.001\"} 5
cadencia_commit_seconds_bucket{le=\"0.01\"} 5
cadencia_commit_seconds_bucket{le=\"+Inf\"} 5
";
    const NOW: &str = "cadencia_sends_total{channel=\"e mail\",outcome=\"accepted\"} 7
cadencia_sends_total{channel=\"sms\",outcome=\"accepted\"} 2 # {send=\"a b\"} 1.0
cadencia_sends_total{channel=\"sms\",outcome=\"rejected\"} 1
cadencia_sends_total_more 100
cadencia_pending_timers 12
what is this
cadencia_commit_seconds_bucket{le=\"0.001\"} 6
cadencia_commit_seconds_bucket{le=\"0.01\"} 14
cadencia_commit_seconds_bucket{le=\"+Inf\"} 15
";

    #[test]
    fn series_are_summed_by_label() {
        let now = Sample::parse(NOW);
        for (name, label, sum) in [
            ("cadencia_sends_total", "outcome=\"accepted\"", 9.0),
            ("cadencia_sends_total", "", 10.0),
            ("cadencia_pending_timers", "", 12.0),
            ("cadencia_nothing", "", 0.0),
        ] {
            assert!((now.sum(name, label) - sum).abs() < 1e-9, "{name} {label}");
        }
    }

    #[test]
    fn quantiles_are_of_what_was_counted_in_between() {
        let (before, now) = (Sample::parse(BEFORE), Sample::parse(NOW));
        let counted = now.since(&before, "cadencia_commit_seconds");
        assert_eq!(counted.quantile(0.1), Some(0.001));
        assert_eq!(counted.quantile(0.5), Some(0.01));
        assert_eq!(counted.quantile(1.0), None, "beyond the last bound");
        assert_eq!(now.since(&now, "cadencia_commit_seconds").quantile(0.5), None);
        assert_eq!(now.since(&before, "cadencia_nothing").quantile(0.5), None);
    }
}
