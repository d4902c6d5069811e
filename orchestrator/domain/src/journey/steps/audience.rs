//! `audience`: make the customer a member of a retargeting audience, through the same gate and
//! ledger as a message, or end that.
//!
//! ```yaml
//! - audience:
//!     join: cart-abandoners   # a channel with `audience`
//!     for: P14D               # default: for good
//!     class: advertising      # the default
//!     topic: advertising      # the default: the purpose that consent is asked for
//! - audience: {leave: cart-abandoners}
//! ```

use schemars::JsonSchema;
use serde::Deserialize;

use super::Step;
use super::send::{
    Delivery, Kind, OnCapped, OnRefused, PRIORITY_DEFAULT, PRIORITY_MAX, Send, VALID_FOR_DEFAULT,
};
use crate::check::Check;
use crate::ids::{ChannelName, ClassName, TemplateName, Topic};
use crate::journey::definition::Node;
use crate::journey::machine::{Effect, Next, World};
use crate::labels::Labels;
use crate::problem::{Path, Problem};
use crate::value::Text;

/// Message class of a join that names none.
pub const CLASS_DEFAULT: &str = "advertising";
/// Topic of consent of a join that names none: the purpose.
pub const TOPIC_DEFAULT: &str = "advertising";

/// Join or leave a retargeting audience. Exactly one of `join` and `leave`.
#[derive(Clone, Debug, Deserialize, JsonSchema, garde::Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[schemars(extend("oneOf" = [
    {"required": ["join"]},
    {"required": ["leave"], "not": {"anyOf": [
        {"required": ["for"]}, {"required": ["class"]}, {"required": ["topic"]},
        {"required": ["priority"]}, {"required": ["valid_for"]},
        {"required": ["on_refused"]}, {"required": ["on_capped"]},
    ]}},
]))]
pub struct RawAudience {
    /// Id of the step. Default: `audience-` and its number.
    pub id: Option<String>,
    /// The audience to join: a channel with `audience`.
    pub join: Option<String>,
    /// The audience to leave.
    pub leave: Option<String>,
    /// How long she stays. Joining again prolongs it. Default: for good.
    #[serde(rename = "for")]
    pub stay: Option<String>,
    /// Message class. Default: `advertising`.
    pub class: Option<String>,
    /// Topic of consent. Default: `advertising`.
    pub topic: Option<String>,
    /// Priority in arbitration, 0 to 100. Default: 50.
    #[garde(range(max = PRIORITY_MAX))]
    pub priority: Option<u8>,
    /// How long it makes sense to join, from the instant at which the step is reached. Default:
    /// `P7D`.
    pub valid_for: Option<String>,
    /// What a refusal does to the enrollment. Default: `continue`.
    pub on_refused: Option<OnRefused>,
    /// What a full frequency cap does to this step. Default: what the cap's rule says.
    pub on_capped: Option<OnCapped>,
}

impl RawAudience {
    /// The audience, and the key that names it.
    pub fn named(&self) -> Option<(&'static str, &str)> {
        let join = self.join.as_deref().map(|name| ("join", name));
        join.or(self.leave.as_deref().map(|name| ("leave", name)))
    }

    /// Keys that only make sense beside `join`.
    fn of_join(&self) -> impl Iterator<Item = &'static str> {
        let given = [
            ("for", self.stay.is_some()),
            ("class", self.class.is_some()),
            ("topic", self.topic.is_some()),
            ("priority", self.priority.is_some()),
            ("valid_for", self.valid_for.is_some()),
            ("on_refused", self.on_refused.is_some()),
            ("on_capped", self.on_capped.is_some()),
        ];
        given.into_iter().filter(|(_, given)| *given).map(|(key, _)| key)
    }
}

/// Validates an audience step that stands at `path`.
pub(crate) fn build(raw: &RawAudience, path: &Path, check: &mut Check<'_>) -> Option<Step> {
    check.limits(raw, path);
    let Some((key, name)) = raw.named() else {
        let problem = Problem::new(path.clone(), "expected `join` or `leave`").on_key();
        check.problem(problem.suggest("write `audience: {join: NAME}`"));
        return None;
    };
    let known = check.known;
    check.reference("channel", name, &known.channels, &path.key(key));
    let audience = ChannelName::from(name);
    if raw.join.is_none() {
        for key in raw.of_join() {
            let message = format!("`{key}` means nothing beside `leave`");
            check.problem(Problem::new(path.key(key), message).on_key().suggest("remove it"));
        }
        return Some(Step::Leave(Leave { audience }));
    }
    if raw.leave.is_some() {
        let problem = Problem::new(path.key("leave"), "`leave` cannot stand beside `join`");
        check.problem(problem.on_key().suggest("write two steps"));
        return None;
    }
    join(raw, audience, path, check).map(Step::Send)
}

fn join(
    raw: &RawAudience,
    audience: ChannelName,
    path: &Path,
    check: &mut Check<'_>,
) -> Option<Send> {
    let class = raw.class.as_deref().unwrap_or(CLASS_DEFAULT);
    let known = check.known;
    check.reference("message class", class, &known.classes, &path.key("class"));
    let topic = raw.topic.as_deref().unwrap_or(TOPIC_DEFAULT);
    let topic = check.name(topic, &path.key("topic"));
    let valid_for = raw.valid_for.as_deref().unwrap_or(VALID_FOR_DEFAULT);
    let valid_for = check.span(valid_for, &path.key("valid_for"));
    let stay = raw.stay.as_ref().map(|stay| check.span(stay, &path.key("for")));
    Some(Send {
        kind: Kind::Audience,
        channels: vec![(audience, TemplateName::from(""))],
        class: ClassName::from(class),
        topic: Some(Topic::from(topic?)),
        priority: raw.priority.unwrap_or(PRIORITY_DEFAULT),
        value_micros: 0,
        valid_for: valid_for?,
        delivery: Delivery::AtLeastOnce,
        on_refused: raw.on_refused.unwrap_or_default(),
        on_capped: raw.on_capped,
        labels: Labels::default(),
        stay: match stay {
            Some(stay) => Some(stay?),
            None => None,
        },
    })
}

/// The end of a membership. It passes no gate: who is to leave leaves.
#[derive(Clone, Debug)]
pub struct Leave {
    /// The audience.
    pub audience: ChannelName,
}

/// Ends the membership, if there is one.
pub(crate) fn leave(step: &Leave, node: &Node, world: &mut World<'_>) -> Next {
    let memberships = &mut world.customer.memberships;
    let member = memberships.iter().position(|known| known.audience == step.audience);
    let outcome = match member {
        Some(at) => {
            memberships.remove(at);
            world.effects.push(Effect::LeftAudience(step.audience.clone()));
            "left"
        }
        None => "not_member",
    };
    Next::Go { outcome: Some(Text::from(outcome)), to: node.next }
}
