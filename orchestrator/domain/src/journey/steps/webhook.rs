//! `webhook`: tell another system, through the same gate, ledger and outbox as a message.
//!
//! ```yaml
//! - webhook:
//!     channel: crm            # a channel with `webhook`
//!     template: crm-lead      # its text is JSON; without it the channel's fields are told
//!     class: transactional    # the default
//!     valid_for: P1D          # tried again until then; default P7D
//!     delivery: at_least_once # the default: the receiver knows a repeat by its id
//! ```

use schemars::JsonSchema;
use serde::Deserialize;

use super::send::{
    Delivery, Kind, OnCapped, OnRefused, PRIORITY_DEFAULT, PRIORITY_MAX, Send, VALID_FOR_DEFAULT,
};
use crate::check::Check;
use crate::ids::{ChannelName, ClassName, TemplateName, Topic};
use crate::labels::Labels;
use crate::problem::Path;

/// Message class of a step that names none.
const CLASS_DEFAULT: &str = "transactional";

/// Tell another system.
#[derive(Clone, Debug, Deserialize, JsonSchema, garde::Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct RawWebhook {
    /// Id of the step. Default: `webhook-` and its number.
    pub id: Option<String>,
    /// A channel with `webhook`.
    pub channel: String,
    /// A template whose text is JSON. Default: the fields that the channel names.
    pub template: Option<String>,
    /// Message class. Default: `transactional`.
    pub class: Option<String>,
    /// Topic of consent.
    pub topic: Option<String>,
    /// Priority in arbitration, 0 to 100. Default: 50.
    #[garde(range(max = PRIORITY_MAX))]
    pub priority: Option<u8>,
    /// How long it makes sense, from the instant at which the step is reached. It is tried again
    /// until then. Default: `P7D`.
    pub valid_for: Option<String>,
    /// What happens after a crash or a failure that may have come behind the work. Default:
    /// `at_least_once`.
    pub delivery: Option<Delivery>,
    /// What a refusal does to the enrollment. Default: `continue`.
    pub on_refused: Option<OnRefused>,
    /// What a full frequency cap does to this step. Default: what the cap's rule says.
    pub on_capped: Option<OnCapped>,
}

/// Validates a webhook that stands at `path`.
pub(crate) fn build(raw: &RawWebhook, path: &Path, check: &mut Check<'_>) -> Option<Send> {
    check.limits(raw, path);
    let known = check.known;
    check.reference("channel", &raw.channel, &known.channels, &path.key("channel"));
    if let Some(template) = &raw.template {
        check.reference("template", template, &known.templates, &path.key("template"));
    }
    let class = raw.class.as_deref().unwrap_or(CLASS_DEFAULT);
    check.reference("message class", class, &known.classes, &path.key("class"));
    let topic = raw.topic.as_ref().map(|topic| check.name(topic, &path.key("topic")));
    let valid_for = raw.valid_for.as_deref().unwrap_or(VALID_FOR_DEFAULT);
    let valid_for = check.span(valid_for, &path.key("valid_for"));
    Some(Send {
        kind: Kind::Webhook,
        channels: vec![(
            ChannelName::from(raw.channel.as_str()),
            TemplateName::from(raw.template.as_deref().unwrap_or_default()),
        )],
        class: ClassName::from(class),
        topic: match topic {
            Some(topic) => Some(Topic::from(topic?)),
            None => None,
        },
        priority: raw.priority.unwrap_or(PRIORITY_DEFAULT),
        value_micros: 0,
        valid_for: valid_for?,
        delivery: raw.delivery.unwrap_or(Delivery::AtLeastOnce),
        on_refused: raw.on_refused.unwrap_or_default(),
        on_capped: raw.on_capped,
        labels: Labels::default(),
        stay: None,
    })
}
