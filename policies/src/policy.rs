//! A validated contact policy: after validation, illegal states cannot be built.
//!
//! Several documents merge into one policy, in the order of their names. Names are still text
//! here; `PolicySet::compile` turns them into numbers.

use std::collections::BTreeMap;

use domain::ids::{ClassName, RuleName};
use domain::problem::{Path, Problem};
use domain::time::Zone;
use domain::verdict::RuleKind;

use crate::rules::Outcome;
use crate::rules::frequency_cap::{CAPS_MAX, FrequencyCap};
use crate::rules::minimum_gap::MinimumGap;
use crate::rules::quiet_hours::{Country, CountryHolidays, QuietHours};
use crate::rules::scope::Scope;
use crate::set::{ADVERTISING, ClassBits, MARKETING, NameKind, TRANSACTIONAL};

/// Most declared rules of one policy, over all documents.
pub const RULES_MAX: usize = 200;

/// The trait that names a customer's country, where a policy says nothing else.
pub(crate) const COUNTRY_TRAIT_DEFAULT: &str = "country";

/// One declared rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name, unique in a policy.
    pub name: RuleName,
    /// What it does.
    pub body: RuleBody,
}

/// What a declared rule does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleBody {
    /// Local windows in which sends are held.
    QuietHours(QuietHours<String>),
    /// Local windows outside of which sends are held.
    SendWindow(QuietHours<String>),
    /// At most so many sends in a window.
    FrequencyCap(FrequencyCap<String>),
    /// At least so much time between two sends.
    MinimumGap(MinimumGap),
}

impl RuleBody {
    /// Its kind.
    pub fn kind(&self) -> RuleKind {
        match self {
            Self::QuietHours(_) => RuleKind::QuietHours,
            Self::SendWindow(_) => RuleKind::SendWindow,
            Self::FrequencyCap(_) => RuleKind::FrequencyCap,
            Self::MinimumGap(_) => RuleKind::MinimumGap,
        }
    }

    /// Which messages it is about.
    pub fn scope(&self) -> &Scope<String> {
        match self {
            Self::QuietHours(hours) | Self::SendWindow(hours) => &hours.scope,
            Self::FrequencyCap(cap) => &cap.scope,
            Self::MinimumGap(gap) => &gap.scope,
        }
    }
}

/// A contact policy: of one document, or of all of them merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactPolicy {
    /// The zone of customers whose zone is unknown.
    pub fallback_zone: Zone,
    /// The zones in which such customers may be; at least one.
    pub plausible_zones: Vec<Zone>,
    /// The trait that names a customer's country.
    pub country_trait: String,
    /// The country of customers whose own is unknown; `None`: they have no holidays.
    pub fallback_country: Option<Country>,
    /// Holidays by country.
    pub holidays: CountryHolidays,
    /// What a stop on the address does.
    pub on_suppressed: Outcome,
    /// What missing consent does.
    pub on_no_consent: Outcome,
    /// The message classes, the built-in ones among them.
    pub classes: BTreeMap<ClassName, ClassBits>,
    /// The declared rules, in policy order.
    pub rules: Vec<Rule>,
}

/// A validated document, before it is merged with others.
#[derive(Clone, Debug)]
pub struct PolicyDocument {
    pub(crate) fallback_zone: Zone,
    pub(crate) plausible_zones: Vec<Zone>,
    pub(crate) country_trait: Option<String>,
    pub(crate) fallback_country: Option<Country>,
    pub(crate) holidays: CountryHolidays,
    pub(crate) on_suppressed: Option<Outcome>,
    pub(crate) on_no_consent: Option<Outcome>,
    pub(crate) classes: BTreeMap<ClassName, ClassBits>,
    /// Each with its index in the document.
    pub(crate) rules: Vec<(usize, Rule)>,
}

/// A problem of a merge, with the index of the document that it is found in.
pub type DocumentProblem = (usize, Problem);

impl ContactPolicy {
    /// A policy without declared rules, with the built-in classes.
    pub fn new(fallback_zone: Zone) -> Self {
        let built_in = [
            (MARKETING, ClassBits::MARKETING),
            (TRANSACTIONAL, ClassBits::TRANSACTIONAL),
            (ADVERTISING, ClassBits::ADVERTISING),
        ];
        Self {
            plausible_zones: vec![fallback_zone.clone()],
            fallback_zone,
            country_trait: COUNTRY_TRAIT_DEFAULT.to_owned(),
            fallback_country: None,
            holidays: CountryHolidays::new(),
            on_suppressed: Outcome::Refuse,
            on_no_consent: Outcome::Refuse,
            classes: built_in.map(|(name, bits)| (ClassName::from(name), bits)).into(),
            rules: Vec::new(),
        }
    }

    /// Merges documents in the order in which they are given: that of their names. They must agree
    /// on whatever more than one of them says. All problems are reported.
    pub fn merge(documents: &[PolicyDocument]) -> Result<Self, Vec<DocumentProblem>> {
        let Some(first) = documents.first() else {
            let problem = Problem::new(Path::root(), "there is no ContactPolicy");
            return Err(vec![(0, problem.suggest("add one with a `fallback_zone`"))]);
        };
        let mut merged = Self::new(first.fallback_zone.clone());
        merged.plausible_zones.clear();
        let mut merge = Merge::default();
        for (index, document) in documents.iter().enumerate() {
            merge.document(&mut merged, index, document);
        }
        if merged.plausible_zones.is_empty() {
            merged.plausible_zones.push(merged.fallback_zone.clone());
        }
        if merge.problems.is_empty() { Ok(merged) } else { Err(merge.problems) }
    }

    /// All names that the policy's scopes mention: for the check that they exist.
    pub fn names(&self) -> impl Iterator<Item = (&RuleName, NameKind, &str)> {
        self.rules.iter().flat_map(|rule| {
            rule.body.scope().names().map(move |(kind, name)| (&rule.name, kind, name))
        })
    }
}

/// What has been said so far, and by which document.
#[derive(Default)]
struct Merge {
    problems: Vec<DocumentProblem>,
    on_suppressed: Option<Outcome>,
    on_no_consent: Option<Outcome>,
    country_trait: Option<String>,
    fallback_country: Option<Country>,
    classes: BTreeMap<ClassName, ClassBits>,
    caps: usize,
}

impl Merge {
    fn document(&mut self, merged: &mut ContactPolicy, index: usize, document: &PolicyDocument) {
        let spec = Path::root().key("spec");
        if document.fallback_zone != merged.fallback_zone {
            let message =
                format!("another ContactPolicy says the fallback zone is {}", merged.fallback_zone);
            self.problems.push((index, Problem::new(spec.key("fallback_zone"), message)));
        }
        for zone in &document.plausible_zones {
            if !merged.plausible_zones.contains(zone) {
                merged.plausible_zones.push(zone.clone());
            }
        }
        let outcomes = [
            ("on_suppressed", document.on_suppressed, &mut self.on_suppressed),
            ("on_no_consent", document.on_no_consent, &mut self.on_no_consent),
        ];
        for (key, said, known) in outcomes {
            if said.is_some() && known.is_some() && said != *known {
                let message = format!("another ContactPolicy says something else for `{key}`");
                self.problems.push((index, Problem::new(spec.key(key), message)));
            }
            *known = known.or(said);
        }
        let countries = [
            ("country_trait", &document.country_trait, &mut self.country_trait),
            ("fallback_country", &document.fallback_country, &mut self.fallback_country),
        ];
        for (key, said, known) in countries {
            if said.is_some() && known.is_some() && said != known {
                let message = format!("another ContactPolicy says something else for `{key}`");
                self.problems.push((index, Problem::new(spec.key(key), message)));
            }
            *known = known.take().or_else(|| said.clone());
        }
        if let Some(name) = &self.country_trait {
            merged.country_trait.clone_from(name);
        }
        merged.fallback_country.clone_from(&self.fallback_country);
        for (country, holidays) in &document.holidays {
            merged.holidays.entry(country.clone()).or_default().extend(holidays);
        }
        merged.on_suppressed = self.on_suppressed.unwrap_or(Outcome::Refuse);
        merged.on_no_consent = self.on_no_consent.unwrap_or(Outcome::Refuse);
        for (class, bits) in &document.classes {
            if self.classes.get(class).is_some_and(|known| known != bits) {
                let message = format!("another ContactPolicy declares class {class} differently");
                let path = spec.key("classes").key(class.as_str());
                self.problems.push((index, Problem::new(path, message)));
            }
            self.classes.insert(class.clone(), *bits);
            merged.classes.insert(class.clone(), *bits);
        }
        for (at, rule) in &document.rules {
            self.rule(merged, index, spec.key("rules").index(*at), rule);
        }
    }

    fn rule(&mut self, merged: &mut ContactPolicy, index: usize, path: Path, rule: &Rule) {
        if merged.rules.iter().any(|known| known.name == rule.name) {
            let message = format!("there is already a rule named {}", rule.name);
            self.problems.push((index, Problem::new(path.key("name"), message)));
        }
        let is_cap = matches!(rule.body, RuleBody::FrequencyCap(_) | RuleBody::MinimumGap(_));
        self.caps += usize::from(is_cap);
        if self.caps == CAPS_MAX + 1 {
            let message = format!("more than {CAPS_MAX} caps and gaps in all policies together");
            self.problems.push((index, Problem::new(path.clone(), message)));
        }
        merged.rules.push(rule.clone());
        if merged.rules.len() == RULES_MAX + 1 {
            let message = format!("more than {RULES_MAX} rules in all policies together");
            self.problems.push((index, Problem::new(path, message)));
        }
    }
}
