//! Files with mistakes, and exactly the problems that each must give.

use std::fs;

use super::{here, lines, load};

/// What starts a line with an expected problem.
const EXPECTED: &str = "#! ";

#[test]
fn every_mistake_is_found_at_its_place() {
    let mut files: Vec<_> = fs::read_dir(here().join("bad"))
        .expect("there are bad files")
        .map(|entry| entry.expect("the entry can be read").path())
        .collect();
    files.sort();
    let mut distinct = std::collections::BTreeSet::new();
    let mut failures = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("the file can be read");
        let name = file.file_name().expect("a file has a name").to_string_lossy().into_owned();
        let expected: Vec<_> =
            text.lines().filter_map(|line| line.strip_prefix(EXPECTED)).collect();
        let found = lines(&load(&name, &text));
        if expected != found {
            let wanted: Vec<_> = found.iter().map(|line| format!("{EXPECTED}{line}")).collect();
            failures.push(format!("== {name}\n{}", wanted.join("\n")));
        }
        distinct.extend(
            found
                .into_iter()
                .filter_map(|line| line.split_once(": ").map(|(_, message)| message.to_owned())),
        );
    }
    assert!(failures.is_empty(), "found instead:\n{}\n==", failures.join("\n"));
    assert!(distinct.len() >= 60, "only {} distinct mistakes", distinct.len());
}

#[test]
fn a_file_with_ten_mistakes_gives_all_of_them() {
    let text = fs::read_to_string(here().join("bad/ten-at-once.yaml")).expect("it can be read");
    let loaded = load("ten-at-once.yaml", &text);
    assert!(loaded.report.len() >= 10, "{}", loaded.report);
    assert!(loaded.definitions.is_none());
}

#[test]
fn a_problem_is_shown_with_its_line_and_advice() {
    let loaded = load(
        "a.yaml",
        "apiVersion: cadencia/v1\nkind: Segmnt\nmetadata: {name: a}\n\
                                 spec: {when: \"true\"}\n",
    );
    let text = loaded.report.render(false);
    for part in ["a.yaml:2:7", "kind: Segmnt", "^^^^^^", "did you mean `Segment`?", "1 problem"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let json = loaded.report.to_json();
    assert_eq!(json["errors"], 1);
    assert_eq!(json["problems"][0]["line"], 2);
    assert_eq!(json["problems"][0]["suggestion"], "did you mean `Segment`?");
}

/// Places that a key without a value, or a slip in Liquid, must be reported at.
#[test]
fn liquid_and_empty_keys_are_found() {
    let head = "apiVersion: cadencia/v1\nkind: Template\nmetadata: {name: liquid}\nspec:\n";
    for (line, spec) in [
        (5, "  subject: \"{{ customer.nick | shout }}\"\n  text: Hello\n"),
        (5, "  preheader: \"{{ custmer.nick }}\"\n  text: Hello\n"),
        (7, "  text: |\n    Hello\n    {{ custmer.nick }}\n"),
        (6, "  text: Hello\n  html: '<p>it''s {{ customer.nick | default: }}</p>'\n"),
        (5, "  subject:\n  text: Hello\n"),
    ] {
        let loaded = load("liquid.yaml", &format!("{head}{spec}"));
        let places: Vec<_> =
            loaded.report.diagnostics().iter().map(|found| found.position().line).collect();
        assert_eq!(places, [line], "{}", loaded.report.render(false));
    }
}
