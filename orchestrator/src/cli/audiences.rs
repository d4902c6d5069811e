//! `cadencia audiences`

use std::fmt::Write as _;

use super::Failure;
use super::client::{Client, Common, block_on};
use crate::admin::{AudienceState, ExportState};
use crate::error::Exit;

/// What the command takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Show the audiences, and what became of their last exports.
    List(Common),
    /// Export an audience now, whatever its period.
    Export(One),
}

#[derive(Debug, clap::Args)]
struct One {
    /// The audience: the name of its channel.
    audience: String,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    match &args.action {
        Action::List(common) => {
            let client = Client::new(&common.server.data)?;
            let states: Vec<AudienceState> = block_on(client.get("/audiences"))?;
            common.output.print(&states, |states| table(states))
        }
        Action::Export(One { audience, common }) => {
            let client = Client::new(&common.server.data)?;
            let path = format!("/audiences/{audience}/export");
            let exported: ExportState = block_on(client.post(&path, &()))?;
            common.output.print(&exported, |exported| format!("{}\n", exported.reply))?;
            match exported.outcome.as_str() {
                "accepted" => Ok(()),
                _ => Err(Failure::new(Exit::Unavailable, "the export failed")),
            }
        }
    }
}

fn table(states: &[AudienceState]) -> String {
    let width = states.iter().map(|state| state.name.len()).max().unwrap_or(0).max(8);
    let mut out =
        format!("{:<width$}  {:>8}  {:<24}  {}\n", "audience", "members", "last export", "result");
    for state in states {
        let (members, at, reply) = match &state.last_export {
            None => ("-".to_owned(), "never", ""),
            Some(last) => (last.members.to_string(), last.at.as_str(), last.reply.as_str()),
        };
        let _ = writeln!(out, "{:<width$}  {members:>8}  {at:<24}  {reply}", state.name);
    }
    out
}
