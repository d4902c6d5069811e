//! `cadencia customer-hash`: how telemetry names a customer.

use std::path::{Path, PathBuf};

use domain::ids::CustomerId;

use super::{Failure, serve};
use crate::config::settings::{self, Settings};
use crate::error::Exit;
use crate::telemetry::{CustomerHash, derive_key};

/// What the command takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The customer's id; `anon:` and the anonymous id for who has no other.
    customer: String,
    /// File with the settings of the server.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data directory of the server.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let key = key(args.config.as_deref(), args.data.as_deref())?;
    println!("{}", CustomerHash(CustomerId::from(args.customer.as_str()).key()).by(&key));
    Ok(())
}

/// The key of a server's telemetry.
pub(super) fn key(config: Option<&Path>, data: Option<&Path>) -> Result<[u8; 32], Failure> {
    let flags = data.map(|path| ("data_dir", path.display().to_string()));
    let flags: Vec<_> = flags.into_iter().collect();
    let settings = Settings::load(config, settings::environment(), &flags)
        .map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    if settings.secret_key_file.is_none() && !settings.data_dir.is_dir() {
        let message = format!("{}: no such data directory", settings.data_dir.display());
        return Err(Failure::new(Exit::Usage, message));
    }
    Ok(derive_key(&serve::link_secret(&settings)?))
}
