//! Arithmetic that cannot overflow: whole numbers while they fit, then floating point. The filters
//! of the library end the process on `{{ x | divided_by: -1 }}` for the smallest whole number.

use liquid_core::error::Error;
use liquid_core::{
    Display_filter, Expression, Filter, FilterParameters, FilterReflection, FromFilterParameters,
    ParseFilter, Result, Runtime, Value, ValueView,
};

#[derive(Debug, FilterParameters)]
struct Other {
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

macro_rules! arithmetic_filter {
    ($plugin:ident, $module:ident, $name:literal, $description:literal, $int:expr,
     $float:expr) => {
        // The derives mix the places of names: all of them must be made by this macro.
        mod $module {
            use super::*;

            #[derive(Clone, ParseFilter, FilterReflection)]
            #[filter(name = $name, description = $description, parameters(Other), parsed(Applied))]
            pub(in super::super) struct $plugin;

            #[derive(Debug, FromFilterParameters, Display_filter)]
            #[name = $name]
            struct Applied {
                #[parameters]
                args: Other,
            }

            impl Filter for Applied {
                fn evaluate(&self, input: &dyn ValueView, runtime: &dyn Runtime) -> Result<Value> {
                    let args = self.args.evaluate(runtime)?;
                    let (left_int, left) = number(input);
                    let (right_int, right) = number(&args.operand);
                    let int: fn(i64, i64) -> Option<i64> = $int;
                    let float: fn(f64, f64) -> f64 = $float;
                    if right == 0.0 && matches!($name, "divided_by" | "modulo") {
                        return Err(Error::with_msg("division by zero"));
                    }
                    Ok(match left_int.zip(right_int).and_then(|(left, right)| int(left, right)) {
                        Some(int) => Value::scalar(int),
                        None => Value::scalar(float(left, right)),
                    })
                }
            }
        }
        pub(super) use $module::$plugin;
    };
}

arithmetic_filter!(Plus, plus, "plus", "Adds.", i64::checked_add, |a, b| a + b);
arithmetic_filter!(Minus, minus, "minus", "Subtracts.", i64::checked_sub, |a, b| a - b);
arithmetic_filter!(Times, times, "times", "Multiplies.", i64::checked_mul, |a, b| a * b);
arithmetic_filter!(
    DividedBy,
    divided_by,
    "divided_by",
    "Divides; whole numbers give a whole number.",
    i64::checked_div,
    |a, b| a / b
);
arithmetic_filter!(Modulo, modulo, "modulo", "Rest of a division.", i64::checked_rem, |a, b| {
    a % b
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
