//! The function that makes a message of an attempt: templates, compiled once, and signed links.

use std::collections::BTreeMap;
use std::sync::Arc;

use channels::email::message::Email;
use channels::render::{Context, Place, Template};
use channels::sms::Sms;
use channels::unsubscribe::{Claim, Keys};
use channels::{Content, Message, Recipient};
use domain::channel::Provider;
use domain::ids::TemplateName;
use engine::partition::Attempt;
use runtime::Clock;

use super::OutgoingError;

/// What kind of message a channel sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An e-mail.
    Email,
    /// A text message.
    Sms,
}

impl Kind {
    pub(super) fn of(provider: &Provider) -> Self {
        match provider {
            Provider::Capture { .. } | Provider::Smtp(_) => Self::Email,
            Provider::Sms(_) => Self::Sms,
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
    html: Option<Template>,
    from: Option<String>,
    reply_to: Option<String>,
}

pub(super) fn compile(
    name: &TemplateName,
    template: &domain::template::Template,
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
        kind: Kind,
        base: Option<&str>,
    ) -> Result<Message, String> {
        let template = self
            .templates
            .get(&attempt.template)
            .ok_or_else(|| format!("there is no template {}", attempt.template))?;
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
        let render =
            |template: &Template| template.render(&context).map_err(|error| error.to_string());
        let content = match kind {
            Kind::Sms => Content::Sms(Sms::new(&render(&template.text)?)),
            Kind::Email => Content::Email(Email {
                subject: template.subject.as_ref().map(render).transpose()?.unwrap_or_default(),
                text: Some(render(&template.text)?),
                html: template.html.as_ref().map(render).transpose()?,
                from: template.from.as_deref().map(recipient),
                reply_to: template.reply_to.as_deref().map(recipient),
                unsubscribe,
            }),
        };
        let to = Recipient { address: attempt.address.to_string(), name: None };
        Ok(Message { to, content })
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
