//! `cadencia explain --customer ID`

use std::path::PathBuf;
use std::sync::Arc;

use domain::ids::CustomerId;
use runtime::Clock;

use super::{Failure, Format};
use crate::app::{self, AppSettings};
use crate::error::Exit;
use crate::telemetry::metrics::Metrics;
use crate::timeline::{self, TIMELINE_ROWS_MAX, Timeline};

/// What the command takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The customer's id (`anon:` in front of an anonymous one).
    #[arg(long)]
    customer: String,
    /// Where the store is. The server must not be running on it.
    #[arg(long, default_value = "cadencia-data")]
    data: PathBuf,
    /// Partitions of the store.
    #[arg(long, default_value_t = 64)]
    partitions: u16,
    /// Format of the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let unavailable =
        |error: &dyn std::fmt::Display| Failure::new(Exit::Unavailable, error.to_string());
    if !args.data.exists() {
        let text = format!("there is no store at {}", args.data.display());
        return Err(Failure::new(Exit::Unavailable, text));
    }
    let settings = AppSettings {
        data_dir: args.data.clone(),
        partitions: args.partitions,
        arbiters: std::num::NonZeroUsize::MIN,
        active_max: 0,
    };
    let metrics = Arc::new(Metrics::new());
    let opened = app::open(&settings, &Clock::system(), &metrics).map_err(|e| unavailable(&e))?;
    let id = CustomerId::from(args.customer.as_str());
    let found = timeline::read(&opened.store, args.partitions, &id, TIMELINE_ROWS_MAX)
        .map_err(|error| Failure::new(Exit::Damaged, error.to_string()))?;
    let Some(found) = found else {
        let text = format!("nobody is known as `{id}`");
        return Err(Failure::new(Exit::Problems, text));
    };
    args.output.print(&found, text)
}

fn text(timeline: &Timeline) -> String {
    let mut out = format!(
        "{} ({}), newest first\n",
        timeline.customer,
        timeline.zone.as_deref().unwrap_or("zone not known")
    );
    for entry in &timeline.entries {
        out.push_str(&format!("{}  {:<12} {}\n", entry.at, entry.kind, entry.text));
        if matches!(entry.kind, "held" | "refused" | "next_channel") {
            for rule in entry.rules.iter().filter(|rule| rule.ruling != "allow") {
                let counter = match (rule.counted, rule.limit) {
                    (Some(counted), Some(limit)) => format!(", {counted} of {limit}"),
                    _ => String::new(),
                };
                let earliest = rule
                    .earliest
                    .as_ref()
                    .map_or_else(String::new, |at| format!(", earliest {at}"));
                out.push_str(&format!(
                    "{:>26}{}: {}: {}{counter}{earliest}\n",
                    "", rule.rule, rule.ruling, rule.reason
                ));
            }
        }
    }
    if timeline.more {
        out.push_str("older entries exist\n");
    }
    out
}
