//! Captured messages as the console shows them: to those who need no personal data, only masked.

use std::sync::Arc;

use channels::Content;
use channels::capture::{Capture, Captured};
use domain::ids::ChannelName;
use domain::time::Instant;

use crate::access::mask::{MASKED, Mask};

/// Characters of the text that are shown in a list.
const EXCERPT_CHARS: usize = 140;

/// The line of a message's head that names its send.
pub(super) const SEND: &str = "Send";

/// One message of a list, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its number in its channel.
    pub number: u64,
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

/// One message, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// What stands in the head of a message, in its order.
    pub headers: Vec<(&'static str, String)>,
    /// The plain text, or what stands for it.
    pub text: Option<String>,
    /// HTML, which must not come near a page.
    pub html: Option<String>,
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

/// A message that is still kept.
pub fn find(
    captures: &[(ChannelName, Capture)],
    channel: &str,
    number: u64,
) -> Option<Arc<Captured>> {
    let (_, capture) = captures.iter().find(|(name, _)| name.as_str() == channel)?;
    let back = capture.total().checked_sub(number)?;
    let newest = capture.newest(usize::try_from(back).ok()?.saturating_add(1));
    newest.into_iter().find(|captured| captured.number == number)
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
            number: captured.number,
            at: captured.at,
            channel: channel.to_string(),
            to: mask.text(&masked(&captured.message.to.address)).into_owned(),
            subject: mask.text(&subject).into_owned(),
            // Masked before it is cut: half an address is one, too.
            excerpt: excerpt(&mask.text(text.unwrap_or_default())),
        }
    }
}

impl Whole {
    /// As far as the mask lets it be seen.
    pub fn new(channel: &str, captured: &Captured, mask: &Mask, at: String) -> Self {
        let seen = |text: &str| mask.text(text).into_owned();
        let mut headers = vec![
            ("Date", at),
            ("Channel", channel.to_owned()),
            ("To", seen(&captured.message.to.address)),
        ];
        let (text, html) = match &captured.message.content {
            Content::Email(email) => {
                let recipient = |one: &channels::Recipient| match &one.name {
                    Some(name) => format!("{name} <{}>", one.address),
                    None => one.address.clone(),
                };
                // Senders are no customers.
                headers.extend(email.from.as_ref().map(|from| ("From", recipient(from))));
                headers.extend(email.reply_to.as_ref().map(|to| ("Reply-To", recipient(to))));
                headers.push(("Subject", seen(&email.subject)));
                let link = email.unsubscribe.as_deref();
                headers.extend(link.map(|link| ("List-Unsubscribe", shown_link(link, mask))));
                let body = |text: &String| seen(&without_token(text, link, mask));
                (email.text.as_ref().map(body), email.html.as_ref().map(body))
            }
            Content::Sms(sms) => (Some(seen(&sms.text)), None),
            Content::Webhook(webhook) => (Some(seen(&webhook.body)), None),
            _ => (None, None),
        };
        headers.push((SEND, captured.send.to_string()));
        headers.push(("Attempt", captured.attempt.to_string()));
        Self { headers, text, html }
    }
}

/// The last part of a link: whoever has it may speak for the customer.
fn token(link: &str) -> Option<&str> {
    link.rsplit_once('/').map(|(_, token)| token).filter(|token| !token.is_empty())
}

fn shown_link(link: &str, mask: &Mask) -> String {
    without_token(link, Some(link), mask)
}

fn without_token(text: &str, link: Option<&str>, mask: &Mask) -> String {
    match link.and_then(token).filter(|_| mask.is_masking()) {
        Some(token) => text.replace(token, MASKED),
        None => text.to_owned(),
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

    #[test]
    fn tokens_of_links_are_for_those_who_see_personal_data() {
        let link = "https://shop.example/u/abc123";
        let text = "leave: https://shop.example/u/abc123.";
        let mask = Mask::personal([]);
        assert_eq!(without_token(text, Some(link), &mask), "leave: https://shop.example/u/***.");
        assert_eq!(without_token(text, Some(link), &Mask::nothing()), text);
        assert_eq!(without_token(text, None, &mask), text);
    }
}
