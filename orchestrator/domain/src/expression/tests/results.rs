//! What expressions give.

use super::*;
use crate::value::Map;

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
            Value::Map(Map::from([("b".into(), 1.into()), ("2".into(), true.into())])),
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
        ("customer.traits[event.properties.cart_id] == 1", "no such key"),
        ("event.properties.items.all(i, i.name != '')", "no such key `name`"),
        ("customer.traits.email > 5", "> does not take string and int"),
        (
            "customer.traits.tags == 5 || customer.traits.tags < [1]",
            "< does not take list and list",
        ),
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
