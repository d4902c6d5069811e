//! The functions that expressions may call, and those that the rewriting puts in their place.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use cel::common::types::{
    self, CelBool, CelInt, CelList, CelMap, CelMapKey, CelString, DYN_TYPE, LIST_TYPE, MAP_TYPE,
    STRING_TYPE, Type,
};
use cel::common::value::{CowVal, StaticVal, Val};
use cel::{Env, ExecutionError};

use super::values::ITEMS_MAX;
use crate::time::{Instant, Span};

/// Bounds and orders what a macro runs over. Not a name that a source can spell.
pub(super) const ITEMS: &str = "#items";
/// `matches` with a compiled pattern.
pub(super) const MATCHES: &str = "#matches";

/// How a function may be called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `f(x)`
    Global,
    /// `x.f(y)`
    Member,
    /// `f(x)` and `x.f()`
    Both,
}

/// Every function of the language: name, form, arguments (the receiver included).
pub(super) const FUNCTIONS: &[(&str, Form, usize)] = &[
    ("contains", Form::Member, 2),
    ("startsWith", Form::Member, 2),
    ("endsWith", Form::Member, 2),
    ("matches", Form::Member, 2),
    ("size", Form::Both, 1),
    ("lower", Form::Both, 1),
    ("upper", Form::Both, 1),
    ("int", Form::Global, 1),
    ("double", Form::Global, 1),
    ("string", Form::Global, 1),
    ("duration", Form::Global, 1),
    ("timestamp", Form::Global, 1),
    ("minutes", Form::Global, 1),
    ("hours", Form::Global, 1),
    ("days", Form::Global, 1),
    ("weeks", Form::Global, 1),
];

/// Milliseconds of the units that are functions.
pub(super) fn unit_ms(function: &str) -> Option<i64> {
    Some(match function {
        "minutes" => 60_000,
        "hours" => 3_600_000,
        "days" => crate::time::DAY_MS,
        "weeks" => 7 * crate::time::DAY_MS,
        _ => return None,
    })
}

/// Text of `duration(...)` in milliseconds.
pub(super) fn duration_ms(text: &str) -> Result<i64, crate::time::TimeProblem> {
    Span::parse(text).map(|span| span.elapsed_ms())
}

/// Text of `timestamp(...)` in milliseconds; a date means its midnight in UTC.
pub(super) fn timestamp_ms(text: &str) -> Option<i64> {
    let midnight = || Instant::parse(&format!("{}T00:00:00Z", text.get(..10)?));
    let at = if text.len() == 10 { midnight() } else { Instant::parse(text) };
    at.map(|instant| instant.0)
}

/// The environment of every evaluation: CEL's own functions and ours.
pub(super) fn environment() -> &'static Arc<Env> {
    static ENVIRONMENT: OnceLock<Arc<Env>> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| {
        let mut env = Env::stdlib();
        declare(&mut env).expect("our names are not those of the standard library");
        Arc::new(env)
    })
}

fn declare(env: &mut Env) -> Result<(), cel::DeclarationError> {
    env.add_overload("lower", "lower_string", vec![STRING_TYPE], lower)?;
    env.add_member_overload("lower", "string_lower", STRING_TYPE, Vec::new(), lower)?;
    env.add_overload("upper", "upper_string", vec![STRING_TYPE], upper)?;
    env.add_member_overload("upper", "string_upper", STRING_TYPE, Vec::new(), upper)?;
    env.add_overload("duration", "duration_ms", vec![STRING_TYPE], duration)?;
    env.add_overload("timestamp", "timestamp_ms", vec![STRING_TYPE], timestamp)?;
    env.add_overload(MATCHES, "matches_pattern", vec![STRING_TYPE, DYN_TYPE], matches)?;
    env.add_overload(ITEMS, "items_list", vec![LIST_TYPE], items_of_list)?;
    env.add_overload(ITEMS, "items_map", vec![MAP_TYPE], items_of_map)
}

fn text<'a>(args: &'a [CowVal<'_, '_>]) -> Result<&'a str, ExecutionError> {
    let text = args.first().and_then(|arg| arg.downcast_ref::<CelString>());
    text.map(CelString::inner).ok_or_else(ExecutionError::missing_argument_or_target)
}

fn lower<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    Ok(CowVal::owned(CelString::from(text(&args)?.to_lowercase())))
}

fn upper<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    Ok(CowVal::owned(CelString::from(text(&args)?.to_uppercase())))
}

fn duration<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let ms = duration_ms(text(&args)?)
        .map_err(|_| ExecutionError::function_error("duration", "the text is no duration"))?;
    Ok(CowVal::owned(CelInt::from(ms)))
}

fn timestamp<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let ms = timestamp_ms(text(&args)?)
        .ok_or_else(|| ExecutionError::function_error("timestamp", "the text is no timestamp"))?;
    Ok(CowVal::owned(CelInt::from(ms)))
}

fn matches<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let pattern = args.get(1).and_then(|arg| arg.downcast_ref::<Pattern>());
    let pattern = pattern.ok_or_else(ExecutionError::missing_argument_or_target)?;
    Ok(CowVal::owned(CelBool::from(pattern.0.is_match(text(&args)?))))
}

fn too_many() -> ExecutionError {
    let message = format!("more than {ITEMS_MAX} items");
    ExecutionError::function_error("macro", message)
}

fn items_of_list<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let mut args = args;
    let list = args.pop().ok_or_else(ExecutionError::missing_argument_or_target)?;
    match list.downcast_ref::<CelList>() {
        Some(items) if items.inner().len() > ITEMS_MAX => Err(too_many()),
        _ => Ok(list),
    }
}

/// The keys in their order: a map has none of its own, and results must not depend on chance.
fn items_of_map<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let map = args.first().and_then(|arg| arg.downcast_ref::<CelMap>());
    let map = map.ok_or_else(ExecutionError::missing_argument_or_target)?;
    if map.len() > ITEMS_MAX {
        return Err(too_many());
    }
    let mut keys: Vec<&CelMapKey<'v>> = map.keys().collect();
    keys.sort();
    let owned = keys.into_iter().map(|key| key.inner().clone_as_boxed());
    Ok(CowVal::owned(CelList::from(owned.collect::<Vec<Box<dyn Val + 'v>>>())))
}

/// A compiled pattern of `matches`, as a value that only our function understands.
#[derive(Clone, Debug)]
pub(super) struct Pattern(pub(super) regex::Regex);

impl Val for Pattern {
    fn get_type(&self) -> &Type {
        Self::cel_type()
    }

    fn cel_type() -> &'static Type {
        static TYPE: OnceLock<Type> = OnceLock::new();
        TYPE.get_or_init(|| types::Type::new_opaque_type("pattern"))
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Pattern {}
