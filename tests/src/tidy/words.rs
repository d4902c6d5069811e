//! Words that the glossary replaces must not become names.

use super::code::{code_only, is_word, line_of};
use super::tree;

/// Part of a name, and the word to use.
const WORDS: [(&str, &str); 7] = [
    ("subscriber", "customer"),
    ("workflow", "journey"),
    ("throttl", "contact policy, frequency cap or rate limit"),
    ("prospect", "lead"),
    ("blocklist", "suppression"),
    ("blacklist", "suppression"),
    ("whitelist", "name what it allows"),
];

/// Names of foreign crates that contain such a word.
const FOREIGN: [&str; 3] = ["tracing_subscriber", "subscriberext", "subscriberinitext"];

#[test]
fn names_are_words_of_the_glossary() {
    let mut problems = Vec::new();
    for source in tree::rust_files() {
        let code = code_only(&source.text).to_lowercase();
        for (word, instead) in WORDS {
            for (at, _) in code.match_indices(word) {
                let name = name_around(&code, at);
                let foreign = FOREIGN.contains(&name) || code[..at].ends_with("tracing::");
                if !foreign {
                    let line = line_of(&code, at);
                    problems.push(format!("{}:{line}: `{name}`: say {instead}", source.path));
                }
            }
        }
    }
    super::expect_none(problems);
}

/// The whole name that a byte belongs to.
fn name_around(code: &str, at: usize) -> &str {
    let bytes = code.as_bytes();
    let start = (0..at).rev().find(|at| !is_word(bytes[*at])).map_or(0, |at| at + 1);
    let end = (at..bytes.len()).find(|at| !is_word(bytes[*at])).unwrap_or(bytes.len());
    &code[start..end]
}
