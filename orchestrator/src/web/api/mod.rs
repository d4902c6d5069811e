//! The interfaces for programs.

pub mod access;
pub mod admin;
mod audiences;
pub(super) mod backup;
pub mod health;
pub mod tracking;
pub mod unsubscribe;
