//! The pure core of Cadencia: what a customer, an event, a journey and a verdict are, and how a
//! journey advances.
//!
//! Owns the words of the glossary as types. Called by every other crate of the project. It must
//! never read a clock, the environment, a random source, a file or the network, and never log:
//! time, data and chance (a hash of ids) come in as arguments.

pub mod campaign;
pub mod channel;
pub mod check;
pub mod consent;
pub mod customer;
pub mod event;
pub mod expression;
pub mod hash;
pub mod ids;
pub mod journey;
pub mod labels;
pub mod membership;
pub mod metadata;
pub mod problem;
pub mod segment;
pub mod suppression;
pub mod template;
pub mod time;
pub mod value;
pub mod verdict;
