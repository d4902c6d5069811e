//! What is allowed in a policy, and probably not meant.

use domain::ids::RuleName;
use domain::time::{WeekStretch, Windows};

use crate::policy::{ContactPolicy, RuleBody};
use crate::rules::frequency_cap::FrequencyCap;

/// Something that is probably not meant. Displays as words: lower case, without a full stop.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lint {
    /// A cap that can never bite, because another one always bites first.
    #[error("cap {moot} never has an effect: {by} is at least as tight for all its messages")]
    MootCap {
        /// The cap without effect.
        moot: RuleName,
        /// The cap that is tighter.
        by: RuleName,
    },
    /// Early hours that a window over midnight leaves uncovered on the first of its days.
    #[error("quiet hours {rule} leave {gap} uncovered: windows belong to the day they start on")]
    QuietGap {
        /// The rule.
        rule: RuleName,
        /// The gap.
        gap: WeekStretch,
    },
    /// Rules that cover the whole week together, for customers of every zone.
    #[error("quiet hours {0} and others cover the whole week: such a message is never sent")]
    AlwaysQuiet(RuleName),
}

impl Lint {
    /// The rule that it is about.
    pub fn rule(&self) -> &RuleName {
        match self {
            Self::MootCap { moot: rule, .. } | Self::QuietGap { rule, .. } => rule,
            Self::AlwaysQuiet(rule) => rule,
        }
    }
}

/// Everything in a merged policy that is probably not meant, in policy order.
pub fn lint(policy: &ContactPolicy) -> Vec<Lint> {
    let mut lints = moot_caps(policy);
    let mut everywhere = Vec::new();
    for rule in &policy.rules {
        let RuleBody::QuietHours(hours) = &rule.body else { continue };
        // A morning that starts covered ends earlier on purpose (short weekdays, long weekends).
        let gaps = hours.windows.suspicious_gaps();
        for gap in gaps.into_iter().filter(|gap| gap.start_s.is_multiple_of(86_400)) {
            lints.push(Lint::QuietGap { rule: rule.name.clone(), gap });
        }
        if hours.scope.names().next().is_none() {
            everywhere.extend_from_slice(hours.windows.windows());
            if Windows::new(everywhere.clone()).is_err() {
                lints.push(Lint::AlwaysQuiet(rule.name.clone()));
                everywhere.clear();
            }
        }
    }
    lints
}

fn moot_caps(policy: &ContactPolicy) -> Vec<Lint> {
    let caps: Vec<(&RuleName, &FrequencyCap<String>)> = policy
        .rules
        .iter()
        .filter_map(|rule| match &rule.body {
            RuleBody::FrequencyCap(cap) => Some((&rule.name, cap)),
            RuleBody::QuietHours(_) => None,
        })
        .collect();
    let mut lints = Vec::new();
    for (index, (moot, cap)) in caps.iter().enumerate() {
        // Of two caps that are equal in effect, only the later one is moot.
        let tighter = caps.iter().enumerate().find(|(other, (_, tighter))| {
            *other != index
                && tighter.makes_moot(cap)
                && (*other < index || !cap.makes_moot(tighter))
        });
        if let Some((_, (by, _))) = tighter {
            lints.push(Lint::MootCap { moot: (*moot).clone(), by: (*by).clone() });
        }
    }
    lints
}
