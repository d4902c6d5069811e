//! The `smtp` provider: hands e-mails to a relay over connections of its own.
//!
//! Called through [`Channel`] by the channel actors. The rules that it must never break:
//! - an attempt whose end was not written is [`Outcome::NotSent`]; one whose end was handed to the
//!   socket and got no answer is [`Outcome::Unknown`];
//! - a connection goes back to the pool only after a clean exchange. Whatever was cancelled, timed
//!   out or answered strangely is dropped with it, so that no reply is ever taken for another's;
//! - one recipient per transaction.

mod connection;
mod content;
mod dial;
mod failure;
mod pool;
mod session;
mod settings;
#[cfg(test)]
mod tests;
mod tls;
mod transaction;

use std::time::Duration;

use domain::suppression::StopReason;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio::time::timeout;

pub use dial::{Dial, Io, TcpDial};
pub use settings::{Credentials, Security, Settings, SettingsError, Timeouts};

use self::connection::Connection;
use self::content::Content as Wire;
use self::failure::Trouble;
use self::pool::Pool;
use self::session::Session;
use self::transaction::{Envelope, Progress};
use super::dkim::Signer;
use super::message::{Built, Identity, build};
use crate::channel::{Attempt, Channel, Content, Outcome, Permit, Phase, Retry};

/// The provider.
#[derive(Debug)]
pub struct Smtp {
    session: Session,
    slots: usize,
    /// Backs the promise of [`Channel::slots`], should a caller start more.
    in_use: Semaphore,
    pool: Pool,
    identity: Identity,
    signer: Option<Signer>,
}

impl Smtp {
    /// A provider for a relay, connecting over TCP.
    ///
    /// # Errors
    /// Where the settings cannot work, or would show the credentials to the network.
    pub fn new(
        settings: Settings,
        identity: Identity,
        signer: Option<Signer>,
    ) -> Result<Self, SettingsError> {
        let dial = TcpDial::new(settings.host.clone(), settings.port);
        Self::with_dial(settings, identity, signer, Box::new(dial))
    }

    /// The same over any way to connect.
    ///
    /// # Errors
    /// As [`Smtp::new`].
    pub fn with_dial(
        settings: Settings,
        identity: Identity,
        signer: Option<Signer>,
        dial: Box<dyn Dial>,
    ) -> Result<Self, SettingsError> {
        settings.check()?;
        let slots = settings.slots;
        let pool = Pool::new(settings.messages_per_connection_max, settings.idle_ms_max);
        let session = Session::new(settings, dial)?;
        Ok(Self { session, slots, in_use: Semaphore::new(slots), pool, identity, signer })
    }

    async fn run(&self, attempt: Attempt) -> Outcome {
        let Content::Email(email) = &attempt.message.content else {
            return wrong_kind();
        };
        let to = &attempt.message.to;
        let signer = self.signer.as_ref();
        let built = match build(attempt.send, attempt.now, to, email, &self.identity, signer) {
            Ok(built) => built,
            Err(error) => return unbuilt(&error),
        };
        let left_ms = attempt.deadline.ms_since(attempt.now);
        let Some(left) = u64::try_from(left_ms).ok().filter(|ms| *ms > 0) else {
            return failure::outcome(&Progress::default(), &Trouble::Late);
        };
        let mut progress = Progress::default();
        // Held outside the future, so that they outlive it however it ends: the connection is
        // looked at, and the slot is free only when the answer is in.
        let mut connection = None;
        let mut _slot = None;
        let complete = async {
            _slot = Some(self.in_use.acquire().await.map_err(|_| Trouble::Closed)?);
            self.complete(&built, &attempt, &mut connection, &mut progress).await
        };
        let written = timeout(Duration::from_millis(left), complete).await;
        let trouble = match written {
            Ok(Ok(())) => None,
            Ok(Err(trouble)) => Some(trouble),
            Err(_) => Some(Trouble::Late),
        };
        // Whether the time was up in the very moment of the last write does not matter: once the
        // message is complete, its answer is worth waiting for.
        match (trouble, connection) {
            (None | Some(Trouble::Late), Some(connection)) if progress.is_complete() => {
                self.answer(connection, &attempt, &mut progress).await
            }
            (Some(trouble), connection) => {
                self.settle(connection, &attempt, &trouble);
                failure::outcome(&progress, &trouble)
            }
            (None, _) => failure::outcome(&progress, &Trouble::Closed),
        }
    }

    /// Everything up to and including the end of the message.
    async fn complete(
        &self,
        built: &Built,
        attempt: &Attempt,
        connection: &mut Option<Connection>,
        progress: &mut Progress,
    ) -> Result<(), Trouble> {
        let content = Wire::new(&built.bytes);
        let envelope = Envelope { from: &built.from, to: &built.to };
        let timeouts = self.session.timeouts();
        if let Some(idle) = self.pool.take(attempt.now) {
            let used = connection.insert(idle);
            let permit = attempt.permit.as_ref();
            match used.hand_over(envelope, &content, permit, timeouts, progress).await {
                // The server had closed the idle connection, or was about to: nothing of this
                // message has left, so a fresh connection may have it at once.
                Err(trouble) if trouble.is_stale() && !progress.is_complete() => {
                    *connection = None;
                    *progress = Progress::default();
                }
                result => return result,
            }
        }
        let fresh = connection.insert(self.session.open(progress).await?);
        let permit: &dyn Permit = attempt.permit.as_ref();
        fresh.hand_over(envelope, &content, permit, timeouts, progress).await
    }

    async fn answer(
        &self,
        mut connection: Connection,
        attempt: &Attempt,
        progress: &mut Progress,
    ) -> Outcome {
        match connection.answer(self.session.timeouts(), progress).await {
            Ok(reply) => {
                let outcome = super::classify::outcome(Phase::Answer, &reply);
                if !matches!(outcome, Outcome::Unknown { .. }) && !reply.closes() {
                    self.pool.put(connection, attempt.now);
                }
                outcome
            }
            Err(trouble) => failure::outcome(progress, &trouble),
        }
    }

    /// Keeps a connection after a clean refusal, drops it after anything else.
    fn settle(&self, connection: Option<Connection>, attempt: &Attempt, trouble: &Trouble) {
        let clean = matches!(trouble, Trouble::Refused(reply) if !reply.closes());
        if let Some(connection) = connection.filter(|connection| clean && connection.is_clean()) {
            self.pool.put(connection, attempt.now);
        }
    }
}

fn wrong_kind() -> Outcome {
    let reason = "this channel sends e-mails only".to_owned();
    Outcome::Rejected { code: None, enhanced: None, reason, suppress: None }
}

fn unbuilt(error: &super::message::BuildError) -> Outcome {
    if error.is_about_recipient() {
        return Outcome::Rejected {
            code: None,
            enhanced: None,
            reason: error.to_string(),
            suppress: Some(StopReason::HardBounce),
        };
    }
    Outcome::NotSent {
        reason: error.to_string(),
        phase: Phase::Build,
        retry: Retry::Configuration,
        retry_after_ms: None,
    }
}

impl Channel for Smtp {
    fn name(&self) -> &'static str {
        "smtp"
    }

    fn slots(&self) -> usize {
        self.slots
    }

    fn attempt(&self, attempt: Attempt) -> BoxFuture<'_, Outcome> {
        self.run(attempt).boxed()
    }

    fn probe(&self) -> BoxFuture<'_, Result<String, String>> {
        async {
            let mut progress = Progress::default();
            match self.session.open(&mut progress).await {
                Ok(connection) => {
                    let found = session::described(&connection);
                    connection.quit();
                    Ok(found)
                }
                Err(trouble) => Err(failure::told(&progress, &trouble)),
            }
        }
        .boxed()
    }
}
