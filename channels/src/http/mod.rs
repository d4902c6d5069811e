//! Requests to addresses that a user gave: where they may go, and what is known of each.
//!
//! Owns the one client for such requests, with its guard against reaching the inside of a network,
//! and the exchange of one request: until its body was asked for nothing of the message has left,
//! from then on only an answer decides. Called by the providers that speak HTTP. It must never
//! follow a redirect, use a proxy of the environment, or send anything twice.

mod address;
mod body;
mod egress;
mod exchange;
mod hosts;
mod look;
#[cfg(test)]
mod tests;

pub use egress::{Egress, EgressError, Lookup, Refused, SystemLookup, Target};
pub use exchange::Timeouts;
pub use hosts::{AllowedHost, HostError};

pub(crate) use exchange::{Answer, LATE, Request, exchange};
pub(crate) use look::look;

/// Longest answer that is read. What is longer is cut off: what we need of one is short, and the
/// other side is not ours.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;
