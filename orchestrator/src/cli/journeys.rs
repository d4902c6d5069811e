//! `cadencia journeys`

use std::fmt::Write as _;

use engine::catalog::Control;

use super::client::{Client, ServerArgs, block_on};
use super::{Failure, Format};
use crate::admin::JourneyState;

/// What the command takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Show the journeys and how they stand.
    List(Common),
    /// Let nothing enter and nothing go out; waits keep their instants, goals and exits count.
    Pause(One),
    /// Let it run again; waits that ended meanwhile follow the journey's catch-up.
    Resume(One),
    /// End all enrollments and let nothing enter.
    Stop(One),
}

#[derive(Debug, clap::Args)]
struct Common {
    #[command(flatten)]
    server: ServerArgs,
    /// Format of the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

#[derive(Debug, clap::Args)]
struct One {
    /// The journey.
    journey: String,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let (common, path) = match &args.action {
        Action::List(common) => (common, None),
        Action::Pause(one) => (&one.common, Some(format!("/journeys/{}/pause", one.journey))),
        Action::Resume(one) => (&one.common, Some(format!("/journeys/{}/resume", one.journey))),
        Action::Stop(one) => (&one.common, Some(format!("/journeys/{}/stop", one.journey))),
    };
    let client = Client::new(&common.server.data)?;
    let states: Vec<JourneyState> = block_on(async {
        match path {
            None => client.get("/journeys").await,
            Some(path) => client.post(&path, &()).await,
        }
    })?;
    common.output.print(&states, |states| table(states))
}

fn table(states: &[JourneyState]) -> String {
    let width = states.iter().map(|state| state.name.len()).max().unwrap_or(0).max(7);
    let mut out = format!(
        "{:<width$}  {:<7}  {:>7}  {:>9}  {:>9}  {:>9}  {:>9}  {:>9}\n",
        "journey", "state", "version", "entered", "active", "sent", "held", "refused"
    );
    for state in states {
        let word = match state.state {
            Control::Running => "running",
            Control::Paused => "paused",
            Control::Stopped => "stopped",
        };
        let version = state.version.map_or_else(|| "-".to_owned(), |no| no.to_string());
        let _ = writeln!(
            out,
            "{:<width$}  {word:<7}  {version:>7}  {:>9}  {:>9}  {:>9}  {:>9}  {:>9}",
            state.name, state.entered, state.active, state.sent, state.held, state.refused
        );
        for (version, count) in &state.older {
            let _ = writeln!(out, "{:<width$}  {count} still on version {version}", "");
        }
    }
    out
}
