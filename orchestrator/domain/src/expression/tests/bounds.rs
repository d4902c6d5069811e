//! Bounds of sources, values and the stack.

use proptest::prelude::*;

use super::*;

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
        (&["[1].all(x, x == 1)"; 9].join(" && "), "more than 8 macros"),
        (&long_list, "more than 200 elements"),
        (&many, "more than 300 parts"),
        (&deep_sum, "nested deeper than 48 levels"),
        (&"(".repeat(2_000), "brackets are nested deeper than 24 levels"),
        (&"[".repeat(1_999), "brackets are nested deeper than 24 levels"),
        (&format!("{}true", "!".repeat(500)), "more than 8 signs in a row"),
        (&format!("{}1", "- ".repeat(500)), "more than 8 signs in a row"),
        (&["1"; 402].join("<"), "more than 400 operators and names"),
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
