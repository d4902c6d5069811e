//! The kill harness: a child writes numbered transactions and prints what is durable; the parent
//! kills it at a moment drawn from the seed, opens what is left, and checks every row.
//!
//! A kill keeps what the system has in its page cache, so this proves the order of writes, the
//! recovery and the guards, not the disk's own promise.

#![expect(clippy::disallowed_methods, reason = "the moment of a kill is real time")]

mod checks;
mod script;
mod writer;

pub use writer::{hold, write};

use anyhow::{Context, Result, ensure};
use script::{Chance, PARTITIONS, settings};
use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};
use store::{CommitError, Durable, DurableSink, OpenError, Recovered, Store, embedded};

/// Longest time that a child may be silent before the harness gives up.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// What to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The program whose `child DIRECTORY SEED` subcommand calls [`write`].
    pub program: PathBuf,
    /// The store's directory.
    pub directory: PathBuf,
    /// How many kills.
    pub cycles: u64,
    /// The seed of all draws.
    pub seed: u64,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Kills done.
    pub kills: u64,
    /// Kills before the child's store was open: during creation or recovery.
    pub kills_before_open: u64,
    /// Kills after which the store was opened and checked whole.
    pub checked: u64,
    /// Transactions that were reported durable before a kill.
    pub acked: u64,
    /// Transactions in the store at the end.
    pub transactions: u64,
    /// Transactions found durable that no one had been told of (a kill between barrier and report).
    pub unreported: u64,
    /// Group commits at the end.
    pub commits: u64,
    /// Median, 99th percentile and longest time to open after a kill, in milliseconds.
    pub open_ms: (f64, f64, f64),
}

/// Runs the plan. The first violation ends it with an error that names cycle and seed.
pub fn run(plan: &Plan, mut progress: impl FnMut(u64, &Outcome)) -> Result<Outcome> {
    let mut chance = Chance::new(plan.seed);
    let mut outcome = Outcome::default();
    let mut acked = vec![0; usize::from(PARTITIONS)];
    let mut opened_ms = Vec::new();
    for cycle in 0..plan.cycles {
        let place = || format!("cycle {cycle}, seed {}", plan.seed);
        let child_seed = chance.next();
        let opened = kill_once(plan, child_seed, &mut chance, &mut acked).with_context(place)?;
        outcome.kills += 1;
        outcome.kills_before_open += u64::from(!opened);
        // One in four is not looked at: the next child recovers from two kills.
        if chance.below(4) == 0 && cycle + 1 < plan.cycles {
            continue;
        }
        let began = Instant::now();
        let Some((store, recovered)) = open(&plan.directory).with_context(place)? else {
            continue;
        };
        opened_ms.push(began.elapsed().as_secs_f64() * 1000.0);
        checks::check(&store, &recovered, &acked).with_context(place)?;
        outcome.checked += 1;
        outcome.commits = recovered.last_commit;
        outcome.transactions = recovered.sequences.iter().sum();
        let told: u64 = acked.iter().sum();
        outcome.unreported += outcome.transactions - told;
        acked.clone_from(&recovered.sequences);
        outcome.acked = outcome.transactions - outcome.unreported;
        store.close();
        progress(cycle, &outcome);
    }
    opened_ms.sort_unstable_by(f64::total_cmp);
    let at = |percent: usize| {
        let place = opened_ms.len().saturating_sub(1) * percent / 100;
        opened_ms.get(place).copied().unwrap_or_default()
    };
    outcome.open_ms = (at(50), at(99), at(100));
    Ok(outcome)
}

/// Opens what the kill left. `None` when not even the creation was finished.
fn open(directory: &Path) -> Result<Option<(Store, Recovered)>> {
    if !directory.join("store.format").exists() {
        return Ok(None);
    }
    let noted = embedded::noted_commit(directory)?;
    let opened = embedded::open(&script::options(directory), &settings(), Arc::new(Deaf));
    if let Err(OpenError::Truncated { .. }) = opened {
        ensure!(false, "durable commits are lost");
    }
    let (store, recovered) = opened?;
    ensure!(
        noted <= recovered.last_commit && noted + 1 >= recovered.last_commit,
        "side file names commit {noted}, the store ends at {}",
        recovered.last_commit
    );
    Ok(Some((store, recovered)))
}

/// The checking side submits nothing.
struct Deaf;

impl DurableSink for Deaf {
    fn durable(&self, _group: &Durable) {}

    fn failed(&self, _error: &CommitError) {}
}

/// Starts a child, kills it, and takes its reports into `acked`. Whether its store was open.
fn kill_once(plan: &Plan, seed: u64, chance: &mut Chance, acked: &mut [u64]) -> Result<bool> {
    let mut child = Command::new(&plan.program)
        .arg("child")
        .arg(&plan.directory)
        .arg(seed.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start the child")?;
    let output = child.stdout.take().context("the child has an output")?;
    let (sender, lines) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    let waited = wait_for_the_moment(&mut child, &lines, chance, acked);
    let (killed, reaped) = (child.kill(), child.wait());
    let opened = waited?;
    killed.context("cannot kill the child")?;
    reaped.context("cannot wait for the child")?;
    reader.join().map_err(|_| anyhow::anyhow!("the reader panicked"))?;
    // What the child had written to the pipe before it died counts too.
    let rest = lines.try_iter().map(|line| note(&line, acked));
    let late = rest.collect::<Result<Vec<bool>>>()?.into_iter().any(|open| open);
    Ok(opened || late)
}

/// Reads reports until the drawn moment: one in five times shortly after the start, otherwise
/// within a few milliseconds after a number of reports.
fn wait_for_the_moment(
    child: &mut Child,
    lines: &Receiver<String>,
    chance: &mut Chance,
    acked: &mut [u64],
) -> Result<bool> {
    let early = chance.below(5) == 0;
    let mut reports = if early { 0 } else { 1 + chance.below(30) };
    let after = Duration::from_micros(chance.below(if early { 30_000 } else { 3_000 }));
    let mut opened = false;
    while reports > 0 {
        match lines.recv_timeout(SILENCE_MAX) {
            Ok(line) => opened |= note(&line, acked)?,
            Err(error) => {
                let ended = child.try_wait().context("cannot look at the child")?;
                anyhow::bail!("the child fell silent ({error}), ended: {ended:?}");
            }
        }
        reports -= 1;
    }
    let deadline = Instant::now() + after;
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => opened |= note(&line, acked)?,
            Err(RecvTimeoutError::Timeout) => return Ok(opened),
            Err(RecvTimeoutError::Disconnected) => anyhow::bail!("the child ended by itself"),
        }
    }
}

/// Takes one report in: `open`, or `durable` with partition and sequence pairs. A line that the
/// kill cut off is no report.
fn note(line: &str, acked: &mut [u64]) -> Result<bool> {
    let Some(line) = line.strip_suffix(" .") else {
        return Ok(false);
    };
    let mut words = line.split(' ');
    match words.next() {
        Some("open") => {}
        Some("durable") => {
            for pair in words {
                let (partition, seq) = pair.split_once(':').context("a pair")?;
                let (partition, seq): (usize, u64) = (partition.parse()?, seq.parse()?);
                let last = acked.get_mut(partition).context("a known partition")?;
                ensure!(seq > *last, "partition {partition}: {seq} reported after {last}");
                *last = seq;
            }
        }
        _ => anyhow::bail!("the child says {line:?}"),
    }
    Ok(true)
}
