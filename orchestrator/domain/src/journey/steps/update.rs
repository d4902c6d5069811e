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
use crate::value::Value;

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
