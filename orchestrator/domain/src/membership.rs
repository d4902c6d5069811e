//! Membership of a customer in a retargeting audience.

use serde::{Deserialize, Serialize};

use crate::ids::{ChannelName, ClassName, SendId, Topic};
use crate::time::Instant;

/// Most audiences that a customer is a member of at once: each turn looks at all of them. At it a
/// join is refused, and a merge leaves out what is over; both are recorded.
pub const MEMBERSHIPS_MAX: usize = 100;

/// Membership of a customer in one audience. The gate let her in; she stays until `until`, or until
/// a step, a withdrawn consent or the loss of her identifiers ends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The audience: a channel of that kind.
    pub audience: ChannelName,
    /// Message class of the join, which says what she stays by.
    pub class: ClassName,
    /// Topic of consent.
    pub topic: Option<Topic>,
    /// Since when, without a break.
    pub since: Instant,
    /// A member at `t` if `t < until`; [`Instant::MAX`] for good.
    pub until: Instant,
    /// The send that let her in for as long as `until`.
    pub send: SendId,
    /// Hash of her identifiers, as they stand in the audience's row: another one means that the
    /// row must be written anew.
    pub identifiers: u64,
}

/// Why a membership ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LeftBecause {
    /// A step says so.
    Step,
    /// Its time is over.
    Expired,
    /// Consent for it was withdrawn, or what remains of it after a merge does not allow it.
    Consent,
    /// She has no identifier left that is exported, or it is stopped.
    Unreachable,
    /// The audience is no longer declared.
    Removed,
    /// After a merge there would be more than [`MEMBERSHIPS_MAX`].
    TooMany,
}

impl LeftBecause {
    /// The reason in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Step => "a step says so",
            Self::Expired => "its time is over",
            Self::Consent => "there is no consent for it any more",
            Self::Unreachable => "there is no identifier that may be exported",
            Self::Removed => "the audience is no longer declared",
            Self::TooMany => "the merge would make it one audience too many",
        }
    }
}
