//! `cadencia events`

use std::io::Write as _;

use runtime::Clock;

use super::client::{Client, ServerArgs, block_on};
use super::{Failure, Format};
use crate::web::live_events::{Page, Seen, Verdict};

/// How often the server is asked, in milliseconds: for a person it is at once.
const LOOK_MS: u64 = 500;

/// What the command takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Print events as they come in, until interrupted. Accepted ones are shown from the first
    /// look on, rejected ones also from before.
    Tail(Tail),
}

#[derive(Debug, clap::Args)]
struct Tail {
    /// Only events that are not taken.
    #[arg(long)]
    rejected: bool,
    /// Print what the server has kept, and end.
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    server: ServerArgs,
    /// Format of the result: `json` is one object per line.
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let Action::Tail(tail) = &args.action;
    let client = Client::new(&tail.server.data)?;
    block_on(follow(tail, &client, &Clock::system()))
}

async fn follow(tail: &Tail, client: &Client, clock: &Clock) -> Result<(), Failure> {
    let mut from = 0;
    loop {
        let path = format!("/events?from={from}&rejected={}", tail.rejected);
        let page: Page = client.get(&path).await?;
        for event in &page.events {
            // Whoever read this has gone: so do we.
            if print(tail.output, event).is_err() {
                return Ok(());
            }
        }
        if page.next < from {
            // The server was started again, and counts from the beginning.
            from = 0;
            continue;
        }
        let is_caught_up = page.events.is_empty();
        from = page.next;
        match (is_caught_up, tail.once) {
            (true, true) => return Ok(()),
            (true, false) => clock.sleep(LOOK_MS).await,
            (false, _) => {}
        }
    }
}

fn print(format: Format, event: &Seen) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match format {
        Format::Table => writeln!(out, "{}", visible(&line(event))),
        Format::Json => writeln!(out, "{}", serde_json::to_string(event)?),
        Format::Yaml => {
            let text = serde_saphyr::to_string(event).map_err(std::io::Error::other)?;
            write!(out, "---\n{text}")
        }
    }
}

fn line(event: &Seen) -> String {
    let word = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let kind = match &event.event {
        Some(name) => format!("{} \"{name}\"", word(&event.kind)),
        None => word(&event.kind),
    };
    let what = format!("{}  {:<8}  {kind}  {}", event.at, event.source, word(&event.customer));
    match &event.verdict {
        Verdict::Accepted => format!("{what}  accepted"),
        Verdict::Rejected { code, detail } => {
            format!("{what}  REJECTED {code}: {detail}  {}", event.text)
        }
    }
}

/// Without control characters: what was sent must not steer the terminal.
fn visible(line: &str) -> String {
    line.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
