//! `cadencia simulate DIR --events FILE --out DIR`

use std::path::{Path, PathBuf};

use domain::event::Alias;
use domain::time::Instant;

use super::{Failure, Format};
use crate::config;
use crate::error::Exit;
use crate::import::{Input, Item, Mapping, Options, Reader};
use crate::publish::Publication;
use crate::simulate::{Plan, Recording, simulate, write};

/// How long after the last event the horizon lies, if it is not given: 120 days, so that a wait of
/// two months and what follows it is seen.
const HORIZON_DEFAULT_MS: i64 = 120 * 24 * 3_600_000;

/// What the command takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The campaign directory.
    directory: PathBuf,
    /// Recorded events: NDJSON in Segment's shape, or any file with --mapping; .gz is unpacked.
    #[arg(long)]
    events: PathBuf,
    /// Recorded customers, in the same shapes.
    #[arg(long)]
    customers: Option<PathBuf>,
    /// How the columns of the events file are to be read.
    #[arg(long)]
    mapping: Option<PathBuf>,
    /// How the columns of the customers file are to be read.
    #[arg(long)]
    customers_mapping: Option<PathBuf>,
    /// The horizon (RFC 3339); default: 120 days after the last event.
    #[arg(long)]
    until: Option<String>,
    /// Seed of everything that is drawn beyond the hashes of ids.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Worker threads; the result does not depend on them.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Where summary.json, sends.ndjson and report.html are written.
    #[arg(long)]
    out: PathBuf,
    /// Format of the summary on standard output.
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let loaded = config::load_directory(&args.directory);
    let Some(definitions) = loaded.definitions else {
        eprint!("{}", loaded.report.render(false));
        return Err(Failure::new(Exit::Problems, ""));
    };
    let mut publication = Publication::default().applied(&definitions, Instant::MIN);
    let built =
        publication.build().map_err(|error| Failure::new(Exit::Problems, error.to_string()))?;
    let mut events = Recording::default();
    let mut aliases = read(&args.events, args.mapping.as_deref(), Instant::MIN, &mut events)?;
    let first = events.first().unwrap_or(Instant(0));
    let last = events.last().unwrap_or(first);
    if let Some(customers) = &args.customers {
        // Who is known without a date is known from the first event on, and before it.
        events.earlier();
        let mapping = args.customers_mapping.as_deref();
        let mut earlier = read(customers, mapping, first, &mut events)?;
        earlier.append(&mut aliases);
        aliases = earlier;
    }
    let until = match &args.until {
        Some(text) => Instant::parse(text).ok_or_else(|| {
            Failure::new(Exit::Usage, format!("--until: `{text}` is not an RFC 3339 time"))
        })?,
        None => last.plus_ms(HORIZON_DEFAULT_MS),
    };
    let plan = Plan { catalog: built.catalog, until, threads: args.threads.max(1) };
    let results = simulate(&plan, events, aliases)
        .map_err(|error| Failure::new(Exit::Problems, error.to_string()))?;
    write(&results, &args.out).map_err(|error| Failure::new(Exit::Problems, error.to_string()))?;
    args.output.print(&results.summary, |summary| {
        format!(
            "{} customers, {} inputs: {} sent, {} refused, {} withdrawn, {} held\nsee {}\n",
            summary.customers,
            summary.inputs,
            summary.sends.sent,
            summary.sends.refused,
            summary.sends.withdrawn,
            summary.sends.held,
            args.out.join("report.html").display(),
        )
    })
}

/// Adds all events of a file and gives its aliases; a bad line ends it, because a simulation over
/// part of the data would look like one over all of it.
fn read(
    path: &Path,
    mapping: Option<&Path>,
    undated: Instant,
    events: &mut Recording,
) -> Result<Vec<Alias>, Failure> {
    let fail = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Problems, format!("{}: {error}", path.display()))
    };
    let mapping = match mapping {
        None => Mapping::segment("simulate"),
        Some(file) => {
            let text = std::fs::read_to_string(file).map_err(|error| {
                Failure::new(Exit::Problems, format!("{}: {error}", file.display()))
            })?;
            let folder = file.parent().unwrap_or(Path::new("."));
            Mapping::parse(&text, folder).map_err(|error| {
                Failure::new(Exit::Problems, format!("{}: {error}", file.display()))
            })?
        }
    };
    let input = Input::open(path).map_err(|error| fail(&error))?;
    let reader = Reader::new(&mapping, input, Options::recorded(undated));
    let mut aliases = Vec::new();
    for item in reader.map_err(|error| fail(&error))? {
        match item.map_err(|error| fail(&error))? {
            Item::Event(event) => events.add(event),
            Item::Alias(alias) => aliases.push(alias),
            Item::Reject(reject) => {
                return Err(fail(&format!("line {}: {}", reject.line, reject.reason)));
            }
        }
    }
    Ok(aliases)
}
