//! The kinds of steps, one file each: YAML shape, validation, behaviour.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::check::Check;
use crate::journey::validate::Context;
use crate::problem::Path;

pub mod audience;
pub mod branch;
pub mod exit;
pub mod send;
pub mod split;
pub mod update;
pub mod wait;
pub mod webhook;

pub use audience::Leave;
pub use branch::Branch;
pub use exit::Exit;
pub use send::{Delivery, Kind, OnCapped, OnRefused, Send};
pub use split::Split;
pub use update::Update;
pub use wait::{OnPast, Wait, WaitTime};

/// One step: a mapping with exactly one key, its kind.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawStep {
    /// Wait for a time, or for an event with a time-out.
    Wait(wait::RawWait),
    /// Contact the customer once, through the gate.
    Send(send::RawSend),
    /// Tell another system, through the same gate.
    Webhook(webhook::RawWebhook),
    /// Join or leave a retargeting audience.
    Audience(audience::RawAudience),
    /// Go on by the first condition that holds.
    Branch(Vec<branch::RawArm>),
    /// Go on by a draw that is sticky for the customer.
    Split(split::RawSplit),
    /// Change traits of the customer.
    Update(update::RawUpdate),
    /// Leave the journey.
    Exit(exit::RawExit),
}

impl RawStep {
    /// Its key.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Wait(_) => "wait",
            Self::Send(_) => "send",
            Self::Webhook(_) => "webhook",
            Self::Audience(_) => "audience",
            Self::Branch(_) => "branch",
            Self::Split(_) => "split",
            Self::Update(_) => "update",
            Self::Exit(_) => "exit",
        }
    }

    /// The id that it declares.
    pub(crate) fn id(&self) -> Option<&str> {
        match self {
            Self::Wait(raw) => raw.id.as_deref(),
            Self::Send(raw) => raw.id.as_deref(),
            Self::Webhook(raw) => raw.id.as_deref(),
            Self::Audience(raw) => raw.id.as_deref(),
            Self::Branch(_) => None,
            Self::Split(raw) => raw.id.as_deref(),
            Self::Update(raw) => raw.id.as_deref(),
            Self::Exit(raw) => raw.id.as_deref(),
        }
    }

    /// The steps below it, arm by arm, each with its place below the step's key.
    pub fn arms(&self) -> Vec<(Path, &[Self])> {
        match self {
            Self::Branch(arms) => branch::arms(arms),
            Self::Split(raw) => split::arms(raw),
            Self::Wait(_)
            | Self::Send(_)
            | Self::Webhook(_)
            | Self::Audience(_)
            | Self::Update(_)
            | Self::Exit(_) => Vec::new(),
        }
    }

    /// Whether everybody takes one of the arms.
    pub(crate) fn arms_are_all(&self) -> bool {
        match self {
            Self::Branch(arms) => arms.iter().any(|arm| arm.otherwise.is_some()),
            _ => true,
        }
    }

    /// The step that it means. `None` if there is any problem.
    pub(crate) fn build(
        &self,
        context: &Context<'_>,
        path: &Path,
        check: &mut Check<'_>,
    ) -> Option<Step> {
        match self {
            Self::Wait(raw) => wait::build(raw, context, path, check).map(Step::Wait),
            Self::Send(raw) => send::build(raw, path, check).map(Step::Send),
            Self::Webhook(raw) => webhook::build(raw, path, check).map(Step::Send),
            Self::Audience(raw) => audience::build(raw, path, check),
            Self::Branch(raw) => branch::build(raw, context, path, check).map(Step::Branch),
            Self::Split(raw) => split::build(raw, context, path, check).map(Step::Split),
            Self::Update(raw) => update::build(raw, context, path, check).map(Step::Update),
            Self::Exit(raw) => exit::build(raw, path, check).map(Step::Exit),
        }
    }
}

/// What a node does.
#[derive(Clone, Debug)]
pub enum Step {
    /// Wait for a time or an event.
    Wait(Wait),
    /// Send a message, tell another system or join an audience, through the gate.
    Send(Send),
    /// Leave an audience.
    Leave(Leave),
    /// Go on by the first condition that holds.
    Branch(Branch),
    /// Go on by a sticky draw.
    Split(Split),
    /// Change traits.
    Update(Update),
    /// Leave the journey.
    Exit(Exit),
}

impl Step {
    /// The word of this kind in YAML, API and metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Wait(_) => "wait",
            Self::Send(send) => send.kind.as_str(),
            Self::Leave(_) => "audience",
            Self::Branch(_) => "branch",
            Self::Split(_) => "split",
            Self::Update(_) => "update",
            Self::Exit(_) => "exit",
        }
    }

    /// Whether who stands on the one can stand on the other as she is: to join and to leave an
    /// audience are the same word, but not the same thing.
    pub fn is_like(&self, other: &Self) -> bool {
        self.kind() == other.kind() && std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}
