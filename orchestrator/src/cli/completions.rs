//! `cadencia completions`

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Cli, Failure};

/// What the command takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell.
    shell: Shell,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let mut command = Cli::command();
    clap_complete::generate(args.shell, &mut command, "cadencia", &mut std::io::stdout());
    Ok(())
}
