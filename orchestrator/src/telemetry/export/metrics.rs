//! The metrics in OTLP, made from the very text that `/metrics` shows: there is one set of figures.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::exemplar::Value as ExemplarValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Exemplar, Gauge, Histogram, HistogramDataPoint, Metric,
    NumberDataPoint, Sum,
};

use super::resource;
use super::text::Sample;
use crate::telemetry::names::{self, Metric as Declared};

/// Sums that go on over a restart. In OTLP a sum counts from an instant on: told as they are, what
/// they had counted before would be added up once more after each restart.
const DURABLE: [&str; 2] = [names::HOLDS.name, names::REFUSALS.name];

/// What durable sums had counted before this process.
#[derive(Debug, Default)]
pub(super) struct Before(Vec<Sample>);

impl Before {
    /// As the text says that they stand.
    pub(super) fn of(text: &str) -> Self {
        let durable = |sample: &Sample| DURABLE.contains(&sample.name.as_str());
        Self(samples(text).into_iter().filter(durable).collect())
    }

    fn value(&self, sample: &Sample) -> f64 {
        let same = |one: &&Sample| one.name == sample.name && one.labels == sample.labels;
        self.0.iter().find(same).map_or(0.0, |one| one.value)
    }
}

fn samples(text: &str) -> Vec<Sample> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(Sample::parse).collect()
}

/// Every declared metric that the text has samples of. Sums count from `begun_ns`, without what
/// they had counted before.
pub(super) fn convert(text: &str, before: &Before, begun_ns: u64, now_ns: u64) -> Vec<Metric> {
    let mut samples = samples(text);
    for sample in &mut samples {
        sample.value -= before.value(sample);
    }
    let times = Times { begun_ns, now_ns };
    names::METRICS.iter().filter_map(|declared| times.metric(declared, &samples)).collect()
}

#[derive(Clone, Copy)]
struct Times {
    begun_ns: u64,
    now_ns: u64,
}

impl Times {
    fn metric(self, declared: &Declared, samples: &[Sample]) -> Option<Metric> {
        let bucket = format!("{}_bucket", declared.name);
        let own: Vec<&Sample> = samples.iter().filter(|one| one.name == declared.name).collect();
        let cumulative = AggregationTemporality::Cumulative.into();
        let data = if samples.iter().any(|one| one.name == bucket) {
            let data_points = self.histograms(declared.name, samples);
            Data::Histogram(Histogram { data_points, aggregation_temporality: cumulative })
        } else if own.is_empty() {
            return None;
        } else {
            let data_points = own.into_iter().map(|sample| self.number(sample)).collect();
            match declared.name.ends_with("_total") {
                true => Data::Sum(Sum {
                    data_points,
                    aggregation_temporality: cumulative,
                    is_monotonic: true,
                }),
                false => Data::Gauge(Gauge { data_points }),
            }
        };
        let unit = match declared.name {
            name if name.ends_with("_seconds") => "s",
            name if name.ends_with("_bytes") => "By",
            _ => "1",
        };
        Some(Metric {
            name: declared.name.to_owned(),
            description: declared.help.to_owned(),
            unit: unit.to_owned(),
            data: Some(data),
            ..Metric::default()
        })
    }

    fn number(self, sample: &Sample) -> NumberDataPoint {
        NumberDataPoint {
            attributes: attributes(&sample.labels),
            start_time_unix_nano: self.begun_ns,
            time_unix_nano: self.now_ns,
            exemplars: self.exemplars(sample),
            value: Some(Value::AsDouble(sample.value)),
            ..NumberDataPoint::default()
        }
    }

    /// One point for each set of labels: its buckets, in the order of the text.
    fn histograms(self, name: &str, samples: &[Sample]) -> Vec<HistogramDataPoint> {
        let mut points: Vec<(Vec<(String, String)>, HistogramDataPoint)> = Vec::new();
        let mut below = 0.0;
        for sample in samples {
            let Some(part) = sample.name.strip_prefix(name) else { continue };
            let (bounds, labels): (Vec<_>, Vec<_>) =
                sample.labels.iter().cloned().partition(|(label, _)| label == "le");
            let at = points.iter().position(|(known, _)| *known == labels);
            let at = at.unwrap_or_else(|| {
                let point = HistogramDataPoint {
                    attributes: attributes(&labels),
                    start_time_unix_nano: self.begun_ns,
                    time_unix_nano: self.now_ns,
                    ..HistogramDataPoint::default()
                };
                points.push((labels, point));
                points.len() - 1
            });
            let point = &mut points[at].1;
            match (part, bounds.first()) {
                ("_sum", _) => point.sum = Some(sample.value),
                ("_count", _) => point.count = sample.value as u64,
                ("_bucket", Some((_, bound))) => {
                    if point.bucket_counts.is_empty() {
                        below = 0.0;
                    }
                    // The text adds the buckets up; OTLP has each for itself.
                    point.bucket_counts.push((sample.value - below) as u64);
                    below = sample.value;
                    point
                        .explicit_bounds
                        .extend(bound.parse::<f64>().ok().filter(|b| b.is_finite()));
                    point.exemplars.extend(self.exemplars(sample));
                }
                _ => {}
            }
        }
        points.into_iter().map(|(_, point)| point).collect()
    }

    fn exemplars(self, sample: &Sample) -> Vec<Exemplar> {
        let made = sample.exemplar.iter().map(|(trace, value)| Exemplar {
            time_unix_nano: self.now_ns,
            trace_id: trace.clone(),
            value: Some(ExemplarValue::AsDouble(*value)),
            ..Exemplar::default()
        });
        made.collect()
    }
}

fn attributes(labels: &[(String, String)]) -> Vec<KeyValue> {
    labels.iter().map(|(name, value)| resource::text(name, value.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use policies::CountState;

    use super::*;
    use crate::telemetry::metrics::{EventResult, EventType, Metrics};

    #[test]
    fn sums_that_go_on_over_a_restart_are_told_from_the_start_of_the_process() {
        let metrics = Metrics::new();
        metrics.ruled("consent", 40, 7);
        let before = Before::of(&metrics.render());
        metrics.ruled("consent", 42, 7);
        metrics.ruled("quiet_hours", 3, 0);
        let found = convert(&metrics.render(), &before, 1, 2);
        let values = |name: &str| {
            let of = found.iter().find(|one| one.name == name).and_then(|one| one.data.clone());
            let Some(Data::Sum(sum)) = of else { panic!("a sum") };
            let mut values: Vec<f64> = sum
                .data_points
                .iter()
                .filter_map(|point| match point.value {
                    Some(Value::AsDouble(value)) => Some(value),
                    _ => None,
                })
                .collect();
            values.sort_by(f64::total_cmp);
            values
        };
        assert_eq!(values(names::HOLDS.name), [2.0, 3.0]);
        assert_eq!(values(names::REFUSALS.name), [0.0, 0.0]);
    }

    #[test]
    fn every_metric_is_converted_with_its_figures() {
        let metrics = Metrics::new();
        metrics.events(EventType::Track, EventResult::Accepted, 3);
        metrics.sends_ended("email", CountState::Accepted, 1);
        metrics.ruled("consent", 0, 2);
        metrics.audience_export("buyers", "accepted");
        metrics.store_bytes(5, 7);
        metrics.report("sms", "delivered");
        for (channel, seconds) in [("email", 0.02), ("email", 2.0), ("sms", 100.0)] {
            metrics.attempt(channel, seconds);
        }
        let found = convert(&metrics.render(), &Before::default(), 1, 2);
        assert_eq!(found.len(), names::METRICS.len());
        let of = |name: &str| found.iter().find(|one| one.name == name).unwrap().data.clone();
        let Some(Data::Sum(events)) = of(names::EVENTS.name) else { panic!("a sum") };
        let total: f64 = events
            .data_points
            .iter()
            .map(|point| match point.value {
                Some(Value::AsDouble(value)) => value,
                _ => 0.0,
            })
            .sum();
        assert_eq!((total, events.is_monotonic), (3.0, true));
        let Some(Data::Histogram(attempts)) = of(names::ATTEMPT.name) else { panic!("buckets") };
        assert_eq!(attempts.data_points.len(), 2);
        for point in &attempts.data_points {
            assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
            assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count);
        }
    }
}
