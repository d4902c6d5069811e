//! `cadencia audiences`

use std::fmt::Write as _;

use super::Failure;
use super::client::{Client, Common, block_on};
use crate::admin::{AudienceState, ExportState};
use crate::error::Exit;
use crate::members::MemberLine;

/// Members that are shown if nobody says how many: a list for people, not an export.
const MEMBERS_SHOWN: u32 = 100;

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
    /// Show who is a member of an audience now.
    Members(Members),
    /// Export an audience now, whatever its period.
    Export(One),
}

#[derive(Debug, clap::Args)]
struct Members {
    /// The audience: the name of its channel.
    audience: String,
    /// Show at most so many.
    #[arg(long, default_value_t = MEMBERS_SHOWN)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    #[command(flatten)]
    common: Common,
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
            let states: Vec<AudienceState> = block_on(client.list("/audiences"))?;
            common.output.print(&states, |states| table(states))
        }
        Action::Members(Members { audience, limit, common }) => {
            let client = Client::new(&common.server.data)?;
            let path = format!("/audiences/{}/members", super::explain::encoded(audience));
            let most = usize::try_from(*limit).unwrap_or(usize::MAX);
            let members: Vec<MemberLine> = block_on(client.list_some(&path, most))?;
            common.output.print(&members, |members| members_table(members))
        }
        Action::Export(One { audience, common }) => {
            let client = Client::new(&common.server.data)?;
            let path = format!("/audiences/{}/export", super::explain::encoded(audience));
            let exported: ExportState = block_on(client.act(&path))?;
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

fn members_table(members: &[MemberLine]) -> String {
    let width = members.iter().map(|one| one.customer.len()).max().unwrap_or(0).max(8);
    let mut out = format!("{:<width$}  {:<24}  {:<24}  {}\n", "customer", "since", "until", "as");
    for one in members {
        let until = one.until.as_deref().unwrap_or("for good");
        let known: Vec<&str> = one.identifiers.iter().map(|it| it.value.as_str()).collect();
        let known = known.join(", ");
        let _ = writeln!(out, "{:<width$}  {:<24}  {until:<24}  {known}", one.customer, one.since);
    }
    out
}
