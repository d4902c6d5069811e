//! The YAML examples in doc comments: found here, so that they are checked like definitions.

use super::tree;

/// Directories in which one file is one kind, and its header shows how it is written.
const HOMES: [&str; 2] = ["orchestrator/domain/src/journey/steps/", "policies/src/rules/"];

/// Rules that hold for every send and are not written in a policy: they have no YAML to show.
const WITHOUT_YAML: [&str; 3] = [
    "policies/src/rules/catch_up.rs",
    "policies/src/rules/reachability.rs",
    "policies/src/rules/validity.rs",
];

/// An example as it stands in a doc comment.
#[derive(Debug, PartialEq)]
struct Example {
    /// File that holds it.
    path: String,
    /// Line of its first line of YAML, from 1.
    line: usize,
    /// The YAML, without the comment marks.
    yaml: String,
}

/// The examples of one text, or where a fence stays open.
fn extract(path: &str, text: &str) -> Result<Vec<Example>, String> {
    let mut found = Vec::new();
    let mut open: Option<Example> = None;
    for (number, line) in text.lines().enumerate().map(|(at, line)| (at + 1, line.trim_start())) {
        let comment = line.strip_prefix("//!").or(line.strip_prefix("///"));
        let content = comment.map(|text| text.strip_prefix(' ').unwrap_or(text));
        match (open.take(), content) {
            (None, Some("```yaml")) => {
                open = Some(Example { path: path.into(), line: number + 1, yaml: String::new() });
            }
            (None, _) => {}
            (Some(example), Some("```")) => found.push(example),
            (Some(mut example), Some(content)) => {
                example.yaml.push_str(content);
                example.yaml.push('\n');
                open = Some(example);
            }
            (Some(example), None) => {
                return Err(format!("{path}:{}: the example is never closed", example.line));
            }
        }
    }
    match open {
        Some(example) => Err(format!("{path}:{}: the example is never closed", example.line)),
        None => Ok(found),
    }
}

/// Every example of every kind.
fn examples() -> Vec<Example> {
    let homes = |path: &str| HOMES.iter().any(|home| path.starts_with(home));
    let sources = tree::rust_files().into_iter().filter(|source| homes(&source.path));
    sources.flat_map(|source| extract(&source.path, &source.text).expect("fences close")).collect()
}

/// Whether a file is one kind: directly in a home; what lies deeper is a part of one.
fn is_kind(path: &str) -> bool {
    let name = HOMES.iter().find_map(|home| path.strip_prefix(home));
    name.is_some_and(|name| name != "mod.rs" && name != "tests.rs" && !name.contains('/'))
}

#[test]
fn every_kind_shows_how_it_is_written() {
    let shown: Vec<String> = examples().into_iter().map(|example| example.path).collect();
    let missing = tree::rust_files()
        .into_iter()
        .map(|source| source.path)
        .filter(|path| is_kind(path) && !WITHOUT_YAML.contains(&path.as_str()))
        .filter(|path| !shown.contains(path))
        .map(|path| format!("{path}: its header needs a YAML example"))
        .collect();
    super::expect_none(missing);
}

#[test]
fn examples_are_found_with_their_places() {
    let text = "//! Waits.\n//!\n//! ```yaml\n//! - wait:\n//!     for: P1D\n//! ```\nfn f() {}\n";
    let expected = Example { path: "a".into(), line: 4, yaml: "- wait:\n    for: P1D\n".into() };
    assert_eq!(extract("a", text), Ok(vec![expected]));
    assert!(extract("a", "//! ```yaml\n//! - wait\nfn f() {}\n").is_err());
    assert!(extract("a", "//! ```yaml\n//! - wait\n").is_err());
}
