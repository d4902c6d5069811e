//! `cadencia top`

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};

use runtime::Clock;

use super::client::{Client, ServerArgs, block_on};
use super::exposition::Sample;
use super::{Failure, journeys};
use crate::admin::{JourneyState, Lag, Measured, Status};

/// Between two looks, in milliseconds.
const LOOK_MS: u64 = 1_000;

/// What the command takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Look twice, print once, and end.
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let client = Client::new(&args.server.data)?;
    block_on(watch(args, &client, &Clock::system()))
}

async fn watch(args: &Args, client: &Client, clock: &Clock) -> Result<(), Failure> {
    let in_place = std::io::stdout().is_terminal() && !args.once;
    let mut before = sample(client).await?;
    let mut looked_us = clock.monotonic_us();
    loop {
        clock.sleep(LOOK_MS).await;
        let now = sample(client).await?;
        let now_us = clock.monotonic_us();
        let status: Status = client.get("/status").await?;
        let states: Vec<JourneyState> = client.list("/journeys").await?;
        let seconds = (now_us - looked_us) as f64 / 1e6;
        let text = view(&status, &states, &before, &now, seconds);
        let clear = if in_place { "\x1b[H\x1b[2J" } else { "" };
        let mut out = std::io::stdout().lock();
        // Whoever read this has gone: so do we.
        if write!(out, "{clear}{text}").and_then(|()| out.flush()).is_err() || args.once {
            return Ok(());
        }
        (before, looked_us) = (now, now_us);
    }
}

async fn sample(client: &Client) -> Result<Sample, Failure> {
    Ok(Sample::parse(&client.text("/metrics").await?))
}

fn view(
    status: &Status,
    states: &[JourneyState],
    before: &Sample,
    now: &Sample,
    seconds: f64,
) -> String {
    let mut out = String::new();
    let replay = if status.replay { ", replay" } else { "" };
    let _ = writeln!(
        out,
        "cadencia {}   {}   revision {}, {} partitions{replay}\n",
        status.version, status.now, status.revision, status.partitions
    );
    let rate = |name: &str, label: &str| {
        (now.sum(name, label) - before.sum(name, label)).max(0.0) / seconds.max(1e-9)
    };
    let _ = writeln!(
        out,
        "events/s    {:>9.0} accepted   {:>9.0} rejected   {:>9.0} refused for want of room",
        rate("cadencia_events_total", "result=\"accepted\""),
        rate("cadencia_events_total", "result=\"rejected\""),
        rate("cadencia_mailbox_refused_total", ""),
    );
    let commits = now.since(before, "cadencia_commit_seconds");
    let _ = writeln!(
        out,
        "commits/s   {:>9.0}            {:>9} p50        {:>9} p99",
        rate("cadencia_commit_seconds_count", ""),
        milliseconds(commits.quantile(0.5)),
        milliseconds(commits.quantile(0.99)),
    );
    let _ = writeln!(
        out,
        "timers      {:>9.0} pending    {:>9.0} fired/s    {:>9} due and not fired",
        now.sum("cadencia_pending_timers", ""),
        rate("cadencia_timer_lateness_seconds_count", ""),
        status.lag.as_ref().map_or_else(|| "-".to_owned(), |lag| lag.timers_due.to_string()),
    );
    let _ = writeln!(
        out,
        "customers   {:>9.0} active     {:>9.0} MiB stored",
        now.sum("cadencia_active_customers", ""),
        now.sum("cadencia_store_bytes", "") / f64::from(1 << 20),
    );
    let _ = writeln!(
        out,
        "sends/s     {:>9.1} accepted   {:>9.1} rejected   {:>9.0} open   {:>6.0} unknown in all\n",
        rate("cadencia_sends_total", "outcome=\"accepted\""),
        rate("cadencia_sends_total", "outcome=\"rejected\""),
        now.sum("cadencia_outbox_open", ""),
        now.sum("cadencia_sends_unknown_total", ""),
    );
    if let Some(lag) = &status.lag {
        out.push_str(&behind(lag));
    }
    out.push_str(&journeys::table(states));
    out
}

/// How far behind the server is, over the last minutes, in plain words where that is bad.
fn behind(lag: &Lag) -> String {
    let line = |name: &str, one: &Measured, good: &str, bad: &str| {
        let ms = |us: Option<u64>| match us {
            _ if one.count == 0 => "-".to_owned(),
            Some(us) => milliseconds(Some(us as f64 / 1e6)),
            None => "beyond".to_owned(),
        };
        format!(
            "{name:<12}{:>9} p50        {:>9} p99        {:>9} at most  {}\n",
            ms(one.p50_us),
            ms(one.p99_us),
            ms(one.max_us),
            if one.is_bad { bad } else { good },
        )
    };
    format!(
        "in the last {} s\n{}{}\n",
        lag.seconds,
        line("late timers", &lag.timers, "on time", "LATE: messages go later than they should"),
        line("commits", &lag.commits, "fast", "SLOW: look at the disk"),
    )
}

/// Nothing was measured where there is no value.
fn milliseconds(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{:.1} ms", seconds * 1e3))
}
