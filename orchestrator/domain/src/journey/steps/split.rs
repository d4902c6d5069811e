//! `split`: go on by a draw that is sticky for the customer.
//!
//! ```yaml
//! - split:
//!     id: subject-test
//!     variants:
//!       - {name: short, weight: 50, steps: [{exit: {}}]}
//!       - {name: long, weight: 50, steps: []}
//! ```

use crate::journey::definition::NodeIndex;

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
