//! The demo: a small shop with synthetic customers, served by the whole product on an accelerated
//! clock. `life` makes the events, `feed` takes them in, `panel` sums up on the terminal, `shop`
//! is the campaign, `scratch` the directory that goes at the end. Called by the command line.

mod calls;
mod draw;
pub mod feed;
pub mod life;
pub mod panel;
mod people;
pub mod scratch;
pub mod shop;

pub use feed::{Fed, Feed};
pub use life::Life;
pub use panel::Panel;
pub use scratch::{Scratch, ScratchError};

/// First instant of the demo: Monday, 2 March 2026, 08:00 UTC. Fixed, so that the same seed gives
/// the same shop; the change to summer time falls into its first month.
pub const START_MS: i64 = 1_772_438_400_000;
