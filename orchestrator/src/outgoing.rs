//! From definitions to what sends: providers, compiled templates, and the function that makes a
//! message of an attempt.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use channels::capture::Capture;
use channels::email::dkim::Signer;
use channels::email::message::{Email, Identity};
use channels::email::smtp::{Credentials, Security, Settings, Smtp};
use channels::render::{Context, Place, Template};
use channels::unsubscribe::{Claim, Keys};
use channels::{Channel, Content, Message, Recipient};
use domain::channel::{Provider, Tls};
use domain::ids::{ChannelName, TemplateName};
use engine::partition::Attempt;
use runtime::Clock;

use crate::actors::channel::Render;
use crate::admin::Workshop;
use crate::app::ChannelParts;
use crate::config::Definitions;

/// A channel that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OutgoingError {
    /// A file that a channel names.
    #[error("channel {channel}: cannot read {}: {error}", path.display())]
    File {
        /// The channel.
        channel: ChannelName,
        /// The file.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// Settings that cannot work.
    #[error("channel {channel}: {detail}")]
    Channel {
        /// The channel.
        channel: ChannelName,
        /// What is wrong.
        detail: String,
    },
    /// A template that does not compile.
    #[error("template {template}, {part}: {detail}")]
    Template {
        /// The template.
        template: TemplateName,
        /// Which part of it.
        part: &'static str,
        /// What is wrong.
        detail: String,
    },
}

/// Everything that sends.
#[derive(Debug, Default)]
pub struct Outgoing {
    /// Providers with what makes their messages.
    pub parts: HashMap<ChannelName, ChannelParts>,
    /// Channels that keep messages instead of sending them.
    pub captures: Vec<(ChannelName, Capture)>,
    /// Content hash of each channel's definition: one that stays the same keeps its provider.
    hashes: BTreeMap<ChannelName, String>,
}

/// Compiled parts of one template.
#[derive(Debug)]
struct Compiled {
    subject: Option<Template>,
    text: Template,
    html: Option<Template>,
    from: Option<String>,
    reply_to: Option<String>,
}

/// What every channel's messages are made with.
struct Messages {
    templates: BTreeMap<TemplateName, Compiled>,
    keys: Arc<Keys>,
    clock: Clock,
}

/// Builds providers and templates. A channel whose definition is that of `known` keeps its
/// provider.
pub fn build(
    definitions: &Definitions,
    with: &Workshop,
    clock: &Clock,
    known: Option<&Outgoing>,
) -> Result<Outgoing, OutgoingError> {
    let mut templates = BTreeMap::new();
    for (name, template) in &definitions.templates {
        templates.insert(name.clone(), compile(name, template)?);
    }
    let messages = Messages { templates, keys: with.keys.clone(), clock: clock.clone() };
    let messages = Arc::new(messages);
    let mut outgoing = Outgoing::default();
    for (name, channel) in &definitions.channels {
        let running = known.filter(|known| known.hashes.get(name) == Some(&channel.hash));
        let running = running.and_then(|known| known.take_over(name));
        let (provider, capture): (Arc<dyn Channel>, _) = match (running, &channel.provider) {
            (Some(running), _) => running,
            (None, Provider::Capture { keep }) => {
                let capture = Capture::new(*keep as usize);
                (Arc::new(capture.clone()), Some(capture))
            }
            (None, Provider::Smtp(smtp)) => {
                (Arc::new(smtp_provider(name, smtp, &with.folder)?), None)
            }
        };
        outgoing.captures.extend(capture.map(|capture| (name.clone(), capture)));
        outgoing.hashes.insert(name.clone(), channel.hash.clone());
        let base = channel.unsubscribe_base_url.clone().or_else(|| with.public_url.clone());
        let base = base.map(|base| base.trim_end_matches('/').to_owned());
        let messages = messages.clone();
        let render: Render = Arc::new(move |attempt| messages.make(attempt, base.as_deref()));
        outgoing.parts.insert(name.clone(), ChannelParts { channel: provider, render });
    }
    Ok(outgoing)
}

impl Outgoing {
    fn take_over(&self, name: &ChannelName) -> Option<(Arc<dyn Channel>, Option<Capture>)> {
        let provider = self.parts.get(name)?.channel.clone();
        let capture = self.captures.iter().find(|(channel, _)| channel == name);
        Some((provider, capture.map(|(_, capture)| capture.clone())))
    }
}

fn compile(
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

fn smtp_provider(
    name: &ChannelName,
    smtp: &domain::channel::Smtp,
    folder: &Path,
) -> Result<Smtp, OutgoingError> {
    let wrong = |error: &dyn std::fmt::Display| OutgoingError::Channel {
        channel: name.clone(),
        detail: error.to_string(),
    };
    let read = |file: &str| {
        let path = folder.join(file);
        std::fs::read_to_string(&path).map_err(|error| OutgoingError::File {
            channel: name.clone(),
            path,
            error,
        })
    };
    let mut settings = Settings::new(&smtp.host, smtp.port, &smtp.message_id_domain);
    settings.security = match smtp.tls {
        Tls::Starttls => Security::Required,
        Tls::Implicit => Security::Implicit,
        Tls::None => Security::None,
    };
    settings.slots = usize::from(smtp.slots);
    if let Some((user, password_file)) = &smtp.login {
        let password = read(password_file)?.trim_end().to_owned();
        settings.credentials = Some(Credentials { user: user.clone(), password });
    }
    let from = recipient(&smtp.from);
    let identity = Identity::new(&from, None, Some(&smtp.message_id_domain), None)
        .map_err(|error| wrong(&error))?;
    let signer = match &smtp.dkim {
        None => None,
        Some(dkim) => {
            let pem = read(&dkim.key_file)?;
            let signer = Signer::from_pem(&dkim.domain, &dkim.selector, &pem, &dkim.key_file);
            Some(signer.map_err(|error| wrong(&error))?)
        }
    };
    Smtp::new(settings, identity, signer).map_err(|error| wrong(&error))
}

/// `Name <address>` or an address.
fn recipient(text: &str) -> Recipient {
    match text.split_once('<') {
        Some((name, rest)) => Recipient {
            address: rest.trim_end_matches('>').trim().to_owned(),
            name: Some(name.trim().trim_matches('"').to_owned()).filter(|name| !name.is_empty()),
        },
        None => Recipient { address: text.trim().to_owned(), name: None },
    }
}

impl Messages {
    fn make(&self, attempt: &Attempt, base: Option<&str>) -> Result<Message, String> {
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
        let email = Email {
            subject: template.subject.as_ref().map(render).transpose()?.unwrap_or_default(),
            text: Some(render(&template.text)?),
            html: template.html.as_ref().map(render).transpose()?,
            from: template.from.as_deref().map(recipient),
            reply_to: template.reply_to.as_deref().map(recipient),
            unsubscribe,
        };
        let to = Recipient { address: attempt.address.to_string(), name: None };
        Ok(Message { to, content: Content::Email(email) })
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
