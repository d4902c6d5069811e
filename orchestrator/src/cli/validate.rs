//! `cadencia validate DIR`

use std::path::PathBuf;

use super::{Failure, Format};
use crate::config;
use crate::error::Exit;

/// What the command takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The campaign directory.
    directory: PathBuf,
    /// Format of the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let loaded = config::load_directory(&args.directory);
    let report = &loaded.report;
    args.output.print(&report.to_json(), |_| report.render(false))?;
    if report.errors() > 0 {
        return Err(Failure::new(Exit::Problems, ""));
    }
    Ok(())
}
