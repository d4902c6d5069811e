//! Looks at the source before and after the parser: bounds first, advice when it fails.

use cel::ParseErrors;

use super::{BRACKETS_MAX, ExpressionProblem, SOURCE_MAX_BYTES};

/// Most `!` and `-` in a row: each is a level of the tree.
const SIGNS_MAX: usize = 8;
/// Most conditionals (`? :`) in one source: each may be a level of the tree.
const CONDITIONALS_MAX: usize = 16;
/// Most operators and names of paths together: a chain of them is as deep as it is long while it is
/// parsed. This many take 20 ms and 400 KiB of stack at worst.
const LINKS_MAX: usize = 400;

/// A character of the source that is not inside a string, with its offset.
fn outside_strings(source: &str) -> impl Iterator<Item = (usize, char)> {
    let mut quote = None;
    let mut escaped = false;
    source.char_indices().filter(move |(_, c)| {
        match quote {
            Some(open) => {
                match (escaped, *c) {
                    (true, _) => escaped = false,
                    (false, '\\') => escaped = true,
                    (false, c) if c == open => quote = None,
                    _ => {}
                }
                return false;
            }
            None if *c == '"' || *c == '\'' => quote = Some(*c),
            None => {}
        }
        true
    })
}

/// The quote of a string that never ends, with its offset.
fn open_quote(source: &str) -> Option<(usize, char)> {
    // A string shows up here as the quote that opens it.
    let is_quote = |(_, c): &(usize, char)| matches!(c, '"' | '\'');
    let (offset, quote) = outside_strings(source).filter(is_quote).last()?;
    let mut escaped = false;
    let closed = source[offset + 1..].chars().any(|c| {
        let closes = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        closes
    });
    (!closed).then_some((offset, quote))
}

/// Refuses what could exhaust the parser.
pub(super) fn check(source: &str) -> Result<(), ExpressionProblem> {
    if source.len() > SOURCE_MAX_BYTES {
        let message = format!("the expression is longer than {SOURCE_MAX_BYTES} bytes");
        return Err(ExpressionProblem::new(message));
    }
    if source.trim().is_empty() {
        let problem = ExpressionProblem::new("the expression is empty");
        return Err(problem.suggest("write `true` for always"));
    }
    let (mut depth, mut signs, mut conditionals, mut links) = (0_usize, 0, 0, 0);
    for (offset, c) in outside_strings(source) {
        let at = |message: String| ExpressionProblem::new(message).at(Some(offset));
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '?' => conditionals += 1,
            _ => {}
        }
        if "+-*/%<>=!.[?".contains(c) {
            links += 1;
        }
        match c {
            '!' | '-' => signs += 1,
            _ if c.is_whitespace() => {}
            _ => signs = 0,
        }
        if depth > BRACKETS_MAX {
            return Err(at(format!("brackets are nested deeper than {BRACKETS_MAX} levels")));
        }
        if signs > SIGNS_MAX {
            return Err(at(format!("more than {SIGNS_MAX} signs in a row")));
        }
        if links > LINKS_MAX {
            return Err(at(format!("more than {LINKS_MAX} operators and names")));
        }
        if conditionals > CONDITIONALS_MAX {
            return Err(at(format!("more than {CONDITIONALS_MAX} conditionals")));
        }
    }
    Ok(())
}

/// What people write out of habit, and what CEL wants.
fn habit(source: &str) -> Option<(usize, &'static str, &'static str)> {
    let plain: Vec<(usize, char)> = outside_strings(source).collect();
    let around = |at: usize| {
        let before = at.checked_sub(1).and_then(|index| plain.get(index)).map(|(_, c)| *c);
        (before, plain.get(at + 1).map(|(_, c)| *c))
    };
    for (at, (offset, c)) in plain.iter().enumerate() {
        let found = match (around(at), c) {
            ((_, Some('=')), '=') if around(at + 1).1 == Some('=') => {
                Some(("`===` is not an operator", "write == to compare"))
            }
            ((before, after), '=')
                if after != Some('=') && !matches!(before, Some('=' | '!' | '<' | '>')) =>
            {
                Some(("`=` is not an operator", "write == to compare"))
            }
            ((before, after), '&') if before != Some('&') && after != Some('&') => {
                Some(("`&` is not an operator", "write && for and"))
            }
            ((before, after), '|') if before != Some('|') && after != Some('|') => {
                Some(("`|` is not an operator", "write || for or"))
            }
            ((_, Some('{')), '{' | '$') => {
                Some(("this is an expression, not a template", "write it without {{ }} and ${ }"))
            }
            ((_, Some('>')), '<') => Some(("`<>` is not an operator", "write != for not equal")),
            (_, '\u{201c}' | '\u{201d}' | '\u{2018}' | '\u{2019}') => {
                Some(("these are typographic quotes", "write \" or '"))
            }
            _ => None,
        };
        if let Some((message, suggestion)) = found {
            return Some((*offset, message, suggestion));
        }
    }
    word_habit(&plain)
}

fn word_habit(plain: &[(usize, char)]) -> Option<(usize, &'static str, &'static str)> {
    let words = plain.split(|(_, c)| !(c.is_alphanumeric() || *c == '_' || *c == '.'));
    for word in words {
        let text: String = word.iter().map(|(_, c)| c.to_ascii_lowercase()).collect();
        let advice = match text.as_str() {
            "and" => ("`and` is not an operator", "write &&"),
            "or" => ("`or` is not an operator", "write ||"),
            "not" => ("`not` is not an operator", "write !"),
            "like" => ("`like` is not an operator", "write x.contains(\"...\")"),
            _ => continue,
        };
        return word.first().map(|(offset, _)| (*offset, advice.0, advice.1));
    }
    None
}

/// Turns what the parser says into one problem at a place.
pub(super) fn explain(source: &str, errors: &ParseErrors) -> ExpressionProblem {
    if let Some((offset, message, suggestion)) = habit(source) {
        return ExpressionProblem::new(message).at(Some(offset)).suggest(suggestion);
    }
    if let Some((offset, quote)) = open_quote(source) {
        let problem = ExpressionProblem::new("a quote is opened and never closed");
        return problem.at(Some(offset)).suggest(format!("write {quote} at the end of the text"));
    }
    let Some(first) = errors.errors.first() else {
        return ExpressionProblem::new("the expression cannot be read");
    };
    let offset = offset_of(source, first.pos);
    if first.msg.contains("has()") {
        let problem = ExpressionProblem::new("`has` takes a name below another").at(offset);
        return problem.suggest("write has(a.b), or has(a.`b c`) for a name with other signs");
    }
    let text = first.msg.trim_start_matches("Syntax error: ");
    if first.msg.contains("<EOF>") && offset.is_none_or(|offset| offset >= source.trim_end().len())
    {
        let problem = ExpressionProblem::new("the expression ends too early");
        return problem.at(Some(source.trim_end().len()));
    }
    // The parser lists every token that it would have liked: nobody reads that.
    let text = text.split(" expecting ").next().unwrap_or(text);
    let text: String = text.chars().take(120).collect();
    ExpressionProblem::new(format!("syntax error: {}", text.replace('\n', " "))).at(offset)
}

/// Line and column (both from 1) as a byte offset.
fn offset_of(source: &str, (line, column): (isize, isize)) -> Option<usize> {
    let line = usize::try_from(line.checked_sub(1)?).ok()?;
    let column = usize::try_from(column.checked_sub(1)?).ok()?;
    let start: usize = source.split_inclusive('\n').take(line).map(str::len).sum();
    let text = source.get(start..)?;
    let within = text.char_indices().nth(column).map_or(text.len(), |(offset, _)| offset);
    Some(start + within)
}
