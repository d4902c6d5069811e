//! Segments: named predicates over profile and event history.
//!
//! ```yaml
//! apiVersion: cadencia/v1
//! kind: Segment
//! metadata: {name: lapsed}
//! spec:
//!   when: now - customer.events["Order Completed"].last > days(60)
//! ```

use schemars::JsonSchema;
use serde::Deserialize;

use crate::check::Check;
use crate::expression::{Expression, Vocabulary};
use crate::ids::SegmentName;
use crate::problem::{Path, Problem};

/// A segment: who is in it is decided by a predicate at each input of the customer.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Its name.
    pub name: SegmentName,
    /// True for members. An evaluation error (a missing trait) means "not a member".
    pub when: Expression,
    /// Revision of the catalog's segments at which this definition appeared. Customers evaluated
    /// against an older revision get a baseline first, so that those who were members at `apply`
    /// do not look as if they had just become so (semantics 7).
    pub since: u32,
}

/// A segment: a named predicate over profile and event history.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSegment {
    /// CEL: true for members (`customer.events["Order Completed"].count >= 5`).
    pub when: String,
}

/// Validates a segment whose `spec` stands at `path`.
pub fn segment(
    raw: &RawSegment,
    name: SegmentName,
    path: &Path,
    check: &mut Check<'_>,
) -> Option<Segment> {
    let path = path.key("when");
    let when = check.condition(&raw.when, &path, &Vocabulary::customer())?;
    // Membership would depend on the order in which segments are looked at.
    if when.references().iter().any(|read| read.to_string().starts_with("customer.segments")) {
        let problem = Problem::new(path, "a segment cannot read `customer.segments`");
        check.problem(problem.suggest("repeat the other segment's condition"));
        return None;
    }
    // The revision is given at `apply`.
    Some(Segment { name, when, since: 0 })
}
