//! A message to somebody who wants to see it: through a template and a channel as they are in
//! force, past journeys, rules and the ledger.

use domain::ids::{ChannelName, CustomerId, EnrollmentId, SendId, StepId, TemplateName};
use domain::journey::enrollment::Trigger;
use domain::value::{Map, Text};
use engine::codec;
use engine::partition::Attempt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::Read as _;

use super::{Admin, Refusal, refuse};
use crate::access::audit::Change;
use crate::access::principal::Principal;
use crate::access::scope::Scope;
use crate::app::ChannelParts;
use crate::error::ErrorCode;
use crate::rows;
use crate::web::json::JsonMap;

/// What stands in the message where a customer's id, a journey and a step would. A link to
/// unsubscribe in it is about this customer: whoever tries it withdraws nobody's consent.
const NOBODY: &str = "send-test";
/// How long the hand-over may take, in milliseconds.
const VALID_MS: i64 = 60_000;

/// What is to be sent.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestMessage {
    /// The channel.
    pub channel: String,
    /// The template.
    pub template: String,
    /// The address.
    pub to: String,
    /// Whose traits are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// Traits, beside or instead of those of the customer.
    #[serde(default)]
    pub traits: JsonMap,
    /// Name of the event that the template sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Its properties.
    #[serde(default)]
    pub properties: JsonMap,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tested {
    /// `accepted`, `rejected`, `not_sent` or `unknown`.
    pub outcome: String,
    /// In the words of the receiver, or ours.
    pub reply: String,
    /// The id by which the message can be found there.
    pub send: String,
}

impl Admin {
    /// Sends a test message, and waits for what becomes of it. It counts nowhere. Who may not see
    /// a customer's traits may not send them anywhere either.
    pub async fn send_test(&self, test: TestMessage, by: &Principal) -> Result<Tested, Refusal> {
        if test.customer.is_some() && !by.may(Scope::Personal) {
            let detail = format!("a customer's traits need the scope `{}`", Scope::Personal.word());
            return refuse(ErrorCode::Forbidden, detail);
        }
        let parts = self.parts(&test).await?;
        let change = Change::made("message.test", test.template.as_str(), test.channel.clone());
        let attempt = self.attempt(test)?;
        let message = match (parts.render)(&attempt) {
            Ok(message) => message,
            Err(error) => return refuse(ErrorCode::BadTemplate, error),
        };
        self.access.announce(by, change).await?;
        let handed = channels::Attempt {
            send: attempt.send,
            number: 1,
            now: self.now(),
            deadline: attempt.valid_until,
            message,
            // There is no slot to give back: the channel keeps its own limit.
            permit: Box::new(channels::Always),
        };
        let (outcome, reply) = match parts.channel.attempt(handed).await {
            channels::Outcome::Accepted { reply, .. } => ("accepted", reply),
            channels::Outcome::Rejected { reason, .. } => ("rejected", reason),
            channels::Outcome::NotSent { reason, .. } => ("not_sent", reason),
            channels::Outcome::Unknown { reason, .. } => ("unknown", reason),
        };
        Ok(Tested { outcome: outcome.to_owned(), reply, send: attempt.send.to_string() })
    }

    async fn parts(&self, test: &TestMessage) -> Result<ChannelParts, Refusal> {
        let state = self.state.lock().await;
        let definitions = &state.built.definitions;
        let template = TemplateName::from(test.template.as_str());
        if !definitions.templates.contains_key(&template) {
            let known = definitions.templates.keys().map(TemplateName::as_str);
            return unknown(ErrorCode::DefinitionUnknown, "template", &test.template, known);
        }
        match state.outgoing.parts.get(&ChannelName::from(test.channel.as_str())) {
            Some(parts) => Ok(parts.clone()),
            None => {
                let known = definitions.channels.keys().map(ChannelName::as_str);
                unknown(ErrorCode::ChannelUnknown, "channel", &test.channel, known)
            }
        }
    }

    fn attempt(&self, test: TestMessage) -> Result<Attempt, Refusal> {
        let now = self.now();
        let at = now.0.to_le_bytes();
        let send = SendId(domain::hash::parts(&[NOBODY.as_bytes(), test.to.as_bytes(), &at]));
        let mut traits = test.traits.0;
        if let Some(id) = &test.customer {
            for (name, value) in self.traits(id)?.iter() {
                traits.insert_missing(name, value.clone());
            }
        }
        let event = test.event.map(|name| name.as_str().into());
        let properties = test.properties.0;
        Ok(Attempt {
            send,
            number: 1,
            customer: CustomerId::from(NOBODY),
            channel: test.channel.as_str().into(),
            template: test.template.as_str().into(),
            journey: NOBODY.into(),
            step: StepId::from(NOBODY),
            enrollment: EnrollmentId(0),
            class: NOBODY.into(),
            topic: None,
            address: Text::from(test.to.as_str()),
            valid_until: now.plus_ms(VALID_MS),
            trigger: Trigger { event, properties, occurred_at: now, received_at: now },
            traits,
        })
    }

    fn traits(&self, id: &str) -> Result<Map, Refusal> {
        let key = CustomerId::from(id).key();
        let place = codec::customer_key(key.partition(self.app.directory.count()), key);
        match self.app.store.get(rows::table(engine::Table::Customers), &place) {
            Ok(Some(record)) => match codec::decode_customer(key, &record) {
                Ok(customer) => Ok(customer.traits),
                Err(error) => refuse(ErrorCode::StoreCorrupt, error),
            },
            Ok(None) => refuse(ErrorCode::CustomerUnknown, format!("nobody is known as `{id}`")),
            Err(error) => refuse(ErrorCode::StoreCorrupt, error),
        }
    }
}

fn unknown<'a, T>(
    code: ErrorCode,
    what: &str,
    name: &str,
    known: impl Iterator<Item = &'a str>,
) -> Result<T, Refusal> {
    let known: Vec<&str> = known.collect();
    let detail = format!("`{what}`: there is no {what} `{name}`; there is {}", known.join(", "));
    refuse(code, detail)
}
