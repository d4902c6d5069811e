//! The history of a customer: what came in, what was decided, and why. One row per turn, chained
//! to the row before, so that appending is cheap and a timeline can be read backwards.

use std::sync::Arc;

use domain::event::Event;
use domain::ids::{ChannelName, CustomerId, EnrollmentId, JourneyName, SendId, StepId};
use domain::journey::enrollment::ExitReason;
use domain::membership::LeftBecause;
use domain::time::Instant;
use domain::value::Text;
use domain::verdict::Verdict;
use policies::CountState;
use serde::{Deserialize, Serialize};

/// What happened in one turn of one customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryRow {
    /// Sequence of this customer's row before, 0 for none.
    pub previous: u64,
    /// When the turn was.
    pub at: Instant,
    /// What happened, in order.
    pub items: Vec<HistoryItem>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum HistoryItem {
    /// An event was accepted.
    Event(Arc<Event>),
    /// The event's name was not counted: the record counts too many names.
    NotCounted,
    /// A trait named a time zone that does not exist; the zone stayed as it was.
    UnknownZone,
    /// The customer entered a journey.
    Entered {
        /// The journey.
        journey: JourneyName,
        /// The new enrollment.
        enrollment: EnrollmentId,
        /// Its entry key.
        key: Text,
    },
    /// A trigger enrolled nobody.
    NotEntered {
        /// The journey.
        journey: JourneyName,
        /// Why.
        reason: NotEntered,
    },
    /// An enrollment came to a step.
    Step {
        /// The enrollment.
        enrollment: EnrollmentId,
        /// The step.
        step: StepId,
    },
    /// An enrollment ended.
    Exited {
        /// The enrollment.
        enrollment: EnrollmentId,
        /// The journey.
        journey: JourneyName,
        /// Why.
        reason: ExitReason,
    },
    /// The gate looked at a message.
    Decided {
        /// The send.
        send: SendId,
        /// The enrollment.
        enrollment: EnrollmentId,
        /// The journey.
        journey: JourneyName,
        /// The step.
        step: StepId,
        /// The channel that was tried.
        channel: ChannelName,
        /// The answer, with every rule's result.
        verdict: Verdict,
        /// Whether it was handed to the channel in this very commit.
        sent: bool,
    },
    /// A message that was held is no longer wanted: its enrollment ended, or moved to a step of
    /// another kind in a newer version.
    Withdrawn {
        /// The send.
        send: SendId,
    },
    /// The customer became a member of a segment.
    SegmentEntered(domain::ids::SegmentName),
    /// The customer is no longer a member of a segment.
    SegmentLeft(domain::ids::SegmentName),
    /// An enrollment moved to a newer version of its journey.
    Migrated {
        /// The enrollment.
        enrollment: EnrollmentId,
        /// The step in the new version.
        step: StepId,
    },
    /// The customer was merged into another one, which goes on.
    Merged {
        /// Who goes on.
        into: CustomerId,
    },
    /// Another customer was merged into this one.
    Absorbed {
        /// Who it was.
        from: CustomerId,
    },
    /// An alias merged nobody.
    NotMerged {
        /// Who was to be merged into this customer.
        previous: CustomerId,
        /// Why not.
        reason: NotMerged,
    },
    /// The customer is no longer a member of an audience.
    AudienceLeft {
        /// The audience.
        audience: ChannelName,
        /// Why.
        reason: LeftBecause,
    },
    /// An operator wanted a message sent again; what the gate said follows.
    Redriven {
        /// The send that ended.
        of: SendId,
        /// The one that repeats it.
        send: SendId,
    },
    /// A provider reported what became of a message that it took.
    Reported {
        /// The send.
        send: SendId,
        /// The enrollment that it is of.
        enrollment: EnrollmentId,
        /// How the send stands since then.
        state: CountState,
        /// The provider's words.
        reason: String,
        /// How it had ended before, since when, and by which words; `None` if it was under way.
        before: Option<(CountState, Instant, String)>,
    },
    /// Traits of these names were not set: the record has no room for them.
    TraitsNotKept(Vec<Text>),
}

/// Why an alias merged nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NotMerged {
    /// It was merged the other way round before.
    Circle,
    /// The anonymous customer belongs to somebody else already.
    AlreadyMerged,
    /// Too many merges follow each other.
    ChainTooLong,
}

impl NotMerged {
    /// The reason in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Circle => "they were merged the other way round before",
            Self::AlreadyMerged => "the anonymous customer was merged into somebody else before",
            Self::ChainTooLong => "too many merges follow each other",
        }
    }
}

/// Why a trigger enrolled nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NotEntered {
    /// The entry condition did not hold, or could not be evaluated.
    Condition,
    /// The key expression gave no text or number.
    NoKey,
    /// The re-entry rule forbids it.
    Reentry,
    /// The trigger is older than `max_event_age`.
    TooOld,
    /// The journey is paused.
    Paused,
    /// The customer has as many enrollments, or remembered entries, as can be kept.
    Limit,
    /// The journey is stopped, and somebody wanted her to enter it all the same.
    Stopped,
}

impl NotEntered {
    /// The reason in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Condition => "the entry condition did not hold",
            Self::NoKey => "the entry key could not be computed",
            Self::Reentry => "the re-entry rule forbids it",
            Self::TooOld => "the event is older than max_event_age",
            Self::Paused => "the journey is paused",
            Self::Limit => "the customer has as many entries as can be kept",
            Self::Stopped => "the journey is stopped",
        }
    }
}
