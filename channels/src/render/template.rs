//! A compiled template: made once at publication, rendered per recipient.

use std::fmt;

use domain::problem::nearest;
use liquid_core::runtime;
use liquid_core::{Renderable, parser};

use super::bounded::Bounded;
use super::context::Context;
use super::language::{LANGUAGE, filter_names};
use super::rewrite::rewrite;
use super::scan::{Kind, Piece, pieces, split_outside_quotes};
use super::scope::Scope;
use super::variables::{self, Variable};
use super::{OUTPUT_BYTES_MAX, TEMPLATE_BYTES_MAX, escape, turn};

/// What a template's result is put into; decides how values are escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// An HTML document: values are escaped for where in it they stand.
    Html,
    /// Plain text: values stay as they are.
    Text,
    /// A subject or another header: values stay as they are, line ends become spaces.
    Header,
    /// JSON: a value stands for itself, quotes included, or is escaped within a text.
    Json,
}

/// Why a source is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {message}")]
pub struct TemplateProblem {
    /// Byte offset in the source.
    pub offset: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong: lower case, without a full stop.
    pub message: String,
}

impl TemplateProblem {
    pub(super) fn at(source: &str, offset: usize, message: impl Into<String>) -> Self {
        let before = &source[..offset];
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Self {
            offset,
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: message.into(),
        }
    }
}

/// Why a template could not be rendered for a recipient. Names no value: it may end up in a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The result is longer than [`OUTPUT_BYTES_MAX`].
    #[error("the rendered text is longer than {OUTPUT_BYTES_MAX} bytes")]
    TooLong,
    /// The loops take more than [`super::LOOP_TURNS_MAX`] turns.
    #[error("{}", turn::TOO_MANY_TURNS)]
    TooManyTurns,
    /// A filter cannot work on the value that it got.
    #[error("the template cannot be rendered: {0}")]
    Failed(String),
}

/// A compiled template.
pub struct Template {
    place: Place,
    compiled: runtime::Template,
    variables: Vec<Variable>,
    /// The result, where it is the same for everybody.
    constant: Option<String>,
    /// A guess of the result's length, so that rendering allocates once.
    expected_bytes: usize,
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Template {
    /// Compiles a source for a place.
    ///
    /// # Errors
    /// The first problem, with its place in the source.
    pub fn compile(place: Place, source: &str) -> Result<Self, TemplateProblem> {
        if source.len() > TEMPLATE_BYTES_MAX {
            let message = format!("the template is longer than {TEMPLATE_BYTES_MAX} bytes");
            return Err(TemplateProblem::at(source, 0, message));
        }
        let pieces = pieces(source)?;
        check_numbers(source, &pieces)?;
        check_filters(source, &pieces)?;
        let rewritten = rewrite(source, &pieces, place)?;
        let elements = parser::parse(&rewritten, &LANGUAGE)
            .map_err(|error| locate(source, &pieces, &error.to_string()))?;
        Ok(Self {
            place,
            compiled: runtime::Template::new(elements),
            variables: variables::used(&pieces),
            constant: constant(&pieces),
            expected_bytes: source.len() + source.len() / 4 + 64,
        })
    }

    /// What the result is put into.
    pub fn place(&self) -> Place {
        self.place
    }

    /// The paths that the template reads, in the order of their names.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The result, where the source has nothing that depends on a recipient.
    pub fn constant(&self) -> Option<&str> {
        self.constant.as_deref()
    }

    /// Renders for one recipient.
    ///
    /// # Errors
    /// Where a limit is reached, or a filter cannot work on the value that it got.
    pub fn render(&self, context: &Context<'_>) -> Result<String, RenderError> {
        let scope = Scope::new(context);
        let mut output = Bounded::new(OUTPUT_BYTES_MAX, self.expected_bytes);
        if let Err(error) = self.compiled.render_to(&mut output, &scope) {
            if output.is_full() {
                return Err(RenderError::TooLong);
            }
            return Err(failure(&error.to_string()));
        }
        let text = String::from_utf8(output.into_bytes())
            .map_err(|_| RenderError::Failed("the result is not UTF-8".to_owned()))?;
        Ok(if self.place == Place::Header { escape::header(text) } else { text })
    }
}

fn constant(pieces: &[Piece<'_>]) -> Option<String> {
    let text = |piece: &Piece<'_>| match piece.kind {
        Kind::Text => Some(piece.inner.to_owned()),
        Kind::Comment => Some(String::new()),
        Kind::Output | Kind::Tag => None,
    };
    pieces.iter().map(text).collect()
}

/// The first line of the library's error; the others repeat the values that were worked on.
fn failure(error: &str) -> RenderError {
    let first = error.lines().next().unwrap_or_default();
    let message = first.strip_prefix("liquid: ").unwrap_or(first);
    if message == turn::TOO_MANY_TURNS {
        return RenderError::TooManyTurns;
    }
    RenderError::Failed(message.to_owned())
}

/// Numbers that do not fit what the library reads them into: it ends the process over them.
fn check_numbers(source: &str, pieces: &[Piece<'_>]) -> Result<(), TemplateProblem> {
    for piece in pieces.iter().filter(|piece| matches!(piece.kind, Kind::Output | Kind::Tag)) {
        for (at, part) in outside_quotes(piece.whole) {
            for digits in part.split(|char: char| !char.is_ascii_digit()) {
                if !digits.is_empty() && digits.parse::<i64>().is_err() {
                    let within = digits.as_ptr() as usize - part.as_ptr() as usize;
                    let offset = piece.offset + at + within;
                    return Err(TemplateProblem::at(source, offset, "the number is too large"));
                }
            }
        }
    }
    Ok(())
}

/// The parts of a piece that stand outside quotes, with their offsets.
fn outside_quotes(text: &str) -> Vec<(usize, &str)> {
    let mut parts = Vec::new();
    let (mut quote, mut from) = (None, 0);
    for (at, char) in text.char_indices() {
        match quote {
            Some(open) if char == open => (quote, from) = (None, at + 1),
            Some(_) => {}
            None if char == '"' || char == '\'' => {
                parts.push((from, &text[from..at]));
                quote = Some(char);
            }
            None => {}
        }
    }
    if quote.is_none() {
        parts.push((from, &text[from..]));
    }
    parts
}

/// Unknown filters, found before the library finds them, so that their place is exact.
fn check_filters(source: &str, pieces: &[Piece<'_>]) -> Result<(), TemplateProblem> {
    let known = filter_names();
    for piece in pieces.iter().filter(|piece| matches!(piece.kind, Kind::Output | Kind::Tag)) {
        for part in split_outside_quotes(piece.inner, '|').into_iter().skip(1) {
            let part = part.trim_start();
            let end = part.find(|c: char| !(c.is_alphanumeric() || c == '_'));
            let name = &part[..end.unwrap_or(part.len())];
            if !known.contains(&name) {
                let offset = part.as_ptr() as usize - source.as_ptr() as usize;
                let hint = nearest(name, known.iter().copied())
                    .map(|near| format!("; did you mean `{near}`?"))
                    .unwrap_or_default();
                let message = format!("there is no filter `{name}`{hint}");
                return Err(TemplateProblem::at(source, offset, message));
            }
        }
    }
    Ok(())
}

/// The library does not say where most of its problems are, and where it does, it means the
/// rewritten source: the first piece that does not compile on its own is the place.
fn locate(source: &str, pieces: &[Piece<'_>], error: &str) -> TemplateProblem {
    let tells = |piece: &&Piece<'_>| match piece.kind {
        Kind::Output => parser::parse(piece.whole, &LANGUAGE).is_err(),
        // A block's start tag needs its end tag to compile.
        Kind::Tag if matches!(piece.name(), "if" | "unless" | "case" | "for" | "capture") => {
            let dummy = if piece.name() == "case" { "{% when 1 %}" } else { "" };
            let whole = format!("{}{dummy}{{% end{} %}}", piece.whole, piece.name());
            parser::parse(&whole, &LANGUAGE).is_err()
        }
        Kind::Tag if piece.name() == "assign" => parser::parse(piece.whole, &LANGUAGE).is_err(),
        _ => false,
    };
    let place = pieces.iter().find(tells);
    let offset = place.map_or(0, |piece| piece.offset);
    let message = place
        .and_then(|piece| parser::parse(piece.whole, &LANGUAGE).err())
        .map_or_else(|| error.to_owned(), |error| error.to_string());
    TemplateProblem::at(source, offset, tidy(&message))
}

/// One line of the library's many: the one that says what is wrong.
fn tidy(error: &str) -> String {
    let lines = || error.lines().map(|line| line.trim().trim_start_matches("liquid: "));
    let expected = lines().find_map(|line| line.strip_prefix("= "));
    let first = lines().find(|line| !line.is_empty() && !line.starts_with("-->"));
    let message = expected.or(first).unwrap_or("not understood").trim_end_matches('.');
    let mut characters = message.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}
