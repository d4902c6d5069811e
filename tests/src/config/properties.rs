//! No text makes the reader panic, and places are places of the text.

use std::fs;

use proptest::prelude::*;

use super::{examples, here, load};

/// The YAML of examples and bad files, as a stock to cut and mix.
pub(crate) fn stock() -> Vec<String> {
    let mut texts = vec![fs::read_to_string(here().join("base.yaml")).expect("the base is there")];
    for directory in [here().join("bad"), examples().join("shop")] {
        let mut files: Vec<_> = fs::read_dir(directory)
            .expect("the directory can be read")
            .map(|entry| entry.expect("the entry can be read").path())
            .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
            .collect();
        files.sort();
        texts.extend(files.iter().map(|file| fs::read_to_string(file).expect("it can be read")));
    }
    texts
}

/// Reads a text beside the base: no panic, and every problem at a place of the text.
pub(crate) fn check(text: &str) {
    let loaded = load("fuzz.yaml", text);
    let lines = text.split('\n').count();
    for found in loaded.report.diagnostics() {
        let position = found.position();
        assert!(position.line >= 1 && position.column >= 1);
        if found.source.path.ends_with("fuzz.yaml") {
            assert!(position.line <= lines, "{found}");
            let line = text.split('\n').nth(position.line - 1).unwrap_or_default();
            assert!(position.column <= line.chars().count() + 1, "{found}");
        }
    }
    assert_eq!(loaded.definitions.is_some(), loaded.report.errors() == 0);
    loaded.report.render(false);
    loaded.report.to_json();
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn any_text_is_answered(text in "\\PC{0,200}") {
        check(&text);
    }

    #[test]
    fn any_yaml_like_text_is_answered(
        text in "([a-z]{1,3}|: |- |\n|  |\\{|\\}|\\[|\\]|\"|'|&a |\\*a|\\||>|---\n\
                 |!x |#|\t|é|,){0,60}",
    ) {
        check(&text);
    }

    #[test]
    fn any_mutilated_document_is_answered(
        which in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
        length in 0_usize..40,
        insert in "\\PC{0,8}",
    ) {
        let stock = stock();
        let text = &stock[which.index(stock.len())];
        let chars: Vec<char> = text.chars().collect();
        let from = cut.index(chars.len());
        let to = (from + length).min(chars.len());
        let (front, back) = (chars[..from].iter(), chars[to..].iter());
        let mutilated: String = front.copied().chain(insert.chars()).chain(back.copied()).collect();
        check(&mutilated);
    }
}

#[test]
fn limits_are_problems_not_crashes() {
    check(&"[".repeat(10_000));
    check(&"- ".repeat(10_000));
    check(&"{a: ".repeat(10_000));
    check(&"a".repeat(2_000_000));
    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let before = level - 1;
        laughs += &format!("a{level}: &a{level} [{}]\n", vec![format!("*a{before}"); 10].join(","));
    }
    check(&laughs);
    check(&format!("x: {}", "é".repeat(300_000)));
    let steps = "    - exit: {reason: 5, unknown: 1}\n".repeat(3_000);
    check(&super::journey(&steps).text);
}
