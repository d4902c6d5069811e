//! `split`: go on by a draw that is sticky for the customer.
//!
//! ```yaml
//! - split:
//!     id: subject-test
//!     variants:
//!       - {name: short, weight: 50, steps: [{exit: {}}]}
//!       - {name: long, weight: 50, steps: []}
//! ```

use std::sync::Arc;

use crate::hash;
use crate::journey::definition::{Node, NodeIndex};
use crate::journey::machine::{Next, World};

/// A split.
#[derive(Clone, Debug)]
pub struct Split {
    /// Salt of the draw: journey and step, so that splits are independent of each other.
    pub salt: String,
    /// The arms; weights are positive.
    pub variants: Vec<Variant>,
}

/// One arm.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Name, readable afterwards as `steps.<id>.outcome`.
    pub name: String,
    /// Share of the sum of all weights.
    pub weight: u32,
    /// First node of the arm (`None`: what follows the split).
    pub first: Option<NodeIndex>,
}

/// Takes the arm that the customer's draw falls into: the same one each time.
pub(crate) fn enter(step: &Split, node: &Node, world: &World<'_>) -> Next {
    let total: u64 = step.variants.iter().map(|variant| u64::from(variant.weight)).sum();
    let mut draw = hash::bucket(&step.salt, &world.customer.key().0, total.max(1));
    for variant in &step.variants {
        let weight = u64::from(variant.weight);
        if draw < weight {
            let outcome = Some(Arc::from(variant.name.as_str()));
            return Next::Go { outcome, to: variant.first.or(node.next) };
        }
        draw -= weight;
    }
    // Weights are positive and there is at least one arm, so the draw fell into one above.
    Next::Go { outcome: None, to: node.next }
}
