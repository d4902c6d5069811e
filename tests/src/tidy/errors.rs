//! Every public error has a page, every page an error, and both say the same.

use std::collections::BTreeSet;

use cadencia::error::TABLE;

use super::code::is_word;
use super::tree;

const PAGES: &str = "orchestrator/docs/errors/";

#[test]
fn every_page_belongs_to_a_code() {
    let known: BTreeSet<String> =
        TABLE.iter().map(|row| format!("{PAGES}{}.md", row.code)).collect();
    let pages = tree::files().into_iter().map(|source| source.path);
    let pages: BTreeSet<String> = pages.filter(|path| path.starts_with(PAGES)).collect();
    let odd = pages.symmetric_difference(&known);
    super::expect_none(odd.map(|path| format!("{path}: a page and its row go together")).collect());
}

#[test]
fn pages_say_what_the_table_says() {
    let mut problems = Vec::new();
    for row in &TABLE {
        let http = match row.status {
            Some(status) => format!("HTTP status {status}."),
            None => "No HTTP status.".to_owned(),
        };
        let begin = format!(
            "# {}: {}\n\n{http} A command that fails with it ends with exit code {}.\n\n",
            row.code, row.title, row.exit as u8
        );
        if !row.page.starts_with(&begin) {
            problems.push(format!("{}: the page has to begin with\n{begin}", row.code));
        }
        for heading in ["\n## What it means\n", "\n## Example\n", "\n## What to do\n"] {
            if !row.page.contains(heading) {
                problems.push(format!("{}: the page lacks {heading:?}", row.code));
            }
        }
    }
    super::expect_none(problems);
}

#[test]
fn codes_are_unique_and_texts_are_in_house_style() {
    let mut seen = BTreeSet::new();
    for row in &TABLE {
        let digits = row.code.strip_prefix("CAD-").unwrap_or_default();
        assert!(digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit()), "{}", row.code);
        assert!(seen.insert(row.code), "{}: twice", row.code);
        assert!(!row.title.ends_with('.') && !row.advice.ends_with('.'), "{}", row.code);
    }
}

#[test]
fn every_code_that_is_named_exists() {
    let known: BTreeSet<&str> = TABLE.iter().map(|row| row.code).collect();
    let mut problems = Vec::new();
    for source in tree::files() {
        for (number, line) in source.lines() {
            for (at, _) in line.match_indices("CAD-") {
                let Some(code) = line.get(at..at + 8) else { continue };
                let digits = code[4..].bytes().all(|byte| byte.is_ascii_digit());
                let whole = !line.as_bytes().get(at + 8).copied().is_some_and(is_word);
                if digits && whole && !known.contains(code) {
                    problems.push(format!("{}:{number}: there is no {code}", source.path));
                }
            }
        }
    }
    super::expect_none(problems);
}
