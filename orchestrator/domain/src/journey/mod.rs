//! Journeys: the published graph of steps, and how an enrollment moves through it.
//!
//! `definition` is what validation lets through; `steps` holds one file per kind of step, with
//! its YAML shape, its validation and its behaviour; `machine` advances one enrollment.

pub mod definition;
pub mod enrollment;
pub mod machine;
pub mod raw;
pub mod scope;
pub mod steps;
pub mod validate;
