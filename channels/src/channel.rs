//! What every provider is to the rest of the product: attempts in, outcomes out.
//!
//! Called by the channel actors. An outcome never guesses: once the receiver may hold the message
//! and no answer came, it is [`Outcome::Unknown`].

use std::fmt;

use domain::ids::SendId;
use domain::suppression::StopReason;
use domain::time::Instant;
use futures_util::future::BoxFuture;
use serde::Serialize;

use crate::audience::{Members, Place};
use crate::email::message::Email;
use crate::report::{Callback, CallbackError, Report};
use crate::sms::Sms;
use crate::webhook::Webhook;

/// A provider that hands messages over. One per configured channel, shared by all its attempts.
pub trait Channel: Send + Sync + fmt::Debug {
    /// Name of the provider (`smtp`, `twilio`, `webhook`, `folder`, `capture`), for logs and
    /// metrics.
    fn name(&self) -> &'static str;

    /// How many attempts may run at once. A send becomes `in_flight` only when one of these is
    /// free, so it is also the most that a crash can leave unknown (semantics 25).
    fn slots(&self) -> usize;

    /// Hands one message over and says what became of it.
    ///
    /// Dropping the future is allowed at any time and leaves nothing that a later attempt could
    /// trip over; what became of the message is then unknown.
    fn attempt(&self, attempt: Attempt) -> BoxFuture<'_, Outcome>;

    /// Looks whether messages could be handed over now: reaches the receiver, secures the
    /// connection, logs in, and hands over nothing. What it found, or why it cannot. A provider
    /// that can only be tried with a message says so.
    fn probe(&self) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async { Ok("only a message can try it: `cadencia send-test`".to_owned()) })
    }

    /// Where the files of an audience lie. Kept by the caller, so that they can be emptied when
    /// nothing is exported there any more ([`Folder::leaving`]).
    ///
    /// [`Folder::leaving`]: crate::audience::Folder::leaving
    fn place(&self) -> Option<Place> {
        None
    }

    /// What a request says that claims to come from the provider. Neither waits nor asks anybody.
    ///
    /// # Errors
    /// Where it is not the provider's, or makes no sense.
    fn report(&self, _callback: &Callback<'_>) -> Result<Report, CallbackError> {
        Err(CallbackError::NotTaken)
    }
}

/// One hand-over of a message to a provider.
#[derive(Debug)]
pub struct Attempt {
    /// Identifies the send: Message-ID local part and idempotency key. The same in every attempt.
    pub send: SendId,
    /// 1 for the first attempt.
    pub number: u16,
    /// When the attempt starts.
    pub now: Instant,
    /// After this, the message must not leave any more. A hand-over that is complete by then may
    /// still wait for its answer.
    pub deadline: Instant,
    /// What to hand over.
    pub message: Message,
    /// Held until the outcome is known, and asked once more at the last moment.
    pub permit: Box<dyn Permit>,
}

/// The caller's leave for one attempt: typically the slot that it occupies.
pub trait Permit: Send + Sync + fmt::Debug {
    /// Whether the message may still leave. Asked directly before the write that completes the
    /// hand-over, and must be cheap; `false` ends the attempt as not sent.
    fn holds(&self) -> bool;
}

/// A permit that always holds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Always;

impl Permit for Always {
    fn holds(&self) -> bool {
        true
    }
}

/// A rendered message and whom it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Whom it is for.
    pub to: Recipient,
    /// What it says.
    pub content: Content,
}

/// An address on a channel, with the name that goes with it.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Recipient {
    /// The address, as it stands in the profile.
    pub address: String,
    /// Name for display.
    pub name: Option<String>,
}

impl fmt::Debug for Recipient {
    /// Masked: addresses never reach a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recipient(***)")
    }
}

/// The content, by the kind of channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Content {
    /// An e-mail.
    Email(Email),
    /// A text message.
    Sms(Sms),
    /// What another system is told.
    Webhook(Webhook),
    /// All members of an audience.
    Audience(Members),
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver took responsibility for the message.
    Accepted {
        /// What it answered: shown to people, and the id for callbacks where it contains one.
        reply: String,
        /// In how many parts it goes: segments of a text message, else 1.
        parts: u16,
    },
    /// The receiver will not take this message, now or later.
    Rejected {
        /// Reply code (`550`), where the receiver gave one.
        code: Option<u16>,
        /// Enhanced status code (`5.1.1`), where the reply had one.
        enhanced: Option<String>,
        /// Why, in the receiver's words or ours.
        reason: String,
        /// Why nothing should go to the address any more, if so.
        suppress: Option<StopReason>,
    },
    /// The message certainly did not go; another attempt is safe.
    NotSent {
        /// Why.
        reason: String,
        /// How far the attempt got.
        phase: Phase,
        /// What kind of trouble it is.
        retry: Retry,
        /// Earliest sensible next attempt, in milliseconds from now, where the receiver said so.
        retry_after_ms: Option<u64>,
    },
    /// The receiver may or may not have the message.
    Unknown {
        /// What was seen.
        reason: String,
        /// How far the attempt got.
        phase: Phase,
    },
}

impl Outcome {
    /// One word for metrics: `accepted`, `rejected`, `not_sent` or `unknown`.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Rejected { .. } => "rejected",
            Self::NotSent { .. } => "not_sent",
            Self::Unknown { .. } => "unknown",
        }
    }
}

/// What stands in the way of a message that was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// The receiver put this message off: try this one again later.
    Deferred,
    /// The receiver cannot be reached or is in trouble: hold the channel back.
    Unreachable,
    /// Credentials, certificates or settings are wrong: retrying alone will not help.
    Configuration,
    /// The time of the attempt was up before the message was complete.
    Expired,
}

/// How far an attempt got. In the order of an SMTP session; other providers use a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Building the message.
    Build,
    /// Opening the connection.
    Connect,
    /// Waiting for the greeting.
    Banner,
    /// Saying hello.
    Hello,
    /// Securing the connection.
    Tls,
    /// Presenting the credentials.
    Auth,
    /// Naming the sender.
    Mail,
    /// Naming the recipient.
    Recipient,
    /// Asking to send the content.
    Data,
    /// Sending the content, its end not yet written.
    Body,
    /// Waiting for the answer to the whole message.
    Answer,
}

impl Phase {
    /// The word for it, as in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Connect => "connect",
            Self::Banner => "banner",
            Self::Hello => "hello",
            Self::Tls => "tls",
            Self::Auth => "auth",
            Self::Mail => "mail",
            Self::Recipient => "recipient",
            Self::Data => "data",
            Self::Body => "body",
            Self::Answer => "answer",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
