//! From raw YAML types to definitions: where every problem is collected, none twice.
//!
//! Each document kind and each step has its raw type beside its definition; they all parse their
//! texts through [`Check`]. Called by the configuration, which maps paths to lines and columns.
//! Nothing here reads a file or knows what YAML looks like.

use std::collections::{BTreeMap, BTreeSet};

use crate::expression::{Expression, ExpressionProblem, Vocabulary};
use crate::ids::{EventName, StepId};
use crate::problem::{Path, Problem, nearest};
use crate::time::{Cron, Span, TimeOfDay, TimeProblem, Weekdays, Zone};

/// Longest name, in characters. Names stand in metrics, URLs and every ledger row.
pub const NAME_MAX_CHARS: usize = 64;
/// Longest name of an event, in bytes. Event names come from other systems and are free text.
pub const EVENT_NAME_MAX_BYTES: usize = 200;

/// The names that the other documents of a catalog declare.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Journeys.
    pub journeys: BTreeSet<String>,
    /// Channels.
    pub channels: BTreeSet<String>,
    /// Templates.
    pub templates: BTreeSet<String>,
    /// Segments.
    pub segments: BTreeSet<String>,
    /// Campaigns.
    pub campaigns: BTreeSet<String>,
    /// Message classes: the built-in ones and those that policies declare.
    pub classes: BTreeSet<String>,
    /// Not all documents could be read, or an old version is read alone: a name that is not
    /// known may exist, and is not a problem.
    pub partial: bool,
}

/// Parses texts, and remembers every problem.
#[derive(Debug)]
pub struct Check<'a> {
    /// What may be referred to.
    pub known: &'a Known,
    problems: Vec<Problem>,
}

impl<'a> Check<'a> {
    /// Against these names.
    pub fn new(known: &'a Known) -> Self {
        Self { known, problems: Vec::new() }
    }

    /// What was found.
    pub fn finish(self) -> Vec<Problem> {
        self.problems
    }

    /// Records a problem.
    pub fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Records a problem without advice.
    pub fn wrong(&mut self, path: &Path, message: impl Into<String>) {
        self.problem(Problem::new(path.clone(), message));
    }

    /// Checks the limits that a raw type declares beside its fields.
    pub fn limits<T: garde::Validate<Context = ()>>(&mut self, raw: &T, path: &Path) {
        let Err(report) = raw.validate() else { return };
        for (field, error) in report.into_inner() {
            self.wrong(&below(path, &field.to_string()), error.message());
        }
    }

    fn time<T>(&mut self, path: &Path, outcome: Result<T, TimeProblem>) -> Option<T> {
        match outcome {
            Ok(value) => Some(value),
            Err(problem) => {
                let mut found = Problem::new(path.clone(), problem.message);
                found.suggestion = problem.suggestion;
                self.problem(found);
                None
            }
        }
    }

    /// A duration longer than nothing.
    pub fn span(&mut self, text: &str, path: &Path) -> Option<Span> {
        let span = self.time(path, Span::parse(text))?;
        if span.is_zero() {
            self.problem(
                Problem::new(path.clone(), "the duration is zero").suggest("leave the key out"),
            );
            return None;
        }
        Some(span)
    }

    /// A duration with a sign: whether it is negative, and how long. Zero is allowed.
    pub fn signed_span(&mut self, text: &str, path: &Path) -> Option<(bool, Span)> {
        self.time(path, Span::parse_signed(text))
    }

    /// A local time of day.
    pub fn time_of_day(&mut self, text: &str, path: &Path) -> Option<TimeOfDay> {
        self.time(path, TimeOfDay::parse(text))
    }

    /// A set of weekdays.
    pub fn weekdays(&mut self, text: &str, path: &Path) -> Option<Weekdays> {
        self.time(path, Weekdays::parse(text))
    }

    /// A cron pattern.
    pub fn cron(&mut self, text: &str, path: &Path) -> Option<Cron> {
        self.time(path, Cron::parse(text))
    }

    /// A time zone.
    pub fn zone(&mut self, text: &str, path: &Path) -> Option<Zone> {
        match Zone::parse(text) {
            Ok(zone) => Some(zone),
            Err(unknown) => {
                let problem = Problem::new(path.clone(), unknown.to_string());
                self.problem(match unknown.suggestion {
                    Some(name) => problem.suggest(format!("did you mean `{name}`?")),
                    None => problem.suggest("write a name such as `Europe/Madrid`"),
                });
                None
            }
        }
    }

    /// An expression over these words.
    pub fn expression(
        &mut self,
        source: &str,
        path: &Path,
        words: &Vocabulary,
    ) -> Option<Expression> {
        self.compiled(path, Expression::compile(source, words))
    }

    /// An expression that is true or false.
    pub fn condition(
        &mut self,
        source: &str,
        path: &Path,
        words: &Vocabulary,
    ) -> Option<Expression> {
        self.compiled(path, Expression::compile_condition(source, words))
    }

    fn compiled(
        &mut self,
        path: &Path,
        outcome: Result<Expression, ExpressionProblem>,
    ) -> Option<Expression> {
        match outcome {
            Ok(expression) => Some(expression),
            Err(found) => {
                let mut problem = Problem::new(path.clone(), found.message);
                problem.offset = found.offset;
                problem.suggestion = found.suggestion;
                self.problem(problem);
                None
            }
        }
    }

    /// A name of ours: lower-case letters, digits, `-` and `_`.
    pub fn name(&mut self, text: &str, path: &Path) -> Option<String> {
        let fits = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit();
        let length = text.chars().count();
        let problem = if length == 0 {
            Problem::new(path.clone(), "the name is empty")
        } else if length > NAME_MAX_CHARS {
            let message = format!("the name is longer than {NAME_MAX_CHARS} characters");
            Problem::new(path.clone(), message)
        } else if !text.starts_with(fits)
            || !text.chars().all(|char| fits(char) || char == '-' || char == '_')
        {
            let message = "a name has lower-case letters, digits, `-` and `_`, and starts with a \
                           letter or a digit";
            let problem = Problem::new(path.clone(), message);
            match as_name(text) {
                Some(name) => problem.suggest(format!("write `{name}`")),
                None => problem,
            }
        } else {
            return Some(text.to_owned());
        };
        self.problem(problem);
        None
    }

    /// The name of an event: free text.
    pub fn event_name(&mut self, text: &str, path: &Path) -> Option<EventName> {
        if text.is_empty() {
            self.wrong(path, "the name of the event is empty");
        } else if text.len() > EVENT_NAME_MAX_BYTES {
            self.wrong(
                path,
                format!("the name of the event is longer than {EVENT_NAME_MAX_BYTES} bytes"),
            );
        } else if text.trim() != text {
            let problem = Problem::new(path.clone(), "the name of the event has spaces around it");
            self.problem(problem.suggest(format!("write `{}`", text.trim())));
        } else {
            return Some(EventName::from(text));
        }
        None
    }

    /// A name that another document must declare. `what` is its kind in words.
    pub fn reference(&mut self, what: &str, text: &str, names: &BTreeSet<String>, path: &Path) {
        if let Some(problem) = self.missing(what, text, names, path) {
            self.problem(problem);
        }
    }

    /// As [`Check::reference`], where the name is a key.
    pub fn reference_key(&mut self, what: &str, text: &str, names: &BTreeSet<String>, path: &Path) {
        if let Some(problem) = self.missing(what, text, names, path) {
            self.problem(problem.on_key());
        }
    }

    fn missing(
        &self,
        what: &str,
        text: &str,
        names: &BTreeSet<String>,
        path: &Path,
    ) -> Option<Problem> {
        if self.known.partial { None } else { unknown(what, text, names, path) }
    }

    /// The id of a step of the same journey.
    pub fn step_reference(&mut self, id: &str, ids: &BTreeSet<String>, path: &Path) {
        if let Some(problem) = unknown("step", id, ids, path) {
            self.problem(problem);
        }
    }

    /// Step ids that must be unique in a journey: records the second one.
    pub fn unique_id(&mut self, seen: &mut BTreeMap<StepId, Path>, id: StepId, path: &Path) {
        if let Some(first) = seen.get(&id) {
            let message = format!("step id `{id}` is taken by `{first}`");
            self.wrong(path, message);
        } else {
            seen.insert(id, path.clone());
        }
    }
}

fn unknown(what: &str, text: &str, names: &BTreeSet<String>, path: &Path) -> Option<Problem> {
    if names.contains(text) {
        return None;
    }
    let problem = Problem::new(path.clone(), format!("unknown {what} `{text}`"));
    let near = nearest(text, names.iter().map(String::as_str));
    Some(match near {
        Some(near) => problem.suggest(format!("did you mean `{near}`?")),
        None if names.is_empty() => problem.suggest(format!("no {what} is declared")),
        None => problem.suggest(format!("declared are {}", list(names))),
    })
}

/// At most five names for a message.
fn list(names: &BTreeSet<String>) -> String {
    let shown: Vec<_> = names.iter().take(5).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > 5 { ", ..." } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// What a name could look like.
fn as_name(text: &str) -> Option<String> {
    let name: String = text
        .trim()
        .chars()
        .map(|char| if char.is_ascii_alphanumeric() { char.to_ascii_lowercase() } else { '-' })
        .collect();
    let name = name.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
    (!name.is_empty()).then_some(name)
}

/// A path that a derived check reports (`variants[1].weight`), below the path of its type.
fn below(path: &Path, field: &str) -> Path {
    let mut path = path.clone();
    for part in field.split('.') {
        let (key, indices) = part.split_once('[').map_or((part, ""), |(key, rest)| (key, rest));
        if !key.is_empty() {
            path = path.key(key);
        }
        for index in indices.split(['[', ']']).filter_map(|index| index.parse().ok()) {
            path = path.index(index);
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_paths_are_put_below_their_type() {
        let base = Path::root().key("spec").index(2);
        assert_eq!(below(&base, "a[1].b").to_string(), "spec[2].a[1].b");
        assert_eq!(below(&base, "").to_string(), "spec[2]");
    }

    #[test]
    fn a_name_is_suggested() {
        assert_eq!(as_name(" Cart Rescue! ").as_deref(), Some("cart-rescue"));
        assert_eq!(as_name("???"), None);
    }
}
