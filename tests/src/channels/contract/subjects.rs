//! The channels that the suite runs for, each with its other side.

use channels::audience::{Folder, Hashed};
use channels::capture::Capture;
use channels::email::message::Email;
use channels::http::{AllowedHost, Egress};
use channels::sms::Sms;
use channels::sms::twilio::Twilio;
use channels::webhook::{Endpoint, Secret, Webhook};
use channels::{Channel, Content};
use domain::channel::audience::Identifier;
use domain::channel::sms::{Sender, Sms as SmsSettings, Twilio as Account};
use domain::channel::webhook::Webhook as WebhookSettings;

use tempfile::TempDir;

use super::other::{Other, Speech};
use crate::channels::{audience, plain, smtp};

/// Messages at the same time, where a channel can be told.
pub(super) const SLOTS: usize = 3;

/// One channel and its other side.
pub(super) struct Subject {
    pub(super) channel: Box<dyn Channel>,
    pub(super) other: Option<Other>,
    /// An address that the channel takes.
    pub(super) to: &'static str,
    /// A message with this text in it.
    pub(super) content: fn(&str) -> Content,
    /// What is removed with it.
    _folder: Option<TempDir>,
}

/// The names of all subjects.
pub(super) const NAMES: [&str; 5] = ["capture", "folder", "smtp", "twilio", "webhook"];
/// Those that have another side.
pub(super) const WITH_OTHERS: [&str; 3] = ["smtp", "twilio", "webhook"];

fn email(text: &str) -> Content {
    Content::Email(Email {
        subject: "Hello".to_owned(),
        text: Some(text.to_owned()),
        ..Email::default()
    })
}

fn sms(text: &str) -> Content {
    Content::Sms(Sms::new(text))
}

fn webhook(text: &str) -> Content {
    Content::Webhook(Webhook { body: format!("{{\"text\": \"{text}\"}}") })
}

fn members(text: &str) -> Content {
    let address = format!("{text}@example.org");
    Content::Audience(Hashed::of([(Identifier::Email, address.as_str())]).into_iter().collect())
}

/// A channel whose other side is at this port.
pub(super) fn channel(name: &str, port: u16) -> Box<dyn Channel> {
    match name {
        "capture" => Box::new(Capture::new(100)),
        "smtp" => {
            let settings = channels::email::smtp::Settings { slots: SLOTS, ..plain(port) };
            Box::new(smtp(settings, None))
        }
        "twilio" => {
            let twilio = Account {
                account_sid: "AC0123456789abcdef0123456789abcdef".to_owned(),
                user: "AC0123456789abcdef0123456789abcdef".to_owned(),
                password_file: "token".to_owned(),
                auth_token_file: None,
                sender: Sender::From("+34911234567".to_owned()),
                status_callback: None,
                base_url: format!("http://127.0.0.1:{port}"),
                slots: SLOTS as u16,
            };
            let settings = SmsSettings { max_segments: 10, twilio };
            Box::new(Twilio::new(settings, "token", egress()).expect("good settings"))
        }
        "webhook" => {
            let settings = WebhookSettings {
                url: format!("http://127.0.0.1:{port}/hooks"),
                secret_files: Vec::new(),
                fields: Vec::new(),
                slots: SLOTS as u16,
            };
            let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
            let secrets = vec![secret.expect("a secret")];
            Box::new(Endpoint::new(settings, secrets, egress()).expect("good settings"))
        }
        _ => panic!("there is no channel {name}"),
    }
}

fn egress() -> Egress {
    let allowed: AllowedHost = "127.0.0.1".parse().expect("a host");
    Egress::new([allowed]).expect("a client")
}

impl Subject {
    pub(super) async fn new(name: &str) -> Self {
        let speech = match name {
            "smtp" => Some(Speech::Smtp),
            "twilio" => Some(Speech::Http("{\"sid\": \"SM1\", \"status\": \"queued\"}")),
            "webhook" => Some(Speech::Http("thanks")),
            _ => None,
        };
        let other = match speech {
            Some(speech) => Some(Other::start(speech).await),
            None => None,
        };
        let port = other.as_ref().map_or(0, |other| other.port);
        let (to, content): (_, fn(&str) -> Content) = match name {
            "folder" => ("ads", members),
            "twilio" => ("+34600123456", sms),
            "webhook" => ("ann", webhook),
            _ => ("ann@example.org", email),
        };
        let folder = (name == "folder").then(|| tempfile::tempdir().expect("a folder"));
        let channel = match &folder {
            Some(folder) => {
                Box::new(Folder::new("ads", &audience::settings(), folder.path().into()))
            }
            None => channel(name, port),
        };
        Self { channel, other, to, content, _folder: folder }
    }
}
