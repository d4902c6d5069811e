//! `branch`: go on by the first condition that holds.
//!
//! ```yaml
//! - branch:
//!     - when: customer.traits.tier == "gold"
//!       steps: [{exit: {reason: gold}}]
//!     - else: [{exit: {}}]
//! ```

use crate::expression::Expression;
use crate::journey::definition::NodeIndex;

/// A branch.
#[derive(Clone, Debug)]
pub struct Branch {
    /// Conditions in order, each with the first node of its arm (`None`: what follows the
    /// branch). An evaluation error counts as false.
    pub arms: Vec<(Expression, Option<NodeIndex>)>,
    /// Where to go if none holds.
    pub otherwise: Option<NodeIndex>,
}
