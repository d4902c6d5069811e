//! What is allowed in a policy, and probably not meant.

use domain::ids::RuleName;
use domain::problem::Path;
use domain::time::{DAY_MS, Instant, WeekStretch, Windows, Zone};
use domain::verdict::RuleKind;

use crate::policy::{ContactPolicy, Rule, RuleBody};
use crate::rules::frequency_cap::{FrequencyCap, Limit};
use crate::rules::quiet_hours::QuietHours;

/// An uncovered stretch that is shorter than this, in seconds, was not meant: `23:59` was written
/// for the end of the day.
const SHORT_GAP_S: u32 = 5 * 60;
/// Instants from which a week is looked at for customers of unknown zone: winter and summer of one
/// half of the world, 15 January and 15 July 2026.
const LOOKED_AT: [Instant; 2] = [Instant(1_768_435_200_000), Instant(1_784_073_600_000)];

/// Something that is probably not meant. Displays as words: lower case, without a full stop.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lint {
    /// A cap or a gap that can never bite, because another one always bites first.
    #[error("cap {moot} never has an effect: {by} is at least as tight for all its messages")]
    MootCap {
        /// The one without effect.
        moot: RuleName,
        /// Its kind.
        kind: RuleKind,
        /// The one that is tighter.
        by: RuleName,
    },
    /// Messages that count as more than a cap ever has room for.
    #[error(
        "cap {rule} never lets these messages go: each counts as {count_as}, its limit is {limit}"
    )]
    TooHeavy {
        /// The rule.
        rule: RuleName,
        /// Index of the weight.
        at: usize,
        /// As how many they count.
        count_as: u32,
        /// The limit.
        limit: u32,
    },
    /// A rule about classes only that do not obey its kind.
    #[error("rule {rule} never stops a message: none of its classes obeys rules of this kind")]
    StopsNothing {
        /// The rule.
        rule: RuleName,
        /// Its kind.
        kind: RuleKind,
    },
    /// Early hours that a window over midnight leaves uncovered on the first of its days.
    #[error("quiet hours {rule} leave {gap} uncovered: windows belong to the day they start on")]
    QuietGap {
        /// The rule.
        rule: RuleName,
        /// The gap.
        gap: WeekStretch,
    },
    /// Some minutes between windows.
    #[error("quiet hours {rule} leave {gap} uncovered: the end of a day is 24:00")]
    ShortGap {
        /// The rule.
        rule: RuleName,
        /// The gap.
        gap: WeekStretch,
    },
    /// Rules that leave no time of the week together, for customers of every zone.
    #[error(
        "{} {rule} and others leave no time of the week: such a message is never sent",
        .kind.words()
    )]
    AlwaysQuiet {
        /// The last of the rules.
        rule: RuleName,
        /// Its kind.
        kind: RuleKind,
    },
    /// It is always quiet in some zone in which customers of unknown zone may be.
    #[error(
        "{} {rule} never let a message go to a customer of unknown time zone: it is always quiet \
         in some plausible zone", .kind.words()
    )]
    NeverInUnknownZone {
        /// The last of the rules that do so.
        rule: RuleName,
        /// Its kind.
        kind: RuleKind,
    },
    /// A rule that keeps holidays, in a policy that has none.
    #[error("rule {rule} keeps holidays, but the policy lists none")]
    NoHolidays {
        /// The rule.
        rule: RuleName,
        /// Its kind.
        kind: RuleKind,
    },
}

/// The kind of a rule, in words.
trait Words {
    fn words(&self) -> &'static str;
}

impl Words for RuleKind {
    fn words(&self) -> &'static str {
        if *self == Self::SendWindow { "send windows" } else { "quiet hours" }
    }
}

impl Lint {
    /// The rule that it is about.
    pub fn rule(&self) -> &RuleName {
        match self {
            Self::MootCap { moot: rule, .. }
            | Self::TooHeavy { rule, .. }
            | Self::StopsNothing { rule, .. }
            | Self::QuietGap { rule, .. }
            | Self::ShortGap { rule, .. }
            | Self::AlwaysQuiet { rule, .. }
            | Self::NeverInUnknownZone { rule, .. }
            | Self::NoHolidays { rule, .. } => rule,
        }
    }

    /// Its place below the rule.
    pub fn place(&self) -> Path {
        let body = |kind: &RuleKind| Path::root().key(kind.as_str());
        match self {
            Self::MootCap { kind, .. } => match kind {
                RuleKind::MinimumGap => body(kind).key("gap"),
                _ => body(kind).key("limit"),
            },
            Self::TooHeavy { at, .. } => {
                body(&RuleKind::FrequencyCap).key("weights").index(*at).key("count_as")
            }
            Self::StopsNothing { kind, .. } => body(kind).key("scope").key("classes"),
            Self::QuietGap { .. } | Self::ShortGap { .. } => {
                body(&RuleKind::QuietHours).key("windows")
            }
            Self::AlwaysQuiet { kind, .. } | Self::NeverInUnknownZone { kind, .. } => body(kind),
            Self::NoHolidays { kind, .. } => body(kind).key("holidays"),
        }
    }
}

/// Everything in a merged policy that is probably not meant, in policy order by kind.
pub fn lint(policy: &ContactPolicy) -> Vec<Lint> {
    let mut lints = moot_caps(policy);
    for rule in &policy.rules {
        lints.extend(stops_nothing(policy, rule));
        match &rule.body {
            RuleBody::FrequencyCap(cap) => lints.extend(too_heavy(rule, cap)),
            RuleBody::QuietHours(hours) => {
                lints.extend(gaps(rule, hours));
                lints.extend(no_holidays(policy, rule, hours));
            }
            RuleBody::SendWindow(hours) => lints.extend(no_holidays(policy, rule, hours)),
            RuleBody::MinimumGap(_) => {}
        }
    }
    lints.extend(never(policy));
    lints
}

fn moot_caps(policy: &ContactPolicy) -> Vec<Lint> {
    let caps: Vec<(&Rule, FrequencyCap<String>)> = policy
        .rules
        .iter()
        .filter_map(|rule| match &rule.body {
            RuleBody::FrequencyCap(cap) => Some((rule, cap.clone())),
            RuleBody::MinimumGap(gap) => Some((rule, gap.as_cap())),
            RuleBody::QuietHours(_) | RuleBody::SendWindow(_) => None,
        })
        .collect();
    let moot = |tighter: &FrequencyCap<String>, cap: &FrequencyCap<String>| {
        tighter.makes_moot(cap)
            || (tighter.makes_moot_by_pace(cap) && all_that_count_obey(policy, cap))
    };
    let mut lints = Vec::new();
    for (index, (rule, cap)) in caps.iter().enumerate() {
        // Of two caps that are equal in effect, only the later one is moot.
        let tighter = caps.iter().enumerate().find(|(other, (_, tighter))| {
            *other != index && moot(tighter, cap) && (*other < index || !moot(cap, tighter))
        });
        if let Some((_, (by, _))) = tighter {
            let (moot, kind) = (rule.name.clone(), rule.body.kind());
            lints.push(Lint::MootCap { moot, kind, by: by.name.clone() });
        }
    }
    lints
}

/// Whether no class of a cap's messages counts without obeying.
fn all_that_count_obey(policy: &ContactPolicy, cap: &FrequencyCap<String>) -> bool {
    let named = &cap.scope.classes;
    let mut classes = policy
        .classes
        .iter()
        .filter(|(name, _)| named.is_empty() || named.iter().any(|named| named == name.as_str()));
    classes.all(|(_, bits)| bits.obeys_caps || !bits.counts_toward_caps)
}

fn too_heavy<'a>(rule: &'a Rule, cap: &'a FrequencyCap<String>) -> impl Iterator<Item = Lint> + 'a {
    let limit = match cap.limit {
        Limit::Number(limit) => limit,
        Limit::Expression(_) => u32::MAX,
    };
    let heavy = cap.weights.iter().enumerate().filter(move |(_, weight)| weight.count_as > limit);
    heavy.map(move |(at, weight)| Lint::TooHeavy {
        rule: rule.name.clone(),
        at,
        count_as: weight.count_as,
        limit,
    })
}

fn stops_nothing(policy: &ContactPolicy, rule: &Rule) -> Option<Lint> {
    let kind = rule.body.kind();
    let is_cap = matches!(kind, RuleKind::FrequencyCap | RuleKind::MinimumGap);
    let classes = &rule.body.scope().classes;
    let obeys = |class: &String| {
        let bits = policy.classes.iter().find(|(name, _)| name.as_str() == class);
        bits.is_none_or(|(_, bits)| if is_cap { bits.obeys_caps } else { bits.obeys_quiet_hours })
    };
    let nothing = !classes.is_empty() && !classes.iter().any(obeys);
    nothing.then(|| Lint::StopsNothing { rule: rule.name.clone(), kind })
}

fn gaps(rule: &Rule, hours: &QuietHours<String>) -> Vec<Lint> {
    // A morning that starts covered ends earlier on purpose (short weekdays, long weekends).
    let early = hours.windows.suspicious_gaps().into_iter();
    let early = early.filter(|gap| gap.start_s.is_multiple_of(DAY_S));
    let mut lints: Vec<_> =
        early.map(|gap| Lint::QuietGap { rule: rule.name.clone(), gap }).collect();
    let short = hours.windows.uncovered().into_iter();
    let short = short.filter(|gap| gap.end_s - gap.start_s < SHORT_GAP_S);
    lints.extend(short.map(|gap| Lint::ShortGap { rule: rule.name.clone(), gap }));
    lints
}

/// Seconds of a day.
const DAY_S: u32 = (DAY_MS / 1_000) as u32;

fn no_holidays(policy: &ContactPolicy, rule: &Rule, hours: &QuietHours<String>) -> Option<Lint> {
    let nothing = hours.holidays && policy.holidays.values().all(|list| list.is_empty());
    nothing.then(|| Lint::NoHolidays { rule: rule.name.clone(), kind: rule.body.kind() })
}

/// Rules that together never let a message go. The messages of each rule are looked at, with all
/// rules that are about them too; it is said once, of the last rule.
fn never(policy: &ContactPolicy) -> Vec<Lint> {
    let quiet: Vec<(&Rule, &QuietHours<String>)> = policy
        .rules
        .iter()
        .filter_map(|rule| match &rule.body {
            // Without a window it only keeps holidays.
            RuleBody::QuietHours(hours) | RuleBody::SendWindow(hours) => {
                (!hours.windows.is_empty()).then_some((rule, hours))
            }
            RuleBody::FrequencyCap(_) | RuleBody::MinimumGap(_) => None,
        })
        .collect();
    let mut lints = Vec::new();
    for (_, hours) in &quiet {
        let also = |(_, other): &&(&Rule, &QuietHours<String>)| other.scope.covers(&hours.scope);
        let together: Vec<_> = quiet.iter().filter(also).collect();
        let Some((last, _)) = together.last() else { continue };
        let (rule, kind) = (last.name.clone(), last.body.kind());
        let found = if Windows::leave_nothing(together.iter().map(|(_, hours)| &hours.windows)) {
            Lint::AlwaysQuiet { rule, kind }
        } else if LOOKED_AT.into_iter().any(|from| never_from(policy, &together, from)) {
            Lint::NeverInUnknownZone { rule, kind }
        } else {
            continue;
        };
        if !lints.contains(&found) {
            lints.push(found);
        }
    }
    lints
}

/// Whether rules leave no instant of the week after an instant to customers of unknown zone.
fn never_from(
    policy: &ContactPolicy,
    rules: &[&(&Rule, &QuietHours<String>)],
    from: Instant,
) -> bool {
    let zones = |hours: &QuietHours<String>| -> Vec<Zone> {
        let own = &hours.plausible_zones;
        if own.is_empty() { policy.plausible_zones.clone() } else { own.clone() }
    };
    let rules: Vec<_> = rules.iter().map(|(_, hours)| (&hours.windows, zones(hours))).collect();
    let mut at = from;
    while at.ms_since(from) <= 8 * DAY_MS {
        let until = rules.iter().filter_map(|(windows, zones)| windows.quiet_in_any(at, zones));
        match until.max() {
            None => return false,
            Some(later) => at = later,
        }
    }
    true
}
