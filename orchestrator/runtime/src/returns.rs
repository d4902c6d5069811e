//! Results on one arbiter: many actors put them into a shared cell, their owner is woken once.
//!
//! Per result this costs a push into a vector instead of a message; the owner gets one [`Collect`]
//! however many results there are. Single-threaded by type.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;

use actix::dev::ToEnvelope;
use actix::{Addr, Handler, Message};

use crate::handle::Wake;

/// "There are results": the owner calls [`Returns::collect`] and goes through them.
#[derive(Clone, Copy, Debug)]
pub struct Collect;

impl Message for Collect {
    type Result = ();
}

struct Shared<T> {
    results: RefCell<Vec<T>>,
    woken: Cell<bool>,
    owner: Wake<Collect>,
}

/// The cell; clones share it.
pub struct Returns<T>(Rc<Shared<T>>);

impl<T> Returns<T> {
    /// A cell whose owner is `owner`.
    #[must_use]
    pub fn new<A>(owner: Addr<A>) -> Self
    where
        A: Handler<Collect>,
        A::Context: ToEnvelope<A, Collect>,
    {
        let owner = Wake::new(owner.recipient());
        Self(Rc::new(Shared { results: RefCell::default(), woken: Cell::new(false), owner }))
    }

    /// Adds a result; the first since the last [`Self::collect`] wakes the owner.
    pub fn push(&self, result: T) {
        self.0.results.borrow_mut().push(result);
        if !self.0.woken.replace(true) {
            self.0.owner.send(Collect);
        }
    }

    /// Swaps the results, in the order they were added, with `into`, which is cleared first: two
    /// vectors go back and forth and none is allocated.
    pub fn collect(&self, into: &mut Vec<T>) {
        into.clear();
        std::mem::swap(into, &mut self.0.results.borrow_mut());
        self.0.woken.set(false);
    }
}

impl<T> Clone for Returns<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Returns<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Returns").field("waiting", &self.0.results.borrow().len()).finish()
    }
}
