//! Expressions over scopes, bounds, and what is said about slips.

use std::cell::RefCell;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::value::{Map, Value};

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

#[test]
fn conditions_hold_or_not() {
    for (source, expected) in [
        ("true", true),
        (r#"customer.traits.email != """#, true),
        (r#"customer.traits["tier"] == "gold""#, true),
        (r#"customer.traits['order-no'] == 7"#, true),
        (r#"customer.events["Order Completed"].count == 5"#, true),
        (r#"customer.events["Order Completed"].count >= 6"#, false),
        (r#""vip" in customer.segments"#, true),
        (r#"!("lost" in customer.segments)"#, true),
        (r#"customer.traits.tier in ["silver", "gold"]"#, true),
        ("customer.traits.age > 35 && customer.traits.age < 37", true),
        ("customer.traits.age == 36.0 && customer.traits.score > 1", true),
        (r#"customer.traits.age == "36""#, false),
        ("event.properties.price > 19", true),
        ("customer.traits.vip", true),
        ("customer.traits.vip ? event.properties.price > 100 : true", false),
        // Presence.
        ("has(customer.traits.email)", true),
        ("has(customer.traits.phone)", false),
        ("has(customer.events.`Order Completed`)", true),
        (r#"has(customer.events["Order Completed"].count)"#, true),
        ("has(customer.events.`Never ever`)", false),
        ("has(customer.traits.address.city) && !has(customer.traits.address.street)", true),
        ("has(steps.mail2) && has(steps.mail2.outcome) && !has(steps.mail3)", true),
        ("has(customer.traits.phone) && customer.traits.phone != ''", false),
        ("customer.traits.address.zip == null", true),
        // An error on one side does not matter if the other decides.
        ("customer.traits.phone == '1' || true", true),
        ("false && customer.traits.phone == '1'", false),
        // Text.
        (r#"customer.traits.email.lower() == "ada@example.com""#, true),
        (r#"lower(customer.traits.email).endsWith("@example.com")"#, true),
        (r#"upper(customer.traits.tier) == "GOLD""#, true),
        (r#"customer.traits.email.contains("Example")"#, true),
        (r#"customer.traits.email.matches("^[A-Z][a-z]+@")"#, true),
        (r#"customer.traits.email.matches("^ada@")"#, false),
        (r#"customer.traits.email.lower().matches(r"^ada@\w+\.com$")"#, true),
        (r#"customer.traits.address.city.size() == 4"#, true),
        (r#"string(customer.traits.age) + "x" == "36x""#, true),
        (r#"int("12") == 12"#, true),
        // Lists, maps, macros.
        ("size(customer.traits.tags) == 3 && customer.traits.tags[1] == 'b'", true),
        (r#"event.properties.items[0].sku == "A-1""#, true),
        (r#"event.properties.items.exists(i, i.price > 200)"#, true),
        (r#"event.properties.items.all(i, i.sku.startsWith("A"))"#, false),
        (r#"event.properties.items.exists_one(i, i.sku.matches("^B-"))"#, true),
        ("event.properties.items.filter(i, i.price > customer.traits.age).size() == 1", true),
        (r#"customer.traits.tags.map(t, t + "!") == ["a!", "b!", "c!"]"#, true),
        (r#"customer.segments.exists(event, event == "vip")"#, true),
        (r#"{"gold": 3, "silver": 2}[customer.traits.tier] == 3"#, true),
        (r#"customer.traits[event.properties.field] == "gold""#, true),
        (r#"customer.events.all(name, customer.events[name].count > 4)"#, true),
        (r#""Order Completed" in customer.events"#, true),
        // Time.
        ("event.occurred_at <= event.received_at", true),
        (r#"now - customer.events["Order Completed"].last == days(1)"#, true),
        (r#"now - customer.created_at > duration("P7D") + hours(1) + minutes(2) + weeks(1)"#, true),
        (r#"event.occurred_at > timestamp("2026-01-01")"#, true),
        (r#"timestamp("1970-01-01T00:00:01Z") == 1000"#, true),
        (r#"duration(string("PT") + "1S") == 1000"#, true),
        ("days(customer.traits.age) == 36 * 24 * 3600 * 1000", true),
        // The enrollment.
        (r#"enrollment.key == event.properties.cart_id && enrollment.journey == "cart""#, true),
        (r#"steps["mail-1"].outcome == "clicked" && steps.mail2.outcome != "clicked""#, true),
    ] {
        let expression = Expression::compile_condition(source, &vocabulary());
        let expression = expression.unwrap_or_else(|problem| panic!("{source}: {problem}"));
        assert_eq!(expression.evaluate_bool(&shop()), Ok(expected), "{source}");
        assert_eq!(expression.evaluate(&shop()), Ok(Value::Bool(expected)), "{source}");
    }
}

#[test]
fn values_come_back_as_they_are() {
    let text = |text: &str| Value::from(text);
    for (source, expected) in [
        ("event.properties.cart_id", text("k9")),
        ("customer.traits.address.zip", Value::Null),
        ("customer.traits.score * 2.0", Value::Float(3.0)),
        ("customer.traits.age + 1", Value::Int(37)),
        (r#"customer.traits.tier + "-" + string(1)"#, text("gold-1")),
        ("18446744073709551615u", Value::Float(u64::MAX as f64)),
        ("[1, 2u, 'x', null]", Value::List(vec![1.into(), 2.into(), text("x"), Value::Null])),
        (
            "{'b': 1, 2: true}",
            Value::Map(Map::from([(Arc::from("b"), 1.into()), (Arc::from("2"), true.into())])),
        ),
        // A map has no order of its own: macros run over its keys in their order.
        ("customer.traits.address.map(k, k)", Value::List(vec![text("city"), text("zip")])),
        ("{'z': 1, 'a': 2, 'm': 3}.map(k, k)", Value::List(vec![text("a"), text("m"), text("z")])),
    ] {
        assert_eq!(run(source), Ok(expected), "{source}");
    }
}

#[test]
fn errors_say_why_and_hold_no_values() {
    for (source, expected) in [
        ("customer.traits.phone == '1'", "`customer.traits.phone` has no value"),
        ("customer.traits.phone", "`customer.traits.phone` has no value"),
        (
            r#"customer.events["No way"].count > 1"#,
            "`customer.events[\"No way\"].count` has no value",
        ),
        ("customer.traits[event.properties.cart_id] == 1", "no such key `k9`"),
        ("customer.traits.email > 5", "these cannot be compared"),
        ("customer.traits.email - 5", "sub does not take these types"),
        ("customer.traits.age.contains('3')", "contains does not take int and string"),
        ("customer.traits.age.matches('3')", "matches does not take int and dyn"),
        ("customer.traits.age.exists(x, x == 3)", "a macro does not take int"),
        ("!customer.traits.email", "! does not take string"),
        ("customer.traits.age / 0 == 1", "division by zero"),
        ("customer.traits.tags[7] == 'a'", "no such element of the list"),
        ("days(9223372036854775807) == 1", "a number is too large"),
        ("duration(customer.traits.tier) == 1", "duration: the text is no duration"),
        ("steps.mail3.outcome == 'sent'", "`steps.mail3.outcome` has no value"),
    ] {
        let error = run(source).expect_err(source);
        let shown = error.to_string();
        assert_eq!(shown.replace("pattern", "dyn"), expected, "{source}");
        assert!(!shown.contains("Ada@"), "{shown}");
    }
    let expression = compile("customer.traits.email").expect("compiles");
    assert_eq!(expression.evaluate_bool(&shop()), Err(EvalError::NotBool("text")));
}

#[test]
fn slips_are_found_when_compiled() {
    for (source, offset, expected) in [
        ("customr.id == '1'", Some(0), "unknown name `customr`: did you mean `customer`?"),
        ("customer.trait.email", Some(8), "`customer` has no `trait`: did you mean `traits`?"),
        (
            "has(event.props)",
            None,
            "`event` has no `props`: known here: name, properties, occurred_at, received_at",
        ),
        (
            "true && event.recieved_at > 5",
            Some(13),
            "`event` has no `recieved_at`: did you mean `received_at`?",
        ),
        ("customer.id.x == 1", Some(11), "`customer.id` has no names below it"),
        (
            "customer.events['X'] > 1",
            None,
            "`customer.events.X` is not a value by itself: read .count, .first, .last of it",
        ),
        (
            "customer.events['A b'].cnt > 1",
            None,
            "`customer.events[\"A b\"]` has no `cnt`: did you mean `count`?",
        ),
        (
            "customer == 1",
            Some(0),
            "`customer` is not a value by itself: read .id, .zone, .created_at, .segments, .traits, .events of it",
        ),
        ("steps.mail4.outcome == ''", None, "`steps` has no `mail4`: did you mean `mail2`?"),
        ("customer.traits.a = 5", Some(18), "`=` is not an operator: write == to compare"),
        ("now === 5", Some(4), "`===` is not an operator: write == to compare"),
        ("now > 1 and now < 5", Some(8), "`and` is not an operator: write &&"),
        ("not now", Some(0), "`not` is not an operator: write !"),
        ("now > 1 & now < 5", Some(8), "`&` is not an operator: write && for and"),
        (
            "{{ customer.id }}",
            Some(0),
            "this is an expression, not a template: write it without {{ }} and ${ }",
        ),
        (
            "customer.id == \u{201c}x\u{201d}",
            Some(15),
            "these are typographic quotes: write \" or '",
        ),
        ("", None, "the expression is empty: write `true` for always"),
        ("now >", Some(5), "the expression ends too early"),
        ("(now > 5", Some(8), "the expression ends too early"),
        (
            "customer.id.startswith('a')",
            None,
            "unknown function `startswith`: did you mean `startsWith`?",
        ),
        (
            "contains(customer.id, 'a')",
            None,
            "`contains` is not called like this: write x.contains(y)",
        ),
        ("lower(1, 2) == 'a'", None, "`lower` is not called like this: write lower(x)"),
        (
            "customer.id.matches(customer.zone)",
            None,
            "the pattern of `matches` must be written out",
        ),
        ("customer.id.matches('(')", None, "the pattern is not a regular expression"),
        (r"customer.id.matches('(\\w{200}){200}')", None, "the pattern is too large"),
        ("now > duration('15m')", None, "`15m` is not a duration: write PT15M"),
        (
            "now > timestamp('soon')",
            None,
            "the text is no timestamp: write 2026-01-31T09:00:00Z or 2026-01-31",
        ),
        (
            "has(customer.traits['a b'])",
            None,
            "`has` takes a name below another: write has(a.b), or has(a.`b c`) for a name with other signs",
        ),
        (
            "has(now)",
            None,
            "`has` takes a name below another: write has(a.b), or has(a.`b c`) for a name with other signs",
        ),
        ("b'abc' == b'abc'", None, "bytes are not supported"),
        ("Foo{a: 1} == 1", None, "messages are not supported"),
        ("type(now) == int", None, "unknown function `type`"),
    ] {
        let problem = compile(source).expect_err(source);
        assert_eq!(problem.to_string(), expected, "{source}");
        if offset.is_some() {
            assert_eq!(problem.offset, offset, "{source}");
        }
    }
    for (source, kind) in [("'gold'", "text"), ("1 - 2", "a number"), ("[true]", "a list")] {
        let problem = Expression::compile_condition(source, &vocabulary()).expect_err(source);
        assert_eq!(problem.message, format!("the condition is always {kind}, never true or false"));
    }
    let outside = Expression::compile("event.name == ''", &Vocabulary::customer());
    assert_eq!(outside.expect_err("no event").message, "unknown name `event`");
}

#[test]
fn offsets_are_bytes_also_behind_other_alphabets() {
    let source = "'Köln 東京' == customer.trait";
    let problem = compile(source).expect_err("a slip");
    assert_eq!(problem.offset, source.find(".trait"));
}

#[test]
fn bounds_hold() {
    let nested = "customer.segments.all(a, customer.segments.all(b, customer.segments.all(c, \
                  a == b && b == c)))";
    let long_list = format!("1 in [{}]", vec!["1"; 201].join(","));
    let many = vec!["now > 1"; 110].join(" || ");
    let deep_sum = vec!["1"; 100].join("+");
    for (source, expected) in [
        (nested, "a macro (all, exists, map, filter) inside another"),
        (
            "[[1]].exists(a, a.exists(b, b == 1))",
            "a macro (all, exists, map, filter) inside another",
        ),
        (&long_list, "more than 200 elements"),
        (&many, "more than 300 parts"),
        (&deep_sum, "nested deeper than 48 levels"),
        (&"(".repeat(2_000), "brackets are nested deeper than 24 levels"),
        (&"[".repeat(1_999), "brackets are nested deeper than 24 levels"),
        (&format!("{}true", "!".repeat(500)), "more than 8 signs in a row"),
        (&format!("{}1", "- ".repeat(500)), "more than 8 signs in a row"),
        (&vec!["1"; 402].join("<"), "more than 400 operators and names"),
        (&"true ? 1 : ".repeat(100), "more than 16 conditionals"),
        (&"x".repeat(2_001), "the expression is longer than 2000 bytes"),
        (&format!("event.properties{}", ".a".repeat(30)), "a path of more than 20 names"),
        (
            &format!("customer.id.matches('{}')", "a".repeat(201)),
            "the pattern is longer than 200 bytes",
        ),
    ] {
        let problem = compile(source).expect_err(source);
        assert_eq!(problem.message, expected, "{source}");
    }
    // One after the other is fine, and so is a long chain of `||`.
    assert!(
        compile("customer.segments.exists(a, a == 'x') || customer.segments.all(b, b != '')")
            .is_ok()
    );
    assert!(compile(&vec!["now > 1"; 70].join(" || ")).is_ok());
}

#[test]
fn values_beyond_the_bounds_are_not_looked_at() {
    let numbers: Vec<usize> = (0..=ITEMS_MAX).collect();
    let deep: Vec<_> = (0..100).map(|_| vec![1; 100]).collect();
    let scope = Json::new(serde_json::json!({
        "customer": {"traits": {"long": numbers, "wide": deep, "ok": numbers[1..]}}
    }));
    let run = |source: &str| compile(source).expect("compiles").evaluate(&scope);
    for trait_name in ["long", "wide"] {
        let path = Path::new(["customer", "traits", trait_name]);
        let source = format!("customer.traits.{trait_name}.exists(x, x == 5)");
        assert_eq!(run(&source), Err(EvalError::TooLarge(path)));
    }
    assert_eq!(run("customer.traits.ok.exists(x, x == 5)"), Ok(Value::Bool(true)));
    let doubled = run("(customer.traits.ok + customer.traits.ok).exists(x, x == 5)");
    assert_eq!(doubled, Err(EvalError::Failed("macro: more than 1000 items".to_owned())));
}

#[test]
fn only_what_is_read_is_asked_for_once() {
    let source = r#"customer.traits.tier == "gold" && has(customer.traits.tier)
        && customer.events["Order Completed"].count > 1
        && customer.traits[event.properties.field] == customer.traits.tier"#;
    let expression = compile(source).expect("compiles");
    let paths = [
        Path::new(["customer", "traits", "tier"]),
        Path::new(["customer", "events", "Order Completed", "count"]),
        Path::new(["customer", "traits"]),
        Path::new(["event", "properties", "field"]),
    ];
    assert_eq!(expression.references(), paths);
    assert_eq!(paths[1].name_below(&["customer", "events"]), Some("Order Completed"));
    assert_eq!(paths[2].name_below(&["customer", "traits"]), None);
    assert_eq!(paths[3].name_below(&["customer"]), None);
    let scope = shop();
    assert_eq!(expression.evaluate_bool(&scope), Ok(true));
    assert_eq!(*scope.asked.borrow(), paths);
}

/// Pieces that make sources which often parse.
const PIECES: &[&str] = &[
    "customer",
    ".traits",
    ".email",
    "event",
    ".properties",
    "[\"a\"]",
    "[0]",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "\"x\"",
    "'",
    "\"",
    "1",
    "2.5",
    "7u",
    "true",
    "null",
    " && ",
    " || ",
    " == ",
    " < ",
    " + ",
    " - ",
    " / ",
    " % ",
    "!",
    "-",
    " ? ",
    " : ",
    " in ",
    ".exists(x, ",
    ".map(x, ",
    "x",
    ",",
    "has(",
    ".matches(",
    "size(",
    "lower(",
    "days(",
    "now",
    "steps",
    "r\"",
    "\\",
    "//",
    "\n",
    "`",
];

proptest! {
    #[test]
    fn no_source_panics(source in "\\PC{0,200}") {
        let _ = compile(&source).map(|expression| expression.evaluate(&shop()));
    }

    #[test]
    fn no_mixture_of_pieces_panics(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)
    ) {
        let source = pieces.concat();
        match compile(&source) {
            Ok(expression) => {
                let first = expression.evaluate(&shop());
                prop_assert_eq!(first, expression.evaluate(&shop()));
            }
            Err(problem) => prop_assert!(problem.offset.is_none_or(|at| at <= source.len())),
        }
    }
}

/// The longest sources of each kind, on a stack of half a mebibyte.
#[test]
fn the_worst_sources_fit_a_small_stack() {
    let fill = |start: &str, piece: &str, end: &str| {
        let count = (SOURCE_MAX_BYTES - start.len() - end.len()) / piece.len();
        format!("{start}{}{end}", piece.repeat(count))
    };
    let sources = [
        format!("1{}", "+1".repeat(400)),
        format!("1{}", "*1".repeat(400)),
        format!("1{}", "<1".repeat(400)),
        format!("now{}", ".a".repeat(400)),
        format!("now{}", "[0]".repeat(400)),
        format!("now{}", ".a()".repeat(400)),
        format!("1{}", "+1".repeat(48)),
        format!("{}true", "!(".repeat(8) + &"(".repeat(16)) + &")".repeat(24),
        fill("", "true && ", "true"),
        fill("true", "&&true", ""),
        fill("true", "||1==1&&true", ""),
        fill("[", "1,", "1]"),
        fill("f(", "1,", "1)"),
        fill("{", "1:1,", "1:1}"),
        format!("{}1{}", "(".repeat(24), ")".repeat(24)),
        format!("{}1{}", "[".repeat(24), "]".repeat(24)),
        format!("{}1{}", "f(".repeat(24), ")".repeat(24)),
        format!("{}1{}", "!(-(".repeat(12), "))".repeat(12)),
        fill("", "(1)+", "1"),
        fill("", "r'\\", "'"),
        fill("", "'\\''", ""),
        fill("", "a ", ""),
        fill("", ")", ""),
        fill("", "?", ""),
        fill("", "\u{1f600}", ""),
    ];
    let compile_all = move || {
        for source in sources {
            let _ = compile(&source).map(|expression| expression.evaluate(&shop()));
        }
    };
    let thread = std::thread::Builder::new().stack_size(512 * 1024).spawn(compile_all);
    thread.expect("a thread").join().expect("no panic");
}
