//! All structural problems of a document, not just the first.
//!
//! A type stops at its first mistake. So the mistake is recorded, the node is poisoned (it then
//! deserialises as anything) or, if its key is unknown, removed, and the tree is tried again until
//! it fits. Nothing is reported twice, and what is right is still checked for its meaning.

use domain::problem::{Path, Problem, Segment, nearest};
use serde::de::DeserializeOwned;

use super::yaml::mismatch::Kind;
use super::yaml::read::Flaw;
use super::yaml::{Content, Entry, Node};

/// Most structural problems of one document; with more it is not worth reading on, and the
/// time of the search stays bounded.
pub(crate) const STRUCTURE_PROBLEMS_MAX: usize = 100;

/// The value that a tree stands for. Mistakes are recorded, and mended or poisoned in the tree.
/// `None` if there were too many.
pub(crate) fn fit<T: DeserializeOwned>(
    root: &mut Node,
    base: &Path,
    flaws: &mut Vec<Flaw>,
) -> Option<T> {
    let limit = flaws.len() + STRUCTURE_PROBLEMS_MAX;
    let mut dropped: Vec<Path> = Vec::new();
    loop {
        let mismatch = match T::deserialize(root.place(base).node) {
            Ok(value) => return Some(value),
            Err(mismatch) => mismatch,
        };
        let path = mismatch.path();
        let mut full = base.clone();
        full.0.extend(path.0.iter().cloned());
        // A type that parses text refuses the stand-in too: then the key is taken out, once.
        if dropped.contains(&full) {
            return None;
        }
        if root.place(&full).poisoned {
            if !drop_key(root, &full) {
                return None;
            }
            dropped.push(full);
            continue;
        }
        let problem = problem(full, &mismatch.kind);
        flaws.push(problem_flaw(root, problem));
        let changed = root.at_mut(base).is_some_and(|node| repair(node, &path, &mismatch.kind));
        if !changed || flaws.len() >= limit {
            return None;
        }
    }
}

/// Where a problem stands in the text.
pub(crate) fn problem_flaw(root: &Node, problem: Problem) -> Flaw {
    let place = root.place(&problem.path);
    let span = match place.key_span {
        Some(key) if problem.on_key || !place.exact => key,
        _ if place.exact => place.node.span.clone(),
        // Something is missing in a mapping without a key of its own: its first key stands for it.
        _ => match &place.node.content {
            Content::Map(entries) if !entries.is_empty() => entries[0].key_span.clone(),
            _ => place.node.span.start..place.node.span.start,
        },
    };
    Flaw { span, message: problem.message, suggestion: problem.suggestion }
}

/// Takes the mistake out of the tree. A key that is nearly right is mended, so that what stands
/// under it is checked as well. False if nothing could be done.
fn repair(root: &mut Node, path: &Path, kind: &Kind) -> bool {
    let Some((last, above)) = path.0.split_last() else {
        return poison(root);
    };
    let Some(parent) = above.iter().try_fold(root, Node::child_mut) else { return false };
    let span = parent.span.start..parent.span.start;
    match (kind, last, &mut parent.content) {
        (Kind::UnknownKey { key, expected }, _, Content::Map(entries)) => {
            mend(entries, key, expected) || remove(entries, key)
        }
        (Kind::UnknownChoice { word, expected, key: true }, _, Content::Map(entries)) => {
            mend(entries, word, expected) || poison(parent)
        }
        (Kind::MissingKey { key }, _, Content::Map(entries)) => {
            let value = Node::new(Content::Poison, span.clone());
            entries.push(Entry { key: (*key).to_owned(), key_span: span, value });
            true
        }
        _ => parent.child_mut(last).is_some_and(poison),
    }
}

fn mend(entries: &mut [Entry], key: &str, expected: &[&str]) -> bool {
    let Some(meant) = nearest(key, expected.iter().copied()) else { return false };
    if entries.iter().any(|entry| entry.key == meant) {
        return false;
    }
    let Some(entry) = entries.iter_mut().find(|entry| entry.key == key) else { return false };
    meant.clone_into(&mut entry.key);
    true
}

fn remove(entries: &mut Vec<Entry>, key: &str) -> bool {
    let before = entries.len();
    entries.retain(|entry| entry.key != key);
    entries.len() < before
}

fn drop_key(root: &mut Node, path: &Path) -> bool {
    let Some((Segment::Key(key), above)) = path.0.split_last() else { return false };
    let Some(parent) = above.iter().try_fold(root, Node::child_mut) else { return false };
    match &mut parent.content {
        Content::Map(entries) => remove(entries, key),
        _ => false,
    }
}

fn poison(node: &mut Node) -> bool {
    let fresh = node.content != Content::Poison;
    node.content = Content::Poison;
    fresh
}

fn problem(path: Path, kind: &Kind) -> Problem {
    match kind {
        Kind::UnknownKey { key, expected }
        | Kind::UnknownChoice { word: key, expected, key: true } => {
            Problem::new(path, format!("unknown key `{key}`"))
                .on_key()
                .suggest(choice(key, expected))
        }
        Kind::UnknownChoice { word, expected, key: false } => {
            Problem::new(path, format!("unknown value `{word}`")).suggest(choice(word, expected))
        }
        Kind::MissingKey { key } => Problem::new(path, format!("missing key `{key}`")),
        Kind::NotOneKey { keys, expected } => not_one_key(path, keys, expected),
        Kind::WrongType { found, expected } => wrong_type(path, found, expected),
        Kind::Custom(message) => Problem::new(path, message.as_str()),
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

/// Keys whose text is a duration: a number there lacks its unit, not its quotes.
const DURATION_KEYS: [&str; 9] =
    ["after", "for", "offset", "older_than", "over", "per", "rolling", "valid_for", "within"];

fn wrong_type(path: Path, found: &str, expected: &str) -> Problem {
    let is_duration = match path.0.last() {
        Some(Segment::Key(key)) => DURATION_KEYS.contains(&key.as_str()),
        _ => false,
    };
    let problem = Problem::new(path, format!("expected {expected}, found {found}"));
    let number = found.strip_prefix("the number ");
    let text = found.strip_prefix("the text ").map(|text| text.trim_matches('"'));
    let alone = found.strip_prefix("the word `").and_then(|found| found.strip_suffix("` alone"));
    if let Some(word) = alone {
        return problem.suggest(format!("write `{word}: ...`"));
    }
    match (expected, number, text) {
        ("a value", ..) => problem.suggest("remove the key, or write its value"),
        ("text", Some(number), _) if is_duration => {
            problem.suggest(format!("a duration has a unit: write `P{number}D` or `PT{number}H`"))
        }
        ("text", Some(number), _) => problem.suggest(format!("write \"{number}\" in quotes")),
        ("text", ..) if found.starts_with('`') => {
            problem.suggest(format!("write \"{}\" in quotes", found.trim_matches('`')))
        }
        ("`true` or `false`", _, Some("yes" | "on" | "Yes" | "On")) => {
            problem.suggest("write `true`")
        }
        ("`true` or `false`", _, Some("no" | "off" | "No" | "Off")) => {
            problem.suggest("write `false`")
        }
        ("a mapping", _, Some(text)) if text.chars().all(is_of_a_name) => {
            problem.suggest(format!("write `{text}: ...`"))
        }
        (_, _, Some(text)) if text.parse::<f64>().is_ok() => {
            problem.suggest("write the number without quotes")
        }
        ("a list", ..) if found != "nothing" => problem.suggest("start each element with `- `"),
        _ => problem,
    }
}

fn is_of_a_name(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '-' | '_')
}
