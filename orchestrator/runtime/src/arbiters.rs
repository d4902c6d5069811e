//! The arbiters: one thread each, on which partition actors live, and their end.
//!
//! Called by the composition root. Partition `p` lives on arbiter `p mod N`, whatever else there
//! is.
//!
//! Panics: a panic in an actor ends the actor's task and drops its mailbox without a word, while
//! everybody goes on waiting for it. So no process may outlive one: the release profile aborts, and
//! [`abort_on_panic`] makes every other build do the same. What was not committed is done again
//! after the restart.

use std::io;
use std::num::NonZeroUsize;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use actix::{Actor, Addr, Context};
use actix_rt::{Arbiter, ArbiterHandle, System};
use thiserror::Error;

/// Why the arbiters could not be started or did not end well.
#[derive(Debug, Error)]
pub enum ArbiterError {
    /// A thread or its event loop could not be made.
    #[error("an arbiter could not be started: {0}")]
    Start(#[source] io::Error),
    /// A thread had panicked; only possible without [`abort_on_panic`].
    #[error("arbiter {index} has panicked")]
    Panicked {
        /// Which one.
        index: usize,
    },
    /// The system thread had panicked, or could not report.
    #[error("the system thread has panicked")]
    System,
}

/// A number of arbiters, and the actix system if it was started with them.
#[derive(Debug)]
pub struct Arbiters {
    arbiters: Vec<Arbiter>,
    own_system: Option<(System, JoinHandle<io::Result<()>>)>,
}

impl Arbiters {
    /// Starts `count` arbiters: in the caller's actix system if it runs in one, else in one that is
    /// started on a thread of its own.
    ///
    /// # Errors
    /// [`ArbiterError`].
    pub fn start(count: NonZeroUsize) -> Result<Self, ArbiterError> {
        if System::is_registered() {
            let arbiters = make(count).map_err(ArbiterError::Start)?;
            return Ok(Self { arbiters, own_system: None });
        }
        let (report, started) = mpsc::channel();
        let system = move || {
            let runner = System::new();
            // Nobody to report to means that the starter has gone: there is nothing to run for.
            let parts = make(count).map(|arbiters| (System::current(), arbiters));
            if report.send(parts).is_err() {
                return Ok(());
            }
            runner.run()
        };
        let named = thread::Builder::new().name("system".to_owned());
        let thread = named.spawn(system).map_err(ArbiterError::Start)?;
        let parts = started.recv().map_err(|_| ArbiterError::System)?;
        let (system, arbiters) = parts.map_err(ArbiterError::Start)?;
        Ok(Self { arbiters, own_system: Some((system, thread)) })
    }

    /// How many arbiters there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.arbiters.len()
    }

    /// The arbiter on which `partition` lives, by number.
    #[must_use]
    pub fn index_of(&self, partition: u32) -> usize {
        partition as usize % self.arbiters.len()
    }

    /// The arbiter on which `partition` lives.
    #[must_use]
    pub fn of(&self, partition: u32) -> ArbiterHandle {
        self.arbiters[self.index_of(partition)].handle()
    }

    /// Makes an actor on the arbiter of `partition`; `make` runs there, so the actor need not be
    /// `Send`. Its mailbox may be used at once.
    pub fn start_actor<A, F>(&self, partition: u32, make: F) -> Addr<A>
    where
        A: Actor<Context = Context<A>>,
        F: FnOnce(&mut Context<A>) -> A + Send + 'static,
    {
        A::start_in_arbiter(&self.of(partition), make)
    }

    /// Runs a future on the arbiter of `partition`; `make` runs there, so it need not be `Send`.
    pub fn spawn<W: Future<Output = ()> + 'static>(
        &self,
        partition: u32,
        make: impl FnOnce() -> W + Send + 'static,
    ) {
        self.of(partition).spawn_fn(move || {
            actix_rt::spawn(make());
        });
    }

    /// Ends the arbiters, last started first, waits for their threads, then ends the system if it
    /// was started here. What is still in a mailbox is dropped: stop the actors first, in their
    /// order, with a [`StopOrder`](crate::stop::StopOrder).
    ///
    /// Blocks, so not to be called on one of the arbiters.
    ///
    /// # Errors
    /// [`ArbiterError`], after everything has been ended all the same.
    pub fn join(self) -> Result<(), ArbiterError> {
        let mut outcome = Ok(());
        for (index, arbiter) in self.arbiters.into_iter().enumerate().rev() {
            arbiter.stop();
            if arbiter.join().is_err() {
                outcome = Err(ArbiterError::Panicked { index });
            }
        }
        if let Some((system, thread)) = self.own_system {
            system.stop();
            if !matches!(thread.join(), Ok(Ok(()))) {
                outcome = Err(ArbiterError::System);
            }
        }
        outcome
    }
}

fn make(count: NonZeroUsize) -> io::Result<Vec<Arbiter>> {
    (0..count.get()).map(|_| Arbiter::try_new()).collect()
}

/// Makes every panic end the process, after the message that it prints anyhow. See the module text.
pub fn abort_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        tracing::error!(%panic, "ending the process: an actor that panics loses its mailbox");
        std::process::abort();
    }));
}

#[cfg(test)]
mod tests;
