//! One `cadencia serve` and the commands that talk to it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};

use serde_json::Value;

use crate::environment;

/// Partitions of the stores of these tests: few, so that customers share them.
pub(crate) const PARTITIONS: &str = "8";

/// A server on a data directory; killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    data: PathBuf,
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    /// The one-time link, if there is one.
    pub(crate) link: Option<String>,
}

impl Server {
    /// Starts it and waits until it listens.
    pub(crate) fn start(data: &Path, arguments: &[&str]) -> Self {
        Self::start_at(data, "127.0.0.1:0", arguments)
    }

    /// Starts it and waits until it listens; its log goes to the end of a file.
    pub(crate) fn start_logging(data: &Path, log: &Path, arguments: &[&str]) -> Self {
        let log = std::fs::File::options().create(true).append(true).open(log).expect("a file");
        Self::spawn(data, "127.0.0.1:0", arguments, log.into(), &[])
    }

    /// Starts it with variables in its environment, and waits until it listens.
    pub(crate) fn start_within(
        data: &Path,
        variables: &[(&str, &str)],
        arguments: &[&str],
    ) -> Self {
        Self::spawn(data, "127.0.0.1:0", arguments, Stdio::inherit(), variables)
    }

    /// Starts it at an address and waits until it listens.
    pub(crate) fn start_at(data: &Path, address: &str, arguments: &[&str]) -> Self {
        Self::spawn(data, address, arguments, Stdio::inherit(), &[])
    }

    fn spawn(
        data: &Path,
        address: &str,
        arguments: &[&str],
        log: Stdio,
        variables: &[(&str, &str)],
    ) -> Self {
        let mut child = environment::cadencia()
            .envs(variables.iter().copied())
            .args(["serve", "--listen", address, "--partitions", PARTITIONS, "--data"])
            .arg(data)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the binary runs");
        let mut output = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut line = String::new();
        output.read_line(&mut line).expect("the server says where it listens");
        let url = line.split_whitespace().last().expect("its address").to_owned();
        // What it says in one piece has been read in one piece.
        let rest = String::from_utf8_lossy(output.buffer()).into_owned();
        let link = rest.split_whitespace().find(|word| word.contains("/login/once/"));
        let link = link.map(str::to_owned);
        Self { child, data: data.to_owned(), url, link }
    }

    /// Ends it as the machine would in a power cut.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// How it has ended, if it has.
    pub(crate) fn ended(&self) -> Option<String> {
        let status = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        // A child that has ended and was not waited for is a zombie.
        status.map_or_else(
            |error| Some(error.to_string()),
            |text| {
                text.rsplit(')')
                    .next()
                    .filter(|rest| rest.trim_start().starts_with('Z'))
                    .map(str::to_owned)
            },
        )
    }

    /// Ends it in order.
    pub(crate) fn stop(mut self) {
        let pid = i32::try_from(self.child.id()).expect("a process id");
        // SAFETY: a signal to a child that has not been waited for.
        #[expect(unsafe_code, reason = "there is no other way to ask a process to end")]
        let sent = unsafe { libc::kill(pid, libc::SIGTERM) };
        assert_eq!(sent, 0, "the signal was not sent");
        let status = self.child.wait().expect("it ends");
        assert!(status.success(), "it ended with {status}");
    }

    /// A command on this server.
    pub(crate) fn command(&self, arguments: &[&str]) -> Output {
        cadencia(&self.data, arguments)
    }

    /// A command that must work, and its JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.extend(["-o", "json"]);
        json(&self.command(&all))
    }

    /// A customer's timeline.
    pub(crate) fn explain(&self, customer: &str) -> Value {
        self.json(&["explain", "--customer", customer])
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command on a data directory.
pub(crate) fn cadencia(data: &Path, arguments: &[&str]) -> Output {
    environment::cadencia()
        .args(arguments)
        .arg("--data")
        .arg(data)
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs")
}

/// What a command that worked printed.
pub(super) fn json(output: &Output) -> Value {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {error}", output.status);
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// How often a test looks whether something has happened yet, and for how long at most.
const LOOK_MS: u64 = 5;
const LOOKS_MAX: u32 = 12_000;

/// Looks until something has happened.
///
/// # Panics
/// After a minute: then it will not.
pub(crate) async fn eventually(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    let clock = runtime::Clock::system();
    for _ in 0..LOOKS_MAX {
        if happened().await {
            return;
        }
        clock.sleep(LOOK_MS).await;
    }
    panic!("it did not happen: {what}");
}

/// Posts JSON to a server and gives back status and answer.
pub(crate) async fn post(url: &str, path: &str, body: &Value) -> (u16, Value) {
    let request = reqwest::Client::new().post(format!("{url}{path}"));
    let answer = request.json(body).send().await.expect("an answer");
    let status = answer.status().as_u16();
    (status, answer.json().await.expect("JSON"))
}

/// The entries of a timeline, as (kind, send).
pub(super) fn sends(timeline: &Value) -> Vec<(String, String)> {
    let entries = timeline["entries"].as_array().expect("entries");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    entries
        .iter()
        .filter(|entry| entry["text"].as_str().is_some_and(|text| text.starts_with("message ")))
        .map(|entry| (text(&entry["kind"]), text(&entry["send"])))
        .collect()
}
