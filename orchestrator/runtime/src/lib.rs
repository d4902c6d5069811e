//! What actors stand on: handles and really bounded mailboxes over actix, arbiters, activation and
//! passivation, the one clock, timers, fencing. It knows nothing of what the actors are about: keys
//! are 16 bytes, inputs are opaque.
//!
//! How the parts meet in a partition actor:
//!
//! 1. A batch reserves [`credits`] in every partition it touches, then each part goes through its
//!    [`Handle`]; the partition keeps the credits with the inputs.
//! 2. Inputs wait in [`lanes`]; `take` hands out a key, which is found in [`active`] or loaded.
//! 3. `begin` gives a flight, the [`Local`] actor makes its turn and puts the result into a
//!    [`Returns`] cell; `Collect` wakes the partition once for all results.
//! 4. The partition calls `end` and `finish`, and holds effects back in [`Durable`].
//! 5. A scheduler takes due keys from [`timers`], woken by an [`Alarm`], and settles them when
//!    their turns are durable.
//!
//! This crate must not use another crate of the project.

pub mod active;
pub mod alarm;
pub mod arbiters;
pub mod clock;
pub mod credits;
pub mod durable;
pub mod generation;
pub mod handle;
pub mod key;
pub mod lanes;
pub mod reply;
pub mod returns;
pub mod slots;
pub mod stop;
pub mod timers;

pub use active::{Active, Flight};
pub use alarm::Alarm;
pub use arbiters::Arbiters;
pub use clock::{Clock, SimulatedClock};
pub use credits::{Busy, Credit, Credits, Target, reserve_all};
pub use durable::Durable;
pub use generation::{Fence, Generation, Stamped};
pub use handle::{Delivery, Handle, Local, Turn};
pub use key::{Key, KeyMap};
pub use lanes::{Lane, Lanes};
pub use reply::{Reply, reply};
pub use returns::{Collect, Returns};
pub use slots::{Permit, Slots};
pub use timers::{Due, Timers};
