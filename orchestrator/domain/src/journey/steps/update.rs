//! `update`: change traits of the customer.
//!
//! ```yaml
//! - update:
//!     set: {tier: gold}                          # literals
//!     compute: {orders: "customer.events['Order Completed'].count"}   # CEL
//!     add: {score: 5}                            # numbers; a missing trait counts as 0
//!     unset: [coupon]
//! ```

use std::sync::Arc;

use crate::expression::Expression;
use crate::journey::definition::{Journey, Node};
use crate::journey::enrollment::Enrollment;
use crate::journey::machine::{Next, World};
use crate::journey::scope::EnrollmentScope;
use crate::time::Instant;
use crate::value::{Map, Value};

/// An update, applied in the order of its changes.
#[derive(Clone, Debug)]
pub struct Update {
    /// The changes.
    pub changes: Vec<(Arc<str>, Change)>,
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
        world.customer.set_traits(&Map::from([(name.clone(), value)]));
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
