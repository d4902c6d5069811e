//! What histograms counted in the last minutes: one looks at a running process to see how it does
//! now, not since its start.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use runtime::Clock;

use super::AtomicHistogram;
use super::metrics::Metrics;

/// Between two samples, in milliseconds of real time.
pub const SAMPLE_MS: u64 = 10_000;
/// Samples that are kept: with [`SAMPLE_MS`] five minutes, long enough for a p99 of what happens
/// once a second, short enough that a bad spell is over when it is over.
pub const SAMPLES_MAX: usize = 30;

/// All counts at one time.
#[derive(Clone, Debug)]
struct Sample {
    at_ms: u64,
    timers: Vec<u64>,
    commits: Vec<u64>,
}

/// How values were spread, as far as the buckets of a histogram say it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    /// How many there were.
    pub count: u64,
    /// Half of them were at most so much, in seconds; infinite above the last bound.
    pub p50: f64,
    /// Of a hundred, 99 were at most so much, in seconds.
    pub p99: f64,
    /// All were at most so much, in seconds.
    pub max: f64,
}

/// The last minutes.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// How many seconds they are.
    pub seconds: u64,
    /// How late timers were handed over.
    pub timers: Spread,
    /// How long group commits took.
    pub commits: Spread,
}

/// Keeps samples of a process's histograms.
#[derive(Debug)]
pub struct Recent {
    metrics: Arc<Metrics>,
    /// Real time.
    clock: Clock,
    samples: Mutex<VecDeque<Sample>>,
}

impl Recent {
    /// From now on.
    pub fn new(metrics: Arc<Metrics>, clock: Clock) -> Self {
        let recent = Self { metrics, clock, samples: Mutex::default() };
        recent.sample();
        recent
    }

    /// Takes a sample now and then, for as long as it is polled.
    pub async fn follow(&self) {
        loop {
            self.clock.sleep(SAMPLE_MS).await;
            self.sample();
        }
    }

    fn now(&self) -> Sample {
        Sample {
            at_ms: self.clock.monotonic_ms(),
            timers: self.metrics.timer_lateness.counts(),
            commits: self.metrics.commit.counts(),
        }
    }

    /// Takes a sample.
    pub fn sample(&self) {
        let now = self.now();
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        if samples.len() == SAMPLES_MAX {
            samples.pop_front();
        }
        samples.push_back(now);
    }

    /// What was counted since the oldest sample.
    pub fn look(&self) -> Look {
        let now = self.now();
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = samples.front().unwrap_or(&now);
        let of = |histogram: &AtomicHistogram, now: &[u64], before: &[u64]| {
            let counts = now.iter().zip(before).map(|(now, before)| now.saturating_sub(*before));
            spread(histogram.bounds(), &counts.collect::<Vec<_>>())
        };
        Look {
            seconds: (now.at_ms - oldest.at_ms) / 1_000,
            timers: of(&self.metrics.timer_lateness, &now.timers, &oldest.timers),
            commits: of(&self.metrics.commit, &now.commits, &oldest.commits),
        }
    }
}

fn spread(bounds: &[f64], counts: &[u64]) -> Spread {
    let count: u64 = counts.iter().sum();
    let within = |part: f64| {
        // The last one of them, so that a part of a few is never less than one.
        let wanted = ((count as f64 * part).ceil() as u64).max(1);
        let mut seen = 0;
        let bucket = counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        bucket.and_then(|at| bounds.get(at)).copied().unwrap_or(f64::INFINITY)
    };
    match count {
        0 => Spread::default(),
        _ => Spread { count, p50: within(0.5), p99: within(0.99), max: within(1.0) },
    }
}

#[cfg(test)]
mod tests {
    use runtime::SimulatedClock;

    use super::*;

    #[test]
    fn a_spread_says_within_which_bounds_values_lie() {
        let bounds = [0.1, 1.0, 10.0];
        assert_eq!(spread(&bounds, &[0, 0, 0, 0]), Spread::default());
        let one = spread(&bounds, &[0, 1, 0, 0]);
        assert_eq!((one.count, one.p50, one.p99, one.max), (1, 1.0, 1.0, 1.0));
        let many = spread(&bounds, &[50, 49, 1, 0]);
        assert_eq!((many.count, many.p50, many.p99, many.max), (100, 0.1, 1.0, 10.0));
        assert_eq!(spread(&bounds, &[0, 0, 0, 2]).p50, f64::INFINITY);
    }

    #[test]
    fn what_is_older_than_the_samples_counts_no_more() {
        let (time, metrics) = (SimulatedClock::new(0), Arc::new(Metrics::new()));
        metrics.timer_lateness.observe(30.0);
        let recent = Recent::new(metrics.clone(), time.clock());
        assert_eq!(recent.look().timers.count, 0, "only what comes from now on");
        metrics.timer_lateness.observe(0.3);
        metrics.commit.observe(0.004);
        time.advance_to(5_000);
        let look = recent.look();
        assert_eq!((look.seconds, look.timers.max, look.commits.p50), (5, 0.4, 0.005));
        for at in 1..=SAMPLES_MAX as u64 {
            time.advance_to((at * SAMPLE_MS) as i64);
            recent.sample();
        }
        let look = recent.look();
        assert_eq!((look.timers.count, look.commits.count), (0, 0), "it was long ago");
        assert_eq!(look.seconds, SAMPLE_MS * (SAMPLES_MAX as u64 - 1) / 1_000);
    }
}
