//! `cadencia journeys`

use std::fmt::Write as _;

use engine::catalog::Control;

use super::Failure;
use super::client::{Client, Common, ServerArgs, block_on};
use crate::admin::{JourneyState, OlderVersion};
use crate::error::Exit;

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
    /// Let a customer enter a journey whose entry is `api`.
    Enroll(Enroll),
}

#[derive(Debug, clap::Args)]
struct Enroll {
    /// The journey.
    journey: String,
    /// The customer's id.
    #[arg(long)]
    customer: String,
    /// The entry key: one enrollment per key, as the journey's re-entry says.
    #[arg(long, default_value = "")]
    key: String,
    /// What `event.properties` will say, as a JSON object.
    #[arg(long, default_value = "{}")]
    properties: String,
    #[command(flatten)]
    server: ServerArgs,
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
        Action::Enroll(entry) => return enroll(entry),
        Action::List(common) => (common, None),
        Action::Pause(one) => (&one.common, Some(format!("/journeys/{}/pause", one.journey))),
        Action::Resume(one) => (&one.common, Some(format!("/journeys/{}/resume", one.journey))),
        Action::Stop(one) => (&one.common, Some(format!("/journeys/{}/stop", one.journey))),
    };
    let client = Client::new(&common.server.data)?;
    let states: Vec<JourneyState> = block_on(async {
        match path {
            None => client.list("/journeys").await,
            Some(path) => Ok(vec![client.act(&path).await?]),
        }
    })?;
    common.output.print(&states, |states| table(states))
}

fn enroll(entry: &Enroll) -> Result<(), Failure> {
    let properties: serde_json::Value = serde_json::from_str(&entry.properties)
        .map_err(|error| Failure::new(Exit::Usage, format!("--properties: {error}")))?;
    let Enroll { journey, customer, key, server, .. } = entry;
    let client = Client::new(&server.data)?;
    let body = serde_json::json!({"customer": customer, "key": key, "properties": properties});
    block_on(client.post(&format!("/journeys/{journey}/enrollments"), &body))
}

pub(super) fn table(states: &[JourneyState]) -> String {
    let width = states.iter().map(|state| state.name.len()).max().unwrap_or(0).max(7);
    let mut out = format!(
        "{:<width$}  {:<7}  {:>7}  {:>9}  {:>9}  {:>9}  {:>9}  {:>9}  {:>12}\n",
        "journey", "state", "version", "entered", "active", "sent", "held", "refused", "spent"
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
            "{:<width$}  {word:<7}  {version:>7}  {:>9}  {:>9}  {:>9}  {:>9}  {:>9}  {:>12}",
            state.name,
            state.entered,
            state.active,
            state.sent,
            state.held,
            state.refused,
            state.spent.to_string()
        );
        for OlderVersion { version, active } in &state.older {
            let _ = writeln!(out, "{:<width$}  {active} still on version {version}", "");
        }
    }
    out
}
