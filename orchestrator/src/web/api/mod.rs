//! The interfaces for programs.

pub mod access;
pub mod admin;
pub(crate) mod audiences;
pub(super) mod backup;
pub(crate) mod catalog;
pub(super) mod cursor;
pub(crate) mod customers;
pub(crate) mod errors;
pub mod health;
pub mod hooks;
pub(crate) mod page;
mod recorded;
pub mod sends;
pub mod tracking;
pub mod unsubscribe;
