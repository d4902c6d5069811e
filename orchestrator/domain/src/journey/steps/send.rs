//! `send`: contact the customer once, through the gate.
//!
//! ```yaml
//! - send:
//!     channels: [{email: cart-reminder}, {sms: cart-sms}]   # tried in this order
//!     class: marketing
//!     topic: carts
//!     priority: 70            # 0 to 100, default 50
//!     value: 2.50             # expected value, for arbitration
//!     valid_for: P1D          # from the instant at which the step is reached
//!     delivery: at_most_once  # default by class
//!     on_refused: continue    # or exit
//!     on_capped: hold         # or refuse, next_channel; default: what the cap's rule says
//! ```

use serde::{Deserialize, Serialize};

use crate::ids::{ChannelName, ClassName, SendId, TemplateName, Topic};
use crate::journey::definition::Node;
use crate::journey::enrollment::Enrollment;
use crate::journey::machine::{self, Next, World};
use crate::time::{Instant, Span};

/// Priority of a send that declares none.
pub const PRIORITY_DEFAULT: u8 = 50;
/// Highest priority.
pub const PRIORITY_MAX: u8 = 100;
/// How long a message stays valid if the step does not say (`P7D`).
pub const VALID_FOR_DEFAULT: &str = "P7D";
/// Most channels of one step.
pub const SEND_CHANNELS_MAX: usize = 8;

/// A send.
#[derive(Clone, Debug)]
pub struct Send {
    /// Channel and template, in the order in which they are tried; at least one.
    pub channels: Vec<(ChannelName, TemplateName)>,
    /// Message class.
    pub class: ClassName,
    /// Topic of consent.
    pub topic: Option<Topic>,
    /// Priority in arbitration, 0 to [`PRIORITY_MAX`].
    pub priority: u8,
    /// Expected value in millionths of the currency unit.
    pub value_micros: i64,
    /// How long the message makes sense, from the instant at which the step is reached.
    pub valid_for: Span,
    /// What happens after a crash between hand-over and answer.
    pub delivery: Delivery,
    /// What a refusal does to the enrollment.
    pub on_refused: OnRefused,
    /// Overrides the outcome that a frequency cap declares.
    pub on_capped: Option<OnCapped>,
}

/// The guarantee of one send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Never twice; after a crash it may be `unknown`.
    AtMostOnce,
    /// Never lost; after a crash it may arrive twice, with the same Message-ID.
    AtLeastOnce,
}

/// What a refusal does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnRefused {
    /// Go on to the next step.
    #[default]
    Continue,
    /// Leave the journey.
    Exit,
}

/// What a full frequency cap does to this send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnCapped {
    /// Wait for the first instant at which the cap has room.
    Hold,
    /// Do not send.
    Refuse,
    /// Try the next channel.
    NextChannel,
}

/// Parks the enrollment on the message. Whether and when it goes is the gate's to say.
pub(crate) fn enter(
    step: &Send,
    node: &Node,
    enrollment: &Enrollment,
    world: &World<'_>,
    now: Instant,
) -> Next {
    let send = SendId::derive(enrollment.id, &node.id, enrollment.visits);
    let valid_until = step.valid_for.after(now, world.zone);
    Next::Stand(machine::reached(send, now, valid_until))
}
