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
    /// What messages on a channel cost, in millionths of the currency's unit: reserved with the
    /// hand-over, settled with the outcome.
    Spent(VersionNo, NodeIndex, NameId),
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

impl CounterKey {
    /// The same order as one number: every turn counts a handful of things.
    fn rank(self) -> u128 {
        let (kind, version, node, detail) = match self {
            Self::StepEntered(version, node) => (0, version, node, 0),
            Self::StepLeft(version, node) => (1, version, node, 0),
            Self::Exited(version, reason) => (2, version, 0, u16::from(reason)),
            Self::Entered(version) => (3, version, 0, 0),
            Self::Sent(version, node, channel) => (4, version, node, channel.0),
            Self::Held(version, node, rule) => (5, version, node, rule as u16),
            Self::Refused(version, node, rule) => (6, version, node, rule as u16),
            Self::Spent(version, node, channel) => (7, version, node, channel.0),
        };
        let place = u128::from(version.0) << 32 | u128::from(node) << 16 | u128::from(detail);
        kind << 64 | place
    }
}

/// Counts of one partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<CounterKey, i64>", into = "BTreeMap<CounterKey, i64>")]
pub struct Counters(BTreeMap<u128, (CounterKey, i64)>);

impl Counters {
    /// Adds a delta.
    pub fn add(&mut self, key: CounterKey, delta: i64) {
        self.0.entry(key.rank()).or_insert((key, 0)).1 += delta;
    }

    /// The count of one thing.
    pub fn get(&self, key: CounterKey) -> i64 {
        self.0.get(&key.rank()).map_or(0, |(_, count)| *count)
    }

    /// All counts, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (CounterKey, i64)> {
        self.0.values().copied()
    }

    /// Adds all of another partition's counts.
    pub fn merge(&mut self, other: &Self) {
        for (key, count) in other.iter() {
            self.add(key, count);
        }
    }
}

impl From<BTreeMap<CounterKey, i64>> for Counters {
    fn from(counts: BTreeMap<CounterKey, i64>) -> Self {
        Self(counts.into_iter().map(|(key, count)| (key.rank(), (key, count))).collect())
    }
}

impl From<Counters> for BTreeMap<CounterKey, i64> {
    fn from(counters: Counters) -> Self {
        counters.iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_in_the_order_of_keys() {
        let versions = [VersionNo(0), VersionNo(1), VersionNo(u32::MAX)];
        let mut keys = Vec::new();
        for version in versions {
            keys.push(CounterKey::Entered(version));
            keys.push(CounterKey::Exited(version, 8));
            for node in [0, 1, u16::MAX] {
                keys.push(CounterKey::StepEntered(version, node));
                keys.push(CounterKey::StepLeft(version, node));
                keys.push(CounterKey::Sent(version, node, NameId(u16::MAX)));
                keys.push(CounterKey::Held(version, node, RuleKind::Suppression));
                keys.push(CounterKey::Refused(version, node, RuleKind::CatchUp));
                keys.push(CounterKey::Spent(version, node, NameId(7)));
            }
        }
        keys.sort();
        assert!(keys.is_sorted_by(|one, next| one.rank() < next.rank()));
        let mut counters = Counters::default();
        keys.iter().rev().for_each(|key| counters.add(*key, 2));
        assert_eq!(counters.iter().map(|(key, _)| key).collect::<Vec<_>>(), keys);
        assert_eq!(counters.get(keys[3]), 2);
    }
}
