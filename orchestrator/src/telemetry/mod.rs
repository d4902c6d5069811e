//! What operators see: names, metrics and the set-up of logs.
//!
//! Owns every name that leaves the process as telemetry. Called by `app` once at start, by actors
//! and `web` to count. It must never influence a decision, and never carry an address or a
//! customer's id as a metric attribute.

mod histogram;
pub mod metrics;
pub mod names;
pub mod setup;

pub use histogram::AtomicHistogram;
