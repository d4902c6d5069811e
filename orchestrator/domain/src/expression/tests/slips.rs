//! What is said about slips, and where.

use super::*;

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
            "`customer` is not a value by itself: read .id, .zone, .created_at, .segments, \
             .traits, .events of it",
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
            "`has` takes a name below another: write has(a.b), or has(a.`b c`) for a name with \
             other signs",
        ),
        (
            "has(now)",
            None,
            "`has` takes a name below another: write has(a.b), or has(a.`b c`) for a name with \
             other signs",
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
