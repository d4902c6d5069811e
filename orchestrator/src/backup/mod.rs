//! Copies of a store: all rows as of one commit, taken while it runs, in one file that does not
//! depend on how a store keeps its rows.

pub mod format;
mod make;
mod restore;

pub use make::{Made, MakeError, PARTIAL, check, make};
pub use restore::{RestoreError, Restored, restore};
