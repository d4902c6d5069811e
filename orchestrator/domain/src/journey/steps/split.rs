//! `split`: go on by a draw that is sticky for the customer.
//!
//! ```yaml
//! - split:
//!     id: subject-test
//!     variants:
//!       - {name: short, weight: 50, steps: [{exit: {}}]}
//!       - {name: long, weight: 50, steps: []}
//! ```

use schemars::JsonSchema;
use serde::Deserialize;

use crate::check::Check;
use crate::hash;
use crate::journey::definition::{Node, NodeIndex};
use crate::journey::machine::{Next, World};
use crate::journey::steps::RawStep;
use crate::journey::validate::Context;
use crate::problem::{Path, Problem};
use crate::value::Text;

/// Most variants of a split: with more, none gets enough customers to learn from.
pub const SPLIT_VARIANTS_MAX: usize = 20;
/// Largest weight, so that the sum of all fits with room to spare.
pub const SPLIT_WEIGHT_MAX: u32 = 1_000_000;

/// Go on by a draw that is sticky for the customer.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSplit {
    /// Id of the step. Default: `split-` and its number.
    pub id: Option<String>,
    /// The arms.
    pub variants: Vec<RawVariant>,
}

/// One arm of a split.
#[derive(Clone, Debug, Deserialize, JsonSchema, garde::Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct RawVariant {
    /// Its name, readable afterwards as `steps.<id>.outcome`.
    pub name: String,
    /// Its share of the sum of all weights.
    #[garde(range(min = 1, max = SPLIT_WEIGHT_MAX))]
    pub weight: u32,
    /// What happens to those who are drawn; `[]` goes on behind the split.
    pub steps: Vec<RawStep>,
}

/// The steps below a split, variant by variant.
pub(crate) fn arms(raw: &RawSplit) -> Vec<(Path, &[RawStep])> {
    let variants = Path::root().key("variants");
    raw.variants
        .iter()
        .enumerate()
        .map(|(at, variant)| (variants.index(at).key("steps"), variant.steps.as_slice()))
        .collect()
}

/// Validates a split that stands at `path`.
pub(crate) fn build(
    raw: &RawSplit,
    context: &Context<'_>,
    path: &Path,
    check: &mut Check<'_>,
) -> Option<Split> {
    let path = path.key("variants");
    match raw.variants.len() {
        0 | 1 => {
            let problem = Problem::new(path.clone(), "a split needs at least two variants");
            check.problem(problem.on_key());
        }
        2..=SPLIT_VARIANTS_MAX => {}
        _ => check.wrong(&path, format!("more than {SPLIT_VARIANTS_MAX} variants")),
    }
    for (at, variant) in raw.variants.iter().enumerate() {
        let path = path.index(at);
        check.limits(variant, &path);
        check.name(&variant.name, &path.key("name"));
        if raw.variants[..at].iter().any(|earlier| earlier.name == variant.name) {
            let message = format!("there are two variants `{}`", variant.name);
            check.wrong(&path.key("name"), message);
        }
    }
    let variants = raw
        .variants
        .iter()
        .zip(context.arms.firsts())
        .map(|(raw, first)| Variant { name: raw.name.clone(), weight: raw.weight, first })
        .collect();
    Some(Split { salt: format!("{}/{}", context.journey, context.id), variants })
}

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
            let outcome = Some(Text::from(variant.name.as_str()));
            return Next::Go { outcome, to: variant.first.or(node.next) };
        }
        draw -= weight;
    }
    // Weights are positive and there is at least one arm, so the draw fell into one above.
    Next::Go { outcome: None, to: node.next }
}
