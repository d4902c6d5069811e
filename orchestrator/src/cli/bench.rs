//! `cadencia bench SCENARIO`

use std::path::PathBuf;

use super::{Failure, Format};
use crate::bench::{self, Options, Report, Scenario, Size};
use crate::error::Exit;

/// What the command takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What is measured.
    #[arg(value_enum)]
    scenario: Scenario,
    /// Length of the main measurement, where it has one.
    #[arg(long)]
    seconds: Option<u64>,
    /// How much is measured; `small` shows that it works and says nothing of speed.
    #[arg(long, value_enum, default_value_t)]
    size: Size,
    /// Customers (or mails) of the measurement, in place of the size's number.
    #[arg(long)]
    customers: Option<u64>,
    /// Print one JSON object in place of a table.
    #[arg(long)]
    json: bool,
    /// A directory on the disk that is measured; what is made in it is removed at the end.
    #[arg(long)]
    data: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let unavailable =
        |error: &dyn std::fmt::Display| Failure::new(Exit::Unavailable, error.to_string());
    let options = Options {
        size: args.size,
        seconds: args.seconds,
        customers: args.customers,
        data: args.data.clone(),
        program: std::env::current_exe().map_err(|error| unavailable(&error))?,
    };
    let report = bench::run(args.scenario, options).map_err(|error| unavailable(&error))?;
    let format = if args.json { Format::Json } else { Format::Table };
    format.print(&report, Report::table)
}
