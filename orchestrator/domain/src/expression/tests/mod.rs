//! Expressions over scopes, bounds, and what is said about slips.

mod bounds;
mod results;
mod slips;

use std::cell::RefCell;
use std::sync::Arc;

use super::*;
use crate::value::Value;

/// A scope from JSON that notes what it was asked.
struct Json {
    root: Value,
    asked: RefCell<Vec<Path>>,
}

impl Json {
    fn new(json: serde_json::Value) -> Self {
        let root = Value::from_json(&json).expect("shallow");
        Self { root, asked: RefCell::default() }
    }
}

impl Scope for Json {
    fn get(&self, path: &[Arc<str>]) -> Option<Value> {
        self.asked.borrow_mut().push(Path::new(path));
        let mut value = &self.root;
        for name in path {
            let Value::Map(map) = value else { return None };
            value = map.get(name)?;
        }
        Some(value.clone())
    }
}

fn shop() -> Json {
    Json::new(serde_json::json!({
        "customer": {
            "id": "c1",
            "zone": "Europe/Berlin",
            "created_at": 1_700_000_000_000_i64,
            "traits": {
                "email": "Ada@Example.com", "tier": "gold", "age": 36, "score": 1.5, "vip": true,
                "tags": ["a", "b", "c"], "address": {"city": "Köln", "zip": null}, "order-no": 7
            },
            "segments": ["big-spenders", "vip"],
            "events": {
                "Order Completed": {"count": 5, "first": 1_000, "last": 1_780_000_000_000_i64}
            }
        },
        "event": {
            "name": "Product Added",
            "properties": {
                "cart_id": "k9", "price": 19.5, "field": "tier", "items": [
                    {"sku": "A-1", "price": 10}, {"sku": "B-2", "price": 250}
                ]
            },
            "occurred_at": 1_780_000_000_000_i64,
            "received_at": 1_780_000_000_500_i64
        },
        "enrollment": {"id": "e1", "key": "k9", "journey": "cart", "entered_at": 5},
        "steps": {"mail-1": {"outcome": "clicked"}, "mail2": {"outcome": "sent"}},
        "now": 1_780_086_400_000_i64
    }))
}

fn vocabulary() -> Vocabulary {
    Vocabulary::customer().with_event().with_enrollment(["mail-1", "mail2", "mail3"])
}

fn compile(source: &str) -> Result<Expression, ExpressionProblem> {
    Expression::compile(source, &vocabulary())
}

fn run(source: &str) -> Result<Value, EvalError> {
    compile(source).unwrap_or_else(|problem| panic!("{source}: {problem}")).evaluate(&shop())
}
