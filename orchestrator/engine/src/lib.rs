//! The pure engine: one turn of a customer, from loaded state to a transaction and effects.
//!
//! Composes the journey machine, the contact policy, the ledger, the outbox and the counters.
//! Driven by the actors, by `simulate`, by the bench and by the crash simulation alike. It must
//! never read a clock, touch a store or send anything: what to write is a [`Transaction`], what
//! to do once that is durable is a list of [`Effect`]s.

pub mod audience;
pub mod catalog;
pub mod codec;
pub mod counters;
pub mod history;
pub mod ledger;
pub mod merge;
pub mod note;
pub mod partition;
pub mod redrive;
pub mod report;
pub mod transaction;
pub mod turn;
pub mod walks;
pub mod withdraw;

mod absorb;
mod enroll;
mod gate;
mod journeys;
mod outcomes;
mod profile;
mod recovery;
mod snapshot;
mod waiting;

pub use catalog::Catalog;
pub use gate::would;
pub use partition::{Effect, Partition};
pub use transaction::{Table, Transaction, Write};
pub use turn::{Begun, Input, Loaded, Ticket};
pub use walks::Walks;
