//! `simulate`: the campaign over recorded events, on virtual time, with nothing sent.
//!
//! Drives the same engine as the server, customer by customer: nothing but shared budgets and
//! aliases couples customers, so each one's life is run from its first input to the horizon while
//! it is warm in the cache, and those that aliases tie together as one family. The output is the
//! same for any number of threads (semantics 30). Events and sends are packed: only what a thread
//! works on is spread out in memory. Called by the command line and the bench. It must never open a
//! store or hand a message to a channel.

mod drive;
mod family;
mod html;
mod life;
mod pieces;
mod recording;
mod report;
mod sends;
mod summary;
mod tally;

pub use drive::{Plan, simulate};
pub use life::{Held, SendOutcome, SendRecord};
pub use recording::Recording;
pub use report::{WriteError, write};
pub use sends::Sends;
pub use summary::{Results, Summary};
