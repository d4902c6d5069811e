//! The interfaces for programs.

pub mod access;
pub mod admin;
mod audiences;
pub(super) mod backup;
pub(super) mod cursor;
pub mod health;
pub mod sends;
pub mod tracking;
pub mod unsubscribe;
