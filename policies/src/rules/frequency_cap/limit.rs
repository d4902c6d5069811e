//! The limit of a cap: a number, or an expression over the customer's traits.
//!
//! ```yaml
//! limit: 'customer.traits.tier == "gold" ? 5 : 2'
//! ```
//!
//! A number with a fraction is cut to the whole; one beyond [`CAP_LIMIT_MAX`] is that. 0 means that
//! no such message goes. If the expression gives no number, or one below 0, the cap refuses.

use std::fmt;

use domain::expression::{Expression, Vocabulary};
use domain::journey::scope::TraitsScope;
use domain::problem::{Path, Problem};
use domain::value::{Map, Value};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

use super::CAP_LIMIT_MAX;

/// A limit as it is written.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub enum RawLimit {
    /// A number.
    Number(#[schemars(range(min = 1, max = 10_000))] u32),
    /// CEL over `customer.traits`: a number of 0 or more.
    Expression(String),
}

impl<'de> Deserialize<'de> for RawLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LimitVisitor)
    }
}

struct LimitVisitor;

impl Visitor<'_> for LimitVisitor {
    type Value = RawLimit;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or an expression")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<RawLimit, E> {
        Ok(RawLimit::Number(u32::try_from(number).unwrap_or(u32::MAX)))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<RawLimit, E> {
        // Below the smallest limit, as validation says.
        self.visit_u64(u64::try_from(number).unwrap_or(0))
    }

    fn visit_str<E: Error>(self, source: &str) -> Result<RawLimit, E> {
        Ok(RawLimit::Expression(source.to_owned()))
    }

    fn visit_unit<E: Error>(self) -> Result<RawLimit, E> {
        // Where the document is broken already.
        Ok(RawLimit::Number(1))
    }
}

/// A limit, validated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Limit {
    /// A number, 1 to [`CAP_LIMIT_MAX`].
    Number(u32),
    /// A number that depends on the customer.
    Expression(Expression),
}

impl RawLimit {
    pub(super) fn validate(&self, path: &Path, problems: &mut Vec<Problem>) -> Option<Limit> {
        let wrong = |message: String| Some(Problem::new(path.clone(), message));
        let problem = match self {
            Self::Number(0) => wrong("lower than 1".to_owned()),
            Self::Number(number) if *number > CAP_LIMIT_MAX => {
                wrong(format!("greater than {CAP_LIMIT_MAX}"))
            }
            Self::Number(number) => return Some(Limit::Number(*number)),
            Self::Expression(source) => match Expression::compile(source, &Vocabulary::traits()) {
                Ok(expression) if expression.references().is_empty() => {
                    let problem = wrong("the limit is the same for every customer".to_owned());
                    problem.map(|problem| problem.suggest("write the number: `limit: 3`"))
                }
                Ok(expression) => return Some(Limit::Expression(expression)),
                Err(found) => {
                    let mut problem = Problem::new(path.clone(), found.message);
                    problem.offset = found.offset;
                    problem.suggestion = found.suggestion;
                    Some(problem)
                }
            },
        };
        problems.extend(problem);
        None
    }
}

impl Limit {
    /// Whether this one is never higher than another one.
    pub(super) fn at_most(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(ours), Self::Number(theirs)) => ours <= theirs,
            _ => self == other,
        }
    }

    /// The number for a customer, or why there is none: words without values.
    pub(super) fn of(&self, traits: &Map) -> Result<u32, String> {
        let expression = match self {
            Self::Number(number) => return Ok(*number),
            Self::Expression(expression) => expression,
        };
        let max = CAP_LIMIT_MAX;
        match expression.evaluate(&TraitsScope(traits)).map_err(|error| error.to_string())? {
            // Cut to the highest limit first, so both fit.
            Value::Int(number) if number >= 0 => Ok(number.min(i64::from(max)) as u32),
            Value::Float(number) if number >= 0.0 => Ok(number.min(f64::from(max)) as u32),
            _ => Err("the result is not a number of 0 or more".to_owned()),
        }
    }
}
