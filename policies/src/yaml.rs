//! The YAML shape of a `ContactPolicy` document, and its validation.
//!
//! ```yaml
//! fallback_zone: Europe/Madrid
//! classes:
//!   marketing: {obeys_caps: true, counts_toward_caps: true, obeys_quiet_hours: true}
//!   service: {obeys_caps: false, counts_toward_caps: true, consent: unless_denied}
//! rules:
//!   - {name: two-a-week, frequency_cap: {limit: 2, window: {rolling: P7D}}}
//!   - {name: nights, quiet_hours: {windows: [{from: "21:00", to: "08:00"}]}}
//!   - {name: room-to-breathe, minimum_gap: {gap: PT4H}}
//! ```

use std::collections::BTreeMap;

use domain::ids::{ClassName, RuleName};
use domain::problem::{Path, Problem};
use domain::time::Zone;
use garde::Validate;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::policy::{PolicyDocument, Rule, RuleBody};
use crate::rules::Outcome;
use crate::rules::consent::ConsentNeed;
use crate::rules::frequency_cap::RawFrequencyCap;
use crate::rules::minimum_gap::RawMinimumGap;
use crate::rules::quiet_hours::{RawHoliday, RawQuietHours, RawSendWindow, validate_holidays};
use crate::rules::scope::RawScope;
use crate::set::{ADVERTISING, BUILT_IN_RULES, ClassBits, TRANSACTIONAL};

/// The `spec` of a `ContactPolicy` document as it is written.
#[derive(Clone, Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct RawContactPolicy {
    /// The zone of customers whose zone is unknown.
    pub fallback_zone: String,
    /// The zones in which such customers may be: an instant is quiet for them if it is quiet in
    /// any of these. Default: the fallback zone alone.
    #[garde(length(max = 64))]
    #[serde(default)]
    pub plausible_zones: Vec<String>,
    /// The trait that names a customer's country, for `holidays`. Default: `country`.
    #[garde(inner(length(min = 1, max = 200)))]
    pub country_trait: Option<String>,
    /// The country of customers whose own is unknown. Without it they have no holidays.
    pub fallback_country: Option<String>,
    /// Holidays by country, as the trait names it (`ES`, in any case): dates (`2026-12-25`, or
    /// `12-25` for every year), or names with dates. Rules with `holidays: true` keep them.
    #[serde(default)]
    pub holidays: BTreeMap<String, Vec<RawHoliday>>,
    /// What a stop on the address does: `refuse` (default) or `next_channel`.
    pub on_suppressed: Option<Outcome>,
    /// What missing consent does: `refuse` (default) or `next_channel`.
    pub on_no_consent: Option<Outcome>,
    /// Message classes. `marketing`, `transactional` and `advertising` exist without being
    /// declared.
    #[garde(length(max = 64))]
    #[serde(default)]
    pub classes: BTreeMap<String, RawClass>,
    /// The rules.
    #[garde(length(max = crate::policy::RULES_MAX), dive)]
    #[serde(default)]
    pub rules: Vec<RawRule>,
}

/// A message class as it is written. What is left out is as in `marketing`, or as in
/// `transactional` for a redeclaration of that class.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawClass {
    /// Whether caps hold it.
    pub obeys_caps: Option<bool>,
    /// Whether it uses up the room of caps.
    pub counts_toward_caps: Option<bool>,
    /// Whether quiet hours hold it.
    pub obeys_quiet_hours: Option<bool>,
    /// What it needs of consent.
    pub consent: Option<ConsentNeed>,
}

/// A rule as it is written: a name and exactly one kind.
#[derive(Clone, Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct RawRule {
    /// Name, unique over all policies.
    #[garde(length(min = 1, max = 64))]
    pub name: String,
    /// At most so many sends in a window.
    #[garde(dive)]
    pub frequency_cap: Option<RawFrequencyCap>,
    /// At least so much time between two sends.
    pub minimum_gap: Option<RawMinimumGap>,
    /// Local windows in which sends are held.
    #[garde(dive)]
    pub quiet_hours: Option<RawQuietHours>,
    /// Local windows outside of which sends are held.
    #[garde(dive)]
    pub send_window: Option<RawSendWindow>,
}

impl RawContactPolicy {
    /// Validates the `spec` of one document. All problems are reported, with paths from the root of
    /// the document.
    pub fn validate(&self) -> Result<PolicyDocument, Vec<Problem>> {
        let path = Path::root().key("spec");
        let mut problems = bounds(self, &path);
        let fallback = zone(&self.fallback_zone, path.key("fallback_zone"), &mut problems);
        let listed = self.plausible_zones.iter().enumerate().filter_map(|(index, name)| {
            zone(name, path.key("plausible_zones").index(index), &mut problems)
        });
        let plausible_zones = listed.collect();
        let refusals =
            [("on_suppressed", self.on_suppressed), ("on_no_consent", self.on_no_consent)];
        for (key, outcome) in refusals {
            if outcome == Some(Outcome::Hold) {
                let problem = Problem::new(path.key(key), "waiting does not help here");
                problems.push(problem.suggest("write `refuse` or `next_channel`"));
            }
        }
        let holidays = validate_holidays(&self.holidays, &path.key("holidays"), &mut problems);
        let mut rules = Vec::with_capacity(self.rules.len());
        for (index, raw) in self.rules.iter().enumerate() {
            let path = path.key("rules").index(index);
            rules.extend(raw.validate(&path, &mut problems).map(|rule| (index, rule)));
        }
        match fallback {
            Some(fallback_zone) if problems.is_empty() => Ok(PolicyDocument {
                fallback_zone,
                plausible_zones,
                country_trait: self.country_trait.clone(),
                fallback_country: self.fallback_country.as_ref().map(|name| name.to_uppercase()),
                holidays,
                on_suppressed: self.on_suppressed,
                on_no_consent: self.on_no_consent,
                classes: self.classes.iter().map(|(name, raw)| raw.class(name)).collect(),
                rules,
            }),
            _ => Err(problems),
        }
    }
}

impl RawClass {
    fn class(&self, name: &str) -> (ClassName, ClassBits) {
        let default = match name {
            TRANSACTIONAL => ClassBits::TRANSACTIONAL,
            ADVERTISING => ClassBits::ADVERTISING,
            _ => ClassBits::MARKETING,
        };
        let bits = ClassBits {
            obeys_caps: self.obeys_caps.unwrap_or(default.obeys_caps),
            counts_toward_caps: self.counts_toward_caps.unwrap_or(default.counts_toward_caps),
            obeys_quiet_hours: self.obeys_quiet_hours.unwrap_or(default.obeys_quiet_hours),
            consent: self.consent.unwrap_or(default.consent),
        };
        (ClassName::from(name), bits)
    }
}

impl RawRule {
    /// All scopes in it, each with its path below the rule.
    pub fn scopes(&self) -> Vec<(&RawScope, Path)> {
        let cap = self.frequency_cap.as_ref();
        let bodies = [
            (cap.and_then(|raw| raw.scope.as_ref()), "frequency_cap"),
            (self.minimum_gap.as_ref().and_then(|raw| raw.scope.as_ref()), "minimum_gap"),
            (self.quiet_hours.as_ref().and_then(|raw| raw.scope.as_ref()), "quiet_hours"),
            (self.send_window.as_ref().and_then(|raw| raw.scope.as_ref()), "send_window"),
        ];
        let place = |body: &str| Path::root().key(body);
        let mut scopes: Vec<_> = bodies
            .into_iter()
            .filter_map(|(scope, body)| Some((scope?, place(body).key("scope"))))
            .collect();
        let weights = cap.map_or(&[][..], |raw| &raw.weights);
        let weights = weights.iter().enumerate().map(|(at, weight)| {
            let path = place("frequency_cap").key("weights").index(at).key("scope");
            (&weight.scope, path)
        });
        scopes.extend(weights);
        scopes
    }

    fn validate(&self, path: &Path, problems: &mut Vec<Problem>) -> Option<Rule> {
        if BUILT_IN_RULES.iter().any(|kind| kind.as_str() == self.name) {
            let message = format!("{} is the name of a rule that always runs", self.name);
            problems.push(Problem::new(path.key("name"), message));
        }
        let Self { name: _, frequency_cap, minimum_gap, quiet_hours, send_window } = self;
        let body = match (frequency_cap, minimum_gap, quiet_hours, send_window) {
            (Some(raw), None, None, None) => {
                raw.validate(&path.key("frequency_cap"), problems).map(RuleBody::FrequencyCap)
            }
            (None, Some(raw), None, None) => {
                raw.validate(&path.key("minimum_gap"), problems).map(RuleBody::MinimumGap)
            }
            (None, None, Some(raw), None) => {
                raw.validate(&path.key("quiet_hours"), problems).map(RuleBody::QuietHours)
            }
            (None, None, None, Some(raw)) => {
                raw.validate(&path.key("send_window"), problems).map(RuleBody::SendWindow)
            }
            _ => {
                let message = "a rule has exactly one of `frequency_cap`, `minimum_gap`, \
                               `quiet_hours` and `send_window`";
                problems.push(Problem::new(path.clone(), message));
                None
            }
        };
        Some(Rule { name: RuleName::from(self.name.as_str()), body: body? })
    }
}

/// A zone by its name, or the problem with it.
pub(crate) fn zone(name: &str, path: Path, problems: &mut Vec<Problem>) -> Option<Zone> {
    match Zone::parse(name) {
        Ok(zone) => Some(zone),
        Err(unknown) => {
            let problem = Problem::new(path, unknown.to_string());
            problems.push(match unknown.suggestion {
                Some(name) => problem.suggest(format!("did you mean `{name}`?")),
                None => problem.suggest("write a name such as Europe/Madrid"),
            });
            None
        }
    }
}

/// The bounds that the types declare, as problems.
fn bounds(raw: &RawContactPolicy, spec: &Path) -> Vec<Problem> {
    let Err(report) = Validate::validate(raw) else { return Vec::new() };
    report
        .iter()
        .map(|(place, error)| Problem::new(placed(spec, &place.to_string()), error.message()))
        .collect()
}

/// `rules[0].frequency_cap.limit` as a path below `spec`.
fn placed(spec: &Path, place: &str) -> Path {
    let mut path = spec.clone();
    for part in place.split('.').filter(|part| !part.is_empty()) {
        let (key, indexes) = part.split_once('[').unwrap_or((part, ""));
        if !key.is_empty() {
            path = path.key(key);
        }
        for index in indexes.split('[').filter_map(|index| index.strip_suffix(']')?.parse().ok()) {
            path = path.index(index);
        }
    }
    path
}
