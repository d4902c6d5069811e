//! What people write: definitions in YAML, and the settings of the server.
//!
//! Definitions: `yaml` reads text into trees that know their places, `structure` fits them to the
//! raw types with all mistakes at once, `document` knows the kinds, `validate` hands them to the
//! crates that own their meaning, `catalog` puts a directory together. The raw types stand beside
//! what they describe, in `domain` and `policies`. Called by the command line, the server and the
//! tests. Nothing here decides about a customer.

mod canonical;
mod catalog;
mod document;
mod files;
mod report;
pub mod schema;
pub mod settings;
mod source;
mod structure;
mod validate;
mod yaml;

pub use catalog::{
    Definitions, Document, FILES_MAX, Loaded, load_directory, load_sources, revive_journey,
};
pub use document::{API_VERSION, Kind};
pub use report::{Diagnostic, Report, Severity};
pub use source::{FILE_MAX_BYTES, Position, Source};
