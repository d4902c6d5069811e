//! Valid inputs, from the examples that we ship and from the tests.

use std::fs;
use std::path::{Path, PathBuf};

/// A directory of the examples that we ship.
fn examples(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../orchestrator/examples").join(of)
}

/// The files of all examples whose names end so, in the order of their names.
pub(super) fn files(end: &str) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for directory in ["online-retail", "shop", "shop/mail"] {
        let entries = fs::read_dir(examples(directory)).expect("the example is there");
        found.extend(entries.map(|entry| entry.expect("an entry").path()));
    }
    found.sort();
    found.retain(|path| path.is_file() && path.to_string_lossy().ends_with(end));
    found.iter().map(|path| fs::read(path).expect("the example can be read")).collect()
}

/// The words behind `key: ` in the YAML of the examples, without quotes.
pub(super) fn values(key: &str) -> Vec<Vec<u8>> {
    let texts = files(".yaml");
    let texts = texts.iter().map(|bytes| String::from_utf8_lossy(bytes));
    let mut values: Vec<Vec<u8>> = texts
        .flat_map(|text| {
            let values = text.lines().filter_map(|line| line.split_once(key));
            let values = values.map(|(_, value)| value.trim().trim_matches(['"', '\'']));
            values.map(|value| value.as_bytes().to_vec()).collect::<Vec<_>>()
        })
        .collect();
    values.sort();
    values.dedup();
    values
}

/// Texts as inputs.
pub(super) fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
