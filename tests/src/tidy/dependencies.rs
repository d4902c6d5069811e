//! Which crate may depend on which, from `cargo metadata`.

use std::process::Command;

use serde_json::Value;

use super::tree;

/// Short name, package, and the project's crates that it may use.
const DIRECTION: [(&str, &[&str]); 6] = [
    ("cadencia-domain", &[]),
    ("cadencia-policies", &["cadencia-domain"]),
    ("cadencia-channels", &["cadencia-domain"]),
    ("cadencia-engine", &["cadencia-domain", "cadencia-policies"]),
    ("cadencia-runtime", &[]),
    ("cadencia-store", &[]),
];

/// May use every crate of the project.
const TOP: [&str; 2] = ["cadencia", "cadencia-tests"];

/// The crates that have no clock, input, output, chance, log or async.
const PURE: [&str; 3] = ["cadencia-domain", "cadencia-policies", "cadencia-engine"];

/// What pure crates may use: each computes, none acts.
const PURE_ALLOWED: [&str; 15] = [
    "blake3",
    "cel",
    "chrono",
    "cron",
    "garde",
    "jiff",
    "postcard",
    "regex",
    "schemars",
    "serde",
    "serde_json",
    "smol_str",
    "strsim",
    "thiserror",
    "xxhash-rust",
];

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(tree::root())
        .output()
        .expect("cargo can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    metadata["packages"].as_array().expect("metadata lists packages").clone()
}

fn name(value: &Value) -> &str {
    value["name"].as_str().expect("everything in the metadata has a name")
}

/// Dependencies of the built crate; those of its tests are free.
fn dependencies(package: &Value) -> Vec<&Value> {
    let all = package["dependencies"].as_array().expect("a package lists dependencies");
    all.iter().filter(|dependency| dependency["kind"] != "dev").collect()
}

fn is_ours(name: &str) -> bool {
    name == "cadencia" || name.starts_with("cadencia-")
}

#[test]
fn crates_depend_in_one_direction() {
    let mut problems = Vec::new();
    for package in packages() {
        let package_name = name(&package);
        if TOP.contains(&package_name) {
            continue;
        }
        let Some((_, allowed)) = DIRECTION.iter().find(|(known, _)| *known == package_name) else {
            problems.push(format!("{package_name}: a new crate needs a row in DIRECTION"));
            continue;
        };
        for used in dependencies(&package).into_iter().map(name).filter(|used| is_ours(used)) {
            if !allowed.contains(&used) {
                problems.push(format!("{package_name}: must not depend on {used}"));
            }
        }
    }
    super::expect_none(problems);
}

#[test]
fn pure_crates_use_only_what_computes() {
    let mut problems = Vec::new();
    for package in packages().iter().filter(|package| PURE.contains(&name(package))) {
        for used in dependencies(package).into_iter().map(name) {
            if !is_ours(used) && !PURE_ALLOWED.contains(&used) {
                problems.push(format!("{}: pure, must not depend on {used}", name(package)));
            }
        }
    }
    super::expect_none(problems);
}
