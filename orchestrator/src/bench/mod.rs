//! `cadencia bench`: what this machine does in a second, and the physical limit beside it.
//!
//! One file per scenario. `campaign` is what is published, `known` makes the customers that exist
//! before a measurement, `server` starts the program as a child, `http` and `load` are the clients,
//! `collector` takes telemetry,
//! `replay` is what the store alone does with the same transactions, `machine` says on what
//! it was. Called by the command line. Nothing of it runs in production, and it must never
//! touch a store that it has not made.

mod active;
mod advance;
mod campaign;
mod collector;
mod customers;
mod email;
mod folder;
mod http;
mod ingest;
mod known;
mod load;
mod machine;
mod policy;
mod recovery;
mod replay;
mod report;
mod server;
mod simulate;
mod telemetry;
mod timers;
mod write_budget;

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use runtime::Clock;

pub use report::Report;

use folder::Folder;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// Events over HTTP in batches of 100.
    Ingest,
    /// Events over HTTP, one per request.
    IngestSingle,
    /// Events over HTTP in batches of 100, without and with the export of telemetry.
    IngestTelemetry,
    /// Turns of the engine in process, without store or network.
    Advance,
    /// Customers that wait in a journey, each with a timer.
    Customers,
    /// Memory of active customers.
    Active,
    /// Timers that fire.
    Timers,
    /// A month of a large campaign on virtual time.
    Simulate,
    /// Mails over SMTP.
    Email,
    /// A kill under load, and the start after it.
    Recovery,
    /// Rows and bytes of one event and of one send.
    WriteBudget,
    /// Verdicts of the contact policy.
    Policy,
}

/// How much is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Size {
    /// A few seconds: shows that it works, says nothing of speed.
    Small,
    /// What the figures in the documentation are made with.
    #[default]
    Full,
}

/// How the bench is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// How much.
    pub size: Size,
    /// Length of the main measurement, where it has one.
    pub seconds: Option<u64>,
    /// Customers known at the start, where there are any.
    pub customers: Option<u64>,
    /// On which disk; the temporary directory if it is not given.
    pub data: Option<PathBuf>,
    /// The program that is started as the server.
    pub program: PathBuf,
}

/// Why there is no measurement.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {detail}")]
pub struct BenchError {
    what: String,
    detail: String,
}

impl BenchError {
    fn new(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { what: what.into(), detail: detail.into() }
    }
}

/// Turns any error into one that says what was tried.
fn cannot<E: std::fmt::Display>(what: &str) -> impl FnOnce(E) -> BenchError {
    move |error| BenchError::new(what, error.to_string())
}

/// What every scenario is handed.
#[derive(Debug)]
struct Bench {
    options: Options,
    folder: Folder,
    clock: Clock,
}

impl Bench {
    /// The figure of the size that is measured.
    fn pick<T>(&self, small: T, full: T) -> T {
        match self.options.size {
            Size::Small => small,
            Size::Full => full,
        }
    }

    fn seconds(&self, small: u64, full: u64) -> u64 {
        self.options.seconds.unwrap_or_else(|| self.pick(small, full)).max(1)
    }

    fn customers(&self, small: u64, full: u64) -> u64 {
        self.options.customers.unwrap_or_else(|| self.pick(small, full)).max(1)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn program(&self) -> &Path {
        &self.options.program
    }

    /// Seconds of the clock that has no jumps.
    fn now_s(&self) -> f64 {
        self.clock.monotonic_us() as f64 / 1e6
    }

    fn monotonic(&self) -> store::Monotonic {
        let clock = self.clock.clone();
        std::sync::Arc::new(move || std::time::Duration::from_micros(clock.monotonic_us()))
    }
}

/// Measures one scenario.
///
/// # Errors
/// Where something that it needs is not there, or a server that it started does not work.
pub fn run(scenario: Scenario, options: Options) -> Result<Report, BenchError> {
    let folder = Folder::new(options.data.as_deref())?;
    let bench = Bench { options, folder, clock: Clock::system() };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(cannot("start the clients' runtime"))?;
    match scenario {
        Scenario::Ingest => runtime.block_on(ingest::batches(&bench)),
        Scenario::IngestSingle => runtime.block_on(ingest::single(&bench)),
        Scenario::IngestTelemetry => runtime.block_on(telemetry::run(&bench)),
        Scenario::Advance => advance::run(&bench),
        Scenario::Customers => runtime.block_on(customers::run(&bench)),
        Scenario::Active => active::run(&bench),
        Scenario::Timers => runtime.block_on(timers::run(&bench)),
        Scenario::Simulate => simulate::run(&bench),
        Scenario::Email => runtime.block_on(email::run(&bench)),
        Scenario::Recovery => runtime.block_on(recovery::run(&bench)),
        Scenario::WriteBudget => runtime.block_on(write_budget::run(&bench)),
        Scenario::Policy => policy::run(&bench),
    }
}

/// The middle one of some runs.
fn median(mut runs: Vec<f64>) -> f64 {
    runs.sort_by(f64::total_cmp);
    runs.get(runs.len() / 2).copied().unwrap_or(0.0)
}
