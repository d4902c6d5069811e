//! What an SMTP reply means for the message and for the address. Pure: a table with a few words.
//!
//! Called by the SMTP provider for replies within a session, and for the codes in later bounces.

use std::fmt;

use domain::suppression::StopReason;

use crate::channel::{Outcome, Phase, Retry};

/// A reply of an SMTP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// `250`, `550`, ...
    pub code: u16,
    /// `5.1.1`, where the text starts with one.
    pub enhanced: Option<Enhanced>,
    /// The text of all lines, joined by blanks, without the enhanced status code.
    pub text: String,
}

/// An enhanced status code (RFC 3463).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enhanced {
    /// 2, 4 or 5.
    pub class: u8,
    /// What it is about: 1 address, 2 mailbox, 7 policy, ...
    pub subject: u16,
    /// The detail within the subject.
    pub detail: u16,
}

impl fmt::Display for Enhanced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

impl Enhanced {
    /// The code at the start of a text, and what follows it.
    pub fn parse(text: &str) -> Option<(Self, &str)> {
        let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
        let (code, rest) = text.split_at(end);
        let mut parts = code.split('.');
        let class = parts.next()?.parse().ok().filter(|class| matches!(class, 2 | 4 | 5))?;
        let subject = parts.next()?.parse().ok().filter(|number| *number < 1000)?;
        let detail = parts.next()?.parse().ok().filter(|number| *number < 1000)?;
        parts.next().is_none().then_some((Self { class, subject, detail }, rest.trim_start()))
    }
}

impl Reply {
    /// From a code and the lines of its text.
    pub fn new<'a>(code: u16, lines: impl IntoIterator<Item = &'a str>) -> Self {
        let mut enhanced = None;
        let mut text = String::new();
        for line in lines {
            let rest = match Enhanced::parse(line) {
                Some((found, rest)) => {
                    enhanced.get_or_insert(found);
                    rest
                }
                None => line,
            };
            if !text.is_empty() && !rest.is_empty() {
                text.push(' ');
            }
            text.push_str(rest.trim());
        }
        Self { code, enhanced, text }
    }

    /// 2xx.
    pub fn is_positive(&self) -> bool {
        self.code / 100 == 2
    }

    /// 4xx.
    pub fn is_transient(&self) -> bool {
        self.code / 100 == 4
    }

    /// 5xx.
    pub fn is_permanent(&self) -> bool {
        self.code / 100 == 5
    }

    /// Whether the server closes the connection with it.
    pub fn closes(&self) -> bool {
        self.code == 421
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(enhanced) = self.enhanced {
            write!(f, " {enhanced}")?;
        }
        if self.text.is_empty() { Ok(()) } else { write!(f, " {}", self.text) }
    }
}

/// What a reply to a phase means for the attempt.
///
/// A reply that the phase does not expect (a 354 to a whole message, say) decides nothing: before
/// the message was complete it is not sent, after that it is unknown.
pub fn outcome(phase: Phase, reply: &Reply) -> Outcome {
    match phase {
        Phase::Answer if reply.is_positive() => {
            Outcome::Accepted { reply: reply.to_string(), parts: 1 }
        }
        Phase::Answer if !reply.is_transient() && !reply.is_permanent() => {
            Outcome::Unknown { reason: format!("unexpected reply: {reply}"), phase }
        }
        Phase::Mail | Phase::Recipient | Phase::Data | Phase::Body | Phase::Answer
            if reply.is_permanent() && !needs_credentials(reply) =>
        {
            Outcome::Rejected {
                code: Some(reply.code),
                enhanced: reply.enhanced.map(|enhanced| enhanced.to_string()),
                reason: reply.text.clone(),
                suppress: is_hard_bounce(phase, reply).then_some(StopReason::HardBounce),
            }
        }
        _ => Outcome::NotSent {
            reason: reply.to_string(),
            phase,
            retry: retry_class(phase, reply),
            retry_after_ms: retry_after_ms(reply),
        },
    }
}

fn retry_class(phase: Phase, reply: &Reply) -> Retry {
    let in_transaction = phase >= Phase::Mail;
    match phase {
        _ if needs_credentials(reply) => Retry::Configuration,
        Phase::Auth | Phase::Tls if reply.is_permanent() => Retry::Configuration,
        _ if reply.closes() => Retry::Unreachable,
        _ if in_transaction && reply.is_transient() => Retry::Deferred,
        _ => Retry::Unreachable,
    }
}

/// The server wants credentials or encryption before it takes any mail from us: not this
/// message's fault.
fn needs_credentials(reply: &Reply) -> bool {
    matches!(reply.code, 530 | 534 | 535 | 538)
}

/// Words of those who refuse the sender, not the recipient.
const POLICY_WORDS: [&str; 14] = [
    "spam",
    "block",
    "blacklist",
    "policy",
    "reputation",
    "spf",
    "dkim",
    "dmarc",
    "banned",
    "listed",
    "relay",
    "rate limit",
    "content",
    "virus",
];

/// Words of those who do not know the recipient.
const NO_SUCH_ADDRESS_WORDS: [&str; 18] = [
    "user unknown",
    "unknown user",
    "no such user",
    "no such recipient",
    "no such mailbox",
    "no mailbox",
    "unknown recipient",
    "recipient unknown",
    "unknown address",
    "invalid recipient",
    "invalid mailbox",
    "does not exist",
    "doesn't exist",
    "not found",
    "mailbox unavailable",
    "account disabled",
    "account is disabled",
    "no longer",
];

/// Whether nothing should go to this address any more (a hard bounce). In doubt not: a wrong
/// suppression silences a customer for good.
pub fn is_hard_bounce(phase: Phase, reply: &Reply) -> bool {
    // At MAIL the server does not know the recipient yet.
    if !reply.is_permanent() || phase == Phase::Mail {
        return false;
    }
    let text = reply.text.to_lowercase();
    if POLICY_WORDS.iter().any(|word| text.contains(word)) {
        return false;
    }
    match reply.enhanced {
        // Bad mailbox, bad domain, bad syntax, moved without a new address, null MX; disabled.
        Some(Enhanced { class: 5, subject: 1, detail: 1 | 2 | 3 | 6 | 10 }) => true,
        Some(Enhanced { class: 5, subject: 2, detail: 1 }) => true,
        // "Other" says no more than the basic code; everything else speaks of something else.
        Some(Enhanced { class: 5, subject: 0 | 1, detail: 0 }) | None => {
            let about_recipient = matches!(phase, Phase::Recipient | Phase::Answer);
            about_recipient
                && matches!(reply.code, 550 | 551 | 553)
                && NO_SUCH_ADDRESS_WORDS.iter().any(|word| text.contains(word))
        }
        Some(_) => false,
    }
}

/// What greylisting servers that name no time usually ask for.
const GREYLIST_MS: u64 = 300_000;

/// No receiver's word makes us wait longer than a day.
const RETRY_AFTER_MS_MAX: u64 = 86_400_000;

/// The pause that a transient reply asks for, in milliseconds.
pub fn retry_after_ms(reply: &Reply) -> Option<u64> {
    if !reply.is_transient() {
        return None;
    }
    let text = reply.text.to_lowercase();
    named_pause_ms(&text)
        .or_else(|| (text.contains("greylist") || text.contains("graylist")).then_some(GREYLIST_MS))
}

/// The first "N seconds", "N minutes" or "N hours".
fn named_pause_ms(text: &str) -> Option<u64> {
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).collect();
    words.windows(2).find_map(|pair| {
        let amount: u64 = pair[0].parse().ok()?;
        let unit_ms = match pair[1] {
            "s" | "sec" | "secs" | "second" | "seconds" => 1_000,
            "m" | "min" | "mins" | "minute" | "minutes" => 60_000,
            "h" | "hour" | "hours" => 3_600_000,
            _ => return None,
        };
        Some(amount.saturating_mul(unit_ms).min(RETRY_AFTER_MS_MAX))
    })
}

#[cfg(test)]
mod tests;
