//! The command line: one file per subcommand.

mod apply;
mod audiences;
mod audit;
mod backup;
mod bench;
mod client;
mod completions;
mod customer_hash;
mod customers;
mod demo;
mod doctor;
mod events;
mod explain;
mod exposition;
mod import;
mod journeys;
mod output;
pub mod reference;
mod schema;
mod send_test;
mod sends;
mod serve;
mod simulate;
mod stopped;
mod telemetry_id;
mod tokens;
mod top;
mod users;
mod validate;

use std::net::SocketAddr;

use clap::{Parser, Subcommand};

pub use output::Format;

use crate::admin::Admin;
use crate::error::Exit;

/// Campaign orchestrator: decides, for every customer, what to say, when, and when to stay silent.
#[derive(Debug, Parser)]
#[command(name = "cadencia", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check a campaign directory and report every problem with its place.
    Validate(validate::Args),
    /// Show a small shop with synthetic customers on an accelerated clock.
    Demo(demo::Args),
    /// Run a campaign directory over recorded events, with nothing sent.
    Simulate(simulate::Args),
    /// Run the server.
    Serve(serve::Args),
    /// Measure what this machine does in a second.
    Bench(bench::Args),
    /// Show what applying a campaign directory to a running server would change.
    Plan(apply::PlanArgs),
    /// Publish a campaign directory on a running server.
    Apply(apply::ApplyArgs),
    /// Bring recorded customers and events into a running server.
    Import(import::Args),
    /// Show, pause, resume or stop journeys of a running server.
    Journeys(journeys::Args),
    /// Show and export the retargeting audiences of a running server.
    Audiences(audiences::Args),
    /// Change how customers of a running server stand.
    Customers(customers::Args),
    /// Show what happened to a customer, and why.
    Explain(explain::Args),
    /// Show sends of a running server, and send messages again that did not go.
    Sends(sends::Args),
    /// Make, show, rotate and revoke API tokens and write keys of a running server.
    Tokens(tokens::Args),
    /// Make and change users of a running server.
    Users(users::Args),
    /// Show who changed what on a running server.
    Audit(audit::Args),
    /// Watch the events that come in, with the reason for each that is not taken.
    Events(events::Args),
    /// Copy everything that a server has, while it runs, into one file.
    Backup(backup::BackupArgs),
    /// Make a data directory of a backup.
    Restore(backup::RestoreArgs),
    /// Look for what would keep a server from working; change and send nothing.
    Doctor(doctor::Args),
    /// Send a message of a template to an address, past journeys and rules.
    SendTest(send_test::Args),
    /// Watch a running server: events, commits, timers, sends, journeys.
    Top(top::Args),
    /// Print the JSON Schema of campaign documents, for editors.
    Schema,
    /// Write the reference pages of the documentation.
    #[command(hide = true)]
    Reference(reference::Args),
    /// Print the completions for a shell.
    Completions(completions::Args),
    /// Show how traces and logs name a customer: the keyed hash of its id
    CustomerHash(customer_hash::Args),
    /// Show how traces and logs name an enrollment, a send or a message; or which one a span means.
    TelemetryId(telemetry_id::Args),
}

/// A command failed: what to say, and the exit code.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What to say on standard error; empty if everything has been said.
    pub message: String,
}

impl Failure {
    /// A failure that says what happened.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }
}

/// A new one-time link of a server that listens there.
fn one_time_link(admin: &Admin, address: SocketAddr) -> String {
    let secret = admin.access.one_time.issue(admin.access.now());
    format!("http://{address}/login/once/{secret}")
}

/// Runs the command line and gives back the exit code.
pub fn run() -> u8 {
    let result = match Cli::parse().command {
        Command::Validate(args) => validate::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Plan(args) => apply::plan(&args),
        Command::Apply(args) => apply::apply(&args),
        Command::Import(args) => import::run(&args),
        Command::Journeys(args) => journeys::run(&args),
        Command::Audiences(args) => audiences::run(&args),
        Command::Customers(args) => customers::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Sends(args) => sends::run(&args),
        Command::Tokens(args) => tokens::run(&args),
        Command::Users(args) => users::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Events(args) => events::run(&args),
        Command::Backup(args) => backup::backup(&args),
        Command::Restore(args) => backup::restore(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::SendTest(args) => send_test::run(&args),
        Command::Top(args) => top::run(&args),
        Command::Schema => schema::run(),
        Command::Reference(args) => reference::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::CustomerHash(args) => customer_hash::run(&args),
        Command::TelemetryId(args) => telemetry_id::run(&args),
    };
    match result {
        Ok(()) => Exit::Ok.code(),
        Err(failure) => {
            if !failure.message.is_empty() {
                eprintln!("error: {}", failure.message);
            }
            failure.exit.code()
        }
    }
}
