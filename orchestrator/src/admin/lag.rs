//! How far behind the process is: late timers, slow commits; and from when on that is bad.

use runtime::reply::{Unanswered, reply};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Admin, Refusal, busy};
use crate::actors::PartitionMsg;
use crate::telemetry::recent::{Look, Spread};

/// Timers are late when one in a hundred is later than this, in microseconds of real time: five
/// times what they aim at (0.2 s), and what somebody who waits for a message begins to notice.
pub const TIMERS_LATE_US: u64 = 1_000_000;
/// So many timers that are due and have not fired are behind: more than the scheduler of a
/// partition hands over at once, four times.
pub const TIMERS_DUE_MAX: u64 = 1_024;
/// Commits are slow when one in a hundred takes longer than this, in microseconds: an event waits
/// for up to two of them, and half a second is a wait that people notice.
pub const COMMITS_SLOW_US: u64 = 250_000;

/// How far behind the process is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lag {
    /// Over how many of the last seconds was looked.
    pub seconds: u64,
    /// Timers that are due and have not fired.
    pub timers_due: u64,
    /// How late timers fired. A clock that is accelerated counts as if it were not.
    pub timers: Measured,
    /// How long commits took.
    pub commits: Measured,
}

/// What was measured: by the bounds of the metrics, so each is "at most so much".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Measured {
    /// How many there were.
    pub count: u64,
    /// Half of them were within so many microseconds; null above the last bound, or without any.
    pub p50_us: Option<u64>,
    /// Of a hundred, 99 were within so many microseconds.
    pub p99_us: Option<u64>,
    /// All were within so many microseconds.
    pub max_us: Option<u64>,
    /// Whether that is bad.
    pub is_bad: bool,
}

impl Measured {
    /// Of what was counted by a clock that runs so many times as fast as real time.
    fn new(spread: Spread, speed: u32, bad_us: u64) -> Self {
        let us = |seconds: f64| {
            let real = seconds / f64::from(speed.max(1));
            (spread.count > 0 && real.is_finite()).then_some((real * 1e6).round() as u64)
        };
        let p99_us = us(spread.p99);
        let is_bad = spread.count > 0 && p99_us.is_none_or(|us| us > bad_us);
        Self { count: spread.count, p50_us: us(spread.p50), p99_us, max_us: us(spread.max), is_bad }
    }
}

impl Lag {
    /// Of a look at the last minutes.
    fn new(look: &Look, timers_due: u64, speed: u32) -> Self {
        let mut timers = Measured::new(look.timers, speed, TIMERS_LATE_US);
        timers.is_bad |= timers_due > TIMERS_DUE_MAX;
        let commits = Measured::new(look.commits, 1, COMMITS_SLOW_US);
        Self { seconds: look.seconds, timers_due, timers, commits }
    }
}

impl Admin {
    /// How far behind the process is now.
    ///
    /// # Errors
    /// If a partition is too busy to answer.
    pub async fn lag(&self) -> Result<Lag, Refusal> {
        let mut answers = Vec::new();
        for partition in self.app.directory.all() {
            let (asker, answer) = reply();
            let credit = partition.control.credits().try_take(1).or_else(busy)?;
            let told = partition.control.tell_reserved(PartitionMsg::Overdue(asker), credit);
            told.map_err(|_| Unanswered).or_else(busy)?;
            answers.push(answer);
        }
        let mut due = 0;
        for answer in answers {
            due += answer.await.or_else(busy)?;
        }
        Ok(Lag::new(&self.recent.look(), due as u64, self.app.clock.speed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(timers: f64, commits: f64) -> Look {
        let spread = |most| Spread { count: 100, p50: 0.001, p99: most, max: most };
        Look { seconds: 60, timers: spread(timers), commits: spread(commits) }
    }

    #[test]
    fn the_limits_say_from_when_on_it_is_bad() {
        let bad = |look: &Look, due| {
            let lag = Lag::new(look, due, 1);
            (lag.timers.is_bad, lag.commits.is_bad)
        };
        assert_eq!(bad(&look(1.0, 0.25), 0), (false, false), "at the limits");
        assert_eq!(bad(&look(2.5, 0.25), 0), (true, false));
        assert_eq!(bad(&look(1.0, 1.0), 0), (false, true));
        assert_eq!(bad(&look(0.2, 0.01), TIMERS_DUE_MAX), (false, false));
        assert_eq!(bad(&look(0.2, 0.01), TIMERS_DUE_MAX + 1), (true, false));
        let beyond = Lag::new(&look(f64::INFINITY, 0.01), 0, 1);
        assert_eq!((beyond.timers.p99_us, beyond.timers.is_bad), (None, true));
    }

    #[test]
    fn an_accelerated_clock_counts_as_if_it_were_not() {
        let lag = Lag::new(&look(600.0, 0.01), 0, 21_600);
        assert_eq!((lag.timers.p99_us, lag.timers.is_bad), (Some(27_778), false));
        let none = Look { seconds: 1, timers: Spread::default(), commits: Spread::default() };
        let lag = Lag::new(&none, 0, 1);
        assert_eq!((lag.timers.p99_us, lag.timers.is_bad, lag.commits.max_us), (None, false, None));
    }
}
