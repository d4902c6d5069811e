//! `cadencia import`

use std::fs::File;
use std::io::{BufWriter, IsTerminal as _, stderr};
use std::path::{Path, PathBuf};

use domain::event::Recorded;
use domain::time::Instant;
use indicatif::{ProgressBar, ProgressStyle};
use runtime::Clock;
use serde::{Deserialize, Serialize};

use super::client::{Client, ServerArgs, block_on};
use super::{Failure, Format};
use crate::admin::{IMPORT_EVENTS_MAX, Imported, Trigger};
use crate::error::Exit;
use crate::import::{Input, Item, Mapping, Options, Reader, RejectsFile, replay_order};

/// Events of one request: large enough that the round trip does not count, small enough that
/// the progress bar moves.
const BATCH_EVENTS: usize = 500;
const _: () = assert!(BATCH_EVENTS <= IMPORT_EVENTS_MAX);

/// What the command takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Recorded events, customers or aliases, CSV or NDJSON, also `.gz`.
    file: PathBuf,
    /// How columns become customers and events; without it the lines are Segment calls.
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// What the events set off.
    #[arg(long, value_enum, default_value_t)]
    trigger: TriggerArg,
    /// In a replay, run the clock on to this instant (RFC 3339) after the last event.
    #[arg(long, value_name = "INSTANT")]
    until: Option<String>,
    /// In a replay, when rows without a time of their own (customers) became known: by default
    /// where the server's clock stands.
    #[arg(long, value_name = "INSTANT")]
    undated: Option<String>,
    /// Where lines that cannot be used are written, with their number and the reason; by default
    /// beside the file.
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Give up after so many lines that cannot be used.
    #[arg(long, value_name = "COUNT")]
    rejects_max: Option<u64>,
    /// Only read and check the file; nothing is sent to the server.
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    server: ServerArgs,
    /// Format of the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// What recorded events set off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum TriggerArg {
    /// Nothing: they are remembered and counted.
    #[default]
    None,
    /// What they would if they happened now.
    Live,
    /// What they did then: the clock goes from event to event (the server runs with --replay).
    Replay,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Outcome {
    /// Lines read.
    lines: u64,
    /// Events made of them.
    events: u64,
    /// Aliases among them.
    #[serde(default)]
    aliases: u64,
    /// What lay behind the clock of a replay, and was too late to count in time.
    behind: u64,
    /// Lines, or groups of lines, that cannot be used.
    rejected: u64,
    /// Where they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    rejects: Option<PathBuf>,
}

impl From<TriggerArg> for Trigger {
    fn from(arg: TriggerArg) -> Self {
        match arg {
            TriggerArg::None => Self::None,
            TriggerArg::Live => Self::Live,
            TriggerArg::Replay => Self::Replay,
        }
    }
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let outcome = block_on(import(args))?;
    args.output.print(&outcome, |outcome| {
        let place = outcome.rejects.as_ref().map(|path| format!(" (see {})", path.display()));
        format!(
            "{} lines: {} events, {}{} rejected{}{}\n",
            outcome.lines,
            outcome.events,
            match outcome.aliases {
                0 => String::new(),
                count => format!("{count} aliases, "),
            },
            outcome.rejected,
            place.unwrap_or_default(),
            match outcome.behind {
                0 => String::new(),
                count => format!("; {count} lay behind the server's clock"),
            }
        )
    })?;
    match outcome.rejected {
        0 => Ok(()),
        _ => Err(Failure::new(Exit::Problems, "")),
    }
}

async fn import(args: &Args) -> Result<Outcome, Failure> {
    let client = (!args.check).then(|| Client::new(&args.server.data)).transpose()?;
    let options = options(args, client.as_ref()).await?;
    let mapping = mapping(args.mapping.as_deref(), &args.file)?;
    let fail = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Problems, format!("{}: {error}", args.file.display()))
    };
    let input = Input::open(&args.file).map_err(|error| fail(&error))?;
    let reader = Reader::new(&mapping, input, options).map_err(|error| fail(&error))?;
    let mut import = Import {
        reader,
        rejects: Rejects::beside(args),
        sender: Sender::new(client, args.trigger),
        bar: bar(),
    };
    // A replay follows the order of the events, not of the lines: it needs all of them first.
    let mut all = Vec::new();
    while let Some(item) = import.reader.next() {
        import.show();
        let one = match item.map_err(|error| fail(&error))? {
            Item::Reject(reject) => {
                import.rejects.write(&reject)?;
                continue;
            }
            Item::Event(event) => Recorded::Event(event),
            Item::Alias(alias) => Recorded::Alias(alias),
        };
        match args.trigger {
            TriggerArg::Replay => all.push(one),
            TriggerArg::None | TriggerArg::Live => import.sender.push(one).await?,
        }
    }
    import.bar.finish_and_clear();
    let bar = ProgressBar::new(all.len() as u64).with_style(style("{pos} of {len} events"));
    for one in replay_order(all) {
        import.sender.push(one).await?;
        bar.inc(1);
    }
    import.sender.flush(args.until.as_deref()).await?;
    bar.finish_and_clear();
    let lines = import.reader.progress().lines;
    let (rejected, rejects) = import.rejects.finish()?;
    let Sender { events, aliases, behind, .. } = import.sender;
    Ok(Outcome { lines, events, aliases, behind, rejected, rejects })
}

async fn options(args: &Args, client: Option<&Client>) -> Result<Options, Failure> {
    let parse = |flag: &str, text: &str| {
        Instant::parse(text).ok_or_else(|| {
            Failure::new(Exit::Usage, format!("{flag}: `{text}` is not an RFC 3339 time"))
        })
    };
    if let Some(until) = &args.until {
        parse("--until", until)?;
    }
    let now = Instant(Clock::system().now_ms());
    let options = match (args.trigger, &args.undated) {
        (TriggerArg::Replay, Some(text)) => Options::recorded(parse("--undated", text)?),
        (TriggerArg::Replay, None) => Options::recorded(match client {
            Some(client) => {
                let status: crate::admin::Status = client.get("/status").await?;
                parse("status", &status.now)?
            }
            None => now,
        }),
        (TriggerArg::None | TriggerArg::Live, _) => Options::at(now),
    };
    Ok(match args.rejects_max {
        Some(count) => options.rejects_max(count),
        None => options,
    })
}

/// The mapping of a file; without one its lines are Segment calls, known by the file's name.
pub(super) fn mapping(mapping: Option<&Path>, file: &Path) -> Result<Mapping, Failure> {
    let Some(path) = mapping else {
        let name = file.file_name().unwrap_or(file.as_os_str());
        return Ok(Mapping::segment(&name.to_string_lossy()));
    };
    let fail = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Usage, format!("{}: {error}", path.display()))
    };
    let text = std::fs::read_to_string(path).map_err(|error| fail(&error))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    Mapping::parse(&text, folder).map_err(|error| fail(&error))
}

struct Import {
    reader: Reader,
    rejects: Rejects,
    sender: Sender,
    bar: ProgressBar,
}

impl Import {
    fn show(&self) {
        let progress = self.reader.progress();
        self.bar.set_length(progress.bytes_total.unwrap_or(0));
        self.bar.set_position(progress.bytes_read);
    }
}

fn style(template: &str) -> ProgressStyle {
    let template = format!("{{bar:30}} {template} {{eta}}");
    ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Hidden by the library where no terminal is attached.
fn bar() -> ProgressBar {
    let bar = match stderr().is_terminal() {
        true => ProgressBar::new(0),
        false => ProgressBar::hidden(),
    };
    bar.with_style(style("{bytes} of {total_bytes}"))
}

/// Sends events and aliases in batches; each is durable before the next one goes.
struct Sender {
    client: Option<Client>,
    trigger: TriggerArg,
    batch: Vec<Recorded>,
    events: u64,
    aliases: u64,
    behind: u64,
}

impl Sender {
    fn new(client: Option<Client>, trigger: TriggerArg) -> Self {
        Self { client, trigger, batch: Vec::new(), events: 0, aliases: 0, behind: 0 }
    }

    async fn push(&mut self, one: Recorded) -> Result<(), Failure> {
        match one {
            Recorded::Event(_) => self.events += 1,
            Recorded::Alias(_) => self.aliases += 1,
        }
        self.batch.push(one);
        if self.batch.len() >= BATCH_EVENTS { self.send(None).await } else { Ok(()) }
    }

    async fn flush(&mut self, until: Option<&str>) -> Result<(), Failure> {
        if self.batch.is_empty() && until.is_none() { Ok(()) } else { self.send(until).await }
    }

    async fn send(&mut self, until: Option<&str>) -> Result<(), Failure> {
        let batch = std::mem::take(&mut self.batch);
        let Some(client) = &self.client else {
            return Ok(());
        };
        let trigger = match self.trigger {
            TriggerArg::None => "none",
            TriggerArg::Live => "live",
            TriggerArg::Replay => "replay",
        };
        let version = env!("CARGO_PKG_VERSION");
        let mut path = format!("/import?trigger={trigger}&version={version}");
        if let Some(until) = until {
            // The only sign of an RFC 3339 time that means something else in a query.
            path.push_str(&format!("&until={}", until.replace('+', "%2B")));
        }
        let done: Imported = client.post_bytes(&path, engine::codec::encode(&batch)).await?;
        self.behind += done.behind;
        Ok(())
    }
}

/// The rejects file, made with the first reject.
struct Rejects {
    path: PathBuf,
    file: Option<RejectsFile<BufWriter<File>>>,
}

impl Rejects {
    fn beside(args: &Args) -> Self {
        let path = args.rejects.clone().unwrap_or_else(|| {
            let mut name = args.file.as_os_str().to_owned();
            name.push(".rejects.ndjson");
            PathBuf::from(name)
        });
        Self { path, file: None }
    }

    fn fail(&self, error: &std::io::Error) -> Failure {
        Failure::new(Exit::Unavailable, format!("{}: {error}", self.path.display()))
    }

    fn write(&mut self, reject: &crate::import::Reject) -> Result<(), Failure> {
        if self.file.is_none() {
            let file = File::create(&self.path).map_err(|error| self.fail(&error))?;
            self.file = Some(RejectsFile::new(BufWriter::new(file)));
        }
        let written = self.file.as_mut().map_or(Ok(()), |file| file.write(reject));
        written.map_err(|error| self.fail(&error))
    }

    fn finish(self) -> Result<(u64, Option<PathBuf>), Failure> {
        let Self { path, file } = self;
        let Some(file) = file else {
            return Ok((0, None));
        };
        let count = file.count();
        let text = |error: std::io::Error| format!("{}: {error}", path.display());
        file.finish().map_err(|error| Failure::new(Exit::Unavailable, text(error)))?;
        Ok((count, Some(path)))
    }
}
