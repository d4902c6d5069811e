//! What operators see: names, metrics, traces, the set-up of logs, and their way to a collector.
//!
//! Owns every name that leaves the process as telemetry. Called by `app` once at start, by actors
//! and `web` to count and to tell what happened. It must never influence a decision, and never
//! carry an address or a customer's id.

mod customer_hash;
mod exemplars;
pub mod export;
mod histogram;
pub mod metrics;
pub mod names;
pub mod recent;
pub mod reference;
mod sealed_id;
pub mod setup;
pub mod trace;

pub use customer_hash::{CustomerHash, derive_key, set_key};
pub use histogram::AtomicHistogram;
pub use sealed_id::{ID_DIGITS, Seal, SealedId, WRAPPED_DIGITS, event_hash};
