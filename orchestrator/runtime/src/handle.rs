//! Actor handles. The only file that may call `do_send`, `try_send` or `notify`.
//!
//! actix ignores the capacity of a mailbox in `do_send` and `notify`, and in `try_send` it counts
//! per sender. So mailboxes are unbounded as far as actix is concerned, and everything that gets
//! into one is counted here: a [`Handle`] by [`Credits`] (any thread), a [`Local`] by the
//! [`Flight`] that `active` gives out (same arbiter), a [`Returns`](crate::returns::Returns) by its
//! single wake-up.

#![expect(clippy::disallowed_methods, reason = "the one place that sends, after counting")]

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Context, Handler, Message, Recipient};
use thiserror::Error;

use crate::active::Flight;
use crate::credits::{Busy, Credit, Credits};
use crate::reply::{Reply, Unanswered, reply};

/// A message with the credit that was taken for it.
#[derive(Debug)]
pub struct Delivery<M> {
    msg: M,
    credit: Credit,
}

impl<M> Delivery<M> {
    /// The message; its credit is given back now.
    #[must_use]
    pub fn into_msg(self) -> M {
        self.msg
    }

    /// The message and its credit, which counts until it is dropped.
    pub fn into_parts(self) -> (M, Credit) {
        (self.msg, self.credit)
    }
}

impl<M: Send + 'static> Message for Delivery<M> {
    type Result = ();
}

/// Why a message was not taken; it comes back to the sender.
#[derive(Error)]
pub enum Refused<M> {
    /// No credit.
    #[error("{busy}")]
    Busy {
        /// Who is busy and until when.
        busy: Busy,
        /// What was not sent.
        msg: M,
    },
    /// The actor has stopped.
    #[error("the actor has stopped")]
    Stopped {
        /// What was not sent.
        msg: M,
    },
}

impl<M> fmt::Debug for Refused<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy { busy, .. } => f.debug_struct("Busy").field("busy", busy).finish(),
            Self::Stopped { .. } => f.write_str("Stopped"),
        }
    }
}

/// Why a question was not answered.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum AskError {
    /// No credit.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The actor has stopped, or it dropped the question.
    #[error(transparent)]
    Unanswered(#[from] Unanswered),
}

/// Sends messages of one kind to one actor, on whatever thread it lives. Cheap to clone.
pub struct Handle<M: Send + 'static> {
    recipient: Arc<Recipient<Delivery<M>>>,
    credits: Credits,
}

impl<M: Send + 'static> Handle<M> {
    /// A handle to `addr`, bounded by `credits`.
    #[must_use]
    pub fn new<A>(addr: Addr<A>, credits: Credits) -> Self
    where
        A: Handler<Delivery<M>>,
        A::Context: ToEnvelope<A, Delivery<M>>,
    {
        Self { recipient: Arc::new(addr.recipient()), credits }
    }

    /// The pool in front of the actor, for [`reserve_all`](crate::credits::reserve_all).
    #[must_use]
    pub fn credits(&self) -> &Credits {
        &self.credits
    }

    /// Whether the actor still runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.recipient.connected()
    }

    /// Takes `cost` credits and sends.
    ///
    /// # Errors
    /// [`Refused`], with the message.
    pub fn tell(&self, msg: M, cost: u32) -> Result<(), Refused<M>> {
        match self.credits.try_take(cost) {
            Ok(credit) => self.tell_reserved(msg, credit),
            Err(busy) => Err(Refused::Busy { busy, msg }),
        }
    }

    /// Sends with a credit that was reserved before.
    ///
    /// # Errors
    /// [`Refused::Stopped`] only, with the message; the credit is given back.
    ///
    /// # Panics
    /// If the credit is from another pool: the bound would be a lie.
    pub fn tell_reserved(&self, msg: M, credit: Credit) -> Result<(), Refused<M>> {
        assert!(credit.credits().is_same(&self.credits), "the credit is from another pool");
        use actix::prelude::SendError;
        // `try_send` is the only call that says that the actor has stopped. Its own capacity (16
        // per default) is not ours: what it calls full is sent all the same, our credits bound it.
        match self.recipient.try_send(Delivery { msg, credit }) {
            Ok(()) => Ok(()),
            Err(SendError::Full(delivery)) => {
                self.recipient.do_send(delivery);
                Ok(())
            }
            Err(SendError::Closed(delivery)) => Err(Refused::Stopped { msg: delivery.into_msg() }),
        }
    }

    /// Sends a question and waits for its answer. Never per event across arbiters (11 to 74 us a
    /// piece): for queries and control. Bound the wait with
    /// [`Clock::timeout`](crate::Clock::timeout).
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn ask<R>(
        &self,
        cost: u32,
        question: impl FnOnce(Reply<R>) -> M,
    ) -> Result<R, AskError> {
        let credit = self.credits.try_take(cost)?;
        let (asker, answer) = reply();
        self.tell_reserved(question(asker), credit).map_err(|_| Unanswered)?;
        Ok(answer.await?)
    }
}

impl<M: Send + 'static> Clone for Handle<M> {
    fn clone(&self) -> Self {
        Self { recipient: Arc::clone(&self.recipient), credits: self.credits.clone() }
    }
}

impl<M: Send + 'static> fmt::Debug for Handle<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("credits", &self.credits.target()).finish_non_exhaustive()
    }
}

/// A message to an actor on the same arbiter, with the flight that keeps the actor from
/// passivation.
#[derive(Debug)]
pub struct Turn<M> {
    /// Goes back to `Active::end` with the result.
    pub flight: Flight,
    /// What is to be done.
    pub msg: M,
}

impl<M: Send + 'static> Message for Turn<M> {
    type Result = ();
}

/// The one owner of an actor on the same arbiter. Dropping it ends the actor, after it has handled
/// what is in its mailbox. What can be in the mailbox is bounded by the flights of `active`.
pub struct Local<A: Actor> {
    addr: Addr<A>,
    /// Not `Send`: a message across threads would need credits.
    here: PhantomData<*const ()>,
}

impl<A: Actor<Context = Context<A>>> Local<A> {
    /// Starts the actor on the current arbiter.
    ///
    /// # Panics
    /// Outside an arbiter.
    #[must_use]
    pub fn start(actor: A) -> Self {
        Self { addr: actor.start(), here: PhantomData }
    }

    /// Sends; the actor handles it after the current handler has returned. The flight proves that
    /// there is room.
    pub fn send<M>(&self, turn: Turn<M>)
    where
        A: Handler<Turn<M>>,
        M: Send + 'static,
    {
        self.addr.do_send(turn);
    }
}

impl<A: Actor> fmt::Debug for Local<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local").finish_non_exhaustive()
    }
}

/// One wake-up message to an actor on the same arbiter; the caller sends it at most once at a time.
pub(crate) struct Wake<W: Message<Result = ()> + Send + 'static>(Recipient<W>);

impl<W: Message<Result = ()> + Send + 'static> Wake<W> {
    pub(crate) fn new(recipient: Recipient<W>) -> Self {
        Self(recipient)
    }

    pub(crate) fn send(&self, wake: W) {
        self.0.do_send(wake);
    }
}

#[cfg(test)]
mod tests;
