//! The interfaces for programs.

pub mod health;
pub mod tracking;
pub mod unsubscribe;
