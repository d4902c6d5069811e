//! A validated journey: after validation, illegal states cannot be built.
//!
//! The steps of the YAML tree are laid out flat: an enrollment stands on a node by its index, and
//! each node knows its successor. The last node of a branch arm leads to what follows the branch.

use std::collections::BTreeMap;

use crate::expression::Expression;
use crate::ids::{CampaignName, EventName, JourneyName, SegmentName, StepId};
use crate::journey::steps::Step;
use crate::time::{Cron, Instant, Span, Zone};

/// Most steps of one journey, arms included. A journey larger than this cannot be reviewed.
pub const JOURNEY_STEPS_MAX: usize = 500;
/// Deepest nesting of branches and splits.
pub const JOURNEY_DEPTH_MAX: usize = 8;
/// Oldest trigger that still enrolls, in days (semantics 3), unless a journey says otherwise.
pub const MAX_EVENT_AGE_DAYS: u32 = 1;

/// Index of a node in [`Journey::nodes`].
pub type NodeIndex = u16;

/// One immutable version of a journey.
#[derive(Clone, Debug)]
pub struct Journey {
    /// Its name.
    pub name: JourneyName,
    /// The campaign it belongs to.
    pub campaign: Option<CampaignName>,
    /// How customers enter.
    pub entry: Entry,
    /// When two entries of one customer may follow each other.
    pub reentry: Reentry,
    /// What the journey wants to reach; reaching it ends the enrollment.
    pub goal: Option<Goal>,
    /// Events that end the enrollment in every state.
    pub exits: Vec<EventMatch>,
    /// What to do with waits that are completed late, after downtime or a pause.
    pub catch_up: CatchUp,
    /// A trigger older than this is recorded and counted but enters nothing (semantics 3).
    pub max_event_age: Span,
    /// The steps, flat. The first one is node 0; a journey has at least one.
    pub nodes: Vec<Node>,
    /// For enrollments of earlier versions: old step to new step.
    pub migrate: BTreeMap<StepId, StepId>,
    /// Hex content hash of the definition: the identity of the version.
    pub hash: String,
}

/// One step in its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// Declared id, or one derived from kind and position (`wait-1`).
    pub id: StepId,
    /// What it does.
    pub step: Step,
    /// What follows; `None` completes the journey.
    pub next: Option<NodeIndex>,
}

/// How customers enter a journey.
#[expect(clippy::large_enum_variant, reason = "one per journey: its size does not matter")]
#[derive(Clone, Debug)]
pub enum Entry {
    /// By an event.
    Event {
        /// Which event.
        matching: EventMatch,
        /// One enrollment per (customer, journey, key); without it the key is empty.
        key: Option<Expression>,
    },
    /// By becoming a member of a segment (the edge from false to true).
    Segment {
        /// Which segment.
        segment: SegmentName,
        /// Whether members at the moment of `apply` enter too.
        backfill: bool,
    },
    /// At instants of a schedule, for every customer (of a segment).
    Schedule {
        /// When.
        schedule: Schedule,
        /// Whom; `None` is everybody.
        segment: Option<SegmentName>,
    },
    /// Only by a call of the API.
    Api,
}

/// When a schedule ticks.
#[expect(clippy::large_enum_variant, reason = "one per journey: its size does not matter")]
#[derive(Clone, Debug)]
pub enum Schedule {
    /// Again and again, by a cron pattern of civil time in a fixed zone.
    Cron {
        /// The pattern.
        cron: Cron,
        /// The zone of the pattern.
        zone: Zone,
    },
    /// Once: a broadcast.
    Once(Instant),
}

/// When a customer may enter again. Memory of earlier entries never expires (semantics 6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reentry {
    /// Once per customer and key.
    Never,
    /// When no enrollment of the same key is active.
    AfterExit,
    /// When none is active and this long has passed since the last exit.
    After(Span),
    /// Always.
    Parallel,
}

/// An event by name and, optionally, predicate.
#[derive(Clone, Debug)]
pub struct EventMatch {
    /// Name of the event.
    pub event: EventName,
    /// Further condition; an evaluation error means "does not match".
    pub when: Option<Expression>,
}

/// What a journey wants to reach.
#[derive(Clone, Debug)]
pub struct Goal {
    /// The conversion.
    pub matching: EventMatch,
    /// Counted from entry; `None` is without limit.
    pub within: Option<Span>,
}

/// What happens to a wait that is completed late (semantics 11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CatchUp {
    /// Go on at once.
    Fire,
    /// Complete the wait; if it is later than this, the next send is refused as
    /// `skipped_catch_up`.
    Skip {
        /// Lateness up to which a send still goes.
        older_than: Span,
    },
    /// Go on within this period, each enrollment at an instant drawn from its id.
    Spread {
        /// Length of the period, from the moment of catching up.
        over: Span,
    },
}

impl Journey {
    /// The node with this id.
    pub fn node_by_id(&self, id: &str) -> Option<NodeIndex> {
        self.nodes.iter().position(|node| node.id.as_str() == id).map(|at| at as NodeIndex)
    }
}
