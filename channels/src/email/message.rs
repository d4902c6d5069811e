//! From a message to the bytes of an e-mail, through typed headers.
//!
//! Everything that people or providers can influence is checked for line ends and NUL before it
//! reaches a header, and again by the header types. The same send always gives the same
//! Message-ID, so that receivers can recognise a repeat.

use std::time::{Duration, SystemTime};

use domain::ids::SendId;
use domain::time::Instant;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder, MultiPart, SinglePart};
use lettre::{Address, Message as Mime};
use serde::Serialize;

use super::dkim::Signer;
use crate::channel::Recipient;

/// Longest subject, in bytes: beyond it no mailbox shows anything.
pub const SUBJECT_BYTES_MAX: usize = 2_000;

/// Longest body part, in bytes.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The content of an e-mail: what rendering made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Email {
    /// Subject, one line.
    pub subject: String,
    /// Plain text. At least one of text and HTML is needed.
    pub text: Option<String>,
    /// HTML.
    pub html: Option<String>,
    /// Sender, in place of the channel's own.
    pub from: Option<Recipient>,
    /// Where answers go, in place of the channel's own.
    pub reply_to: Option<Recipient>,
    /// Link for one-click unsubscription; there are headers for it where it is `https:`.
    pub unsubscribe: Option<String>,
}

/// Who sends on a channel. Parsed once.
#[derive(Clone, Debug)]
pub struct Identity {
    from: Mailbox,
    reply_to: Option<Mailbox>,
    message_id_domain: String,
    idempotency_header: Option<HeaderName>,
}

/// A value that cannot go into an e-mail. Names no address: it may end up in a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// An address is none.
    #[error("{field}: not an e-mail address")]
    Address {
        /// Which one.
        field: &'static str,
    },
    /// A value contains a line end or NUL.
    #[error("{field}: contains a line end or NUL")]
    ControlCharacter {
        /// Which one.
        field: &'static str,
    },
    /// A value is too long.
    #[error("{field}: longer than {limit} bytes")]
    TooLong {
        /// Which one.
        field: &'static str,
        /// How long it may be.
        limit: usize,
    },
    /// Neither text nor HTML.
    #[error("the message has neither text nor HTML")]
    Empty,
    /// The link for unsubscription is not a plain `https:` address.
    #[error("unsubscribe: not an https address in plain ASCII")]
    UnsubscribeLink,
    /// A name that no header can have.
    #[error("{field}: not the name of a header")]
    HeaderName {
        /// Which one.
        field: &'static str,
    },
    /// The signature could not be made.
    #[error("the message cannot be signed: {0}")]
    Sign(String),
    /// The library refused what we built.
    #[error("the message cannot be built: {0}")]
    Mime(String),
}

impl BuildError {
    /// Whether the recipient's address is what is wrong, so that no retry can help.
    pub fn is_about_recipient(&self) -> bool {
        matches!(self, Self::Address { field: "to" } | Self::ControlCharacter { field: "to" })
    }
}

impl Identity {
    /// From the settings of a channel. `message_id_domain` is the domain of the sender's address
    /// where it is `None`; `idempotency_header` names a header that carries the send id for relays
    /// that drop repeats by it.
    ///
    /// # Errors
    /// The first value that cannot go into an e-mail.
    pub fn new(
        from: &Recipient,
        reply_to: Option<&Recipient>,
        message_id_domain: Option<&str>,
        idempotency_header: Option<&str>,
    ) -> Result<Self, BuildError> {
        let from = mailbox("from", from)?;
        let domain = message_id_domain.unwrap_or_else(|| from.email.domain()).to_owned();
        // The domain of an address is the strictest check for a domain there is.
        Address::new("id", &domain).map_err(|_| BuildError::Address { field: "message id" })?;
        if !domain.is_ascii() {
            return Err(BuildError::Address { field: "message id" });
        }
        Ok(Self {
            reply_to: reply_to.map(|to| mailbox("reply-to", to)).transpose()?,
            idempotency_header: idempotency_header.map(header_name).transpose()?,
            message_id_domain: domain,
            from,
        })
    }

    /// The Message-ID of a send, without its angle brackets.
    pub fn message_id(&self, send: SendId) -> String {
        format!("{send}@{}", self.message_id_domain)
    }
}

fn header_name(name: &str) -> Result<HeaderName, BuildError> {
    let harmless = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    harmless
        .then(|| HeaderName::new_from_ascii(name.to_owned()).ok())
        .flatten()
        .ok_or(BuildError::HeaderName { field: "idempotency header" })
}

/// An e-mail, ready for the wire.
#[derive(Clone, Debug)]
pub struct Built {
    /// Envelope sender.
    pub(super) from: Address,
    /// Envelope recipient.
    pub(super) to: Address,
    /// The whole message, lines ended by CRLF.
    pub bytes: Vec<u8>,
}

/// Builds and, where a signer is given, signs an e-mail.
///
/// # Errors
/// The first value that cannot go into an e-mail.
pub fn build(
    send: SendId,
    now: Instant,
    to: &Recipient,
    email: &Email,
    identity: &Identity,
    signer: Option<&Signer>,
) -> Result<Built, BuildError> {
    check(email)?;
    let to = mailbox("to", to)?;
    let from = match &email.from {
        Some(from) => mailbox("from", from)?,
        None => identity.from.clone(),
    };
    let (envelope_from, envelope_to) = (from.email.clone(), to.email.clone());
    let mut builder = Mime::builder()
        .date(system_time(now))
        .from(from)
        .to(to)
        .subject(email.subject.as_str())
        .message_id(Some(format!("<{}>", identity.message_id(send))));
    let reply_to = match &email.reply_to {
        Some(reply_to) => Some(mailbox("reply-to", reply_to)?),
        None => identity.reply_to.clone(),
    };
    if let Some(reply_to) = reply_to {
        builder = builder.reply_to(reply_to);
    }
    builder = own_headers(builder, send, email, identity)?;
    let mime = body(builder, send, email)?;
    let mut bytes = mime.formatted();
    if let Some(signer) = signer {
        let signature = signer.sign(&bytes).map_err(|error| BuildError::Sign(error.to_string()))?;
        bytes.splice(0..0, signature.into_bytes());
    }
    Ok(Built { from: envelope_from, to: envelope_to, bytes })
}

fn check(email: &Email) -> Result<(), BuildError> {
    one_line("subject", &email.subject)?;
    limit("subject", &email.subject, SUBJECT_BYTES_MAX)?;
    for (field, part) in [("text", &email.text), ("html", &email.html)] {
        let Some(part) = part else { continue };
        limit(field, part, BODY_BYTES_MAX)?;
        if part.contains('\0') {
            return Err(BuildError::ControlCharacter { field });
        }
    }
    Ok(())
}

fn one_line(field: &'static str, value: &str) -> Result<(), BuildError> {
    if value.contains(['\r', '\n', '\0']) {
        return Err(BuildError::ControlCharacter { field });
    }
    Ok(())
}

fn limit(field: &'static str, value: &str, limit: usize) -> Result<(), BuildError> {
    if value.len() > limit { Err(BuildError::TooLong { field, limit }) } else { Ok(()) }
}

fn mailbox(field: &'static str, recipient: &Recipient) -> Result<Mailbox, BuildError> {
    one_line(field, &recipient.address)?;
    let address: Address =
        recipient.address.trim().parse().map_err(|_| BuildError::Address { field })?;
    let name = match recipient.name.as_deref().map(str::trim) {
        None | Some("") => None,
        Some(name) => {
            one_line(field, name)?;
            limit(field, name, SUBJECT_BYTES_MAX)?;
            Some(name.to_owned())
        }
    };
    Ok(Mailbox::new(name, address))
}

/// The Date header's instant; before 1970 there is no mail.
fn system_time(now: Instant) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(now.0).unwrap_or(0))
}

/// One-click unsubscription (RFC 8058) and the key for relays that drop repeats.
fn own_headers(
    mut builder: MessageBuilder,
    send: SendId,
    email: &Email,
    identity: &Identity,
) -> Result<MessageBuilder, BuildError> {
    // Mail programs take one-click links over https only (RFC 8058, 3.1). A link to this very
    // machine, of a trial, stands in the text alone.
    let link = email.unsubscribe.as_ref().filter(|link| !link.starts_with("http://"));
    if let Some(link) = link {
        let plain = link.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b','));
        if !plain || !link.starts_with("https://") || link.len() > SUBJECT_BYTES_MAX {
            return Err(BuildError::UnsubscribeLink);
        }
        let list = HeaderName::new_from_ascii_str("List-Unsubscribe");
        let post = HeaderName::new_from_ascii_str("List-Unsubscribe-Post");
        builder = builder
            .raw_header(HeaderValue::new(list, format!("<{link}>")))
            .raw_header(HeaderValue::new(post, "List-Unsubscribe=One-Click".to_owned()));
    }
    if let Some(name) = &identity.idempotency_header {
        builder = builder.raw_header(HeaderValue::new(name.clone(), send.to_string()));
    }
    Ok(builder)
}

fn body(builder: MessageBuilder, send: SendId, email: &Email) -> Result<Mime, BuildError> {
    let text = email.text.as_deref().map(|text| SinglePart::plain(line_ends(text)));
    let html = email.html.as_deref().map(|html| SinglePart::html(line_ends(html)));
    let mime = match (text, html) {
        (None, None) => return Err(BuildError::Empty),
        (Some(part), None) | (None, Some(part)) => builder.singlepart(part),
        // The boundary follows from the send, so that a repeat is the same byte by byte.
        (Some(text), Some(html)) => builder.multipart(
            MultiPart::alternative()
                .boundary(boundary(send, email))
                .singlepart(text)
                .singlepart(html),
        ),
    };
    mime.map_err(|error| BuildError::Mime(error.to_string()))
}

/// A boundary that stands in neither part: a body that contained it could add parts of its own.
fn boundary(send: SendId, email: &Email) -> String {
    let parts = [email.text.as_deref(), email.html.as_deref()];
    let mut boundary = format!("=_{send}");
    // A text shorter than the boundary cannot contain it, so this ends.
    while parts.iter().flatten().any(|part| part.contains(&boundary)) {
        boundary.push('x');
    }
    boundary
}

/// One kind of line end, the one of the wire: a lone CR would be changed on the way, behind the
/// signature's back, and the library puts in each CR that is missing by moving all text behind it,
/// which takes seconds of a processor for a long text.
fn line_ends(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    let mut after_cr = false;
    for line in text.split_inclusive(['\r', '\n']) {
        // A CR LF comes in two parts, the second of which is empty.
        if !(after_cr && line == "\n") {
            out.push_str(line.trim_end_matches(['\r', '\n']));
            if line.ends_with(['\r', '\n']) {
                out.push_str("\r\n");
            }
        }
        after_cr = line.ends_with('\r');
    }
    out
}

#[cfg(test)]
mod tests;
