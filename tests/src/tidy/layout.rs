//! What may lie at the top of the tree.

use std::collections::BTreeSet;
use std::fs;

use super::tree;

/// Must be there.
const REQUIRED: [&str; 8] = [
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "channels",
    "orchestrator",
    "policies",
    "tests",
];

/// May be there.
const ALLOWED: [&str; 8] = [
    ".ci",
    ".clippy.toml",
    ".config",
    ".deny.toml",
    ".github",
    ".gitignore",
    ".rustfmt.toml",
    "helm",
];

/// Made by tools on this machine, never part of the project.
const LOCAL: [&str; 2] = [".git", "target"];

#[test]
fn the_top_level_is_what_the_architecture_says() {
    let found: BTreeSet<String> = fs::read_dir(tree::root())
        .expect("the root can be read")
        .map(|entry| entry.expect("an entry can be read").file_name().to_string_lossy().into())
        .collect();
    let known =
        |name: &str| REQUIRED.contains(&name) || ALLOWED.contains(&name) || LOCAL.contains(&name);
    let extra = found.iter().filter(|name| !known(name)).map(|name| {
        format!("{name}: nothing else goes to the root; it belongs into one of the directories")
    });
    let missing = REQUIRED
        .iter()
        .filter(|name| !found.contains(**name))
        .map(|name| format!("{name}: is missing"));
    super::expect_none(extra.chain(missing).collect());
}

#[test]
fn continuous_integration_runs_the_local_command() {
    let script = fs::read_to_string(tree::root().join(".ci/run")).expect(".ci/run is there");
    let commands: Vec<&str> =
        script.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    let expected = ["set -euo pipefail", "cd \"$(dirname \"$0\")/..\"", "exec bash tests/run.sh"];
    assert_eq!(commands, expected);
}
