//! The files of the project, without what is built or belongs to version control.

use std::fs;
use std::path::{Path, PathBuf};

/// Directories that hold nothing of ours.
const SKIPPED: [&str; 4] = [".git", "target", "__pycache__", "node_modules"];

/// A text file.
pub(super) struct Source {
    /// From the root, with `/`.
    pub(super) path: String,
    /// Content.
    pub(super) text: String,
}

impl Source {
    /// Lines with their numbers, from 1.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(at, line)| (at + 1, line))
    }

    /// Whether it holds only tests: the tests crate, or a module of tests inside another crate.
    pub(super) fn is_test(&self) -> bool {
        let path = &self.path;
        path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs")
    }
}

/// The root of the workspace.
pub(super) fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().expect("the tests crate lies in the workspace").to_path_buf()
}

/// Every text file of the project, by path.
pub(super) fn files() -> Vec<Source> {
    let root = root();
    let mut found = Vec::new();
    collect(&root, &root, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 50, "the tree was not found at {}", root.display());
    found
}

/// Every Rust file of the project.
pub(super) fn rust_files() -> Vec<Source> {
    files().into_iter().filter(|source| source.path.ends_with(".rs")).collect()
}

fn collect(root: &Path, directory: &Path, found: &mut Vec<Source>) {
    let entries = fs::read_dir(directory).expect("a directory of the tree can be read");
    for entry in entries {
        let path = entry.expect("an entry of the tree can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if SKIPPED.contains(&&*name) {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, found);
            continue;
        }
        // What is not UTF-8 is data, not text.
        if let Ok(text) = fs::read_to_string(&path) {
            let relative = path.strip_prefix(root).expect("the walk stays below the root");
            found.push(Source { path: relative.to_string_lossy().replace('\\', "/"), text });
        }
    }
}
