//! The kinds of steps, one file each: YAML shape, validation, behaviour.

pub mod branch;
pub mod exit;
pub mod send;
pub mod split;
pub mod update;
pub mod wait;

pub use branch::Branch;
pub use exit::Exit;
pub use send::{Delivery, OnCapped, OnRefused, Send};
pub use split::Split;
pub use update::Update;
pub use wait::{OnPast, Wait, WaitTime};

/// What a node does.
#[derive(Clone, Debug)]
pub enum Step {
    /// Wait for a time or an event.
    Wait(Wait),
    /// Send a message through the gate.
    Send(Send),
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
            Self::Send(_) => "send",
            Self::Branch(_) => "branch",
            Self::Split(_) => "split",
            Self::Update(_) => "update",
            Self::Exit(_) => "exit",
        }
    }
}
