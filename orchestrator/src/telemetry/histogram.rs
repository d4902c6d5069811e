//! A histogram whose observation is two atomic additions.
//!
//! The library's own takes a lock per observation; timers fire tens of thousands of times a second
//! on several threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::{MetricType, TypedMetric};

/// Counts observations in fixed buckets. Clones share the counts.
#[derive(Clone, Debug)]
pub struct AtomicHistogram(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Upper bounds, ascending; an observation equal to a bound is counted under it.
    bounds: &'static [f64],
    /// One per bound, and one for what is above the last.
    counts: Box<[AtomicU64]>,
    /// Sum of the observations in units of `1 / scale`.
    sum: AtomicU64,
    scale: f64,
}

impl AtomicHistogram {
    /// With upper bounds in ascending order. `scale` is how finely the sum is kept: 1e6 keeps
    /// seconds to the microsecond.
    pub fn new(bounds: &'static [f64], scale: f64) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self(Arc::new(Inner { bounds, counts, sum: AtomicU64::new(0), scale }))
    }

    /// Counts one observation. Below zero counts as zero.
    pub fn observe(&self, value: f64) {
        let bucket = self.0.bounds.partition_point(|bound| *bound < value);
        // Relaxed: a scrape may see an observation in the buckets and not yet in the sum.
        self.0.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.0.sum.fetch_add((value * self.0.scale) as u64, Ordering::Relaxed);
    }

    /// How often each bucket was counted so far: one for each bound, and one for what is above.
    pub fn counts(&self) -> Vec<u64> {
        self.0.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect()
    }

    /// Upper bounds of the buckets, but for the last one, which has none.
    pub fn bounds(&self) -> &'static [f64] {
        self.0.bounds
    }
}

impl TypedMetric for AtomicHistogram {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for AtomicHistogram {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        let bounds = self.0.bounds.iter().copied().chain([f64::INFINITY]);
        let counts = self.0.counts.iter().map(|count| count.load(Ordering::Relaxed));
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        // The count is taken from the very buckets that are shown, so that they agree.
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = self.0.sum.load(Ordering::Relaxed) as f64 / self.0.scale;
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}
