//! `branch`: go on by the first condition that holds.
//!
//! ```yaml
//! - branch:
//!     - when: customer.traits.tier == "gold"
//!       steps: [{exit: {reason: gold}}]
//!     - else: [{exit: {}}]
//! ```

use schemars::JsonSchema;
use serde::Deserialize;

use crate::check::Check;
use crate::expression::Expression;
use crate::journey::definition::{Journey, Node, NodeIndex};
use crate::journey::enrollment::Enrollment;
use crate::journey::machine::{Next, World};
use crate::journey::scope::EnrollmentScope;
use crate::journey::steps::RawStep;
use crate::journey::validate::Context;
use crate::problem::{Path, Problem};
use crate::time::Instant;

/// Most arms of a branch. A longer choice is a table, and belongs into a trait.
pub const BRANCH_ARMS_MAX: usize = 20;

/// One arm: `when` with `steps`, or the last one, `else`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["when", "steps"]}, {"required": ["else"]}]))]
pub struct RawArm {
    /// CEL: this arm is taken if it is the first whose condition holds.
    pub when: Option<String>,
    /// What happens then; `[]` goes on behind the branch.
    pub steps: Option<Vec<RawStep>>,
    /// What happens if no condition holds.
    #[serde(rename = "else")]
    pub otherwise: Option<Vec<RawStep>>,
}

/// The steps below a branch, arm by arm.
pub(crate) fn arms(raw: &[RawArm]) -> Vec<(Path, &[RawStep])> {
    let mut arms = Vec::new();
    for (at, arm) in raw.iter().enumerate() {
        let path = Path::root().index(at);
        if let Some(steps) = &arm.steps {
            arms.push((path.key("steps"), steps.as_slice()));
        }
        if let Some(steps) = &arm.otherwise {
            arms.push((path.key("else"), steps.as_slice()));
        }
    }
    arms
}

/// Validates a branch that stands at `path`.
pub(crate) fn build(
    raw: &[RawArm],
    context: &Context<'_>,
    path: &Path,
    check: &mut Check<'_>,
) -> Option<Branch> {
    if raw.len() > BRANCH_ARMS_MAX {
        check.problem(
            Problem::new(path.clone(), format!("more than {BRANCH_ARMS_MAX} arms")).on_key(),
        );
    }
    let mut firsts = context.arms.firsts().into_iter();
    let mut arms = Vec::new();
    let mut otherwise = None;
    let mut sound = true;
    for (at, arm) in raw.iter().enumerate() {
        let path = path.index(at);
        sound &= shape(arm, at + 1 == raw.len(), &path, check);
        let when =
            arm.when.as_ref().map(|when| check.condition(when, &path.key("when"), context.words));
        let first = arm.steps.as_ref().and_then(|_| firsts.next().flatten());
        match when {
            Some(Some(when)) => arms.push((when, first)),
            Some(None) => sound = false,
            None => {}
        }
        if arm.otherwise.is_some() {
            otherwise = firsts.next().flatten();
        }
    }
    if sound && arms.is_empty() {
        let problem = Problem::new(path.clone(), "a branch needs at least one `when`").on_key();
        check.problem(problem.suggest("write its steps without the branch"));
        return None;
    }
    sound.then_some(Branch { arms, otherwise })
}

/// Whether an arm has the right keys.
fn shape(arm: &RawArm, last: bool, path: &Path, check: &mut Check<'_>) -> bool {
    let problem = match (&arm.when, &arm.steps, &arm.otherwise) {
        (Some(_), Some(_), None) => return true,
        (None, None, Some(_)) if last => return true,
        (None, None, Some(_)) => {
            Problem::new(path.key("else"), "`else` must be the last arm").on_key()
        }
        (Some(_), None, None) => Problem::new(path.key("when"), "this arm has no `steps`")
            .on_key()
            .suggest("write `steps: []` to go on behind the branch"),
        (None, Some(_), None) => Problem::new(path.key("steps"), "this arm has no `when`").on_key(),
        (None, None, None) => {
            Problem::new(path.clone(), "an arm needs `when` with `steps`, or `else`")
        }
        (_, _, Some(_)) => Problem::new(path.key("else"), "`else` must be an arm of its own")
            .on_key()
            .suggest("start it with `- else:`"),
    };
    check.problem(problem);
    false
}

/// A branch.
#[derive(Clone, Debug)]
pub struct Branch {
    /// Conditions in order, each with the first node of its arm (`None`: what follows the
    /// branch). An evaluation error counts as false.
    pub arms: Vec<(Expression, Option<NodeIndex>)>,
    /// Where to go if none holds.
    pub otherwise: Option<NodeIndex>,
}

/// Takes the first arm whose condition holds.
pub(crate) fn enter(
    step: &Branch,
    node: &Node,
    journey: &Journey,
    enrollment: &Enrollment,
    world: &World<'_>,
    now: Instant,
) -> Next {
    let scope = EnrollmentScope::new(world.customer, journey, enrollment, now);
    let taken = step.arms.iter().find(|(when, _)| when.evaluate_bool(&scope).unwrap_or(false));
    let first = taken.map_or(step.otherwise, |(_, first)| *first);
    Next::Go { outcome: None, to: first.or(node.next) }
}
