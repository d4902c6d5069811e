//! Indexes that are paths themselves, as in `customer[event.properties.key]`.
//!
//! The library fails where such an index reads nothing, or a list. So the compiler folds the path
//! into a marked text, and the state of the rendering resolves it: an index that is missing makes
//! the whole path one that is missing.

use std::borrow::Cow;

use liquid_core::model::{Scalar, ScalarCow};
use liquid_core::{Runtime, ValueView};

/// What a folded path starts with. No key that anybody sends does.
const MARK: char = '\u{1}';

/// Deepest nesting of paths in paths; deeper ones are left to the library, which fails for them
/// where something is missing.
const DEPTH_MAX: usize = 8;

/// Words of the language that look like the start of a path.
const KEYWORDS: [&str; 6] = ["true", "false", "nil", "null", "empty", "blank"];

/// A part of a path.
enum Part<'a> {
    Key(&'a str),
    At(i64),
    Of(Vec<Part<'a>>),
}

/// Folds the paths that stand as indexes in an output or a tag.
pub(super) fn fold(piece: &str) -> Cow<'_, str> {
    if !piece.contains('[') {
        return Cow::Borrowed(piece);
    }
    let mut folded = String::with_capacity(piece.len() + 8);
    let mut quote = None;
    let mut rest = piece;
    while let Some(character) = rest.chars().next() {
        let after = &rest[character.len_utf8()..];
        folded.push(character);
        match quote {
            Some(open) if character == open => quote = None,
            None if matches!(character, '"' | '\'') => quote = Some(character),
            None if character == '[' => {
                if let Some((text, behind)) = foldable(after) {
                    let quote = if text.contains('\'') { '"' } else { '\'' };
                    folded.extend([quote, MARK]);
                    folded.push_str(text);
                    folded.extend([quote, ']']);
                    rest = behind;
                    continue;
                }
            }
            _ => {}
        }
        rest = after;
    }
    Cow::Owned(folded)
}

/// The path behind an opening bracket, and what follows the closing one.
fn foldable(text: &str) -> Option<(&str, &str)> {
    let start = text.trim_start();
    let (_, rest) = path(start, 0)?;
    let inner = &start[..start.len() - rest.len()];
    let behind = rest.trim_start().strip_prefix(']')?;
    (!(inner.contains('\'') && inner.contains('"'))).then_some((inner, behind))
}

fn path(text: &str, depth: usize) -> Option<(Vec<Part<'_>>, &str)> {
    let (root, mut rest) = word(text).filter(|(root, _)| !KEYWORDS.contains(root))?;
    let mut parts = vec![Part::Key(root)];
    loop {
        if let Some(after) = rest.strip_prefix('.') {
            let (key, behind) = word(after)?;
            parts.push(Part::Key(key));
            rest = behind;
        } else if let Some(after) = rest.strip_prefix('[') {
            let (part, behind) = index(after.trim_start(), depth)?;
            parts.push(part);
            rest = behind.trim_start().strip_prefix(']')?;
        } else {
            return Some((parts, rest));
        }
    }
}

fn index(text: &str, depth: usize) -> Option<(Part<'_>, &str)> {
    if let Some(quote @ ('"' | '\'')) = text.chars().next() {
        let (key, rest) = text[1..].split_once(quote)?;
        return Some((Part::Key(key), rest));
    }
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '-')).unwrap_or(text.len());
    if digits > 0 {
        return Some((Part::At(text[..digits].parse().ok()?), &text[digits..]));
    }
    let (parts, rest) = path(text, depth + 1).filter(|_| depth < DEPTH_MAX)?;
    Some((Part::Of(parts), rest))
}

fn word(text: &str) -> Option<(&str, &str)> {
    let in_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let end = text.find(|c: char| !in_word(c)).unwrap_or(text.len());
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts_well.then(|| text.split_at(end))
}

/// A path with its folded indexes resolved; `None` where one of them reads nothing, or something
/// that is no key.
pub(super) fn resolve<'a>(
    path: &'a [ScalarCow<'a>],
    runtime: &dyn Runtime,
) -> Option<Cow<'a, [ScalarCow<'a>]>> {
    let is_folded = |part: &ScalarCow<'_>| part.to_kstr().starts_with(MARK);
    if !path.iter().skip(1).any(is_folded) {
        return Some(Cow::Borrowed(path));
    }
    let resolved = path.iter().map(|part| {
        let text = part.to_kstr();
        match text.strip_prefix(MARK) {
            None => Some(part.clone()),
            Some(folded) => value(&self::path(folded, 0)?.0, runtime),
        }
    });
    resolved.collect::<Option<Vec<_>>>().map(Cow::Owned)
}

fn value(parts: &[Part<'_>], runtime: &dyn Runtime) -> Option<Scalar> {
    let path = parts.iter().map(|part| match part {
        Part::Key(key) => Some(Scalar::new((*key).to_owned())),
        Part::At(index) => Some(Scalar::new(*index)),
        Part::Of(parts) => value(parts, runtime),
    });
    runtime.try_get(&path.collect::<Option<Vec<_>>>()?)?.into_owned().into_scalar()
}
