//! The function that makes a message of an attempt: templates, compiled once, and signed links.

use std::collections::BTreeMap;
use std::sync::Arc;

use channels::email::message::Email;
use channels::render::{self, Context, Place, Template};
use channels::sms::Sms;
use channels::unsubscribe::{Claim, Keys};
use channels::webhook::Webhook;
use channels::{Content, Message, Recipient};
use domain::channel::Provider;
use domain::ids::TemplateName;
use engine::partition::Attempt;
use runtime::Clock;

use super::OutgoingError;

/// What kind of message a channel sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An e-mail.
    Email,
    /// A text message.
    Sms,
    /// What another system is told: these fields where the step names no template.
    Webhook(Vec<String>),
    /// Nothing: an audience is exported as a whole.
    Nothing,
}

impl Kind {
    pub(super) fn of(provider: &Provider) -> Self {
        match provider {
            Provider::Capture { .. } | Provider::Smtp(_) => Self::Email,
            Provider::Sms(_) => Self::Sms,
            Provider::Webhook(webhook) => Self::Webhook(webhook.fields.clone()),
            Provider::Audience(_) => Self::Nothing,
        }
    }
}

/// What every channel's messages are made with.
pub(super) struct Messages {
    pub(super) templates: BTreeMap<TemplateName, Compiled>,
    pub(super) keys: Arc<Keys>,
    pub(super) clock: Clock,
}

/// Compiled parts of one template.
#[derive(Debug)]
pub(super) struct Compiled {
    subject: Option<Template>,
    text: Template,
    json: Option<Template>,
    html: Option<Template>,
    from: Option<String>,
    reply_to: Option<String>,
}

fn render(template: &Template, context: &Context<'_>) -> Result<String, String> {
    template.render(context).map_err(|error| error.to_string())
}

/// Compiles the parts of a template; as JSON too if there are channels that want that.
pub(super) fn compile(
    name: &TemplateName,
    template: &domain::template::Template,
    as_json: bool,
) -> Result<Compiled, OutgoingError> {
    let part = |place, part, source: &str| {
        Template::compile(place, source).map_err(|problem| OutgoingError::Template {
            template: name.clone(),
            part,
            detail: problem.to_string(),
        })
    };
    let subject = template.subject.as_deref();
    Ok(Compiled {
        subject: subject.map(|source| part(Place::Header, "subject", source)).transpose()?,
        text: part(Place::Text, "text", &template.text)?,
        // A text that no webhook is told need not be JSON.
        json: as_json.then(|| Template::compile(Place::Json, &template.text).ok()).flatten(),
        html: template.html.as_deref().map(|html| part(Place::Html, "html", html)).transpose()?,
        from: template.from.clone(),
        reply_to: template.reply_to.clone(),
    })
}

/// `Name <address>` or an address.
pub(super) fn recipient(text: &str) -> Recipient {
    match text.split_once('<') {
        Some((name, rest)) => Recipient {
            address: rest.trim_end_matches('>').trim().to_owned(),
            name: Some(name.trim().trim_matches('"').to_owned()).filter(|name| !name.is_empty()),
        },
        None => Recipient { address: text.trim().to_owned(), name: None },
    }
}

impl Messages {
    pub(super) fn make(
        &self,
        attempt: &Attempt,
        kind: &Kind,
        base: Option<&str>,
    ) -> Result<Message, String> {
        let unsubscribe = base.map(|base| self.unsubscribe_url(attempt, base)).transpose()?;
        let event = attempt.trigger.event.as_ref();
        let context = Context {
            customer: attempt.customer.as_str(),
            traits: &attempt.traits,
            event: event.map(|name| (name.as_str(), &attempt.trigger.properties)),
            journey: attempt.journey.as_str(),
            send: attempt.send,
            unsubscribe_url: unsubscribe.as_deref(),
            now: domain::time::Instant(self.clock.now_ms()),
        };
        let content = match kind {
            Kind::Sms => Content::Sms(Sms::new(&render(&self.template(attempt)?.text, &context)?)),
            Kind::Webhook(fields) => Content::Webhook(self.told(attempt, &context, fields)?),
            Kind::Email => Content::Email(self.email(attempt, &context)?),
            Kind::Nothing => return Err("an audience takes no messages".to_owned()),
        };
        let to = Recipient { address: attempt.address.to_string(), name: None };
        Ok(Message { to, content })
    }

    fn template(&self, attempt: &Attempt) -> Result<&Compiled, String> {
        let template = self.templates.get(&attempt.template);
        template.ok_or_else(|| format!("there is no template {}", attempt.template))
    }

    fn email(&self, attempt: &Attempt, context: &Context<'_>) -> Result<Email, String> {
        let template = self.template(attempt)?;
        let subject = template.subject.as_ref().map(|subject| render(subject, context));
        let html = template.html.as_ref().map(|html| render(html, context));
        Ok(Email {
            subject: subject.transpose()?.unwrap_or_default(),
            text: Some(render(&template.text, context)?),
            html: html.transpose()?,
            from: template.from.as_deref().map(recipient),
            reply_to: template.reply_to.as_deref().map(recipient),
            unsubscribe: context.unsubscribe_url.map(str::to_owned),
        })
    }

    /// What another system is told: the template's JSON, or the fields in the envelope that
    /// Standard Webhooks advises.
    fn told(
        &self,
        attempt: &Attempt,
        context: &Context<'_>,
        fields: &[String],
    ) -> Result<Webhook, String> {
        if attempt.template.as_str().is_empty() {
            let body = serde_json::json!({
                "type": format!("{}.{}", attempt.journey, attempt.step),
                "timestamp": context.now.to_string(),
                "data": render::fields(context, fields),
            });
            return Ok(Webhook { body: body.to_string() });
        }
        let template = self.template(attempt)?;
        let json = template.json.as_ref().ok_or("the template's text is not one of JSON")?;
        let body = render(json, context)?;
        // Read for its shape alone: the other side gets what the author wrote.
        let read: Result<&serde_json::value::RawValue, _> = serde_json::from_str(&body);
        match read {
            Ok(_) => Ok(Webhook { body }),
            Err(error) => Err(format!("the template's text is not JSON: {error}")),
        }
    }

    fn unsubscribe_url(&self, attempt: &Attempt, base: &str) -> Result<String, String> {
        let claim = Claim {
            customer: attempt.customer.clone(),
            send: attempt.send,
            channel: attempt.channel.clone(),
            topic: attempt.topic.clone(),
            class: attempt.class.clone(),
        };
        let token = self.keys.issue(&claim).map_err(|error| error.to_string())?;
        Ok(format!("{base}/u/{token}"))
    }
}
