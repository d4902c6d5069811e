//! The store with real second processes: kills, and the lock.

use cadencia_tests::store_contract::kill::{self, Plan};
use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_store-kill");

/// A short version of `store-kill run`; the full one is 200 cycles.
#[test]
fn ten_kills_lose_nothing() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let plan = Plan {
        program: PathBuf::from(PROGRAM),
        directory: directory.path().join("store"),
        cycles: 10,
        seed: 20,
    };
    let outcome = kill::run(&plan, |_, _| ()).expect("nothing is lost");
    assert_eq!(outcome.kills, 10);
    assert!(outcome.transactions > 0, "{outcome:?}");
}

#[test]
fn a_store_held_by_another_process_is_refused_by_its_pid() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let hold = |directory: &Path| {
        let mut command = Command::new(PROGRAM);
        command.arg("hold").arg(directory);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("starts")
    };
    let mut holder = hold(directory.path());
    let mut line = String::new();
    let output = holder.stdout.take().expect("piped");
    BufReader::new(output).read_line(&mut line).expect("readable");
    assert_eq!(line, "open .\n");

    let second = hold(directory.path()).wait_with_output().expect("ends");
    let message = String::from_utf8_lossy(&second.stderr).into_owned();
    let expected = format!("is in use by process {}", holder.id());
    assert!(!second.status.success() && message.contains(&expected), "{message}");

    drop(holder.stdin.take());
    assert!(holder.wait().expect("ends").success());
    let mut third = hold(directory.path());
    drop(third.stdin.take());
    assert!(third.wait().expect("ends").success(), "free again");
}
