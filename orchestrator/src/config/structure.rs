//! All structural problems of a document, not just the first.
//!
//! A type stops at its first mistake. So the mistake is recorded, the node is poisoned (it then
//! deserialises as anything) or, if its key is unknown, removed, and the tree is tried again until
//! it fits. Nothing is reported twice, and what is right is still checked for its meaning.

use domain::problem::{Path, Problem, Segment, nearest};
use serde::de::DeserializeOwned;

use super::yaml::de::{Kind, Mismatch};
use super::yaml::{Content, Entry, Node};

/// Most structural problems of one document; with more it is not worth reading on, and the
/// time of the search stays bounded.
pub(crate) const STRUCTURE_PROBLEMS_MAX: usize = 100;

/// The value that a tree stands for. Mistakes are recorded, and poisoned in the tree. `None` if
/// there were too many.
pub(crate) fn fit<T: DeserializeOwned>(
    root: &mut Node,
    base: &Path,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    let limit = problems.len() + STRUCTURE_PROBLEMS_MAX;
    loop {
        let node = root.at_mut(base)?;
        let mismatch = match T::deserialize(&*node) {
            Ok(value) => return Some(value),
            Err(mismatch) => mismatch,
        };
        let path = mismatch.path();
        let changed = repair(node, &path, &mismatch.kind);
        let mut full = base.clone();
        full.0.extend(path.0);
        problems.push(problem(full, mismatch));
        if !changed || problems.len() >= limit {
            return None;
        }
    }
}

/// Takes the mistake out of the tree. False if it cannot be found.
fn repair(root: &mut Node, path: &Path, kind: &Kind) -> bool {
    let Some((last, above)) = path.0.split_last() else {
        return poison(root);
    };
    let Some(parent) = above.iter().try_fold(root, Node::child_mut) else { return false };
    let span = parent.span.start..parent.span.start;
    match (kind, last, &mut parent.content) {
        (Kind::UnknownKey { .. }, Segment::Key(key), Content::Map(entries)) => {
            let before = entries.len();
            entries.retain(|entry| entry.key != *key);
            entries.len() < before
        }
        (Kind::UnknownChoice { key: true, .. }, ..) => poison(parent),
        (Kind::MissingKey { key }, _, Content::Map(entries)) => {
            let value = Node::new(Content::Poison, span.clone());
            entries.push(Entry { key: (*key).to_owned(), key_span: span, value });
            true
        }
        _ => parent.child_mut(last).is_some_and(poison),
    }
}

fn poison(node: &mut Node) -> bool {
    let fresh = node.content != Content::Poison;
    node.content = Content::Poison;
    fresh
}

fn problem(path: Path, mismatch: Mismatch) -> Problem {
    match mismatch.kind {
        Kind::UnknownKey { key, expected } => {
            Problem::new(path, format!("unknown key `{key}`")).on_key().suggest(choice(&key, expected))
        }
        Kind::UnknownChoice { word, expected, key: true } => {
            Problem::new(path, format!("unknown key `{word}`"))
                .on_key()
                .suggest(choice(&word, expected))
        }
        Kind::UnknownChoice { word, expected, key: false } => {
            Problem::new(path, format!("unknown value `{word}`")).suggest(choice(&word, expected))
        }
        Kind::MissingKey { key } => Problem::new(path, format!("missing key `{key}`")),
        Kind::NotOneKey { keys, expected } => not_one_key(path, &keys, expected),
        Kind::WrongType { found, expected } => wrong_type(path, &found, &expected),
        Kind::Custom(message) => Problem::new(path, message),
    }
}

/// "did you mean", or else what there is.
pub(crate) fn choice(word: &str, expected: &[&str]) -> String {
    match nearest(word, expected.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if expected.is_empty() => "remove it: nothing is expected here".to_owned(),
        None => {
            let words: Vec<_> = expected.iter().map(|word| format!("`{word}`")).collect();
            format!("expected {}{}", if words.len() > 1 { "one of " } else { "" }, words.join(", "))
        }
    }
}

fn not_one_key(path: Path, keys: &[String], expected: &[&str]) -> Problem {
    let found = match keys {
        [] => "nothing".to_owned(),
        keys => keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", "),
    };
    let known: Vec<_> = keys.iter().filter(|key| expected.contains(&key.as_str())).collect();
    let problem = Problem::new(path, format!("expected exactly one key, found {found}"));
    match known.as_slice() {
        [one] => problem.suggest(format!("indent the other keys below `{one}`")),
        [] => problem.suggest(choice(keys.first().map_or("", String::as_str), expected)),
        _ => problem.suggest("start each one with its own `-`"),
    }
}

fn wrong_type(path: Path, found: &str, expected: &str) -> Problem {
    let problem = Problem::new(path, format!("expected {expected}, found {found}"));
    let number = found.strip_prefix("the number ");
    let text = found.strip_prefix("the text ").map(|text| text.trim_matches('"'));
    match (expected, number, text) {
        ("text", Some(number), _) => problem.suggest(format!("write \"{number}\" in quotes")),
        ("text", ..) if found.starts_with('`') => {
            problem.suggest(format!("write \"{}\" in quotes", found.trim_matches('`')))
        }
        ("`true` or `false`", _, Some("yes" | "on" | "Yes" | "On")) => problem.suggest("write `true`"),
        ("`true` or `false`", _, Some("no" | "off" | "No" | "Off")) => {
            problem.suggest("write `false`")
        }
        (_, _, Some(text)) if text.parse::<f64>().is_ok() => {
            problem.suggest("write the number without quotes")
        }
        ("a list", ..) if found != "nothing" => problem.suggest("start each element with `- `"),
        _ => problem,
    }
}
