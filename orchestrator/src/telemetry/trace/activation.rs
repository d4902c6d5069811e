//! What is noted of an activation: plain data, cheap to make. Spans are built from it where it is
//! exported.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use domain::ids::{
    ChannelName, CustomerKey, EnrollmentId, JourneyName, RuleName, SendId, StepId, VersionNo,
};
use domain::time::Instant;
use domain::verdict::{Decision, RuleKind};
use engine::Input;
use engine::partition::Attempt;
use policies::CountState;

use super::{Point, TraceParent};

/// Which kinds of inputs a turn had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inputs(u16);

/// Words of the kinds of inputs, by their bit.
const INPUT_WORDS: [&str; 12] = [
    "event", "recorded", "timer", "slot", "retry", "outcome", "tick", "enroll", "merge", "refresh",
    "redrive", "report",
];

impl Inputs {
    /// Of the inputs of a turn.
    pub fn of(inputs: &[Input]) -> Self {
        let bit = |input: &Input| match input {
            Input::Event { .. } => 0,
            Input::Recorded { .. } => 1,
            Input::Timer => 2,
            Input::Slot(_) => 3,
            Input::Retry(_) => 4,
            Input::Outcome { .. } => 5,
            Input::Tick { .. } => 6,
            Input::Enroll { .. } => 7,
            Input::Merge { .. } => 8,
            Input::Refresh => 9,
            Input::Redrive { .. } => 10,
            Input::Report { .. } => 11,
        };
        Self(inputs.iter().fold(0, |bits, input| bits | (1 << bit(input))))
    }

    /// Their words, separated by commas.
    pub fn words(self) -> String {
        let known = INPUT_WORDS.iter().enumerate();
        let words = known.filter(|(at, _)| self.0 & (1 << at) != 0).map(|(_, word)| *word);
        words.collect::<Vec<_>>().join(",")
    }
}

/// One answer of the gate.
#[derive(Clone, Debug)]
pub struct Decided {
    /// The send.
    pub send: SendId,
    /// The step.
    pub step: StepId,
    /// The channel that was tried.
    pub channel: ChannelName,
    /// The answer.
    pub decision: Decision,
    /// The rule that decided, where one did.
    pub rule: Option<(RuleKind, RuleName)>,
    /// Whether it was handed over in this very commit.
    pub sent: bool,
}

/// What one turn did to one enrollment.
#[derive(Debug)]
pub struct Activation {
    /// The enrollment.
    pub enrollment: EnrollmentId,
    /// Its journey.
    pub journey: JourneyName,
    /// The version, where it is still known.
    pub version: Option<VersionNo>,
    /// Whose.
    pub customer: CustomerKey,
    /// In which partition.
    pub partition: u16,
    /// The instant of the turn, by the server's clock.
    pub at: Instant,
    /// What came in.
    pub inputs: Inputs,
    /// Where it stood before; none if it entered.
    pub before: Option<Point>,
    /// Where it was left.
    pub point: Point,
    /// Spans of those who sent the events.
    pub origins: Vec<TraceParent>,
    /// The last step that it came to.
    pub step: Option<StepId>,
    /// Why it ended, if it did.
    pub exit: Option<&'static str>,
    /// What the gate said, in order.
    pub decisions: Vec<Decided>,
    /// When the turn began, in microseconds of the tracer's clock.
    pub began_us: u64,
    /// When it was decided.
    pub decided_us: u64,
    /// When it was durable; 0 before that.
    pub durable_us: AtomicU64,
    /// Whether its enrollment is one of those that are traced.
    pub sampled: bool,
    /// Whether it ended by an error.
    pub failed: bool,
    /// Whether it has been handed over to be exported.
    pub exported: AtomicBool,
}

impl Activation {
    /// Whether it handed this send over.
    pub fn sends(&self, send: SendId) -> bool {
        // One that is tried again passes the gate without a decision of its own.
        let again = matches!(self.point, Point::Retried(it, _) if it == send);
        let sent = |decided: &Decided| decided.sent && decided.send == send;
        (again && self.decisions.is_empty()) || self.decisions.iter().any(sent)
    }

    /// Whether it is exported, or is about to be.
    pub fn is_exported(&self) -> bool {
        self.exported.load(Ordering::Acquire)
    }
}

/// One attempt, with the activation that asked for it.
#[derive(Debug)]
pub struct Attempted {
    /// The activation.
    pub activation: Arc<Activation>,
    /// What was attempted. Its address and traits never leave with a span.
    pub attempt: Arc<Attempt>,
    /// The word of the outcome.
    pub outcome: &'static str,
    /// Whether that is a failure.
    pub failed: bool,
    /// When it began, in microseconds of the tracer's clock.
    pub began_us: u64,
    /// When it ended.
    pub ended_us: u64,
}

/// An outcome that came home.
#[derive(Debug)]
pub struct Settled {
    /// The attempt that it is of.
    pub attempted: Arc<Attempted>,
    /// The instant of the turn.
    pub at: Instant,
    /// Whether the send is tried again.
    pub again: bool,
    /// When it was taken in, in microseconds of the tracer's clock.
    pub began_us: u64,
    /// When what it means was decided.
    pub decided_us: u64,
    /// When that was durable.
    pub durable_us: u64,
}

/// An attempt that was under way when the process before ended: its outcome is unknown.
#[derive(Clone, Debug)]
pub struct Interrupted {
    /// The send.
    pub send: SendId,
    /// Which attempt, from 1.
    pub number: u16,
    /// In which enrollment.
    pub enrollment: EnrollmentId,
    /// For which journey.
    pub journey: JourneyName,
    /// The version.
    pub version: VersionNo,
    /// At which step; none where it is not known any more.
    pub step: Option<StepId>,
    /// On which channel.
    pub channel: ChannelName,
    /// Whether it is tried again.
    pub again: bool,
    /// Whose.
    pub customer: CustomerKey,
    /// In which partition.
    pub partition: u16,
    /// The instant of the start.
    pub at: Instant,
}

/// What a provider reported of a send.
#[derive(Clone, Debug)]
pub struct Reported {
    /// The enrollment that the send is of.
    pub enrollment: EnrollmentId,
    /// Its journey.
    pub journey: JourneyName,
    /// The version.
    pub version: VersionNo,
    /// The step, where the version is still known.
    pub step: Option<StepId>,
    /// Whose.
    pub customer: CustomerKey,
    /// In which partition.
    pub partition: u16,
    /// The instant of the turn.
    pub at: Instant,
    /// The send.
    pub send: SendId,
    /// Its last attempt.
    pub attempt: u16,
    /// The channel.
    pub channel: ChannelName,
    /// How the send stands since then.
    pub state: CountState,
    /// When the turn began, in microseconds of the tracer's clock.
    pub began_us: u64,
    /// When it was decided.
    pub decided_us: u64,
    /// When that was durable.
    pub durable_us: u64,
}

/// A turn of which nothing was taken in.
#[derive(Debug)]
pub struct FailedTurn {
    /// Whose.
    pub customer: CustomerKey,
    /// In which partition.
    pub partition: u16,
    /// The instant of the turn.
    pub at: Instant,
    /// When it began, in microseconds of the tracer's clock.
    pub began_us: u64,
    /// When it failed.
    pub ended_us: u64,
}
