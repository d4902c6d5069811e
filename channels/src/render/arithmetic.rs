//! Arithmetic that cannot overflow: whole numbers while they fit, then floating point. The filters
//! of the library end the process on `{{ x | divided_by: -1 }}` for the smallest whole number.

use liquid_core::error::Error;
use liquid_core::{
    Display_filter, Expression, Filter, FilterParameters, FilterReflection, ParseFilter, Result,
    Runtime, Value, ValueView,
};

use super::filter::filter_of_one;

#[derive(Debug, FilterParameters)]
struct OperandArgs {
    #[parameter(description = "The other number.")]
    operand: Expression,
}

/// What `nil` and text that is no number count as: the library fails, a mail should not.
fn number(value: &dyn ValueView) -> (Option<i64>, f64) {
    let scalar = value.as_scalar();
    let int = scalar.as_ref().and_then(|scalar| scalar.to_integer());
    let float = scalar.as_ref().and_then(|scalar| scalar.to_float());
    match (int, float) {
        (Some(int), _) => (Some(int), int as f64),
        (None, Some(float)) => (None, float),
        (None, None) => (Some(0), 0.0),
    }
}

/// The whole numbers if there are two and the result is one, else the floating ones.
fn calculate(
    input: &dyn ValueView,
    operand: &dyn ValueView,
    int: fn(i64, i64) -> Option<i64>,
    float: fn(f64, f64) -> f64,
) -> Result<Value> {
    let (left_int, left) = number(input);
    let (right_int, right) = number(operand);
    Ok(match left_int.zip(right_int).and_then(|(left, right)| int(left, right)) {
        Some(int) => Value::scalar(int),
        None => Value::scalar(float(left, right)),
    })
}

fn not_zero(operand: &dyn ValueView) -> Result<()> {
    match number(operand) {
        (_, 0.0) => Err(Error::with_msg("division by zero")),
        _ => Ok(()),
    }
}

filter_of_one!(Plus, plus, "plus", "Adds.", OperandArgs, |input, args| {
    calculate(input, &args.operand, i64::checked_add, |a, b| a + b)
});
filter_of_one!(Minus, minus, "minus", "Subtracts.", OperandArgs, |input, args| {
    calculate(input, &args.operand, i64::checked_sub, |a, b| a - b)
});
filter_of_one!(Times, times, "times", "Multiplies.", OperandArgs, |input, args| {
    calculate(input, &args.operand, i64::checked_mul, |a, b| a * b)
});
filter_of_one!(
    DividedBy,
    divided_by,
    "divided_by",
    "Divides; whole numbers give a whole number.",
    OperandArgs,
    |input, args| {
        not_zero(&args.operand)?;
        calculate(input, &args.operand, i64::checked_div, |a, b| a / b)
    }
);
filter_of_one!(Modulo, modulo, "modulo", "Rest of a division.", OperandArgs, |input, args| {
    not_zero(&args.operand)?;
    calculate(input, &args.operand, i64::checked_rem, |a, b| a % b)
});

#[derive(Clone, ParseFilter, FilterReflection)]
#[filter(name = "abs", description = "The number without its sign.", parsed(AbsFilter))]
pub(super) struct Abs;

#[derive(Debug, Default, Display_filter)]
#[name = "abs"]
struct AbsFilter;

impl Filter for AbsFilter {
    fn evaluate(&self, input: &dyn ValueView, _runtime: &dyn Runtime) -> Result<Value> {
        let (int, float) = number(input);
        Ok(int.and_then(i64::checked_abs).map_or_else(|| Value::scalar(float.abs()), Value::scalar))
    }
}
