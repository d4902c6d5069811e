//! How long files, lines and functions may be.

use super::code::{code_only, find_words, line_of};
use super::tree;

/// A file above this is refused.
const FILE_LINES_MAX: usize = 600;
/// A file above this is listed: it is asked whether it is one thing.
const FILE_LINES_QUESTIONED: usize = 400;
/// Characters of a line.
const LINE_CHARS_MAX: usize = 100;
/// Lines of a function, from its `fn` to its closing brace. Those of tests are free.
const FUNCTION_LINES_MAX: usize = 70;

/// Endings of files that are written by hand, line by line.
const WRITTEN: [&str; 4] = [".rs", ".sh", ".py", ".js"];

fn is_written(path: &str) -> bool {
    WRITTEN.iter().any(|ending| path.ends_with(ending))
}

#[test]
fn files_can_be_held_in_mind() {
    let mut problems = Vec::new();
    for source in tree::files().into_iter().filter(|source| is_written(&source.path)) {
        let lines = source.text.lines().count();
        if lines > FILE_LINES_MAX {
            problems.push(format!("{}: {lines} lines, at most {FILE_LINES_MAX}", source.path));
        } else if lines > FILE_LINES_QUESTIONED {
            println!("{}: {lines} lines; is it one thing?", source.path);
        }
    }
    super::expect_none(problems);
}

#[test]
fn lines_fit_the_page() {
    let mut problems = Vec::new();
    for source in tree::files().into_iter().filter(|source| is_written(&source.path)) {
        for (number, line) in source.lines() {
            // An address cannot be broken.
            if line.chars().count() > LINE_CHARS_MAX && !line.contains("://") {
                problems.push(format!("{}:{number}: over {LINE_CHARS_MAX} columns", source.path));
            }
        }
    }
    super::expect_none(problems);
}

#[test]
fn functions_fit_the_screen() {
    let mut problems = Vec::new();
    for source in tree::rust_files().into_iter().filter(|source| !source.is_test()) {
        let code = code_only(&source.text);
        let product = code.find("#[cfg(test)]\nmod tests {").unwrap_or(code.len());
        for (start, end) in functions(&code[..product]) {
            let lines = line_of(&code, end) - line_of(&code, start) + 1;
            if lines > FUNCTION_LINES_MAX {
                let at = line_of(&code, start);
                problems.push(format!("{}:{at}: a function of {lines} lines", source.path));
            }
        }
    }
    super::expect_none(problems);
}

/// Every function with a body, as the offsets of `fn` and of its closing brace.
fn functions(code: &str) -> Vec<(usize, usize)> {
    find_words(code, "fn")
        .filter_map(|start| body_end(&code[start..]).map(|end| (start, start + end)))
        .collect()
}

/// Where the body ends; `None` for a declaration or a function type.
fn body_end(code: &str) -> Option<usize> {
    let named =
        code["fn".len()..].trim_start().starts_with(|c: char| c.is_alphabetic() || c == '_');
    if !named {
        return None;
    }
    let mut brackets = 0;
    let mut braces = 0;
    for (at, c) in code.char_indices() {
        match c {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets -= 1,
            ';' if brackets == 0 && braces == 0 => return None,
            '{' => braces += 1,
            '}' if braces == 1 && brackets == 0 => return Some(at),
            '}' => braces -= 1,
            _ => {}
        }
    }
    None
}

#[test]
fn functions_are_found_with_their_ends() {
    let code = "fn a(x: [u8; 3]) -> u8 { if x { 1 } else { 2 } }\nfn b();\nlet f: fn(u8) = c;\n";
    assert_eq!(functions(code), [(0, 47)]);
}
