//! Channels: what carries a message to a customer.
//!
//! Owns the [`Channel`] trait, rendering and the providers, one folder each. Called by the channel
//! actors with an [`Attempt`] whose reservation is durable already. A channel must never decide
//! whether a message may go, retry on its own, or report less than it knows: the difference
//! between "certainly not sent" and "nobody can say" is what keeps messages from going twice.

pub mod capture;

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use domain::ids::SendId;
use domain::time::Instant;

/// A boxed future, so that channels can stand behind one `dyn` type.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What carries messages.
pub trait Channel: Send + Sync + fmt::Debug {
    /// Its configured name.
    fn name(&self) -> &str;

    /// How many attempts may be under way at once: its connections.
    fn slots(&self) -> usize;

    /// Hands over one message. Always ends in an outcome: time-outs are the channel's.
    fn attempt(&self, attempt: Attempt) -> BoxFuture<'_, Outcome>;
}

/// One hand-over.
pub struct Attempt {
    /// The send: Message-ID local part and idempotency key.
    pub send: SendId,
    /// Which attempt, from 1.
    pub number: u16,
    /// Now, for the Date header.
    pub now: Instant,
    /// The message must not leave at or after this instant.
    pub deadline: Instant,
    /// The message.
    pub message: Message,
    /// The connection slot that the send holds; dropped when the attempt is over.
    pub permit: Box<dyn Any + Send>,
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt")
            .field("send", &self.send)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// A rendered message. Its `Debug` shows no address and no content.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// The recipient's address.
    pub to: String,
    /// The sender, as `Name <address>` or an address.
    pub from: String,
    /// Where answers go, if not to the sender.
    pub reply_to: Option<String>,
    /// The subject.
    pub subject: String,
    /// The plain text.
    pub text: Option<String>,
    /// The HTML.
    pub html: Option<String>,
    /// The one-click unsubscribe link (RFC 8058).
    pub unsubscribe_url: Option<String>,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").finish_non_exhaustive()
    }
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The provider took it.
    Accepted {
        /// Its reply.
        reply: String,
    },
    /// The provider will never take it.
    Rejected {
        /// Its reply.
        reply: String,
        /// The address itself is bad: nothing more may go there.
        suppress: bool,
    },
    /// It certainly did not go; it may be tried again.
    NotSent {
        /// What happened.
        reason: String,
        /// The provider's wish for a pause, in milliseconds.
        retry_after_ms: Option<i64>,
    },
    /// Nobody can say whether it went.
    Unknown {
        /// What happened.
        reason: String,
    },
}
