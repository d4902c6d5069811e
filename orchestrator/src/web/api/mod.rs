//! The interfaces for programs.

pub mod admin;
pub(super) mod backup;
pub mod health;
pub mod tracking;
pub mod unsubscribe;
