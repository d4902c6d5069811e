//! The journey machine: (definition, enrollment, input, now) -> (enrollment', effects).
//!
//! Called by the engine once per enrollment and input. It walks from step to step until the
//! enrollment waits, is parked on a send, or leaves. It must never look at another enrollment,
//! decide whether a message may go (that is the gate), or take the time from anywhere but `now`.

use crate::customer::Customer;
use crate::ids::{ChannelName, SendId};
use crate::journey::definition::{CatchUp, JOURNEY_STEPS_MAX, Journey, NodeIndex};
use crate::journey::enrollment::{Enrollment, ExitReason, Phase, Sending, State, Trigger};
use crate::journey::steps::{OnRefused, Step, audience, branch, send, split, update, wait};
use crate::time::{Due, Instant, Zone};
use crate::value::Text;

/// Most steps that one input may walk through. A journey has no loops, so this is its size: more
/// can only mean a defect, which ends the enrollment with an error instead of hanging the actor.
pub const STEPS_PER_ACTIVATION_MAX: usize = JOURNEY_STEPS_MAX;
/// A wait completed later than this is late, and the journey's catch-up rule applies. Timers of a
/// healthy node fire within a second; a minute leaves room for a restart.
pub const LATE_AFTER_MS: i64 = 60_000;

/// What an enrollment is told.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// It has just entered.
    Enter,
    /// A migration put it onto this node, of another kind than the one it stood on.
    Reenter(NodeIndex),
    /// Its timer is due.
    Timer,
    /// The event that its wait is for has come.
    Event,
    /// The send it is parked on is done: handed over, or refused. The text is the outcome.
    SendDone {
        /// What `steps.<id>.outcome` will say.
        outcome: &'a str,
        /// Whether the message was refused.
        refused: bool,
    },
}

/// What the machine wants others to know or do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The enrollment stands on this node now.
    Entered(NodeIndex),
    /// The enrollment has left this node.
    Left(NodeIndex),
    /// The enrollment has ended.
    Exited(ExitReason),
    /// The customer is no longer a member of this audience.
    LeftAudience(ChannelName),
    /// Traits of these names were not set: there is no room for them.
    TraitsNotKept(Vec<Text>),
}

/// What the machine sees and may change besides the enrollment: its customer's traits and
/// memberships.
#[derive(Debug)]
pub struct World<'a> {
    /// The customer, without the enrollment that is being advanced.
    pub customer: &'a mut Customer,
    /// The zone that counts: the customer's, or the fallback.
    pub zone: &'a Zone,
    /// Where effects are put, in order.
    pub effects: &'a mut Vec<Effect>,
}

/// Where an input left an enrollment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It waits or is parked on a send.
    Standing,
    /// It has ended.
    Exited(ExitReason),
}

/// What a step says when it is entered or told something.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Next {
    /// Stay, in this state.
    Stand(State),
    /// Leave the step towards this node.
    Go {
        /// What `steps.<id>.outcome` will say, if the step has an outcome.
        outcome: Option<Text>,
        /// The next node; `None` completes the journey.
        to: Option<NodeIndex>,
    },
    /// Leave the journey.
    Exit(ExitReason),
}

/// Advances one enrollment by one input.
pub fn advance(
    journey: &Journey,
    enrollment: &mut Enrollment,
    input: Input<'_>,
    world: &mut World<'_>,
    now: Instant,
) -> Progress {
    let mut next = match input {
        Input::Enter => return walk(journey, enrollment, Some(0), world, now),
        Input::Reenter(at) => return walk(journey, enrollment, Some(at), world, now),
        Input::Timer => timer(journey, enrollment, now),
        Input::Event => leave(journey, enrollment, "event"),
        Input::SendDone { outcome, refused } => send_done(journey, enrollment, outcome, refused),
    };
    match next {
        Next::Stand(ref mut state) => {
            std::mem::swap(&mut enrollment.state, state);
            Progress::Standing
        }
        Next::Exit(reason) => {
            world.effects.push(Effect::Left(enrollment.at));
            exit(reason, world)
        }
        Next::Go { outcome, to } => {
            finish_step(enrollment, outcome, world);
            walk(journey, enrollment, to, world, now)
        }
    }
}

fn node(journey: &Journey, at: NodeIndex) -> &crate::journey::definition::Node {
    // Positions come from this journey's own graph, or from a checked migration.
    &journey.nodes[usize::from(at)]
}

fn leave(journey: &Journey, enrollment: &Enrollment, outcome: &str) -> Next {
    Next::Go { outcome: Some(Text::from(outcome)), to: node(journey, enrollment.at).next }
}

fn finish_step(enrollment: &mut Enrollment, outcome: Option<Text>, world: &mut World<'_>) {
    if let Some(outcome) = outcome {
        enrollment.outcomes.push((enrollment.at, outcome));
    }
    world.effects.push(Effect::Left(enrollment.at));
}

fn exit(reason: ExitReason, world: &mut World<'_>) -> Progress {
    world.effects.push(Effect::Exited(reason.clone()));
    Progress::Exited(reason)
}

/// Walks from node to node until one makes the enrollment stand or leave.
fn walk(
    journey: &Journey,
    enrollment: &mut Enrollment,
    first: Option<NodeIndex>,
    world: &mut World<'_>,
    now: Instant,
) -> Progress {
    let mut to = first;
    for _ in 0..=STEPS_PER_ACTIVATION_MAX {
        let Some(at) = to else {
            return exit(ExitReason::Completed, world);
        };
        enrollment.at = at;
        enrollment.visits += 1;
        world.effects.push(Effect::Entered(at));
        match enter(journey, enrollment, world, now) {
            Next::Stand(state) => {
                enrollment.state = state;
                return Progress::Standing;
            }
            Next::Go { outcome, to: next } => {
                finish_step(enrollment, outcome, world);
                to = next;
            }
            Next::Exit(reason) => {
                world.effects.push(Effect::Left(at));
                return exit(reason, world);
            }
        }
    }
    exit(ExitReason::Error("too many steps in one activation".to_owned()), world)
}

fn enter(
    journey: &Journey,
    enrollment: &mut Enrollment,
    world: &mut World<'_>,
    now: Instant,
) -> Next {
    let node = node(journey, enrollment.at);
    match &node.step {
        Step::Wait(step) => wait::enter(step, node, journey, enrollment, world, now),
        Step::Send(step) => send::enter(step, node, enrollment, world, now),
        Step::Leave(step) => audience::leave(step, node, world),
        Step::Branch(step) => branch::enter(step, node, journey, enrollment, world, now),
        Step::Split(step) => split::enter(step, node, world),
        Step::Update(step) => update::enter(step, node, journey, enrollment, world, now),
        Step::Exit(step) => {
            Next::Exit(ExitReason::ExitStep(step.reason.clone().unwrap_or_default()))
        }
    }
}

/// A due timer completes the wait, unless it is late and the journey spreads what is late.
fn timer(journey: &Journey, enrollment: &mut Enrollment, now: Instant) -> Next {
    let State::Waiting { due_at, caught_up, .. } = enrollment.state else {
        return Next::Stand(enrollment.state.clone());
    };
    if now < due_at {
        return Next::Stand(enrollment.state.clone());
    }
    let late_ms = now.ms_since(due_at);
    if late_ms > LATE_AFTER_MS && !caught_up {
        match &journey.catch_up {
            CatchUp::Fire => {}
            CatchUp::Skip { older_than } => {
                enrollment.skip_next_send = late_ms > older_than.elapsed_ms();
            }
            CatchUp::Spread { over } => {
                let draw = crate::hash::bucket(
                    "catch-up",
                    &enrollment.id.0.to_le_bytes(),
                    over.elapsed_ms().max(1) as u64,
                );
                let at = now.plus_ms(draw as i64);
                return Next::Stand(State::Waiting {
                    due: Some(Due::At(at)),
                    due_at: at,
                    caught_up: true,
                });
            }
        }
    }
    let waits_for_event = match &node(journey, enrollment.at).step {
        Step::Wait(step) => step.until.is_some(),
        _ => false,
    };
    leave(journey, enrollment, if waits_for_event { "timed_out" } else { "time" })
}

fn send_done(journey: &Journey, enrollment: &Enrollment, outcome: &str, refused: bool) -> Next {
    match &node(journey, enrollment.at).step {
        Step::Send(step) if refused && step.on_refused == OnRefused::Exit => {
            Next::Exit(ExitReason::Refused)
        }
        _ => leave(journey, enrollment, outcome),
    }
}

/// A new enrollment, not yet on any node.
pub fn new_enrollment(
    id: crate::ids::EnrollmentId,
    version: crate::ids::VersionNo,
    key: Text,
    trigger: Trigger,
    now: Instant,
) -> Enrollment {
    Enrollment {
        id,
        version,
        key,
        entered_at: now,
        at: 0,
        visits: 0,
        state: State::Waiting { due: None, due_at: Instant::MAX, caught_up: false },
        trigger,
        outcomes: Vec::new(),
        last_send: None,
        skip_next_send: false,
    }
}

/// The state of a message that has just been reached.
pub(crate) fn reached(send: SendId, now: Instant, valid_until: Instant) -> State {
    State::Sending(Sending {
        send,
        created_at: now,
        valid_until,
        channel: 0,
        next_at: now,
        phase: Phase::New,
    })
}
