//! What `tests/run.sh` prepares, by environment variable: the only reader of those in the tests.
#![expect(clippy::disallowed_methods, reason = "the one door to what the test command prepares")]

use std::path::PathBuf;

/// The Python with the packages of `tests/requirements.txt`.
///
/// # Panics
/// Where `CADENCIA_TEST_PYTHON` is not set: the tests that need it must not pass unseen.
pub fn python() -> PathBuf {
    let python = std::env::var_os("CADENCIA_TEST_PYTHON");
    PathBuf::from(python.expect("CADENCIA_TEST_PYTHON is not set: run the tests by tests/run.sh"))
}

/// The `cadencia` binary under test: `CADENCIA_TEST_BIN`, or the one beside this test program.
///
/// # Panics
/// Where there is none.
pub fn binary() -> PathBuf {
    let beside = || {
        let program = std::env::current_exe().ok()?;
        Some(program.parent()?.parent()?.join("cadencia"))
    };
    let binary = std::env::var_os("CADENCIA_TEST_BIN").map(PathBuf::from).or_else(beside);
    binary
        .filter(|path| path.is_file())
        .expect("no cadencia binary: run `cargo build`, or the tests by tests/run.sh")
}

/// The binary as a command, without the variables of this module: a server takes every
/// `CADENCIA_*` variable for a setting, and refuses those that it does not know.
pub fn cadencia() -> std::process::Command {
    let mut command = std::process::Command::new(binary());
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CADENCIA_")) {
            command.env_remove(name);
        }
    }
    command
}

/// The directory of real data sets, where one was given (`CADENCIA_REAL_DATA`).
pub fn real_data() -> Option<PathBuf> {
    std::env::var_os("CADENCIA_REAL_DATA").map(PathBuf::from)
}

/// The seed of the simulation that is to be run alone (`CADENCIA_SIMULATION_SEED`).
///
/// # Panics
/// Where it is no number.
pub fn simulation_seed() -> Option<u64> {
    number("CADENCIA_SIMULATION_SEED")
}

/// How many seeds the simulation runs, where the default is not enough
/// (`CADENCIA_SIMULATION_SEEDS`).
///
/// # Panics
/// Where it is no number.
pub fn simulation_seeds() -> Option<u64> {
    number("CADENCIA_SIMULATION_SEEDS")
}

/// For how many seconds each fuzz target runs, where the default number of inputs is not enough
/// (`CADENCIA_FUZZ_SECONDS`).
///
/// # Panics
/// Where it is no number.
pub fn fuzz_seconds() -> Option<u64> {
    number("CADENCIA_FUZZ_SECONDS")
}

/// The seed of the one mutated input that is to be shown again (`CADENCIA_FUZZ_SEED`).
///
/// # Panics
/// Where it is no number.
pub fn fuzz_seed() -> Option<u64> {
    number("CADENCIA_FUZZ_SEED")
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var_os(name)?;
    let number = text.to_str().and_then(|text| text.parse().ok());
    Some(number.unwrap_or_else(|| panic!("{name} is a number")))
}

/// How often the kill tests kill (`CADENCIA_TEST_KILLS`), if not as often as a test run does.
///
/// # Panics
/// Where it is no number.
pub fn kills() -> Option<usize> {
    let kills = std::env::var_os("CADENCIA_TEST_KILLS")?;
    Some(kills.to_str().and_then(|it| it.parse().ok()).expect("CADENCIA_TEST_KILLS is a number"))
}

/// The folder with the packages of `tests/package.json` (`CADENCIA_TEST_NODE_MODULES`).
///
/// # Panics
/// Where it is not set: the tests that need it must not pass unseen.
pub fn node_modules() -> PathBuf {
    let modules = std::env::var_os("CADENCIA_TEST_NODE_MODULES");
    let missing = "CADENCIA_TEST_NODE_MODULES is not set: run the tests by tests/run.sh";
    PathBuf::from(modules.expect(missing))
}

/// The browser (`CADENCIA_TEST_CHROMIUM`).
///
/// # Panics
/// Where it is not set: the tests that need it must not pass unseen.
pub fn chromium() -> PathBuf {
    let chromium = std::env::var_os("CADENCIA_TEST_CHROMIUM");
    let missing = "CADENCIA_TEST_CHROMIUM is not set: run the tests by tests/run.sh";
    PathBuf::from(chromium.expect(missing))
}
