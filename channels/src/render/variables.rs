//! Which variables a template uses, for the linter in `validate`: a name that no event or trait
//! ever has is most often a slip.

use std::collections::{BTreeMap, BTreeSet};

use super::scan::{Kind, Piece, split_outside_quotes};

/// Words of the language that look like variables.
const KEYWORDS: [&str; 13] = [
    "and", "or", "contains", "true", "false", "nil", "null", "empty", "blank", "in", "reversed",
    "limit", "offset",
];

/// A path that a template reads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Variable {
    /// The path as written: `customer.nick`, `event.properties.items[0].name`.
    pub path: String,
    /// Byte offset, in the source, of the output or tag where it is first read.
    pub offset: usize,
}

/// The paths that come from the context, in the order of their names; variables that the template
/// sets itself are left out.
pub(super) fn used(pieces: &[Piece<'_>]) -> Vec<Variable> {
    let own: BTreeSet<&str> = pieces.iter().filter_map(defines).collect();
    let mut found = BTreeMap::new();
    for piece in pieces {
        let text = match piece.kind {
            Kind::Output => piece.inner,
            Kind::Tag => reads(piece),
            Kind::Text | Kind::Comment => continue,
        };
        for path in paths(text) {
            let root = path.split(['.', '[']).next().unwrap_or_default();
            if !own.contains(root) && root != "forloop" {
                found.entry(path.to_owned()).or_insert(piece.offset);
            }
        }
    }
    found.into_iter().map(|(path, offset)| Variable { path, offset }).collect()
}

/// The variable that a tag sets.
fn defines<'a>(piece: &Piece<'a>) -> Option<&'a str> {
    if piece.kind != Kind::Tag || !matches!(piece.name(), "assign" | "capture" | "for") {
        return None;
    }
    piece.arguments().split(|c: char| c.is_whitespace() || c == '=').next()
}

/// The part of a tag that reads variables.
fn reads<'a>(piece: &Piece<'a>) -> &'a str {
    let arguments = piece.arguments();
    match piece.name() {
        "assign" => arguments.split_once('=').map_or("", |(_, value)| value),
        "for" => arguments.split_once(" in ").map_or("", |(_, list)| list),
        "capture" => "",
        _ => arguments,
    }
}

/// The paths in an expression, quoted texts and names of filters left out.
fn paths(text: &str) -> Vec<&str> {
    let mut paths = Vec::new();
    for (at, part) in split_outside_quotes(text, '|').into_iter().enumerate() {
        // Behind a `|` stands the name of a filter, then its arguments behind a `:`.
        let expression = match at {
            0 => part,
            _ => part.split_once(':').map_or("", |(_, arguments)| arguments),
        };
        words(expression, &mut paths);
    }
    paths
}

fn words<'a>(text: &'a str, paths: &mut Vec<&'a str>) {
    let in_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '[' | ']');
    let mut quote = None;
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (quote, start) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => {}
            (None, None) if c == '"' || c == '\'' => quote = Some(c),
            (None, None) if c.is_alphabetic() || c == '_' => start = Some(at),
            (None, Some(from)) if !in_word(c) => {
                start = None;
                let word = text[from..at].trim_end_matches(['.', '[', ']']);
                // `name:` is a keyword argument.
                if !KEYWORDS.contains(&word) && c != ':' {
                    paths.push(word);
                }
                if c == '"' || c == '\'' {
                    quote = Some(c);
                }
            }
            _ => {}
        }
    }
}
