//! The source of a template, cut into literal text, outputs and tags, with their places.
//!
//! Only as much of Liquid's syntax as the compiler needs to see; the library parses the rest.

use super::template::TemplateProblem;

/// A piece of the source. Pieces cover the source without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) kind: Kind,
    /// Byte offset in the source.
    pub(super) offset: usize,
    /// The whole piece, with its delimiters.
    pub(super) whole: &'a str,
    /// What stands between the delimiters, trimmed; for literal text the text itself.
    pub(super) inner: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Literal text, or the body of a `raw` block with its tags.
    Text,
    /// `{{ ... }}`.
    Output,
    /// `{% ... %}`.
    Tag,
    /// A whole `comment` block.
    Comment,
}

impl<'a> Piece<'a> {
    /// Name of a tag.
    pub(super) fn name(&self) -> &'a str {
        self.inner.split(|c: char| c.is_whitespace()).next().unwrap_or_default()
    }

    /// What follows the name of a tag.
    pub(super) fn arguments(&self) -> &'a str {
        self.inner[self.name().len()..].trim()
    }

    /// Whether blanks in front of it are cut (`{%-`).
    pub(super) fn trims_left(&self) -> bool {
        self.whole.as_bytes().get(2) == Some(&b'-')
    }

    /// Whether blanks behind it are cut (`-%}`).
    pub(super) fn trims_right(&self) -> bool {
        self.whole.len() > 5 && self.whole.as_bytes()[self.whole.len() - 3] == b'-'
    }
}

/// Cuts the source into pieces.
pub(super) fn pieces(source: &str) -> Result<Vec<Piece<'_>>, TemplateProblem> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < source.len() {
        let piece = next_piece(source, at)?;
        at += piece.whole.len();
        pieces.push(piece);
    }
    Ok(pieces)
}

fn next_piece(source: &str, at: usize) -> Result<Piece<'_>, TemplateProblem> {
    let rest = &source[at..];
    if rest.starts_with("{{") {
        return delimited(source, at, "}}", Kind::Output);
    }
    if rest.starts_with("{%") {
        let tag = delimited(source, at, "%}", Kind::Tag)?;
        return match tag.name() {
            "raw" => whole_block(source, tag, Kind::Text),
            "comment" => whole_block(source, tag, Kind::Comment),
            _ => Ok(tag),
        };
    }
    let length = [rest.find("{{"), rest.find("{%")].into_iter().flatten().min();
    let text = &rest[..length.unwrap_or(rest.len())];
    Ok(Piece { kind: Kind::Text, offset: at, whole: text, inner: text })
}

/// Up to the closing delimiter, which may stand within quotes without closing anything.
fn delimited<'a>(
    source: &'a str,
    at: usize,
    close: &str,
    kind: Kind,
) -> Result<Piece<'a>, TemplateProblem> {
    let rest = &source[at..];
    let bytes = rest.as_bytes();
    let mut quote = None;
    let mut index = 2;
    while index < bytes.len() {
        match (quote, bytes[index]) {
            (None, b'"' | b'\'') => quote = Some(bytes[index]),
            (Some(open), byte) if byte == open => quote = None,
            (None, _) if rest.is_char_boundary(index) && rest[index..].starts_with(close) => {
                let whole = &rest[..index + 2];
                let inner = whole[2..index].trim_start_matches('-').trim_end_matches('-').trim();
                return Ok(Piece { kind, offset: at, whole, inner });
            }
            _ => {}
        }
        index += 1;
    }
    let open = &rest[..2];
    let what = if quote.is_some() { " (a quote is still open)" } else { "" };
    Err(TemplateProblem::at(source, at, format!("`{open}` without `{close}`{what}")))
}

/// A block whose body is not Liquid, from its start tag to its end tag.
fn whole_block<'a>(
    source: &'a str,
    start: Piece<'a>,
    kind: Kind,
) -> Result<Piece<'a>, TemplateProblem> {
    let name = start.name();
    let body = start.offset + start.whole.len();
    let mut at = body;
    let mut depth = 1;
    while let Some(found) = source[at..].find("{%") {
        at += found;
        // A tag that does not even close is text in here.
        let Ok(tag) = delimited(source, at, "%}", Kind::Tag) else {
            at += 2;
            continue;
        };
        if tag.name() == name && kind == Kind::Comment {
            depth += 1;
        }
        if tag.name().strip_prefix("end") == Some(name) {
            depth -= 1;
        }
        if depth == 0 {
            let whole = &source[start.offset..at + tag.whole.len()];
            return Ok(Piece { kind, offset: start.offset, whole, inner: &source[body..at] });
        }
        at += tag.whole.len();
    }
    Err(TemplateProblem::at(source, start.offset, format!("`{name}` without `end{name}`")))
}

/// Cuts an expression at a separator that stands outside quotes; yields offsets and parts.
pub(super) fn split_outside_quotes(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut quote = None;
    let mut from = 0;
    for (at, character) in text.char_indices() {
        match quote {
            Some(open) if character == open => quote = None,
            Some(_) => {}
            None if character == '"' || character == '\'' => quote = Some(character),
            None if character == separator => {
                parts.push(&text[from..at]);
                from = at + character.len_utf8();
            }
            None => {}
        }
    }
    parts.push(&text[from..]);
    parts
}
