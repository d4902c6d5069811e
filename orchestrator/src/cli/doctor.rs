//! `cadencia doctor`

use std::path::PathBuf;

use runtime::Clock;

use super::client::{Client, block_on};
use super::{Failure, Format, serve};
use crate::admin::Status;
use crate::app;
use crate::config::settings::{self, Flag, Settings};
use crate::doctor::{self, Check, Verdict};
use crate::error::Exit;

/// What the command takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// File with the server's settings.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the store is, or is to be.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A campaign directory: it is validated, and its channels are reached.
    #[arg(long, value_name = "DIR")]
    campaign: Option<PathBuf>,
    /// Folder of the files that channels name (passwords, keys); by default the campaign's.
    #[arg(long, value_name = "DIR")]
    files: Option<PathBuf>,
    /// Format of the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let data: Option<Flag> =
        args.data.as_ref().map(|data| ("data_dir", data.display().to_string()));
    let flags: Vec<Flag> = data.into_iter().collect();
    let checks = match Settings::load(args.config.as_deref(), settings::environment(), &flags) {
        Err(error) => {
            vec![Check::failed("settings", error.to_string(), "correct the settings")]
        }
        Ok(settings) => block_on(looked(args, &settings)),
    };
    args.output.print(&checks, |checks| table(checks))?;
    match checks.iter().any(|check| check.verdict == Verdict::Failed) {
        true => Err(Failure::new(Exit::Problems, "")),
        false => Ok(()),
    }
}

async fn looked(args: &Args, settings: &Settings) -> Vec<Check> {
    let clock = Clock::system();
    let mut checks = vec![Check::ok("settings", "they can be used")];
    checks.extend(doctor::data_directory(&settings.data_dir, &clock));
    checks.push(doctor::open_files());
    match Client::is_running(&settings.data_dir) {
        true => checks.push(running(settings).await),
        false => checks.push(doctor::listen(settings.listen)),
    }
    checks.push(doctor::public_url(settings.public_url.as_deref()));
    checks.push(doctor::collector(&settings.telemetry).await);
    if let Some(directory) = &args.campaign {
        let folder = args.files.as_ref().unwrap_or(directory);
        match serve::egress(settings) {
            Ok(egress) => {
                let exports = settings.data_dir.join(app::EXPORTS);
                let found = doctor::campaign(directory, folder, &exports, egress, &clock).await;
                checks.extend(found);
            }
            Err(failure) => checks.push(Check::failed("egress", failure.message, "correct it")),
        }
    }
    checks
}

async fn running(settings: &Settings) -> Check {
    let asked = async { Client::new(&settings.data_dir)?.get::<Status>("/status").await };
    match asked.await {
        Ok(status) if status.version != env!("CARGO_PKG_VERSION") => Check::warning(
            "server",
            format!("it runs version {}, this is {}", status.version, env!("CARGO_PKG_VERSION")),
            "use the program that the server was started with, or start it again",
        ),
        Ok(status) => {
            let found = format!("it runs, with revision {} in force", status.revision);
            Check::ok("server", found)
        }
        Err(failure) => Check::failed("server", failure.message, "look at its log"),
    }
}

fn table(checks: &[Check]) -> String {
    let width = checks.iter().map(|check| check.check.chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for check in checks {
        let word = match check.verdict {
            Verdict::Ok => "ok     ",
            Verdict::Warning => "warning",
            Verdict::Failed => "FAILED ",
        };
        out.push_str(&format!("{word}  {:<width$}  {}\n", check.check, check.found));
        if !check.advice.is_empty() {
            out.push_str(&format!("         {:<width$}  {}\n", "", check.advice));
        }
    }
    out
}
