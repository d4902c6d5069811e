//! What can go wrong within a session, and what it means for the message.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::time::timeout;

use super::transaction::Progress;
use crate::channel::{Outcome, Retry};
use crate::email::classify::{self, Reply};

/// Something that ended an attempt.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The server closed the connection.
    Closed,
    /// The connection failed.
    Io(io::Error),
    /// The server did not answer in time.
    TimedOut,
    /// The server said no.
    Refused(Reply),
    /// The server said something that is not SMTP, or that nobody asked for.
    Garbage(&'static str),
    /// The server lacks something that the message or the settings need.
    Unsupported(&'static str),
    /// TLS could not be set up.
    Tls(String),
    /// The permit did not hold any more.
    Withdrawn,
    /// The deadline of the attempt passed.
    Late,
}

impl Trouble {
    /// Whether it looks like an idle connection that the server gave up meanwhile.
    pub(super) fn is_stale(&self) -> bool {
        match self {
            Self::Closed | Self::Io(_) => true,
            Self::Refused(reply) => reply.closes(),
            _ => false,
        }
    }

    fn reason(&self) -> String {
        match self {
            Self::Closed => "the server closed the connection".to_owned(),
            Self::Io(error) => format!("the connection failed: {error}"),
            Self::TimedOut => "the server did not answer in time".to_owned(),
            Self::Refused(reply) => reply.to_string(),
            Self::Garbage(what) => format!("the server does not speak SMTP: {what}"),
            Self::Unsupported(what) => format!("the server does not offer {what}"),
            Self::Tls(error) => format!("the connection could not be secured: {error}"),
            Self::Withdrawn => "the permit of the attempt was withdrawn".to_owned(),
            Self::Late => "the deadline of the attempt passed".to_owned(),
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Unsupported(_) => Retry::Configuration,
            Self::Withdrawn | Self::Late => Retry::Expired,
            _ => Retry::Unreachable,
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Io(error),
        }
    }
}

/// What went wrong, and in which phase, for people.
pub(super) fn told(progress: &Progress, trouble: &Trouble) -> String {
    format!("{}: {}", progress.phase().as_str(), trouble.reason())
}

/// What an attempt that got so far has come to.
pub(super) fn outcome(progress: &Progress, trouble: &Trouble) -> Outcome {
    let phase = progress.phase();
    if let Trouble::Refused(reply) = trouble {
        return classify::outcome(phase, reply);
    }
    if progress.is_complete() {
        return Outcome::Unknown { reason: trouble.reason(), phase };
    }
    Outcome::NotSent {
        reason: trouble.reason(),
        phase,
        retry: trouble.retry(),
        retry_after_ms: None,
    }
}

/// Limits a step of the session.
pub(super) async fn within<T>(
    limit: Duration,
    step: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    timeout(limit, step).await.unwrap_or(Err(Trouble::TimedOut))
}
