//! `cadencia backup` and `cadencia restore`

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use domain::time::Instant;
use runtime::Clock;

use super::client::{Client, ServerArgs, block_on};
use super::{Failure, Format, stopped};
use crate::backup::{self, Made, PARTIAL, RestoreError, Restored};
use crate::config::settings::Settings;
use crate::error::Exit;

/// What `backup` takes.
#[derive(Debug, clap::Args)]
pub(super) struct BackupArgs {
    /// The file to write. It holds personal data: only its owner may read it.
    file: PathBuf,
    #[command(flatten)]
    server: ServerArgs,
    /// Partitions of the store, if no server runs on it.
    #[arg(long, default_value_t = 64)]
    partitions: u16,
    /// Format of the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// What `restore` takes.
#[derive(Debug, clap::Args)]
pub(super) struct RestoreArgs {
    /// The backup.
    file: PathBuf,
    /// The data directory to make; it must not hold a store.
    #[arg(long, value_name = "DIR", env = "CADENCIA_DATA_DIR", default_value = "cadencia-data")]
    data: PathBuf,
    /// Let journeys go on. What was sent after the backup may then be sent again: without this
    /// they are paused.
    #[arg(long)]
    resume: bool,
    /// Format of the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

fn unavailable(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Unavailable, error.to_string())
}

/// Writes beside the file, reads it again, and only then gives it its name.
pub(super) fn backup(args: &BackupArgs) -> Result<(), Failure> {
    let mut name = args.file.clone().into_os_string();
    name.push(".");
    name.push(PARTIAL);
    let partial = PathBuf::from(name);
    let made = write(args, &partial).inspect_err(|_| drop(std::fs::remove_file(&partial)))?;
    std::fs::rename(&partial, &args.file).map_err(named(&args.file))?;
    args.output.print(&made, |made| {
        let file = args.file.display();
        format!(
            "{file}: {} customers, {} rows, as of {}\n",
            made.customers, made.rows, made.made_at
        )
    })
}

fn named(path: &Path) -> impl Fn(std::io::Error) -> Failure {
    let path = path.display().to_string();
    move |error| unavailable(format!("{path}: {error}"))
}

fn write(args: &BackupArgs, partial: &Path) -> Result<Made, Failure> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(partial);
    let mut file = file.map_err(named(partial))?;
    match Client::is_running(&args.server.data) {
        true => {
            let client = Client::new(&args.server.data)?;
            block_on(client.download("/backup", &mut file))?;
        }
        false => stored(args, &mut file)?,
    }
    file.flush().and_then(|()| file.sync_all()).map_err(named(partial))?;
    backup::check(partial).map_err(unavailable)
}

/// From the store itself.
fn stored(args: &BackupArgs, file: &mut File) -> Result<(), Failure> {
    let (data, partitions, clock) = (&args.server.data, args.partitions, Clock::system());
    let opened = stopped::open(data, partitions, &clock)?;
    let now = Instant(clock.now_ms());
    backup::make(&opened.store, partitions, data, now, file).map_err(unavailable)
}

pub(super) fn restore(args: &RestoreArgs) -> Result<(), Failure> {
    let restored = backup::restore(&args.file, &args.data, args.resume).map_err(|error| {
        let exit = match error {
            RestoreError::Format(_) | RestoreError::Layout { .. } => Exit::Damaged,
            _ => Exit::Unavailable,
        };
        Failure::new(exit, error.to_string())
    })?;
    args.output.print(&restored, |restored| told(&args.data, restored))
}

fn told(data: &Path, restored: &Restored) -> String {
    let Restored { made_at, partitions, rows, paused } = restored;
    let mut text = format!("{}: {rows} rows, as of {made_at}\n", data.display());
    if *partitions != Settings::default().partitions {
        text.push_str(&format!("start it with `--partitions {partitions}`\n"));
    }
    if !paused.is_empty() {
        text.push_str(&format!(
            "paused: {}\nwhat went out after the backup is not in it: look, then `cadencia \
             journeys resume`\n",
            paused.join(", ")
        ));
    }
    text
}
