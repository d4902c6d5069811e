//! Wakes an actor by the clock: at an instant that may be moved, or every so often.
//!
//! actix's own `run_later` and `run_interval` sleep by real time, which no test can move; they are
//! not to be used.

use std::pin::Pin;
use std::task::{self, Poll, ready};

use actix::fut::{ActorFuture, ActorFutureExt, wrap_future};
use actix::{Actor, AsyncContext, Context, SpawnHandle};

use crate::clock::{Clock, Interval};

/// One wake-up of an actor that may be moved. Belongs into the actor.
#[derive(Debug)]
pub struct Alarm {
    clock: Clock,
    set: Option<(i64, SpawnHandle)>,
}

impl Alarm {
    /// An alarm that is not set.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, set: None }
    }

    /// When it rings, in milliseconds since the epoch.
    #[must_use]
    pub fn due_ms(&self) -> Option<i64> {
        self.set.map(|(due_ms, _)| due_ms)
    }

    /// Makes `ring` run in the actor at `due_ms`, instead of when it was set to ring before. `ring`
    /// must begin with [`Self::rang`], after which the alarm may be set again.
    pub fn set<A, F>(&mut self, ctx: &mut Context<A>, due_ms: i64, ring: F)
    where
        A: Actor<Context = Context<A>>,
        F: FnOnce(&mut A, &mut Context<A>) + 'static,
    {
        if self.due_ms() == Some(due_ms) {
            return;
        }
        self.cancel(ctx);
        let sleep = wrap_future::<_, A>(self.clock.sleep_until(due_ms));
        let handle = ctx.spawn(sleep.map(|(), actor, ctx| ring(actor, ctx)));
        self.set = Some((due_ms, handle));
    }

    /// As [`Self::set`], but only if that is earlier than what it is set to.
    pub fn set_earlier<A, F>(&mut self, ctx: &mut Context<A>, due_ms: i64, ring: F)
    where
        A: Actor<Context = Context<A>>,
        F: FnOnce(&mut A, &mut Context<A>) + 'static,
    {
        if self.due_ms().is_none_or(|set_ms| due_ms < set_ms) {
            self.set(ctx, due_ms, ring);
        }
    }

    /// Sets it to ring in `after_ms` of its clock.
    pub fn set_after<A, F>(&mut self, ctx: &mut Context<A>, after_ms: i64, ring: F)
    where
        A: Actor<Context = Context<A>>,
        F: FnOnce(&mut A, &mut Context<A>) + 'static,
    {
        let due_ms = self.clock.now_ms().saturating_add(after_ms);
        self.set(ctx, due_ms, ring);
    }

    /// It has rung: it is not set any more.
    pub fn rang(&mut self) {
        self.set = None;
    }

    /// It shall not ring.
    pub fn cancel<A: Actor<Context = Context<A>>>(&mut self, ctx: &mut Context<A>) {
        if let Some((_, handle)) = self.set.take() {
            ctx.cancel_future(handle);
        }
    }
}

/// Runs `tick` in the actor every `period_ms`, the first time one period from now, until the actor
/// stops or the handle is cancelled. Ticks that were missed are skipped.
pub fn every<A, F>(ctx: &mut Context<A>, clock: &Clock, period_ms: u64, tick: F) -> SpawnHandle
where
    A: Actor<Context = Context<A>>,
    F: FnMut(&mut A, &mut Context<A>) + Unpin + 'static,
{
    let waiting = Box::pin(next_tick(clock.interval(period_ms)));
    ctx.spawn(Ticking { waiting, tick })
}

struct Ticking<F> {
    waiting: Pin<Box<dyn Future<Output = Interval>>>,
    tick: F,
}

async fn next_tick(mut interval: Interval) -> Interval {
    interval.tick().await;
    interval
}

impl<A, F> ActorFuture<A> for Ticking<F>
where
    A: Actor<Context = Context<A>>,
    F: FnMut(&mut A, &mut Context<A>) + Unpin + 'static,
{
    type Output = ();

    fn poll(
        mut self: Pin<&mut Self>,
        actor: &mut A,
        ctx: &mut Context<A>,
        task: &mut task::Context<'_>,
    ) -> Poll<()> {
        loop {
            let interval = ready!(self.waiting.as_mut().poll(task));
            (self.tick)(actor, ctx);
            self.waiting = Box::pin(next_tick(interval));
        }
    }
}

#[cfg(test)]
mod tests;
