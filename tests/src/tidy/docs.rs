//! The documents: links lead somewhere, rules are numbered, tables are complete.

use std::path::Path;

use cadencia::error::TABLE;

use super::tree::{self, Source};

fn document(path: &str) -> Source {
    let mut files = tree::files().into_iter();
    files.find(|source| source.path == path).unwrap_or_else(|| panic!("{path} is missing"))
}

/// Targets of Markdown links, with their line.
fn links(source: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in source.lines() {
        for part in line.split("](").skip(1) {
            if let Some((target, _)) = part.split_once(')') {
                found.push((number, target.to_owned()));
            }
        }
    }
    found
}

#[test]
fn links_lead_somewhere() {
    let root = tree::root();
    let mut problems = Vec::new();
    for source in tree::files().into_iter().filter(|source| source.path.ends_with(".md")) {
        let home = root.join(&source.path);
        let home = home.parent().unwrap_or(Path::new("/"));
        for (line, target) in links(&source) {
            let file = target.split('#').next().unwrap_or_default();
            let local = !target.contains("://") && !file.is_empty();
            if local && !home.join(file).exists() {
                problems.push(format!("{}:{line}: nothing at {target}", source.path));
            }
        }
    }
    super::expect_none(problems);
}

/// Numbers of the rules: lines that begin with `N. **`.
fn rules() -> Vec<u32> {
    document("orchestrator/docs/semantics.md")
        .lines()
        .filter_map(|(_, line)| line.split_once(". **")?.0.parse().ok())
        .collect()
}

#[test]
fn rules_are_numbered_without_a_gap() {
    let rules = rules();
    assert_eq!(rules, (1..=rules.len() as u32).collect::<Vec<_>>());
}

#[test]
fn cited_rules_exist() {
    let rules = rules();
    let mut problems = Vec::new();
    for source in tree::files() {
        for (number, line) in source.lines() {
            for cited in line.split("semantics ").skip(1) {
                let digits = cited.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
                if digits.parse().is_ok_and(|rule: u32| !rules.contains(&rule)) {
                    problems.push(format!("{}:{number}: no rule {digits}", source.path));
                }
            }
        }
    }
    super::expect_none(problems);
}

#[test]
fn the_reference_is_what_the_code_says() {
    let stale = cadencia::cli::reference::pages().into_iter().filter(|(name, text)| {
        document(&format!("orchestrator/docs/reference/{name}")).text != *text
    });
    let advice = "run `cargo run -- reference orchestrator/docs/reference`";
    super::expect_none(stale.map(|(name, _)| format!("{name} is stale: {advice}")).collect());
}

#[test]
fn every_error_is_in_the_index() {
    let page = document("orchestrator/docs/errors.md").text;
    let rows = TABLE.iter().map(|row| {
        let status = row.status.map_or("none".to_owned(), |status| status.to_string());
        let code = row.code;
        format!("| [{code}](errors/{code}.md) | {status} | {} | {} |", row.exit as u8, row.title)
    });
    let missing = rows.filter(|row| !page.contains(row));
    super::expect_none(missing.map(|row| format!("docs/errors.md lacks\n{row}")).collect());
}
