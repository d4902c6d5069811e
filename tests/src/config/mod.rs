//! Definitions as people write them: every mistake at its place, good ones without a word.
//!
//! `bad/*.yaml` end with the problems that they must give, as comments. They are read beside
//! `base.yaml`, which declares what they refer to.

mod bad;
mod canonical;
mod examples;
mod labels;
pub(crate) mod properties;
mod schema;
mod settings;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cadencia::config::{Loaded, Source, load_sources};

/// The directory of these tests.
fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config")
}

/// The campaign directories of the project.
fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../orchestrator/examples")
}

/// Reads a text beside the base.
fn load(name: &str, text: &str) -> Loaded {
    let base = fs::read_to_string(here().join("base.yaml")).expect("the base can be read");
    load_sources(&[Source::new("base.yaml", base), Source::new(name, text)])
}

/// `line:column: message` of each problem, in order.
fn lines(loaded: &Loaded) -> Vec<String> {
    loaded
        .report
        .diagnostics()
        .iter()
        .map(|found| {
            let advice = found.suggestion.as_ref().map(|text| format!(" | {text}"));
            let text = found.to_string();
            let text = text.split_once(':').map_or(text.as_str(), |(_, rest)| rest);
            format!("{text}{}", advice.unwrap_or_default())
        })
        .collect()
}

/// A journey with these lines as its steps, indented by four spaces.
fn journey(steps: &str) -> Arc<Source> {
    let head = "apiVersion: cadencia/v1\nkind: Journey\nmetadata: {name: test}\nspec:\n  \
                enter: {event: A}\n  steps:\n";
    Source::new("journey.yaml", format!("{head}{steps}"))
}
