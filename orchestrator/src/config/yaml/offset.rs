//! From a byte of a scalar's value to the byte of the file that it came from, whatever the style:
//! plain, quoted with escapes, literal or folded blocks.
//!
//! Walks value and source side by side. White space that folding or indentation changed is
//! skipped; where the two cannot be matched, the answer is the start of the scalar.

use std::iter::Peekable;
use std::str::CharIndices;

use super::{Node, Quote};

/// The place in `source` of the byte `offset` of the text that `node` holds.
pub(crate) fn locate(source: &str, node: &Node, offset: usize) -> usize {
    let start = node.span.start;
    let (Some(raw), Some(value)) = (source.get(node.span.clone()), node.as_text()) else {
        return start;
    };
    let found = match node.quote {
        Quote::Double => walk(raw, 1, value, offset, double_quoted),
        Quote::Single => walk(raw, 1, value, offset, single_quoted),
        Quote::None => walk(raw, 0, value, offset, plain),
    };
    start + found.unwrap_or(0)
}

type Chars<'a> = Peekable<CharIndices<'a>>;

/// Reads one character of the value from the source; `None` if the source is at an end.
type Next = fn(&mut Chars<'_>) -> Option<char>;

fn walk(raw: &str, start: usize, value: &str, offset: usize, next: Next) -> Option<usize> {
    let mut chars = raw.char_indices().peekable();
    while chars.next_if(|(at, _)| *at < start).is_some() {}
    let mut line_start = true;
    for (at, expected) in value.char_indices() {
        if expected.is_whitespace() {
            if at >= offset {
                return chars.peek().map(|(at, _)| *at);
            }
            // One line break of the value may be several of the source, and indentation; a run
            // of spaces that the source has in full is matched one by one.
            let kept = chars.peek().is_some_and(|(_, char)| *char == expected);
            if kept && expected != '\n' {
                chars.next();
            } else if !line_start || kept {
                skip_space(&mut chars, expected == '\n');
            }
            line_start = expected == '\n';
            continue;
        }
        line_start = false;
        skip_space(&mut chars, false);
        let here = chars.peek().map(|(at, _)| *at)?;
        if at >= offset {
            return Some(here);
        }
        if next(&mut chars)? != expected {
            return None;
        }
    }
    chars.peek().map_or(Some(raw.len()), |(at, _)| Some(*at))
}

/// Skips spaces and line breaks; with `one_line` no further than behind the next line break.
fn skip_space(chars: &mut Chars<'_>, one_line: bool) {
    while let Some((_, char)) = chars.next_if(|(_, char)| char.is_whitespace()) {
        if one_line && char == '\n' {
            break;
        }
    }
}

fn plain(chars: &mut Chars<'_>) -> Option<char> {
    chars.next().map(|(_, char)| char)
}

fn single_quoted(chars: &mut Chars<'_>) -> Option<char> {
    let (_, char) = chars.next()?;
    if char == '\'' {
        chars.next_if(|(_, char)| *char == '\'')?;
    }
    Some(char)
}

fn double_quoted(chars: &mut Chars<'_>) -> Option<char> {
    let (_, char) = chars.next()?;
    if char != '\\' {
        return Some(char);
    }
    let (_, escape) = chars.next()?;
    let digits = match escape {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        '0' => return Some('\0'),
        'a' => return Some('\u{7}'),
        'b' => return Some('\u{8}'),
        'e' => return Some('\u{1b}'),
        'f' => return Some('\u{c}'),
        'v' => return Some('\u{b}'),
        other => return Some(other),
    };
    let mut code = 0_u32;
    for _ in 0..digits {
        let (_, digit) = chars.next()?;
        code = code.wrapping_mul(16) + digit.to_digit(16)?;
    }
    char::from_u32(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::yaml::read::read;

    /// The mark `@` in the YAML must be found from its place in the value.
    fn check(yaml: &str) {
        let reading = read(yaml);
        assert_eq!(reading.flaws, [], "{yaml}");
        let node = reading.documents[0].get("a").expect("the document has the key `a`");
        let value = node.as_text().expect("the value is text");
        let offset = value.find('@').expect("the value has the mark");
        let found = locate(yaml, node, offset);
        assert_eq!(&yaml[found..=found], "@", "{yaml} -> {found}");
        assert_eq!(found, yaml.find('@').expect("the YAML has the mark"), "{yaml}");
    }

    #[test]
    fn every_style_of_scalar_keeps_its_places() {
        for yaml in [
            "a: one @ two",
            "a: one\n  two @ three",
            "a: one\n\n  two @ three",
            "a: 'it''s @ here'",
            "a: 'it''s\n  here @ now'",
            "a: \"x \\\"y\\\" @ z\"",
            "a: \"\\u00e9\\x41 @\"",
            "a: |\n  one\n  two @ three\n",
            "a: |\n  one\n\n    two @ three\n",
            "a: |2\n    one\n    two @ three\n",
            "a: >\n  one\n  two @ three\n",
            "a: >-\n  one\n\n  two\n   @ three\n",
            "a: |\n  'it' @ now\n",
            "a: é ü @",
        ] {
            check(yaml);
        }
    }
}
