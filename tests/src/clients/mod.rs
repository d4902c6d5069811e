//! The official client libraries of applications, unmodified, against the real server.

mod bodies;
mod cors;
mod kills;
mod libraries;

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::environment;
use crate::served::process::Server;

/// The write key that the server of these tests asks for.
const WRITE_KEY: &str = "wk-shop";

struct Site {
    server: Server,
    folder: tempfile::TempDir,
}

/// A server that asks for a write key.
fn site(settings: &str) -> Site {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("cadencia.yaml");
    std::fs::write(&config, format!("write_keys: [{WRITE_KEY}]\n{settings}")).expect("a file");
    let arguments = ["--log", "error", "--config", config.to_str().expect("a plain path")];
    let server = Server::start(&folder.path().join("data"), &arguments);
    Site { server, folder }
}

fn script(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/clients").join(name)
}

/// Runs a script of a client library, which must deliver everything.
fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().expect("it runs");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let (out, error) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}\n{error}", output.status);
}

impl Site {
    fn python(&self, name: &str, more: &[&str]) {
        let mut command = Command::new(environment::python());
        run(command.arg(script(name)).args([self.server.url.as_str(), WRITE_KEY]).args(more));
    }

    fn node(&self, name: &str, more: &[&Path]) {
        let mut command = Command::new("node");
        command.arg(script(name)).args([self.server.url.as_str(), WRITE_KEY]);
        // The temporary files of a browser go with the test.
        command.env("TMPDIR", self.folder.path());
        run(command.arg(environment::node_modules()).args(more));
    }

    /// What a customer's timeline says came in, oldest first.
    fn came_in(&self, customer: &str) -> Vec<String> {
        let timeline = self.server.explain(customer);
        let entries = timeline["entries"].as_array().expect("entries");
        let of = |entry: &Value| entry["text"].as_str().expect("a text").to_owned();
        entries.iter().rev().map(of).collect()
    }

    fn traits(&self, customer: &str) -> Value {
        self.server.explain(customer)["traits"].clone()
    }
}
