//! The product's `simulate` held against the oracle, send by send, and against itself with
//! another number of threads.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{compare, log, oracle};
use crate::environment;

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../orchestrator/examples/online-retail")
}

/// Runs `cadencia simulate` over the example's campaign and gives back what it wrote.
fn simulate(inputs: &[&str], threads: u32, out: &Path) -> (String, String) {
    let output = Command::new(environment::binary())
        .arg("simulate")
        .arg(example())
        .args(inputs)
        .args(["--threads", &threads.to_string(), "--out"])
        .arg(out)
        .output()
        .expect("the binary runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = |name: &str| std::fs::read_to_string(out.join(name)).expect("it was written");
    (read("sends.ndjson"), read("summary.json"))
}

fn agrees(inputs: &[&str], entries: &[log::Entry], at_least: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let (sends, summary) = simulate(inputs, 1, &folder.path().join("one"));
    let again = simulate(inputs, 2, &folder.path().join("two"));
    assert!(again == (sends.clone(), summary), "two threads write other bytes than one");
    let expected = oracle::expected(entries, None);
    let report = compare::compare(&expected, &sends).expect("the lines parse");
    assert_eq!(report.differ, 0, "{report}");
    assert!(report.agree >= at_least, "only {} messages were compared", report.agree);
}

#[test]
fn simulate_agrees_with_the_oracle_on_the_synthetic_set() {
    let (customers, events) =
        (example().join("customers.ndjson.gz"), example().join("events.ndjson.gz"));
    let entries = log::read(Some(&customers), &events).expect("the set reads");
    let inputs = [
        "--customers",
        customers.to_str().expect("a plain path"),
        "--events",
        events.to_str().expect("a plain path"),
    ];
    agrees(&inputs, &entries, 5_000);
}

#[test]
fn simulate_agrees_with_the_oracle_on_the_real_file() {
    let Some(data) = environment::real_data() else {
        eprintln!("no real data was given: only the synthetic set is compared");
        return;
    };
    let folder = data.join("online-retail");
    let file = std::fs::read_dir(&folder)
        .expect("the folder of the data set")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.to_string_lossy().ends_with(".csv.gz"))
        .expect("the data set is there");
    let invoices = super::lines::invoices(&file).expect("the file reads");
    let entries = super::lines::log(&invoices, &example().join("countries.csv")).expect("a log");
    let mapping = example().join("mapping.yaml");
    let inputs = [
        "--events",
        file.to_str().expect("a plain path"),
        "--mapping",
        mapping.to_str().expect("a plain path"),
    ];
    agrees(&inputs, &entries, 5_000);
}
