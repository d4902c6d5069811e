//! Counts of sends, made by each thread of its own and put together at the end.

use std::collections::BTreeMap;

use super::life::{SendOutcome, SendRecord};
use super::summary::{ChannelSummary, Outcomes};

/// Counts of sends. What the fields mean stands at those of the summary.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) sends: Outcomes,
    pub(super) journeys: BTreeMap<String, Outcomes>,
    pub(super) channels: BTreeMap<String, ChannelSummary>,
    pub(super) refused_by_rule: BTreeMap<String, u64>,
    pub(super) held_by_rule: BTreeMap<String, u64>,
    pub(super) days: BTreeMap<String, Outcomes>,
}

impl Tally {
    pub(super) fn add(&mut self, send: &SendRecord) {
        self.sends.add(send.outcome);
        let channel = of(&mut self.channels, send.channel.as_str());
        channel.outcomes.add(send.outcome);
        if send.outcome == SendOutcome::Refused {
            let rule = send.verdict.deciding().map_or("unknown", |rule| rule.rule.as_str());
            *of(&mut channel.refused_by_rule, rule) += 1;
            *of(&mut self.refused_by_rule, rule) += 1;
        }
        for rule in send.holds.iter().filter_map(|held| held.rule.as_ref()) {
            *of(&mut self.held_by_rule, rule.rule.as_str()) += 1;
        }
        of(&mut self.journeys, send.journey.as_str()).add(send.outcome);
        let day = send.settled_at.to_string();
        of(&mut self.days, day.split('T').next().unwrap_or(&day)).add(send.outcome);
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.sends.merge(other.sends);
        merge(&mut self.journeys, other.journeys, Outcomes::merge);
        merge(&mut self.channels, other.channels, |channel, other| {
            channel.outcomes.merge(other.outcomes);
            merge(&mut channel.refused_by_rule, other.refused_by_rule, add);
        });
        merge(&mut self.refused_by_rule, other.refused_by_rule, add);
        merge(&mut self.held_by_rule, other.held_by_rule, add);
        merge(&mut self.days, other.days, Outcomes::merge);
    }
}

/// The count of a name, which is copied only when it is new.
fn of<'a, T: Default>(counts: &'a mut BTreeMap<String, T>, name: &str) -> &'a mut T {
    if !counts.contains_key(name) {
        counts.insert(name.to_owned(), T::default());
    }
    counts.get_mut(name).expect("it was made above")
}

fn merge<T: Default>(
    counts: &mut BTreeMap<String, T>,
    others: BTreeMap<String, T>,
    mut put: impl FnMut(&mut T, T),
) {
    for (name, other) in others {
        put(counts.entry(name).or_default(), other);
    }
}

fn add(count: &mut u64, other: u64) {
    *count += other;
}
