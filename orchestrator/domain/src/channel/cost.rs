//! What a message on a channel costs.
//!
//! ```yaml
//! apiVersion: cadencia/v1
//! kind: Channel
//! metadata: {name: texts}
//! spec:
//!   capture: {}
//!   cost: {currency: EUR, per_message: 0.0725}  # or per_segment, or per_thousand
//! ```

use schemars::JsonSchema;
use serde::Deserialize;

use super::Provider;
use crate::check::Check;
use crate::problem::{Path, Problem};

/// Money is counted in millionths of the currency's unit.
pub const MICROS: i64 = 1_000_000;
/// Most that one message may cost, in millionths: a thousand units. Counts change by less than
/// 2^31 millionths at a time.
pub const MESSAGE_COST_MAX_MICROS: i64 = 1_000 * MICROS;

/// What a message costs: so much for each part of it, and at most so many parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// The currency, by its three letters (ISO 4217).
    pub currency: String,
    /// What one part costs, in millionths of the currency's unit.
    pub part_micros: i64,
    /// Most parts: segments of a text message, else 1.
    pub parts_max: u16,
}

impl Cost {
    /// What so many parts cost, at most what the whole message may.
    pub fn of(&self, parts: u16) -> i64 {
        self.part_micros * i64::from(parts.min(self.parts_max))
    }

    /// The most that a message may cost: what it reserves.
    pub fn most(&self) -> i64 {
        self.of(self.parts_max)
    }
}

/// What a message costs. Exactly one price.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    {"required": ["per_message"]}, {"required": ["per_segment"]}, {"required": ["per_thousand"]},
]))]
pub struct RawCost {
    /// The currency, by its three letters (`EUR`): the same for all channels.
    #[schemars(extend("pattern" = "^[A-Z]{3}$"))]
    pub currency: String,
    /// Price of a message, in the currency's unit.
    #[schemars(range(min = 0))]
    pub per_message: Option<f64>,
    /// Price of each segment of a text message.
    #[schemars(range(min = 0))]
    pub per_segment: Option<f64>,
    /// Price of a thousand messages.
    #[schemars(range(min = 0))]
    pub per_thousand: Option<f64>,
}

/// Validates a cost that stands at `path`, of a channel with this provider.
pub(super) fn cost(
    raw: &RawCost,
    provider: &Provider,
    path: &Path,
    check: &mut Check<'_>,
) -> Option<Cost> {
    let letters = raw.currency.len() == 3 && raw.currency.bytes().all(|it| it.is_ascii_uppercase());
    if !letters {
        let message = format!("`{}` is not a currency", raw.currency);
        let problem = Problem::new(path.key("currency"), message);
        check.problem(problem.suggest("write its three letters, like `EUR`"));
    }
    let given = [
        ("per_message", raw.per_message, 1),
        ("per_segment", raw.per_segment, 1),
        ("per_thousand", raw.per_thousand, 1_000),
    ];
    let mut given = given.into_iter().filter_map(|(key, price, of)| Some((key, price?, of)));
    let Some((key, price, of)) = given.next() else {
        let message = "a cost needs `per_message`, `per_segment` or `per_thousand`";
        check.problem(Problem::new(path.clone(), message).on_key());
        return None;
    };
    if let Some((second, ..)) = given.next() {
        let message = format!("`{second}` cannot stand beside `{key}`");
        check.problem(Problem::new(path.key(second), message).on_key().suggest("keep one of them"));
        return None;
    }
    let path = path.key(key);
    let parts_max = match provider {
        Provider::Sms(sms) if key == "per_segment" => u16::from(sms.max_segments),
        _ if key == "per_segment" => {
            let message = "only a channel with `sms` has segments";
            check.problem(Problem::new(path, message).on_key().suggest("write `per_message`"));
            return None;
        }
        _ => 1,
    };
    let Some(part_micros) = micros(price, of) else {
        let message = "not a price: from 0 on, no finer than a millionth of a unit per message";
        check.problem(Problem::new(path, message).suggest("write it like `0.0725`"));
        return None;
    };
    let cost = Cost { currency: raw.currency.clone(), part_micros, parts_max };
    if cost.most() > MESSAGE_COST_MAX_MICROS {
        let most = MESSAGE_COST_MAX_MICROS / MICROS;
        check.wrong(&path, format!("a message would cost more than {most} {}", cost.currency));
        return None;
    }
    letters.then_some(cost)
}

/// A price in millionths of a unit, for one of so many messages. Exact: read from the digits that
/// were written.
fn micros(price: f64, of: i64) -> Option<i64> {
    // The shortest digits that mean this number, which are those that were written.
    let text = price.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let places = 12;
    if fraction.len() > places || text.starts_with('-') {
        return None;
    }
    let digits: i128 = format!("{whole}{fraction:0<places$}").parse().ok()?;
    let divisor = 10_i128.pow(12) / i128::from(MICROS) * i128::from(of);
    (digits % divisor == 0).then(|| i64::try_from(digits / divisor).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_exact() {
        for (price, of, expected) in [
            (0.0725, 1, Some(72_500)),
            (0.1, 1, Some(100_000)),
            (0.000_001, 1, Some(1)),
            (0.000_000_1, 1, None),
            (0.12, 1_000, Some(120)),
            (0.1234, 1_000, None),
            (0.0, 1, Some(0)),
            (7.0, 1, Some(7_000_000)),
            (-0.5, 1, None),
            (f64::NAN, 1, None),
            (f64::INFINITY, 1, None),
            (1e300, 1, None),
            (1e-300, 1, None),
        ] {
            assert_eq!(micros(price, of), expected, "{price} for {of}");
        }
    }

    #[test]
    fn a_message_reserves_the_most_that_it_may_cost() {
        let cost = Cost { currency: "EUR".to_owned(), part_micros: 72_500, parts_max: 3 };
        assert_eq!((cost.most(), cost.of(1), cost.of(9)), (217_500, 72_500, 217_500));
    }
}
