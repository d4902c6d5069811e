//! Segments: named predicates over profile and event history.

use crate::expression::Expression;
use crate::ids::SegmentName;

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
