//! Which files may name which foreign crate, so that each can be replaced in one place.

use super::code::{code_only, find_words, line_of};
use super::tree::{self, Source};

/// A crate by the name that code uses, and the beginnings of the paths that may use it.
const HOMES: [(&str, &[&str]); 10] = [
    ("cel", &["orchestrator/domain/src/expression"]),
    ("liquid_lib", &["channels/src/render"]),
    ("liquid_core", &["channels/src/render"]),
    ("lettre", &["channels/src/email"]),
    ("mail_auth", &["channels/src/email"]),
    ("redis", &["orchestrator/store/src/redis"]),
    ("fjall", &["orchestrator/store/src/embedded"]),
    ("actix", ACTIX),
    ("actix_rt", ACTIX),
    ("actix_web", ACTIX),
];

const ACTIX: &[&str] = &[
    "orchestrator/runtime/src/",
    "orchestrator/runtime/examples/",
    "orchestrator/src/actors",
    "orchestrator/src/web",
    "orchestrator/src/app",
    "orchestrator/src/bench/active.rs",
    "orchestrator/src/cli/demo.rs",
    "orchestrator/src/cli/serve.rs",
    "orchestrator/src/main.rs",
];

/// Crates whose code is pure: what they must not name.
const PURE_HOMES: [&str; 3] =
    ["orchestrator/domain/src/", "orchestrator/engine/src/", "policies/src/"];
const IMPURE: [&str; 16] = [
    "std::env",
    "std::fs",
    "std::io",
    "std::process",
    "std::thread",
    "std::time::SystemTime",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "ToSocketAddrs",
    "tokio",
    "tracing",
    "async",
    "println",
    "eprintln",
    "await",
];

/// Crates that know no marketing: words that must not be names in their code.
const OPAQUE_HOMES: [&str; 2] = ["orchestrator/runtime/src/", "orchestrator/store/src/"];
const MARKETING: [&str; 8] = [
    "journey",
    "campaign",
    "enrollment",
    "marketing",
    "consent",
    "verdict",
    "audience",
    "template",
];

/// Rust files of the product, as (file, code without comments and literals).
fn product_code() -> impl Iterator<Item = (Source, String)> {
    let sources = tree::rust_files().into_iter().filter(|source| !source.is_test());
    sources.map(|source| {
        let code = code_only(&source.text);
        (source, code)
    })
}

#[test]
fn foreign_crates_stay_at_home() {
    let mut problems = Vec::new();
    for (source, code) in product_code().filter(|(source, _)| source.path.contains("/src/")) {
        for (foreign, homes) in HOMES {
            if homes.iter().any(|home| source.path.starts_with(home)) {
                continue;
            }
            let uses = find_words(&code, foreign)
                .filter(|at| code[at + foreign.len()..].starts_with("::"))
                // `crate::redis::open` is a module of ours.
                .filter(|at| !code[..*at].ends_with("::"));
            problems.extend(uses.map(|at| {
                let line = line_of(&code, at);
                format!("{}:{line}: `{foreign}` is used only in {}", source.path, homes.join(", "))
            }));
        }
    }
    super::expect_none(problems);
}

#[test]
fn pure_crates_name_nothing_that_acts() {
    let mut problems = Vec::new();
    for (source, code) in product_code() {
        if !PURE_HOMES.iter().any(|home| source.path.starts_with(home)) {
            continue;
        }
        for word in IMPURE {
            problems.extend(find_words(&code, word).map(|at| {
                let line = line_of(&code, at);
                format!("{}:{line}: pure code, `{word}` comes in as an argument", source.path)
            }));
        }
    }
    super::expect_none(problems);
}

#[test]
fn runtime_and_store_know_no_marketing() {
    let mut problems = Vec::new();
    for (source, code) in product_code() {
        if !OPAQUE_HOMES.iter().any(|home| source.path.starts_with(home)) {
            continue;
        }
        let code = code.to_lowercase();
        for word in MARKETING {
            problems.extend(code.match_indices(word).map(|(at, _)| {
                let line = line_of(&code, at);
                format!("{}:{line}: knows only keys and bytes, not a `{word}`", source.path)
            }));
        }
    }
    super::expect_none(problems);
}
