//! Counts per journey, step, channel and rule: what `journeys`, `plan` and the console show.
//! Kept per partition in memory, changed by deltas in the same commit as the state they count.

use std::collections::BTreeMap;

use domain::ids::{NameId, VersionNo};
use domain::journey::definition::NodeIndex;
use domain::verdict::RuleKind;
use serde::{Deserialize, Serialize};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum CounterKey {
    /// Enrollments that came to a step.
    StepEntered(VersionNo, NodeIndex),
    /// Enrollments that left a step; entered less left is waiting now.
    StepLeft(VersionNo, NodeIndex),
    /// Enrollments that ended, by the position of the reason in [`EXITS`].
    Exited(VersionNo, u8),
    /// Enrollments made.
    Entered(VersionNo),
    /// Messages handed to a channel.
    Sent(VersionNo, NodeIndex, NameId),
    /// Messages held, each counted once per decision, by the rule that decided.
    Held(VersionNo, NodeIndex, RuleKind),
    /// Messages refused, by the rule that decided.
    Refused(VersionNo, NodeIndex, RuleKind),
}

/// The words of exit reasons, in the order in which they are stored.
pub const EXITS: [&str; 9] = [
    "completed",
    "goal",
    "exit_condition",
    "exit_step",
    "refused",
    "past_date",
    "stopped",
    "withdrawn",
    "error",
];

/// The position of an exit reason in [`EXITS`].
pub fn exit_index(reason: &str) -> u8 {
    EXITS.iter().position(|known| *known == reason).unwrap_or(EXITS.len() - 1) as u8
}

/// Counts of one partition. A few per step of a journey: comparing such keys is cheaper than
/// hashing one with a key against collisions, which ids of our own need not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters(BTreeMap<CounterKey, i64>);

impl Counters {
    /// Adds a delta.
    pub fn add(&mut self, key: CounterKey, delta: i64) {
        *self.0.entry(key).or_default() += delta;
    }

    /// The count of one thing.
    pub fn get(&self, key: CounterKey) -> i64 {
        self.0.get(&key).copied().unwrap_or_default()
    }

    /// All counts, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (CounterKey, i64)> {
        self.0.iter().map(|(key, count)| (*key, *count))
    }

    /// Adds all of another partition's counts.
    pub fn merge(&mut self, other: &Self) {
        for (key, count) in other.iter() {
            self.add(key, count);
        }
    }
}
