//! Tidy: rules about the tree itself that neither the compiler nor clippy can check.
//!
//! Each module is one concern. A problem names the file, the line and what to do. The rules are
//! those of `orchestrator/docs/architecture.md`.

mod bans;
mod code;
mod dependencies;
mod docs;
mod errors;
mod examples;
mod headers;
mod imports;
mod layout;
mod size;
mod tree;
mod words;

/// Fails with every problem, not only the first.
#[track_caller]
fn expect_none(problems: Vec<String>) {
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}
