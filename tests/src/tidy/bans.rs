//! Texts that must not stand in the tree, each with the reason.

use super::code::{code_only, find_words, is_word, line_of};
use super::tree::{self, Source};

/// A text that is banned from code; comments and literals may say it.
struct CodeBan {
    text: &'static str,
    /// Beginnings of the paths that may use it.
    homes: &'static [&'static str],
    why: &'static str,
}

const CODE_BANS: [CodeBan; 6] = [
    CodeBan {
        text: "::now(",
        // An example that measures is a program of its own, not part of the product.
        homes: &["orchestrator/runtime/src/clock", "orchestrator/store/examples/", "tests/"],
        why: "only the runtime's clock reads time; take `now` as an argument",
    },
    CodeBan { text: "todo!", homes: &[], why: "finish it, or leave it out" },
    CodeBan { text: "unimplemented!", homes: &[], why: "finish it, or leave it out" },
    CodeBan { text: "#[ignore", homes: &[], why: "a test that does not run proves nothing" },
    CodeBan {
        text: ".do_send(",
        homes: &["orchestrator/runtime/src/"],
        why: "ignores the mailbox's capacity; use a handle of the runtime",
    },
    CodeBan { text: "dbg!", homes: &[], why: "remove it before it is committed" },
];

/// Written in halves, so that this file does not contain them.
const MARKERS: [&str; 4] =
    [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX"), concat!("HA", "CK")];

/// Places outside the tree, with the files that may name them.
const PLACES: [(&str, &[&str]); 8] = [
    (concat!("/", "work/"), &[]),
    (concat!("../", "shared"), &["tests/run.sh"]),
    (concat!("/", "root/"), &[]),
    (concat!("/", "home/"), &[]),
    (concat!("crates", ".io/"), &["Cargo.lock"]),
    (concat!("index.", "crates.io"), &[]),
    (concat!("pypi", ".org"), &[]),
    (concat!("npmjs", ".org"), &[]),
];

fn at_home(source: &Source, homes: &[&str]) -> bool {
    homes.iter().any(|home| source.path.starts_with(home))
}

#[test]
fn banned_calls_are_not_used() {
    let mut problems = Vec::new();
    for source in tree::rust_files() {
        let code = code_only(&source.text);
        for ban in CODE_BANS.iter().filter(|ban| !at_home(&source, ban.homes)) {
            problems.extend(code.match_indices(ban.text).map(|(at, _)| {
                let line = line_of(&code, at);
                format!("{}:{line}: `{}`: {}", source.path, ban.text, ban.why)
            }));
        }
    }
    super::expect_none(problems);
}

#[test]
fn nothing_is_left_for_later() {
    let mut problems = Vec::new();
    for source in tree::files().into_iter().filter(|source| source.path != "Cargo.lock") {
        for marker in MARKERS {
            problems.extend(find_words(&source.text, marker).map(|at| {
                let line = line_of(&source.text, at);
                format!("{}:{line}: `{marker}`: do it, or open an issue", source.path)
            }));
        }
    }
    super::expect_none(problems);
}

#[test]
fn no_place_outside_the_tree_is_named() {
    let mut problems = Vec::new();
    for source in tree::files() {
        for (place, homes) in PLACES {
            if at_home(&source, homes) {
                continue;
            }
            let named = source.lines().filter(|(_, line)| line.contains(place));
            problems.extend(named.map(|(line, _)| format!("{}:{line}: `{place}`", source.path)));
        }
    }
    super::expect_none(problems);
}

#[test]
fn actors_build_no_transaction() {
    let mut problems = Vec::new();
    let actors = |source: &Source| source.path.starts_with("orchestrator/src/actors");
    for source in tree::rust_files().into_iter().filter(actors) {
        let code = code_only(&source.text);
        problems.extend(transactions_built(&code).map(|at| {
            let line = line_of(&code, at);
            format!("{}:{line}: transactions are built in the engine", source.path)
        }));
    }
    super::expect_none(problems);
}

/// Where a `Transaction` is built: a literal, or a function of the type. A type position is none.
fn transactions_built(code: &str) -> impl Iterator<Item = usize> {
    find_words(code, "Transaction").filter(move |at| {
        let before = code[..*at].trim_end();
        // `store::Transaction` is judged by what stands before the path.
        let before =
            before.trim_end_matches(|c: char| c == ':' || c.is_ascii() && is_word(c as u8));
        let after = code[at + "Transaction".len()..].trim_start();
        let function = after.starts_with("::") && after[2..].starts_with(char::is_lowercase);
        let literal = after.starts_with('{') && !before.trim_end().ends_with("->");
        function || literal
    })
}

#[test]
fn building_a_transaction_is_told_from_naming_it() {
    let built = |code: &str| transactions_built(code).count();
    assert_eq!(built("let t = Transaction { writes };"), 1);
    assert_eq!(built("submit(store::Transaction::new())"), 1);
    assert_eq!(built("fn turn() -> store::Transaction { engine::turn() }"), 0);
    assert_eq!(built("fn enqueue(t: Transaction) { queue.push(t) }"), 0);
    assert_eq!(built("use store::Transaction;"), 0);
}
