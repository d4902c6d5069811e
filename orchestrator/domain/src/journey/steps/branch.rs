//! `branch`: go on by the first condition that holds.
//!
//! ```yaml
//! - branch:
//!     - when: customer.traits.tier == "gold"
//!       steps: [{exit: {reason: gold}}]
//!     - else: [{exit: {}}]
//! ```

use crate::expression::Expression;
use crate::journey::definition::{Journey, Node, NodeIndex};
use crate::journey::enrollment::Enrollment;
use crate::journey::machine::{Next, World};
use crate::journey::scope::EnrollmentScope;
use crate::time::Instant;

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
