//! From definitions to what sends: providers, compiled templates, and the function that makes a
//! message of an attempt.

mod messages;
mod provider;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use channels::Channel;
use channels::capture::Capture;
use domain::channel::Provider;
use domain::ids::{ChannelName, TemplateName};
use runtime::Clock;

use self::messages::{Kind, Messages, compile};
use self::provider::Building;
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

/// Builds providers and templates. A channel whose definition is that of `known` keeps its
/// provider.
pub fn build(
    definitions: &Definitions,
    with: &Workshop,
    clock: &Clock,
    known: Option<&Outgoing>,
) -> Result<Outgoing, OutgoingError> {
    let mut templates = BTreeMap::new();
    let mut channels = definitions.channels.values();
    let as_json = channels.any(|channel| matches!(channel.provider, Provider::Webhook(_)));
    for (name, template) in &definitions.templates {
        templates.insert(name.clone(), compile(name, template, as_json)?);
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
            (None, Provider::Smtp(smtp)) => (Arc::new(Building { name, with }.smtp(smtp)?), None),
            (None, Provider::Sms(sms)) => (Arc::new(Building { name, with }.sms(sms)?), None),
            (None, Provider::Webhook(webhook)) => {
                (Arc::new(Building { name, with }.webhook(webhook)?), None)
            }
            (None, Provider::Audience(audience)) => {
                (Arc::new(Building { name, with }.audience(audience)), None)
            }
        };
        outgoing.captures.extend(capture.map(|capture| (name.clone(), capture)));
        outgoing.hashes.insert(name.clone(), channel.hash.clone());
        let base = channel.unsubscribe_base_url.clone().or_else(|| with.public_url.clone());
        let base = base.map(|base| base.trim_end_matches('/').to_owned());
        let (messages, kind) = (messages.clone(), Kind::of(&channel.provider));
        let render: Render =
            Arc::new(move |attempt| messages.make(attempt, &kind, base.as_deref()));
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
