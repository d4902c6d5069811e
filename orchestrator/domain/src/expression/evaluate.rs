//! Running a compiled expression over a scope.

use std::sync::Arc;

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};
use cel::common::types::CelBool;
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::{Context, ExecutionError};

use super::functions::{Pattern, environment};
use super::path::Path;
use super::values::{from_cel, kind_name, to_cel};
use crate::value::Value;

/// What an expression reads from.
pub trait Scope {
    /// The value at a path, root first (`["customer", "traits", "email"]`), if there is one.
    ///
    /// Asked once per path and evaluation, only for the paths of
    /// [`references`](super::Expression::references).
    fn get(&self, path: &[Arc<str>]) -> Option<Value>;
}

/// Why an evaluation gave no value. Never holds a value: those are personal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// The scope has nothing there.
    #[error("`{0}` has no value")]
    Missing(Path),
    /// More than an expression may look at.
    #[error("`{0}` is too large for an expression")]
    TooLarge(Path),
    /// A condition gave something else.
    #[error("the result is {0}, not true or false")]
    NotBool(&'static str),
    /// A computation that cannot be done.
    #[error("{0}")]
    Failed(String),
}

/// What stands in the tree in place of a path: `#3` its value, `?3` whether it has one; `~3` is the
/// pattern with that number. No source can spell such names.
#[derive(Clone, Copy)]
pub(super) enum Slot {
    Value(usize),
    Presence(usize),
    Pattern(usize),
}

impl Slot {
    pub(super) fn name(self) -> String {
        match self {
            Self::Value(index) => format!("#{index}"),
            Self::Presence(index) => format!("?{index}"),
            Self::Pattern(index) => format!("~{index}"),
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        let (kind, index) = name.split_at_checked(1)?;
        let slot = match kind {
            "#" => Self::Value,
            "?" => Self::Presence,
            "~" => Self::Pattern,
            _ => return None,
        };
        Some(slot(index.parse().ok()?))
    }
}

/// A compiled expression: the tree with its paths replaced by slots.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) source: String,
    pub(super) root: IdedExpr,
    pub(super) paths: Vec<Path>,
    pub(super) patterns: Vec<Pattern>,
}

impl Program {
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    pub(super) fn paths(&self) -> &[Path] {
        &self.paths
    }

    /// What the result always is, if that is known and not true or false.
    pub(super) fn never_bool(&self) -> Option<&'static str> {
        match &self.root.expr {
            Expr::Literal(LiteralValue::Boolean(_)) => None,
            Expr::Literal(LiteralValue::String(_)) => Some("text"),
            Expr::Literal(LiteralValue::Null) => Some("null"),
            Expr::Literal(_) => Some("a number"),
            Expr::List(_) => Some("a list"),
            Expr::Map(_) => Some("a map"),
            Expr::Call(call) => match call.func_name.as_str() {
                operators::SUBSTRACT
                | operators::MULTIPLY
                | operators::DIVIDE
                | operators::MODULO
                | operators::NEGATE
                | "size"
                | "int"
                | "double"
                | "duration"
                | "timestamp" => Some("a number"),
                operators::ADD => Some("a number, text or a list"),
                "string" | "lower" | "upper" => Some("text"),
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn evaluate(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        // A path alone (the key of an entry) needs no interpreter.
        if let (Expr::Ident(name), [path]) = (&self.root.expr, &self.paths[..])
            && let Some(Slot::Value(_)) = Slot::parse(name)
        {
            return scope.get(path).ok_or_else(|| EvalError::Missing(path.clone()));
        }
        let no_value = || EvalError::Failed("the result is not a value".to_owned());
        self.run(scope, |value| from_cel(value).ok_or_else(no_value))
    }

    pub(super) fn evaluate_bool(&self, scope: &dyn Scope) -> Result<bool, EvalError> {
        self.run(scope, |value| match value.downcast_ref::<CelBool>() {
            Some(bool) => Ok(*bool.inner()),
            None => Err(EvalError::NotBool(kind_name(value))),
        })
    }

    fn run<T>(
        &self,
        scope: &dyn Scope,
        finish: impl FnOnce(&dyn Val) -> Result<T, EvalError>,
    ) -> Result<T, EvalError> {
        // Most expressions read one path: they need no lists for its value.
        if let [path] = &self.paths[..] {
            let value = [scope.get(path)];
            return self.run_over(&value, &[as_cel(&value[0])], finish);
        }
        let values: Vec<Option<Value>> = self.paths.iter().map(|path| scope.get(path)).collect();
        let as_cel: Vec<_> = values.iter().map(as_cel).collect();
        self.run_over(&values, &as_cel, finish)
    }

    fn run_over<'v, T>(
        &self,
        values: &'v [Option<Value>],
        as_cel: &[Option<Box<dyn Val + 'v>>],
        finish: impl FnOnce(&dyn Val) -> Result<T, EvalError>,
    ) -> Result<T, EvalError> {
        let slots = Slots { values: as_cel, present: values, patterns: &self.patterns };
        let mut context = Context::with_env(environment().clone());
        context.set_variable_resolver(&slots);
        match cel::Value::resolve_val(&self.root, &context) {
            Ok(value) => finish(value.as_ref()),
            Err(error) => Err(self.explain(error, values)),
        }
    }

    /// The same error without the values that CEL puts into its messages.
    fn explain(&self, error: ExecutionError, values: &[Option<Value>]) -> EvalError {
        let message = match error {
            ExecutionError::UndeclaredReference(name) => match Slot::parse(&name) {
                Some(Slot::Value(index)) if values[index].is_some() => {
                    return EvalError::TooLarge(self.paths[index].clone());
                }
                Some(Slot::Value(index)) => return EvalError::Missing(self.paths[index].clone()),
                _ => "unknown name".to_owned(),
            },
            // A key that the author wrote is no secret, one that was computed may be.
            ExecutionError::NoSuchKey(name) if self.source.contains(name.as_str()) => {
                format!("no such key `{name}`")
            }
            ExecutionError::NoSuchKey(_) => "no such key".to_owned(),
            ExecutionError::NoSuchOverload(overload) => {
                let function = match overload.function() {
                    super::functions::ITEMS => "a macro",
                    super::functions::MATCHES => "matches",
                    function => function.trim_matches(['_', '@']),
                };
                format!("{function} does not take {}", overload.argument_types().join(" and "))
            }
            ExecutionError::ValuesNotComparable(..) => "these cannot be compared".to_owned(),
            ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
                "division by zero".to_owned()
            }
            ExecutionError::Overflow(..) => "a number is too large".to_owned(),
            ExecutionError::IndexOutOfBounds(_) => "no such element of the list".to_owned(),
            ExecutionError::UnsupportedBinaryOperator(operator, ..) => {
                format!("{operator} does not take these types")
            }
            ExecutionError::UnexpectedType { got, want } => format!("{got} instead of {want}"),
            ExecutionError::FunctionError { function, message } if our_message(&function) => {
                format!("{function}: {message}")
            }
            _ => "these types do not go together".to_owned(),
        };
        EvalError::Failed(message)
    }
}

/// A value for CEL; none where there is none, or it is too large.
fn as_cel(value: &Option<Value>) -> Option<Box<dyn Val + '_>> {
    value.as_ref().map(to_cel)?.ok()
}

/// Functions whose messages are ours and hold no value.
fn our_message(function: &str) -> bool {
    matches!(function, "duration" | "timestamp" | "macro")
}

/// The values of one evaluation, by slot.
struct Slots<'v> {
    values: &'v [Option<Box<dyn Val + 'v>>],
    present: &'v [Option<Value>],
    patterns: &'v [Pattern],
}

impl VariableResolver for Slots<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        match Slot::parse(variable)? {
            Slot::Value(index) => Some(CowVal::Borrowed(self.values.get(index)?.as_deref()?)),
            Slot::Presence(index) => {
                Some(CowVal::owned(CelBool::from(self.present.get(index)?.is_some())))
            }
            Slot::Pattern(index) => Some(CowVal::Borrowed(self.patterns.get(index)?)),
        }
    }
}
