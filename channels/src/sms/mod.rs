//! Text messages: what they are, how long they are, and the providers that send them.

pub mod segments;
pub mod twilio;

use serde::Serialize;

/// A text message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sms {
    /// What it says.
    pub text: String,
}

impl Sms {
    /// A message of a rendered text. Line ends become one kind, other control characters go: values
    /// come from outside, and a telephone shows them as it likes.
    pub fn new(text: &str) -> Self {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let text: String =
            text.chars().filter(|char| *char == '\n' || !char.is_control()).collect();
        Self { text: text.trim().to_owned() }
    }
}
