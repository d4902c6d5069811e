//! All problems of a set of files, sorted, and how people and programs read them.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde::Serialize;

use super::source::{Position, Source};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The definitions cannot be used.
    Error,
    /// They can, and are probably not what was meant.
    Warning,
}

/// Something wrong at a place of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The file.
    pub source: Arc<Source>,
    /// Its bytes that are meant.
    pub span: Range<usize>,
    /// What is wrong: lower case, without a full stop.
    pub message: String,
    /// What to do, if we know.
    pub suggestion: Option<String>,
}

impl Diagnostic {
    /// Line and column at which it starts.
    pub fn position(&self) -> Position {
        self.source.position(self.span.start)
    }
}

/// `file:line:column: message`, where a message that is only a warning says so.
impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Position { line, column } = self.position();
        let path = self.source.path.display();
        let warning = if self.severity == Severity::Warning { "warning: " } else { "" };
        write!(f, "{path}:{line}:{column}: {warning}{}", self.message)
    }
}

/// All problems, by file and place. Without errors the definitions can be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    diagnostics: Vec<Diagnostic>,
}

#[derive(Serialize)]
struct Line<'a> {
    severity: Severity,
    file: String,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<&'a str>,
}

impl Report {
    /// Adds one.
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Puts them in order and leaves out what is said twice.
    pub(crate) fn sort(&mut self) {
        self.diagnostics.sort_by(|a, b| {
            (&a.source.path, a.span.start, &a.message).cmp(&(
                &b.source.path,
                b.span.start,
                &b.message,
            ))
        });
        self.diagnostics.dedup();
    }

    /// The problems in order.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.diagnostics.len()
    }

    /// Whether there is none, not even a warning.
    pub fn is_empty(&self) -> bool {
        self.diagnostics.is_empty()
    }

    /// How many are errors.
    pub fn errors(&self) -> usize {
        self.diagnostics.iter().filter(|found| found.severity == Severity::Error).count()
    }

    /// Adds those of another report.
    pub(crate) fn extend(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        self.diagnostics.extend(diagnostics);
    }

    /// For people: each with its source line, a caret and advice; the count at the end. `colour`
    /// adds terminal escapes.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let mut text = String::new();
        for diagnostic in &self.diagnostics {
            text.push_str(&render_one(diagnostic, &renderer));
            text.push_str("\n\n");
        }
        let files: std::collections::BTreeSet<_> =
            self.diagnostics.iter().map(|diagnostic| &diagnostic.source.path).collect();
        match self.len() {
            0 => text.push_str("no problems\n"),
            problems => {
                let _ = writeln!(
                    text,
                    "{problems} problem{} in {} file{}",
                    if problems == 1 { "" } else { "s" },
                    files.len(),
                    if files.len() == 1 { "" } else { "s" }
                );
            }
        }
        text
    }

    /// For programs: `{"problems": [{severity, file, line, column, end_line, end_column, message,
    /// suggestion?}], "errors": n, "warnings": n}`.
    pub fn to_json(&self) -> serde_json::Value {
        let lines: Vec<_> = self
            .diagnostics
            .iter()
            .map(|diagnostic| {
                let start = diagnostic.position();
                let end = diagnostic.source.position(diagnostic.span.end);
                Line {
                    severity: diagnostic.severity,
                    file: diagnostic.source.path.display().to_string(),
                    line: start.line,
                    column: start.column,
                    end_line: end.line,
                    end_column: end.column,
                    message: &diagnostic.message,
                    suggestion: diagnostic.suggestion.as_deref(),
                }
            })
            .collect();
        let warnings = self.len() - self.errors();
        serde_json::json!({"problems": lines, "errors": self.errors(), "warnings": warnings})
    }
}

/// `file:line:column: message` lines, one per problem.
impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.diagnostics.iter().try_for_each(|diagnostic| writeln!(f, "{diagnostic}"))
    }
}

fn render_one(diagnostic: &Diagnostic, renderer: &Renderer) -> String {
    let source = &diagnostic.source;
    let path = source.path.display().to_string();
    let marked = source.first_line(&diagnostic.span);
    // Only the line itself: the renderer would read the whole file once per problem.
    let line_start = source.text[..marked.start].rfind('\n').map_or(0, |at| at + 1);
    let line_end =
        source.text[marked.end..].find('\n').map_or(source.text.len(), |at| marked.end + at);
    let line = source.text[line_start..line_end].trim_end_matches('\r');
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let group = level.primary_title(&diagnostic.message).element(
        Snippet::source(line).path(path).line_start(diagnostic.position().line).annotation(
            AnnotationKind::Primary.span(marked.start - line_start..marked.end - line_start),
        ),
    );
    let group = match &diagnostic.suggestion {
        Some(suggestion) => group.element(Level::HELP.message(suggestion)),
        None => group,
    };
    renderer.render(&[group])
}
