//! The provider against a scripted server: the whole table of outcomes, cancellation at every
//! step, random scripts, and the defect of the library's pool that ours must not have.

mod desync;
mod outcomes;
mod random;
mod server;

use std::sync::Arc;

use domain::ids::SendId;
use domain::time::Instant;

use self::server::{Pipes, Server};
use super::{Security, Settings, Smtp};
use crate::channel::{Always, Attempt, Content, Message, Permit, Recipient};
use crate::email::message::{Email, Identity};

const NOW: Instant = Instant(1_700_000_000_000);

fn settings() -> Settings {
    Settings { security: Security::None, ..Settings::new("127.0.0.1", 25, "client.example") }
}

fn identity() -> Identity {
    let from = Recipient { address: "shop@example.com".to_owned(), name: Some("Shop".to_owned()) };
    Identity::new(&from, None, None, None).unwrap()
}

fn smtp(server: &Arc<Server>, settings: Settings) -> Smtp {
    Smtp::with_dial(settings, identity(), None, Pipes::to(server)).unwrap()
}

fn message_id(send: u128) -> String {
    identity().message_id(SendId(send))
}

fn attempt(send: u128, body_bytes: usize) -> Attempt {
    attempt_with(send, body_bytes, 1_000_000, Box::new(Always))
}

fn attempt_with(
    send: u128,
    body_bytes: usize,
    deadline_ms: i64,
    permit: Box<dyn Permit>,
) -> Attempt {
    let text = ".line of text\r\n".repeat(body_bytes / 14 + 1);
    Attempt {
        send: SendId(send),
        number: 1,
        now: NOW,
        deadline: NOW.plus_ms(deadline_ms),
        message: Message {
            to: Recipient { address: "customer@example.org".to_owned(), name: None },
            content: Content::Email(Email {
                subject: "Hello".to_owned(),
                text: Some(text),
                ..Email::default()
            }),
        },
        permit,
    }
}
