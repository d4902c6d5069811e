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
}
