//! The interfaces for programs.

pub mod access;
pub mod admin;
pub mod health;
pub mod tracking;
pub mod unsubscribe;
