//! The customer actor: one per active customer, alive while it is busy or was lately. It holds
//! what was loaded and runs its turns; passivated, it leaves nothing behind but its rows.

use actix::{Actor, Context, Handler};
use engine::Loaded;
use runtime::{Flight, Returns, Turn};

use super::Work;
use super::core::SharedCore;
use super::load::LoadError;

/// What a turn gives back to the partition.
#[derive(Debug)]
pub struct Returned {
    /// The flight of the turn.
    pub flight: Flight,
    /// Why the turn failed, if it did.
    pub failed: Option<LoadError>,
}

/// One active customer.
#[derive(Debug)]
pub struct CustomerActor {
    loaded: Loaded,
    core: SharedCore,
    returns: Returns<Returned>,
    /// A turn failed half-way: what is loaded is not what is durable, and no further turn may start
    /// from it. The partition lets it go; the next one is loaded from what is durable.
    broken: bool,
}

impl CustomerActor {
    /// Around what was loaded.
    pub fn new(loaded: Loaded, core: SharedCore, returns: Returns<Returned>) -> Self {
        Self { loaded, core, returns, broken: false }
    }
}

impl Actor for CustomerActor {
    type Context = Context<Self>;
}

impl Handler<Turn<Vec<Work>>> for CustomerActor {
    type Result = ();

    fn handle(&mut self, turn: Turn<Vec<Work>>, _ctx: &mut Context<Self>) {
        let mut failed = None;
        if self.broken {
            self.core.borrow_mut().settle_without_customer(self.loaded.customer.key(), turn.msg);
        } else {
            failed = self.core.borrow_mut().turn(&mut self.loaded, turn.msg).err();
            self.broken = failed.is_some();
        }
        self.returns.push(Returned { flight: turn.flight, failed });
    }
}
