//! Expressions: conditions and computed values in CEL, checked when they are compiled and bounded
//! when they run.
//!
//! Called by validation (compile), journeys and segments (evaluate). The only module that knows the
//! `cel` crate. CEL has no limit of its own on evaluation, so what could run long is refused at
//! compile time; see the constants. Must never print values into messages: they are personal.
//!
//! ```text
//! customer.traits.tier == "gold" && customer.events["Order Completed"].count >= 5
//! has(customer.traits.email) && !("vip" in customer.segments)
//! has(customer.traits.`order no`) && customer.traits["order no"] > 7
//! event.properties.total > 100 || event.properties.items.exists(i, i.sku.startsWith("A-"))
//! now - customer.events["Order Completed"].last > days(30)
//! ```
//!
//! Instants are milliseconds since 1970, as integers; so are durations. `days(3)`, `hours(2)`,
//! `minutes(5)`, `weeks(1)`, `duration("PT1H")` and `timestamp("2026-01-01T00:00:00Z")` give such
//! numbers (a day is 24 hours here, a month 30 days).
//!
//! A value that is not there makes what reads it an error, as in CEL, except inside `has(...)`; the
//! caller treats an error as "condition not met" and records it.

mod evaluate;
mod functions;
mod path;
mod rewrite;
mod scan;
#[cfg(test)]
mod tests;
mod values;
mod vocabulary;

use std::fmt;
use std::sync::Arc;

pub use evaluate::{EvalError, Scope};
pub use path::Path;
pub use values::{ITEMS_MAX, VALUE_NODES_MAX};
pub use vocabulary::Vocabulary;

use crate::value::Value;

/// Longest source, in bytes. A longer condition cannot be read by a person.
pub const SOURCE_MAX_BYTES: usize = 2_000;
/// Most nodes of a tree; bounds the work of one evaluation outside of macros.
pub const NODES_MAX: usize = 300;
/// Deepest tree; bounds the stack. `a || b || ...` is balanced and needs only a few levels.
pub const DEPTH_MAX: usize = 48;
/// Deepest brackets in the source; bounds the stack of the parser.
pub const BRACKETS_MAX: usize = 24;
/// Deepest macros (`all`, `exists`, `map`, ...): none inside another. Three nested ones over 300
/// items ran 17 seconds.
pub const MACRO_DEPTH_MAX: usize = 1;
/// Most macros of one expression. Each may compare a thousand items with a thousand: 20 ms.
pub const MACROS_MAX: usize = 8;
/// Most elements of a list or map literal.
pub const LITERAL_ITEMS_MAX: usize = 200;
/// Longest pattern of `matches`, in bytes.
pub const PATTERN_MAX_BYTES: usize = 200;
/// Largest compiled pattern, in bytes; bounds the time of compiling it.
pub const PATTERN_SIZE_MAX_BYTES: usize = 256 * 1024;

/// What is wrong with the source of an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", .suggestion.as_ref().map(|text| format!(": {text}")).unwrap_or_default())]
pub struct ExpressionProblem {
    /// Byte offset in the source, where it is known.
    pub offset: Option<usize>,
    /// What is wrong: lower case, without a full stop.
    pub message: String,
    /// What to do, if we know.
    pub suggestion: Option<String>,
}

impl ExpressionProblem {
    fn new(message: impl Into<String>) -> Self {
        Self { offset: None, message: message.into(), suggestion: None }
    }

    fn at(mut self, offset: Option<usize>) -> Self {
        self.offset = offset;
        self
    }

    fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }
}

/// A compiled expression. A clone costs one reference count.
#[derive(Clone)]
pub struct Expression(Arc<evaluate::Program>);

impl Expression {
    /// Checks and compiles a source.
    pub fn compile(source: &str, vocabulary: &Vocabulary) -> Result<Self, ExpressionProblem> {
        scan::check(source)?;
        let parser = cel::parser::Parser::default().enable_ident_escape_syntax(true);
        let (root, places) = parser
            .parse_with_source_info(source)
            .map_err(|errors| scan::explain(source, &errors))?;
        let program = rewrite::program(source, root, &places, vocabulary)?;
        Ok(Self(Arc::new(program)))
    }

    /// The same for a place that needs true or false: what can never be that is refused.
    pub fn compile_condition(
        source: &str,
        vocabulary: &Vocabulary,
    ) -> Result<Self, ExpressionProblem> {
        let expression = Self::compile(source, vocabulary)?;
        match expression.0.never_bool() {
            None => Ok(expression),
            Some(kind) => Err(ExpressionProblem::new(format!(
                "the condition is always {kind}, never true or false"
            ))
            .suggest("compare it with something, such as `... == \"gold\"`")),
        }
    }

    /// The source.
    pub fn source(&self) -> &str {
        self.0.source()
    }

    /// Everything that is read from the scope, each path once. A path that ends at a map
    /// (`customer.traits`) means that names are computed: any of its entries may be read.
    pub fn references(&self) -> &[Path] {
        self.0.paths()
    }

    /// The value for a scope.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        self.0.evaluate(scope)
    }

    /// The value for a scope, which must be true or false.
    pub fn evaluate_bool(&self, scope: &dyn Scope) -> Result<bool, EvalError> {
        self.0.evaluate_bool(scope)
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.source() == other.source()
    }
}

impl Eq for Expression {}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.source())
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expression({})", self.source())
    }
}
