//! What an editor shows of campaign files: `cadencia schema`, asked through yaml-language-server.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::environment;

const JOURNEY: &str = "apiVersion: cadencia/v1
kind: Journey
metadata: {name: welcome}
spec:
  enter: {event: Signed Up}
  steps:
    - ";

/// Asks the language server about a text, at places (line, column).
fn ask(text: &str, complete: &[(u32, u32)], hover: &[(u32, u32)]) -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    let schema = folder.path().join("cadencia.schema.json");
    let printed = Command::new(environment::binary()).arg("schema").output().expect("it runs");
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    std::fs::write(&schema, printed.stdout).expect("a file");
    let server = "yaml-language-server/bin/yaml-language-server";
    let mut child = Command::new(environment::python())
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/editor/editor.py"))
        .arg(environment::node_modules().join(server))
        .arg(&schema)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the Python of the tests runs");
    let request = json!({"text": text, "complete": complete, "hover": hover});
    let mut input = child.stdin.take().expect("stdin is piped");
    input.write_all(request.to_string().as_bytes()).expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "the language server failed");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../orchestrator/examples");
    let mut files = Vec::new();
    for campaign in std::fs::read_dir(folder).expect("the examples") {
        for file in std::fs::read_dir(campaign.expect("an example").path()).expect("a folder") {
            let path = file.expect("a file").path();
            if path.extension().is_some_and(|end| end == "yaml") {
                files.push(path);
            }
        }
    }
    files
}

#[test]
fn the_examples_have_no_problems_in_an_editor() {
    let files = examples();
    assert!(files.len() >= 5, "only {} examples", files.len());
    for file in files {
        let text = std::fs::read_to_string(&file).expect("text");
        assert_eq!(ask(&text, &[], &[])["problems"], json!([]), "{}", file.display());
    }
}

#[test]
fn an_editor_marks_what_validate_would() {
    let send = "send: {channels: [{email: hello}], class: marketing, valid_fro: P1D}\n";
    let answer = ask(&format!("{JOURNEY}{send}"), &[], &[]);
    let problems = answer["problems"].to_string();
    assert!(problems.contains("valid_fro is not allowed"), "{problems}");
    let answer = ask(&format!("{JOURNEY}wait: {{for: 3}}\n"), &[], &[]);
    let problems = answer["problems"].to_string();
    assert!(problems.contains("Incorrect type. Expected \\\"string\\\""), "{problems}");
}

#[test]
fn an_editor_offers_steps_and_keys_and_explains_them() {
    let answer = ask(JOURNEY, &[(6, 6), (4, 10)], &[(5, 3)]);
    let offered = |at: usize| answer["complete"][at].to_string();
    for step in ["wait", "send", "branch", "split", "update", "exit"] {
        assert!(offered(0).contains(&format!("\"{step}\"")), "{step}: {}", offered(0));
    }
    for key in ["event", "key", "when", "reentry", "schedule"] {
        assert!(offered(1).contains(&format!("\"{key}\"")), "{key}: {}", offered(1));
    }
    assert!(answer["hover"][0].to_string().contains("in order"), "{answer}");
}
