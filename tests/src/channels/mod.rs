//! The channels against real counterparts: Postfix's sink, an independent mail server and an
//! independent DKIM verifier, Twilio's official client, an independent verifier of webhooks.

mod aiosmtpd;
mod audience;
mod contract;
mod dkim;
pub(crate) mod peers;
mod smtp_sink;
mod twilio;
mod webhook;

use channels::email::dkim::Signer;
use channels::email::message::{Email, Identity};
use channels::email::smtp::{Security, Settings, Smtp};
use channels::{Always, Attempt, Content, Message, Recipient};
use domain::ids::SendId;
use domain::time::Instant;

const NOW: Instant = Instant(1_700_000_000_000);

fn recipient(address: &str) -> Recipient {
    Recipient { address: address.to_owned(), name: Some("Ada Lövelace".to_owned()) }
}

fn identity() -> Identity {
    Identity::new(&recipient("shop@example.com"), None, None, None).expect("a good identity")
}

fn plain(port: u16) -> Settings {
    Settings { security: Security::None, ..Settings::new("127.0.0.1", port, "client.example") }
}

fn smtp(settings: Settings, signer: Option<Signer>) -> Smtp {
    Smtp::new(settings, identity(), signer).expect("good settings")
}

fn attempt(send: u128, to: &str) -> Attempt {
    Attempt {
        send: SendId(send),
        number: 1,
        now: NOW,
        deadline: NOW.plus_ms(60_000),
        message: Message {
            to: recipient(to),
            content: Content::Email(Email {
                subject: "Grüße".to_owned(),
                text: Some("Hello\n.\n..two\nend of it ".repeat(20)),
                html: Some("<p>Hällo</p>\n".repeat(20)),
                unsubscribe: Some("https://example.com/u/t0ken".to_owned()),
                ..Email::default()
            }),
        },
        permit: Box::new(Always),
    }
}
