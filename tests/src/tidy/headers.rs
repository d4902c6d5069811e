//! Every Rust file begins with what it is.

use super::tree;

#[test]
fn every_module_says_what_it_owns() {
    let problems = tree::rust_files()
        .into_iter()
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| format!("{}: begin with `//! ` and what this file owns", source.path))
        .collect();
    super::expect_none(problems);
}
