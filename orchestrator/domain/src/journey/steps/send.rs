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
//!     labels: {size: big}     # beside those of the journey; caps can be about them
//! ```

use std::collections::BTreeMap;

use schemars::JsonSchema;

use crate::check::Check;
use crate::problem::{Path, Problem};
use serde::{Deserialize, Serialize};

use crate::ids::{ChannelName, ClassName, SendId, TemplateName, Topic};
use crate::journey::definition::Node;
use crate::journey::enrollment::Enrollment;
use crate::journey::machine::{self, Next, World};
use crate::labels::{self, Labels};
use crate::time::{Instant, Span};

/// Priority of a send that declares none.
pub const PRIORITY_DEFAULT: u8 = 50;
/// Highest priority.
pub const PRIORITY_MAX: u8 = 100;
/// How long a message stays valid if the step does not say (`P7D`).
pub const VALID_FOR_DEFAULT: &str = "P7D";
/// Most channels of one step.
pub const SEND_CHANNELS_MAX: usize = 8;

/// Largest expected value of a message, in units of the currency.
pub const SEND_VALUE_MAX: f64 = 1e9;

/// Contact the customer once, through the gate.
#[derive(Clone, Debug, Deserialize, JsonSchema, garde::Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct RawSend {
    /// Id of the step. Default: `send-` and its number.
    pub id: Option<String>,
    /// Channel and template, tried in this order: `[{email: cart-reminder}, {sms: cart-sms}]`.
    #[garde(length(min = 1, max = SEND_CHANNELS_MAX))]
    pub channels: Vec<BTreeMap<String, String>>,
    /// Message class: `marketing`, `transactional`, or one that a contact policy declares.
    pub class: String,
    /// Topic of consent.
    pub topic: Option<String>,
    /// Priority in arbitration, 0 to 100. Default: 50.
    #[garde(range(max = PRIORITY_MAX))]
    pub priority: Option<u8>,
    /// Expected value in units of the currency, for arbitration. Default: 0.
    #[garde(range(min = 0.0, max = SEND_VALUE_MAX))]
    pub value: Option<f64>,
    /// How long the message makes sense, from the instant at which the step is reached. Default:
    /// `P7D`.
    pub valid_for: Option<String>,
    /// What happens after a crash between hand-over and answer. Default: `at_least_once` for the
    /// class `transactional`, else `at_most_once`.
    pub delivery: Option<Delivery>,
    /// What a refusal does to the enrollment. Default: `continue`.
    pub on_refused: Option<OnRefused>,
    /// What a full frequency cap, or too short a gap, does to this send. Default: what the rule
    /// says.
    pub on_capped: Option<OnCapped>,
    /// Labels of its messages, beside those of the journey: caps can be about them.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// Validates a send that stands at `path`.
pub(crate) fn build(raw: &RawSend, path: &Path, check: &mut Check<'_>) -> Option<Send> {
    check.limits(raw, path);
    let channels = channels(raw, &path.key("channels"), check);
    let known = check.known;
    check.reference("message class", &raw.class, &known.classes, &path.key("class"));
    let topic = raw.topic.as_ref().map(|topic| check.name(topic, &path.key("topic")));
    labels::check(&raw.labels, &path.key("labels"), check);
    let valid_for = raw.valid_for.as_deref().unwrap_or(VALID_FOR_DEFAULT);
    let valid_for = check.span(valid_for, &path.key("valid_for"));
    let delivery = raw.delivery.unwrap_or(match raw.class.as_str() {
        "transactional" => Delivery::AtLeastOnce,
        _ => Delivery::AtMostOnce,
    });
    Some(Send {
        kind: Kind::Message,
        channels: channels?,
        class: ClassName::from(raw.class.as_str()),
        topic: match topic {
            Some(topic) => Some(Topic::from(topic?)),
            None => None,
        },
        priority: raw.priority.unwrap_or(PRIORITY_DEFAULT),
        // In range, checked above; the nearest millionth is meant.
        value_micros: (raw.value.unwrap_or(0.0) * 1e6).round() as i64,
        valid_for: valid_for?,
        delivery,
        on_refused: raw.on_refused.unwrap_or_default(),
        on_capped: raw.on_capped,
        labels: Labels::of(raw.labels.iter().map(|(key, value)| (&**key, &**value))),
        stay: None,
    })
}

fn channels(
    raw: &RawSend,
    path: &Path,
    check: &mut Check<'_>,
) -> Option<Vec<(ChannelName, TemplateName)>> {
    let known = check.known;
    let mut channels: Vec<(ChannelName, TemplateName)> = Vec::new();
    for (at, choice) in raw.channels.iter().enumerate() {
        let path = path.index(at);
        if choice.len() != 1 {
            let problem = Problem::new(path.clone(), "expected one channel with its template");
            check.problem(problem.suggest("write `- {email: template-name}` for each channel"));
        }
        for (channel, template) in choice {
            let path = path.key(channel);
            check.reference_key("channel", channel, &known.channels, &path);
            check.reference("template", template, &known.templates, &path);
            let channel = ChannelName::from(channel.as_str());
            if channels.iter().any(|(earlier, _)| *earlier == channel) {
                let message = format!("channel `{channel}` is tried twice");
                check.problem(Problem::new(path, message).on_key());
            }
            channels.push((channel, TemplateName::from(template.as_str())));
        }
    }
    (!channels.is_empty()).then_some(channels)
}

/// A send.
#[derive(Clone, Debug)]
pub struct Send {
    /// Whom it is for.
    pub kind: Kind,
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
    /// Overrides the outcome that a frequency cap or a minimum gap declares.
    pub on_capped: Option<OnCapped>,
    /// Labels of its messages: those of the journey, and those of the step above them.
    pub labels: Labels,
    /// How long who joins an audience stays; `None` for good, and for what is no audience.
    pub stay: Option<Span>,
}

/// Whom a send is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A customer: the step `send`.
    Message,
    /// Another system: the step `webhook`. It is tried again for as long as it is valid.
    Webhook,
    /// An audience that the customer joins: the step `audience`. It is done with the commit that
    /// decides it; the export follows the members.
    Audience,
}

impl Kind {
    /// The word of its step.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Message => "send",
            Self::Webhook => "webhook",
            Self::Audience => "audience",
        }
    }
}

/// The guarantee of one send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Never twice; after a crash it may be `unknown`.
    AtMostOnce,
    /// Never lost; after a crash it may arrive twice, with the same Message-ID.
    AtLeastOnce,
}

/// What a refusal does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnRefused {
    /// Go on to the next step.
    #[default]
    Continue,
    /// Leave the journey.
    Exit,
}

/// What a full frequency cap does to this send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
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
