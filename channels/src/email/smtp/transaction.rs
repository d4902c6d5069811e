//! One message over one connection: MAIL, RCPT, DATA, the content, its end, the answer.

use std::fmt::Write;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{Extension, MailBodyParameter, MailParameter};

use super::connection::Connection;
use super::content::Content;
use super::failure::{Trouble, within};
use super::session::offers;
use super::settings::Timeouts;
use crate::channel::{Permit, Phase};
use crate::email::classify::Reply;

/// Up to this size a message and its end leave in one write: it fits the socket's buffer, so no
/// time passes between asking the permit and the end. A longer message is written first, then the
/// permit is asked, then the end is written.
const ONE_WRITE_BYTES_MAX: usize = 64 * 1024;

/// From whom and to whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Envelope<'a> {
    pub(super) from: &'a Address,
    pub(super) to: &'a Address,
}

/// How far an attempt got: kept outside the futures that do the work, so that it is known however
/// they end.
#[derive(Debug)]
pub(super) struct Progress {
    phase: Phase,
    complete: bool,
}

impl Default for Progress {
    fn default() -> Self {
        Self { phase: Phase::Connect, complete: false }
    }
}

impl Progress {
    pub(super) fn enter(&mut self, phase: Phase) {
        self.phase = phase;
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether the end of the message was handed to the socket.
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }
}

/// A command, with its phase, its limit and the reply that lets the transaction go on.
struct Step {
    phase: Phase,
    command: String,
    limit: Duration,
    expected: u16,
}

impl Connection {
    /// Everything up to and including the end of the message.
    pub(super) async fn hand_over(
        &mut self,
        envelope: Envelope<'_>,
        content: &Content,
        permit: &dyn Permit,
        timeouts: &Timeouts,
        progress: &mut Progress,
    ) -> Result<(), Trouble> {
        progress.enter(Phase::Mail);
        let steps = self.steps(envelope, content, timeouts)?;
        // From here until the last answer, the connection must not be used for anything else.
        self.mid_exchange = true;
        if self.pipelining {
            self.pipelined(&steps, progress).await?;
        } else {
            self.one_by_one(&steps, progress).await?;
        }
        progress.enter(Phase::Body);
        self.expect_silence()?;
        within(timeouts.body, self.content(content, permit, progress)).await
    }

    /// The answer to the whole message.
    pub(super) async fn answer(
        &mut self,
        timeouts: &Timeouts,
        progress: &mut Progress,
    ) -> Result<Reply, Trouble> {
        progress.enter(Phase::Answer);
        let reply = within(timeouts.answer, self.reply()).await?;
        self.messages += 1;
        self.needs_reset = false;
        self.mid_exchange = false;
        Ok(reply)
    }

    fn steps(
        &self,
        envelope: Envelope<'_>,
        content: &Content,
        timeouts: &Timeouts,
    ) -> Result<Vec<Step>, Trouble> {
        let mut parameters = Vec::new();
        let plain = |address: &Address| AsRef::<str>::as_ref(address).is_ascii();
        if !plain(envelope.from) || !plain(envelope.to) {
            if !offers(self, Extension::SmtpUtfEight) {
                return Err(Trouble::Unsupported("SMTPUTF8, which the address needs"));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        if !content.is_ascii() {
            if !offers(self, Extension::EightBitMime) {
                return Err(Trouble::Unsupported("8BITMIME, which the message needs"));
            }
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let step = |phase, command, limit, expected| Step { phase, command, limit, expected };
        let mut steps = Vec::with_capacity(4);
        if self.needs_reset {
            steps.push(step(Phase::Mail, Rset.to_string(), timeouts.mail, 250));
        }
        let mail = Mail::new(Some(envelope.from.clone()), parameters).to_string();
        let rcpt = Rcpt::new(envelope.to.clone(), Vec::new()).to_string();
        steps.push(step(Phase::Mail, mail, timeouts.mail, 250));
        // 251 ("will forward") is as good: positive replies pass, see `check`.
        steps.push(step(Phase::Recipient, rcpt, timeouts.recipient, 250));
        steps.push(step(Phase::Data, Data.to_string(), timeouts.data, 354));
        Ok(steps)
    }

    async fn one_by_one(&mut self, steps: &[Step], progress: &mut Progress) -> Result<(), Trouble> {
        for step in steps {
            progress.enter(step.phase);
            self.expect_silence()?;
            within(step.limit, self.write(step.command.as_bytes(), &mut 0)).await?;
            let reply = within(step.limit, self.reply()).await?;
            if let Err(trouble) = check(step, reply) {
                self.mid_exchange = !matches!(trouble, Trouble::Refused(_));
                self.needs_reset = true;
                return Err(trouble);
            }
        }
        Ok(())
    }

    /// All commands in one write. Every reply is read, whatever the first one says; the first
    /// refusal is the one that counts.
    async fn pipelined(&mut self, steps: &[Step], progress: &mut Progress) -> Result<(), Trouble> {
        let mut commands = String::with_capacity(256);
        for step in steps {
            commands.write_str(&step.command).expect("writing to a String cannot fail");
        }
        self.expect_silence()?;
        let limit = steps.first().map_or(Duration::ZERO, |step| step.limit);
        within(limit, self.write(commands.as_bytes(), &mut 0)).await?;
        let mut refusal = None;
        let mut content_expected = false;
        for step in steps {
            if refusal.is_none() {
                progress.enter(step.phase);
            }
            let reply = match within(step.limit, self.reply()).await {
                Ok(reply) => reply,
                // What the server said before it went away says more than that it went.
                Err(trouble) => return Err(refusal.unwrap_or(trouble)),
            };
            content_expected = reply.code == 354;
            if refusal.is_none() {
                refusal = check(step, reply).err();
            }
        }
        match refusal {
            None => Ok(()),
            Some(refusal) => {
                // A server that wants content for a refused recipient gets none: the connection
                // is dropped, which cancels the transaction.
                self.mid_exchange = content_expected || !matches!(refusal, Trouble::Refused(_));
                self.needs_reset = true;
                Err(refusal)
            }
        }
    }

    async fn content(
        &mut self,
        content: &Content,
        permit: &dyn Permit,
        progress: &mut Progress,
    ) -> Result<(), Trouble> {
        let last = if content.whole().len() <= ONE_WRITE_BYTES_MAX {
            content.whole()
        } else {
            self.write(content.body(), &mut 0).await?;
            content.end()
        };
        // The last moment to stop: asked as close to the write as can be.
        if !permit.holds() {
            return Err(Trouble::Withdrawn);
        }
        let mut written = Written { count: 0, of: last.len(), progress };
        self.write(last, &mut written.count).await
    }
}

/// Notes, however the write ends (also by a time-out), whether the end was handed to the socket.
struct Written<'a> {
    count: usize,
    of: usize,
    progress: &'a mut Progress,
}

impl Drop for Written<'_> {
    fn drop(&mut self) {
        self.progress.complete = self.count == self.of;
    }
}

fn check(step: &Step, reply: Reply) -> Result<(), Trouble> {
    match step.expected {
        250 if reply.is_positive() => Ok(()),
        expected if reply.code == expected => Ok(()),
        _ if reply.is_transient() || reply.is_permanent() => Err(Trouble::Refused(reply)),
        _ => Err(Trouble::Garbage("its reply does not fit the command")),
    }
}
