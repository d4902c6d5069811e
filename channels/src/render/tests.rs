//! Rendering, by example and by property.

use domain::ids::SendId;
use domain::time::Instant;
use domain::value::{Map, Value};
use proptest::prelude::*;

use super::{Context, OUTPUT_BYTES_MAX, Place, RenderError, TEMPLATE_BYTES_MAX, Template};

fn map(json: serde_json::Value) -> Map {
    match Value::from_json(&json).unwrap() {
        Value::Map(map) => map,
        other => panic!("not an object: {other:?}"),
    }
}

fn traits() -> Map {
    map(serde_json::json!({
        "name": "Ada <b>",
        "orders": 7,
        "vip": true,
        "nothing": null,
        "site": "javascript:alert(1)",
        "shop": "https://shop.example/a?b=1&c=\"2\"",
        "search": "a&b=c d/é",
        "colour": "#ff0000",
        "tags": ["x", "y", "z"],
        "address": {"city": "Zürich", "lines": [{"text": "one"}, {"no": 2}]},
        "lines": "one\r\nBcc: two",
        "born": "1815-12-10",
    }))
}

fn render(place: Place, source: &str) -> Result<String, RenderError> {
    let traits = traits();
    let properties = map(serde_json::json!({"cart_id": "c1", "items": [
        {"name": "Mug", "price": 4.5}, {"name": "Tea & more"}]}));
    let context = Context {
        customer: "u1",
        traits: &traits,
        event: Some(("Product Added", &properties)),
        journey: "cart-rescue",
        send: SendId(0xabc),
        unsubscribe_url: Some("https://example.com/u/t0ken"),
        now: Instant::parse("2026-03-08T07:00:00Z").unwrap(),
    };
    let template = Template::compile(place, source).unwrap_or_else(|e| panic!("{source}: {e}"));
    template.render(&context)
}

#[track_caller]
fn check(place: Place, source: &str, expected: &str) {
    assert_eq!(render(place, source).as_deref(), Ok(expected), "{source}");
}

#[track_caller]
fn refused(place: Place, source: &str, line: usize, column: usize, message: &str) {
    let problem = Template::compile(place, source).expect_err(source);
    assert!(problem.message.contains(message), "{source}: {problem}");
    assert_eq!((problem.line, problem.column), (line, column), "{source}: {problem}");
}

#[test]
fn what_is_missing_reads_as_nothing() {
    for (source, expected) in [
        ("{{ customer.nick | default: 'friend' }}", "friend"),
        ("{{ customer.nick.deep.down | default: 'friend' }}", "friend"),
        ("{{ missing.deep | default: 'friend' }}", "friend"),
        ("{{ customer.nothing | default: 'friend' }}", "friend"),
        ("{{ customer.name.first | default: 'friend' }}", "friend"),
        ("{{ customer.tags[9] | default: 'none' }}", "none"),
        ("{{ customer[missing.key] | default: 'x' }}", "x"),
        ("{{ customer[ missing['key'] ] | default: 'x' }}", "x"),
        ("{{ customer[customer.nothing] | default: 'x' }}", "x"),
        ("{{ customer[customer.tags] | default: 'x' }}", "x"),
        ("{{ customer.tags[missing.at] }}.{{ customer[a[b[c]].d] }}", "."),
        ("{% if customer[missing.key] %}a{% elsif customer[missing] == nil %}b{% endif %}", "b"),
        (
            "{% for i in event.properties.items %}{{ customer[i.no] | default: '-' }}{% endfor %}",
            "--",
        ),
        ("[{{ customer.nick }}]", "[]"),
        ("{% if customer.nick %}a{% else %}b{% endif %}", "b"),
        ("{% if customer.nick == nil %}a{% endif %}", "a"),
        ("{% if customer.nick == 'x' %}a{% else %}b{% endif %}", "b"),
        ("{% for x in customer.nick %}{{ x }}{% else %}none{% endfor %}", "none"),
        (
            "{% for i in event.properties.items %}{{ i.price | default: '-' }};{% endfor %}",
            "4.5;-;",
        ),
        ("{% for l in customer.address.lines %}{{ l.text | upcase }}.{% endfor %}", "ONE.."),
        ("{% assign i = event.properties.items | last %}{{ i.price | default: 0 }}", "0"),
    ] {
        check(Place::Text, source, expected);
    }
}

#[test]
fn the_context_has_its_roots() {
    for (source, expected) in [
        ("{{ customer.id }} {{ customer.orders }} {{ customer.traits.orders }}", "u1 7 7"),
        ("{{ customer.tags | join: ', ' }} {{ customer.tags.size }}", "x, y, z 3"),
        ("{{ customer.tags[-1] }}{{ customer.tags.first }}{{ customer.tags.last }}", "zxz"),
        ("{{ customer.address.city }} {{ customer['address']['city'] }}", "Zürich Zürich"),
        ("{% assign k = 'city' %}{{ customer.address[k] }} {{ '[k]' }}", "Zürich [k]"),
        ("{% assign k = 'address' %}{{ customer[k]['city'] }}", "Zürich"),
        ("{% assign i = 1 %}{{ customer.tags[i] }}", "y"),
        ("{% for i in (0..1) %}{{ customer.tags[forloop.index0] }}{% endfor %}", "xy"),
        ("{% assign t = 'id' %}{{ customer[t] }} {{ event.properties['cart_id'] }}", "u1 c1"),
        ("{{ event.name }} {{ event.properties.cart_id }}", "Product Added c1"),
        ("{{ journey }} {{ send.id }}", "cart-rescue 00000000000000000000000000000abc"),
        ("{{ unsubscribe_url }}", "https://example.com/u/t0ken"),
        ("{{ now }} {{ 'now' | date: '%Y' }}", "2026-03-08T07:00:00Z 2026"),
        ("{{ customer.born | date: '%d %B %Y' }}", "10 December 1815"),
        ("{{ customer.name | date: '%Y' }}", "Ada <b>"),
        ("{{ customer.orders | times: 2 | plus: 1 | divided_by: 4 }}", "3"),
        ("{{ 9223372036854775807 | plus: 1 }}", "9223372036854775807"),
        ("{% raw %}{{ x }}{% endraw %}{% comment %}{{ y }}{% endcomment %}", "{{ x }}"),
        ("{% for i in (1..5) %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}", "12"),
        ("a {%- for i in (1..2) -%} {{ i }} {%- endfor -%} b", "a12b"),
        ("{% capture x %}{{ customer.id }}!{% endcapture %}{{ x }}{{ x }}", "u1!u1!"),
    ] {
        // The result of an overflow is a floating number, whose digits are the platform's affair.
        if source.contains("plus: 1 }}") && source.starts_with("{{ 922") {
            assert!(render(Place::Text, source).is_ok());
        } else {
            check(Place::Text, source, expected);
        }
    }
}

#[test]
fn values_are_escaped_by_place() {
    for (source, expected) in [
        ("<p>{{ customer.name }}</p>", "<p>Ada &lt;b&gt;</p>"),
        ("<p>{{ customer.name | raw }}</p>", "<p>Ada <b></p>"),
        ("<p>{{ customer.name | safe }}</p>", "<p>Ada <b></p>"),
        (
            "<p title=\"{{ customer.shop }}\">",
            "<p title=\"https://shop.example/a?b=1&amp;c=&quot;2&quot;\">",
        ),
        ("<a href=\"{{ customer.site }}\">", "<a href=\"#refused\">"),
        ("<a href='{{ customer.shop }}'>", "<a href='https://shop.example/a?b=1&amp;c=%222%22'>"),
        (
            "<a href=\"https://x.example/?q={{ customer.search }}\">",
            "<a href=\"https://x.example/?q=a%26b%3Dc%20d%2F%C3%A9\">",
        ),
        (
            "<a href=\"https://x.example/?q={{ customer.search | url_encode }}\">",
            "<a href=\"https://x.example/?q=a%26b%3Dc%20d%2F%C3%A9\">",
        ),
        (
            "<a href=\"https://x.example/{{ customer.id }}/y\">",
            "<a href=\"https://x.example/u1/y\">",
        ),
        ("<a href=\"java{{ customer.site }}\">", "<a href=\"javajavascript%3Aalert%281%29\">"),
        (
            "<a href=\"{% if customer.vip %}{{ customer.site }}{% else %}https://x{% endif %}\">",
            "<a href=\"#refused\">",
        ),
        (
            "<a href=\"{% if customer.no %}https://x/{% endif %}{{ customer.site }}\">",
            "<a href=\"#refused\">",
        ),
        ("<p style=\"color: {{ customer.colour }}\">", "<p style=\"color: #ff0000\">"),
        ("<p style=\"color: {{ customer.site }}\">", "<p style=\"color: \">"),
        (
            "<style>p{color:{{ customer.colour }}}</style><i>{{ customer.name }}</i>",
            "<style>p{color:#ff0000}</style><i>Ada &lt;b&gt;</i>",
        ),
        (
            "<!-- > {{ customer.name }} --><b>{{ customer.name }}</b>",
            "<!-- > Ada &lt;b&gt; --><b>Ada &lt;b&gt;</b>",
        ),
        ("1 < 2 {{ customer.name }}", "1 < 2 Ada &lt;b&gt;"),
        ("<title>{{ customer.name }}</title>", "<title>Ada &lt;b&gt;</title>"),
        ("<a class=x href = \"{{ customer.site }}\">", "<a class=x href = \"#refused\">"),
        (
            "<br/>{{ customer.name }}<img src=\"{{ customer.site }}\"/>",
            "<br/>Ada &lt;b&gt;<img src=\"#refused\"/>",
        ),
        (
            "<p {% if customer.vip %}class=\"a\"{% else %}id=\"b\"{% endif %}>\
             {{ customer.id }}</p>",
            "<p class=\"a\">u1</p>",
        ),
    ] {
        check(Place::Html, source, expected);
    }
    check(Place::Text, "{{ customer.name }}", "Ada <b>");
    check(Place::Header, " Hi {{ customer.lines }}\r\n!\n", "Hi one Bcc: two !");
}

#[test]
fn a_place_that_cannot_be_escaped_is_refused() {
    let html = Place::Html;
    refused(html, "<script>\nvar x = {{ customer.id }}</script>", 2, 9, "script");
    refused(html, "<a onclick=\"{{ customer.id }}\">", 1, 13, "script");
    refused(html, "<a href={{ customer.site }}>", 1, 9, "quotes");
    refused(html, "<a {{ customer.id }}>", 1, 4, "part of a tag");
    refused(html, "<{{ customer.id }}>", 1, 2, "part of a tag");
    refused(html, "{% if customer.vip %}<a href=\"{% endif %}", 1, 31, "different places");
}

#[test]
fn problems_have_their_place() {
    let text = Place::Text;
    refused(text, "a\n  {{ customer.name | uppcase }}", 2, 22, "did you mean `upcase`");
    refused(text, "x {% fro i in y %}{% endfor %}", 1, 3, "did you mean `for`");
    refused(text, "{% include 'x' %}", 1, 1, "no tag `include`");
    refused(text, "{% cycle customer.name %}", 1, 1, "no tag `cycle`");
    refused(text, "{% _turn %}{% end_turn %}", 1, 1, "no tag `_turn`");
    refused(text, "{{ customer.name | _html }}", 1, 20, "no filter `_html`");
    refused(text, "{{ customer.name ", 1, 1, "`{{` without `}}`");
    refused(text, "{{ 'a }}", 1, 1, "quote");
    refused(text, "ü {% if a %}", 1, 3, "`if` without `endif`");
    refused(text, "{% if a %}{% endfor %}", 1, 11, "`endfor` closes `if`");
    refused(text, "{% endif %}", 1, 1, "without `if`");
    refused(text, "{% else %}", 1, 1, "outside a block");
    refused(text, "{% if a %}{% when 1 %}{% endif %}", 1, 11, "does not belong");
    refused(text, "{% raw %}", 1, 1, "`raw` without `endraw`");
    refused(text, "{% for i in (1..x) %}{% endfor %}", 1, 1, "whole numbers");
    refused(text, "{% for i in (1..99999999) %}{% endfor %}", 1, 1, "less than");
    refused(text, "one\n{{ }}", 2, 1, "");
    refused(text, "one\n{% assign = 3 %}", 2, 1, "");
    refused(text, &"x".repeat(TEMPLATE_BYTES_MAX + 1), 1, 1, "longer than");
    refused(text, &"{% if a %}".repeat(40), 1, 321, "nested deeper");
}

#[test]
fn renderings_are_limited() {
    let loops = "{% for a in (1..200) %}{% for b in (1..200) %}{% endfor %}{% endfor %}";
    assert_eq!(render(Place::Text, loops), Err(RenderError::TooManyTurns));
    let long = format!("{{% for a in (1..9000) %}}{}{{% endfor %}}", "x".repeat(200));
    const { assert!(9000 * 200 > OUTPUT_BYTES_MAX) };
    assert_eq!(render(Place::Text, &long), Err(RenderError::TooLong));
    for doubling in [
        "{% assign a = 'x' %}{% for i in (1..99) %}{% assign a = a | append: a %}{% endfor %}",
        "{% assign a = 'x' %}{% for i in (1..99) %}{% assign a = a | prepend: a %}{% endfor %}",
        "{% assign a = 'x' %}{% for i in (1..99) %}{% capture a %}{{a}}{{a}}{% endcapture %}\
            {% endfor %}",
        "{% assign a = 'xx' %}{% for i in (1..99) %}{% assign a = a | replace: 'x', a %}\
            {% endfor %}",
        "{% assign a = 'xxxxxxxx' %}{% for i in (1..99) %}\
            {% assign a = a | split: '' | join: a %}{% endfor %}",
    ] {
        assert!(matches!(render(Place::Text, doubling), Err(RenderError::Failed(_))), "{doubling}");
    }
    assert!(matches!(
        render(Place::Text, "{{ customer.orders | divided_by: 0 }}"),
        Err(RenderError::Failed(message)) if message.contains("division by zero")
    ));
}

#[test]
fn the_variables_are_listed() {
    let source = "{{ customer.nick | default: customer.name | append: '{{ no.such }}' }}\
        {% assign x = event.properties.total | plus: journey %}{{ x }}\
        {% for item in event.properties.items limit: customer.max %}\
        {{ item.name }}{{ forloop.index }}\
        {% endfor %}{% if customer.vip and true %}{{ typo.here }}{% endif %}\
        {% raw %}{{ not.this }}{% endraw %}";
    let template = Template::compile(Place::Text, source).unwrap();
    let paths: Vec<&str> = template.variables().iter().map(|it| it.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "customer.max",
            "customer.name",
            "customer.nick",
            "customer.vip",
            "event.properties.items",
            "event.properties.total",
            "journey",
            "typo.here",
        ]
    );
    assert_eq!(template.variables()[2].offset, 0);
}

/// Pieces of templates and of HTML, in any order.
const SOURCES: &str = "(\\{\\{|\\{%|%\\}|\\}\\}|[a-z.|:'\" <>=/-]|if|for|end|in|else|ü|\
    \\(1\\.\\.3\\)){0,40}";

/// Values that try to get out of their place.
const VALUES: &str = "\\PC{0,40}|[<>\"'&:;/a-z(]{0,30}|(java|vb)script:.{0,9}";

proptest! {
    #[test]
    fn any_source_compiles_or_says_why(source in SOURCES) {
        for place in [Place::Html, Place::Text, Place::Header] {
            match Template::compile(place, &source) {
                Err(problem) => {
                    prop_assert!(problem.offset <= source.len());
                    prop_assert!(!problem.message.is_empty());
                }
                Ok(template) => {
                    let traits = traits();
                    let context = Context {
                        customer: "u1", traits: &traits, event: None, journey: "j",
                        send: SendId(1), unsubscribe_url: None, now: Instant(0),
                    };
                    let _ = template.render(&context);
                }
            }
        }
    }

    #[test]
    fn no_value_leaves_its_place(value in VALUES) {
        let traits = map(serde_json::json!({"v": value}));
        let context = Context {
            customer: "u1", traits: &traits, event: None, journey: "j",
            send: SendId(1), unsubscribe_url: None, now: Instant(0),
        };
        let source = "<p>\u{1}{{ customer.v }}\u{2}</p><a href=\"\u{1}{{ customer.v }}\u{2}\" \
            title='\u{1}{{ customer.v }}\u{2}' style=\"\u{1}{{ customer.v }}\u{2}\">";
        let html = Template::compile(Place::Html, source).unwrap().render(&context).unwrap();
        for part in html.split('\u{1}').skip(1) {
            let value = part.split('\u{2}').next().unwrap();
            prop_assert!(!value.contains(['<', '>', '"', '\'']), "{}", value);
        }
        let link = Template::compile(Place::Html, "<a href=\"{{ customer.v }}\">").unwrap();
        let link = link.render(&context).unwrap().to_lowercase();
        for scheme in ["javascript:", "vbscript:", "data:"] {
            prop_assert!(!link.contains(&format!("=\"{scheme}")), "{}", link);
        }
        let header = Template::compile(Place::Header, "{{ customer.v }}").unwrap();
        prop_assert!(!header.render(&context).unwrap().contains(char::is_control));
    }
}

#[test]
fn a_number_that_no_number_type_holds_is_a_problem() {
    let compile = |source: &str| Template::compile(Place::Text, source).map(drop);
    for (source, column) in [
        ("{{ 9999999999999999999 }}", 4),
        ("{{ -99999999999999999999 | plus: 1 }}", 5),
        ("{{ 'a' | slice: 12345678901234567890 }}", 17),
        ("{% if x > 123456789012345678901 %}{% endif %}", 11),
    ] {
        let problem = compile(source).unwrap_err();
        assert_eq!(problem.column, column);
        assert_eq!(problem.message, "the number is too large");
    }
    assert!(
        compile("12345678901234567890 {{ '12345678901234567890' }} {{ 9223372036854775807 }}")
            .is_ok()
    );
}

fn context(traits: &Map) -> Context<'_> {
    Context {
        customer: "u1",
        traits,
        event: None,
        journey: "cart-rescue",
        send: SendId(0xabc),
        unsubscribe_url: None,
        now: Instant::parse("2026-03-08T07:00:00Z").unwrap(),
    }
}

#[test]
fn values_stand_for_themselves_in_json() {
    let odd = serde_json::json!("\"},\\ \n{\"x\": \u{1}é");
    let given = map(serde_json::json!({"odd": odd, "n": 7, "f": 1.5, "t": true, "list": ["a", 1]}));
    let with = |source: &str| {
        let template = Template::compile(Place::Json, source).expect("it compiles");
        let text = template.render(&context(&given)).expect("it renders");
        serde_json::from_str::<serde_json::Value>(&text)
            .unwrap_or_else(|error| panic!("{error}: {text}"))
    };
    assert_eq!(with(r#"{"a": {{ customer.odd }}}"#)["a"], odd);
    assert_eq!(
        with(r#"{"a": "x{{ customer.odd }}y"}"#)["a"],
        format!("x{}y", odd.as_str().unwrap())
    );
    assert_eq!(
        with(r#"[{{ customer.n }}, {{ customer.f }}, {{ customer.t }}, {{ customer.none }}]"#),
        serde_json::json!([7, 1.5, true, null])
    );
    assert_eq!(with(r#"{{ customer.list }}"#), serde_json::json!(["a", 1]));
    assert_eq!(with(r#"{"\"k": "\\", "v": {{ customer.n }}}"#)["v"], 7);
    assert_eq!(
        with(r#"{% if customer.t %}{"a": {{ customer.n }}}{% else %}"no"{% endif %}"#)["a"],
        7
    );
    let problem =
        Template::compile(Place::Json, r#"{% if customer.t %}"a{% else %}"b"{% endif %}"#);
    let problem = problem.map(drop).unwrap_err();
    assert!(problem.message.contains("inside and outside a text"), "{problem}");
}

#[test]
fn chosen_fields_stand_where_their_paths_say() {
    let traits = map(serde_json::json!({"tier": "gold", "n": 7, "deep": {"a": [1, "x"]}}));
    let paths = ["customer.id", "customer.traits.tier", "customer.traits.deep", "send.id", "x.y"];
    let found = super::fields(&context(&traits), &paths.map(str::to_owned));
    assert_eq!(found["customer"]["traits"]["tier"], "gold");
    assert_eq!(found["customer"]["traits"]["deep"]["a"], serde_json::json!([1, "x"]));
    assert!(found["customer"]["id"].is_string());
    assert_eq!(found["send"]["id"].as_str().map(str::len), Some(32));
    assert_eq!(found["x"]["y"], serde_json::Value::Null);
}
