//! Retargeting audiences: who is a member, by hashed identifiers, mirrored to where advertising
//! platforms read it.
//!
//! An export is an attempt like any other, but what it hands over is the whole set: to repeat it
//! changes nothing, and whatever was missed before is made good by it (research on platforms:
//! membership is a set, the newest state wins).

mod files;
mod folder;
mod hashed;

pub use files::{Manifest, Part};
pub use folder::{Folder, Place};
pub use hashed::{Hashed, Members};
