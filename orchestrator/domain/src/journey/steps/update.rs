//! `update`: change traits of the customer.
//!
//! ```yaml
//! - update:
//!     set: {tier: gold}                          # literals
//!     compute: {orders: "customer.events['Order Completed'].count"}   # CEL
//!     add: {score: 5}                            # numbers; a missing trait counts as 0
//!     unset: [coupon]
//! ```

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::check::Check;
use crate::expression::Expression;
use crate::journey::definition::{Journey, Node};
use crate::journey::enrollment::Enrollment;
use crate::journey::machine::{Effect, Next, World};
use crate::journey::scope::EnrollmentScope;
use crate::journey::validate::Context;
use crate::problem::{Path, Problem};
use crate::time::Instant;
use crate::value::{Map, Text, Value};

/// Most traits that one step changes.
pub const UPDATE_CHANGES_MAX: usize = 50;
/// Longest name of a trait, in bytes.
pub const TRAIT_NAME_MAX_BYTES: usize = 128;

/// Change traits of the customer: `set`, then `compute`, `add` and `unset`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawUpdate {
    /// Id of the step. Default: `update-` and its number.
    pub id: Option<String>,
    /// Traits and their new values.
    #[serde(default)]
    pub set: BTreeMap<String, serde_json::Value>,
    /// Traits and CEL expressions of their new values.
    #[serde(default)]
    pub compute: BTreeMap<String, String>,
    /// Traits and the numbers to add; a missing trait counts as 0.
    #[serde(default)]
    pub add: BTreeMap<String, f64>,
    /// Traits to remove.
    #[serde(default)]
    pub unset: Vec<String>,
}

/// Validates an update that stands at `path`.
pub(crate) fn build(
    raw: &RawUpdate,
    context: &Context<'_>,
    path: &Path,
    check: &mut Check<'_>,
) -> Option<Update> {
    let mut reading = Reading { seen: BTreeSet::new(), changes: Vec::new(), check };
    for (name, value) in &raw.set {
        let path = path.key("set").key(name);
        match Value::from_json(value) {
            Ok(value) => reading.change(name, &path, Some(Change::Set(value))),
            Err(deep) => reading.check.wrong(&path, deep.to_string()),
        }
    }
    for (name, source) in &raw.compute {
        let path = path.key("compute").key(name);
        let words = context.words;
        let change = reading.check.expression(source, &path, words).map(Change::Compute);
        reading.change(name, &path, change);
    }
    for (name, number) in &raw.add {
        let path = path.key("add").key(name);
        if !number.is_finite() {
            reading.check.wrong(&path, "the number to add must be finite");
        }
        reading.change(name, &path, Some(Change::Add(*number)));
    }
    for (at, name) in raw.unset.iter().enumerate() {
        reading.change(name, &path.key("unset").index(at), Some(Change::Unset));
    }
    let Reading { seen, changes, check } = reading;
    if seen.is_empty() {
        let problem = Problem::new(path.clone(), "this update changes nothing").on_key();
        check.problem(problem.suggest("add one of `set`, `compute`, `add`, `unset`"));
    }
    if seen.len() > UPDATE_CHANGES_MAX {
        let message = format!("more than {UPDATE_CHANGES_MAX} changes");
        check.problem(Problem::new(path.clone(), message).on_key());
    }
    Some(Update { changes })
}

struct Reading<'a, 'c> {
    seen: BTreeSet<String>,
    changes: Vec<(Text, Change)>,
    check: &'a mut Check<'c>,
}

impl Reading<'_, '_> {
    fn change(&mut self, name: &str, path: &Path, change: Option<Change>) {
        if name.is_empty() || name.len() > TRAIT_NAME_MAX_BYTES {
            let message = format!("a trait's name has 1 to {TRAIT_NAME_MAX_BYTES} bytes");
            self.check.problem(Problem::new(path.clone(), message).on_key());
        }
        if !self.seen.insert(name.to_owned()) {
            let message = format!("trait `{name}` is changed twice by this step");
            self.check.problem(Problem::new(path.clone(), message).on_key());
        }
        self.changes.extend(change.map(|change| (Text::from(name), change)));
    }
}

/// An update, applied in the order of its changes.
#[derive(Clone, Debug)]
pub struct Update {
    /// The changes.
    pub changes: Vec<(Text, Change)>,
}

/// One change of a trait.
#[derive(Clone, Debug)]
pub enum Change {
    /// To a literal.
    Set(Value),
    /// To the value of an expression; an evaluation error leaves the trait as it is.
    Compute(Expression),
    /// By a number; a trait that is no number counts as 0.
    Add(f64),
    /// Away.
    Unset,
}

/// Applies the changes in order; each sees the ones before it.
pub(crate) fn enter(
    step: &Update,
    node: &Node,
    journey: &Journey,
    enrollment: &Enrollment,
    world: &mut World<'_>,
    now: Instant,
) -> Next {
    for (name, change) in &step.changes {
        let value = match change {
            Change::Set(value) => value.clone(),
            Change::Unset => Value::Null,
            Change::Add(by) => sum(world.customer.traits.get(name), *by),
            Change::Compute(expression) => {
                let scope = EnrollmentScope::new(world.customer, journey, enrollment, now);
                match expression.evaluate(&scope) {
                    Ok(value) => value,
                    Err(_) => continue,
                }
            }
        };
        let set = world.customer.set_traits(&Map::from([(name.clone(), value)]));
        if !set.not_kept.is_empty() {
            world.effects.push(Effect::TraitsNotKept(set.not_kept));
        }
    }
    Next::Go { outcome: None, to: node.next }
}

/// The sum stays a whole number where both sides are whole.
fn sum(known: Option<&Value>, by: f64) -> Value {
    let whole = by.fract() == 0.0 && by.abs() < 9e15;
    match known {
        Some(Value::Int(known)) if whole => Value::Int(known.saturating_add(by as i64)),
        Some(Value::Int(known)) => Value::Float(*known as f64 + by),
        Some(Value::Float(known)) => Value::Float(known + by),
        _ if whole => Value::Int(by as i64),
        _ => Value::Float(by),
    }
}
