//! `cadencia explain --customer ID`

use domain::ids::CustomerId;
use runtime::Clock;

use super::client::{Client, ServerArgs, block_on};
use super::{Failure, Format, stopped};
use crate::access::mask::Mask;
use crate::error::Exit;
use crate::timeline::{self, TIMELINE_ROWS_MAX, Timeline};

/// What the command takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The customer's id (`anon:` in front of an anonymous one).
    #[arg(long)]
    customer: String,
    /// Turns to look back on at most.
    #[arg(long, default_value_t = TIMELINE_ROWS_MAX)]
    rows: usize,
    #[command(flatten)]
    server: ServerArgs,
    /// Partitions of the store, if no server runs on it.
    #[arg(long, default_value_t = 64)]
    partitions: u16,
    /// Format of the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let found = match Client::is_running(&args.server.data) {
        true => {
            let client = Client::new(&args.server.data)?;
            let path =
                format!("/customers/{}/timeline?rows={}", encoded(&args.customer), args.rows);
            block_on(client.get(&path))?
        }
        false => stored(args)?,
    };
    args.output.print(&found, text)
}

/// An id as a part of a path.
pub(super) fn encoded(id: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    id.bytes()
        .map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// Reads the store itself.
fn stored(args: &Args) -> Result<Timeline, Failure> {
    let opened = stopped::open(&args.server.data, args.partitions, &Clock::system())?;
    let id = CustomerId::from(args.customer.as_str());
    timeline::read(&opened.store, args.partitions, &id, args.rows, &Mask::nothing())
        .map_err(|error| Failure::new(Exit::Damaged, error.to_string()))?
        .ok_or_else(|| Failure::new(Exit::Problems, format!("nobody is known as `{id}`")))
}

fn text(timeline: &Timeline) -> String {
    let mut out = format!(
        "{} ({}), newest first\n",
        timeline.customer,
        timeline.zone.as_deref().unwrap_or("zone not known")
    );
    for entry in &timeline.entries {
        out.push_str(&format!("{}  {:<12} {}\n", entry.at, entry.kind, entry.text));
        if matches!(&*entry.kind, "held" | "refused" | "next_channel") {
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
