//! Captured messages as the console shows them: who got one only masked, and only a piece of the
//! plain text. HTML of a message never gets near the page.

use channels::Content;
use channels::capture::{Capture, Captured};
use domain::ids::ChannelName;
use domain::time::Instant;

use crate::access::mask::Mask;

/// Characters of the text that are shown.
const EXCERPT_CHARS: usize = 140;

/// One message, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// When it was captured.
    pub at: Instant,
    /// Channel that captured it.
    pub channel: String,
    /// Masked address.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// Beginning of the plain text.
    pub excerpt: String,
}

/// The newest messages of all capturing channels, newest first.
pub fn newest(captures: &[(ChannelName, Capture)], count: usize, mask: &Mask) -> Vec<Shown> {
    let mut shown: Vec<Shown> = captures
        .iter()
        .flat_map(|(name, capture)| {
            capture.newest(count).into_iter().map(|captured| Shown::new(name, &captured, mask))
        })
        .collect();
    // Stable: messages of one instant keep the order of their channel.
    shown.sort_by_key(|shown| std::cmp::Reverse(shown.at));
    shown.truncate(count);
    shown
}

/// Messages captured since the start.
pub fn total(captures: &[(ChannelName, Capture)]) -> u64 {
    captures.iter().map(|(_, capture)| capture.total()).sum()
}

impl Shown {
    fn new(channel: &ChannelName, captured: &Captured, mask: &Mask) -> Self {
        let (subject, text) = match &captured.message.content {
            Content::Email(email) => (email.subject.clone(), email.text.as_deref()),
            Content::Sms(sms) => (String::new(), Some(sms.text.as_str())),
            Content::Webhook(webhook) => (String::new(), Some(webhook.body.as_str())),
            // A kind of content that this page does not know yet.
            _ => (String::new(), None),
        };
        Self {
            at: captured.at,
            channel: channel.to_string(),
            to: mask.text(&masked(&captured.message.to.address)).into_owned(),
            subject: mask.text(&subject).into_owned(),
            // Masked before it is cut: half an address is one, too.
            excerpt: excerpt(&mask.text(text.unwrap_or_default())),
        }
    }
}

/// An address that can be recognised by who knows it and is of no use to others.
fn masked(address: &str) -> String {
    let first = |part: &str| part.chars().next().map(String::from).unwrap_or_default();
    match address.rsplit_once('@') {
        Some((local, domain)) => format!("{}***@{domain}", first(local)),
        None => format!("{}***", first(address)),
    }
}

/// The beginning of a text on one line.
fn excerpt(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= EXCERPT_CHARS {
        return line;
    }
    let mut cut: String = line.chars().take(EXCERPT_CHARS).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_masked() {
        assert_eq!(masked("anna.berg@example.com"), "a***@example.com");
        assert_eq!(masked("@example.com"), "***@example.com");
        assert_eq!(masked("+34600000000"), "+***");
        assert_eq!(masked(""), "***");
    }

    #[test]
    fn excerpts_are_one_short_line() {
        assert_eq!(excerpt("Hello\n\n there  "), "Hello there");
        let long = excerpt(&"é".repeat(EXCERPT_CHARS + 1));
        assert_eq!(long.chars().count(), EXCERPT_CHARS + 1);
        assert!(long.ends_with('…'));
    }
}
