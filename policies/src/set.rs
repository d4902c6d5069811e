//! A policy set: everything that the gate knows, compiled for one version of the definitions.
//!
//! Built when definitions are applied, shared by all turns of a version, never changed. It holds
//! names as numbers of the catalog's dictionary, because ledger rows do (semantics 24).

use domain::ids::{ClassName, NameId, RuleName};
use domain::labels::Labels;
use domain::time::{Holidays, Zone};
use domain::value::Map;
use domain::verdict::RuleKind;

use crate::policy::{ContactPolicy, RuleBody};
use crate::rules::Outcome;
use crate::rules::consent::ConsentNeed;
use crate::rules::frequency_cap::CapTable;
use crate::rules::quiet_hours::{Country, CountryHolidays, QuietRule, country_of};

/// What kind of thing a name names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NameKind {
    /// A channel.
    Channel,
    /// A message class.
    Class,
    /// A topic of consent.
    Topic,
    /// A campaign.
    Campaign,
}

/// The catalog's dictionary of names.
pub trait Names {
    /// The number of a name, assigned if it has none yet.
    fn id(&self, kind: NameKind, name: &str) -> NameId;

    /// Every set of labels that has a number: those of all rows that there may be.
    fn label_sets(&self) -> Vec<(NameId, Labels)> {
        Vec::new()
    }
}

impl<F: Fn(NameKind, &str) -> NameId> Names for F {
    fn id(&self, kind: NameKind, name: &str) -> NameId {
        self(kind, name)
    }
}

/// The three bits of a message class, and what it needs of consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassBits {
    /// Whether caps hold it.
    pub obeys_caps: bool,
    /// Whether it uses up the room of caps.
    pub counts_toward_caps: bool,
    /// Whether quiet hours hold it.
    pub obeys_quiet_hours: bool,
    /// What it needs of consent.
    pub consent: ConsentNeed,
}

impl ClassBits {
    /// The built-in class `marketing`; also what a class obeys that the policy does not know.
    pub const MARKETING: Self = Self {
        obeys_caps: true,
        counts_toward_caps: true,
        obeys_quiet_hours: true,
        consent: ConsentNeed::Required,
    };
    /// The built-in class `transactional`.
    pub const TRANSACTIONAL: Self = Self {
        obeys_caps: false,
        counts_toward_caps: false,
        obeys_quiet_hours: false,
        consent: ConsentNeed::UnlessDenied,
    };
    /// The built-in class `advertising`: it needs consent, but contacts nobody by itself.
    pub const ADVERTISING: Self = Self {
        obeys_caps: false,
        counts_toward_caps: false,
        obeys_quiet_hours: false,
        consent: ConsentNeed::Required,
    };
}

/// Name of the built-in class for messages that sell.
pub const MARKETING: &str = "marketing";
/// Name of the built-in class for what the customer asked for.
pub const TRANSACTIONAL: &str = "transactional";

/// Name of the built-in class for retargeting audiences.
pub const ADVERTISING: &str = "advertising";

/// The compiled policy of one version.
#[derive(Clone, Debug)]
pub struct PolicySet {
    version: u32,
    fallback_zone: Zone,
    plausible_zones: Vec<Zone>,
    country_trait: String,
    fallback_country: Option<Country>,
    holidays: CountryHolidays,
    pub(crate) on_suppressed: Outcome,
    pub(crate) on_no_consent: Outcome,
    classes: Vec<(NameId, ClassBits)>,
    pub(crate) built_in: BuiltIn,
    pub(crate) rules: Vec<RuleRef>,
    pub(crate) quiet: Vec<QuietRule>,
    pub(crate) caps: CapTable,
}

/// Where a declared rule stands; in policy order.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RuleRef {
    Quiet(usize),
    Cap(usize),
}

/// Names of the rules that always run.
#[derive(Clone, Debug)]
pub(crate) struct BuiltIn {
    pub(crate) suppression: RuleName,
    pub(crate) consent: RuleName,
    pub(crate) reachability: RuleName,
    pub(crate) validity: RuleName,
    pub(crate) catch_up: RuleName,
}

/// Kinds of the rules that always run, in the order in which a verdict lists them. No declared rule
/// may take the name of one.
pub const BUILT_IN_RULES: [RuleKind; 5] = [
    RuleKind::Suppression,
    RuleKind::Consent,
    RuleKind::Reachability,
    RuleKind::Validity,
    RuleKind::CatchUp,
];

impl PolicySet {
    /// Compiles a merged policy under a version number.
    pub fn compile(policy: &ContactPolicy, version: u32, names: &impl Names) -> Self {
        let (mut rules, mut quiet) = (Vec::with_capacity(policy.rules.len()), Vec::new());
        let mut caps = CapTable::default();
        for rule in &policy.rules {
            let name = rule.name.clone();
            rules.push(match &rule.body {
                RuleBody::QuietHours(hours) | RuleBody::SendWindow(hours) => {
                    let kind = rule.body.kind();
                    quiet.push(QuietRule { name, kind, hours: hours.compile(names) });
                    RuleRef::Quiet(quiet.len() - 1)
                }
                RuleBody::FrequencyCap(cap) => {
                    RuleRef::Cap(caps.add(name, rule.body.kind(), cap.compile(names)))
                }
                RuleBody::MinimumGap(gap) => {
                    RuleRef::Cap(caps.add(name, rule.body.kind(), gap.as_cap().compile(names)))
                }
            });
        }
        let class_id = |class: &ClassName| names.id(NameKind::Class, class.as_str());
        let name = |kind: RuleKind| RuleName::from(kind.as_str());
        Self {
            version,
            fallback_zone: policy.fallback_zone.clone(),
            plausible_zones: policy.plausible_zones.clone(),
            country_trait: policy.country_trait.clone(),
            fallback_country: policy.fallback_country.clone(),
            holidays: policy.holidays.clone(),
            on_suppressed: policy.on_suppressed,
            on_no_consent: policy.on_no_consent,
            classes: policy.classes.iter().map(|(class, bits)| (class_id(class), *bits)).collect(),
            built_in: BuiltIn {
                suppression: name(RuleKind::Suppression),
                consent: name(RuleKind::Consent),
                reachability: name(RuleKind::Reachability),
                validity: name(RuleKind::Validity),
                catch_up: name(RuleKind::CatchUp),
            },
            rules,
            quiet,
            caps,
        }
    }

    /// Version of the policy.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// What a message class obeys. One that the policy does not know obeys everything.
    pub fn class(&self, class: NameId) -> ClassBits {
        let found = self.classes.iter().find(|(id, _)| *id == class);
        found.map_or(ClassBits::MARKETING, |(_, bits)| *bits)
    }

    /// The zone of customers whose zone is unknown, wherever one is needed.
    pub fn fallback_zone(&self) -> &Zone {
        &self.fallback_zone
    }

    /// The zones in which a customer whose zone is unknown may be; at least one.
    pub fn plausible_zones(&self) -> &[Zone] {
        &self.plausible_zones
    }

    /// The holidays of a customer's country. Whose country is unknown has those of the fallback
    /// country, if there is one; a country that no list is for has none.
    pub(crate) fn holidays(&self, traits: &Map) -> Option<&Holidays> {
        let country = country_of(traits, &self.country_trait);
        self.holidays.get(country.as_ref().or(self.fallback_country.as_ref())?)
    }

    /// Number of declared rules; built-in ones are not counted.
    pub fn declared_rules(&self) -> usize {
        self.rules.len()
    }
}
