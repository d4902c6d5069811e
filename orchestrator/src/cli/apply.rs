//! `cadencia plan` and `cadencia apply`

use std::fmt::Write as _;
use std::io::{IsTerminal as _, stdin};
use std::path::{Path, PathBuf};

use super::client::{Client, ServerArgs, block_on};
use super::{Failure, Format};
use crate::admin::{Applied, Proposal};
use crate::config;
use crate::error::Exit;
use crate::publish::{Change, ChangeKind, FieldChange, Plan};

/// Longest value that a plan shows in its table.
const VALUE_SHOWN_CHARS: usize = 60;

/// What `plan` takes.
#[derive(Debug, clap::Args)]
pub(super) struct PlanArgs {
    /// The campaign directory.
    directory: PathBuf,
    #[command(flatten)]
    server: ServerArgs,
    /// Format of the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// What `apply` takes.
#[derive(Debug, clap::Args)]
pub(super) struct ApplyArgs {
    #[command(flatten)]
    plan: PlanArgs,
    /// Do not ask.
    #[arg(short, long)]
    yes: bool,
}

pub(super) fn plan(args: &PlanArgs) -> Result<(), Failure> {
    let (_, plan) = block_on(propose(args))?;
    args.output.print(&plan, text)
}

pub(super) fn apply(args: &ApplyArgs) -> Result<(), Failure> {
    let (mut proposal, plan) = block_on(propose(&args.plan))?;
    if plan.is_empty() {
        return args.plan.output.print(&Applied { revision: plan.revision, plan }, |_| {
            "nothing to change\n".to_owned()
        });
    }
    if !args.yes {
        eprint!("{}", text(&plan));
        agree()?;
    }
    proposal.revision = Some(plan.revision);
    let client = Client::new(&args.plan.server.data)?;
    let applied: Applied = block_on(client.post("/apply", &proposal))?;
    args.plan.output.print(&applied, |applied| {
        format!("applied: {} changes, revision {}\n", applied.plan.changes.len(), applied.revision)
    })
}

fn agree() -> Result<(), Failure> {
    if !stdin().is_terminal() {
        let text = "there is nobody to ask: look at `cadencia plan`, then give --yes";
        return Err(Failure::new(Exit::Usage, text));
    }
    eprint!("apply this? [y/N] ");
    let mut line = String::new();
    let read = stdin().read_line(&mut line);
    match read.is_ok() && matches!(line.trim(), "y" | "yes") {
        true => Ok(()),
        false => Err(Failure::new(Exit::Problems, "nothing was applied")),
    }
}

async fn propose(args: &PlanArgs) -> Result<(Proposal, Plan), Failure> {
    let proposal = proposal(&args.directory)?;
    let plan = Client::new(&args.server.data)?.post("/plan", &proposal).await?;
    Ok((proposal, plan))
}

/// A campaign directory on its way to a server; its problems are shown here, where its files are.
pub(super) fn proposal(directory: &Path) -> Result<Proposal, Failure> {
    let loaded = config::load_directory(directory);
    let report = loaded.report.render(std::io::stderr().is_terminal());
    if !loaded.report.is_empty() {
        eprint!("{report}");
    }
    let Some(definitions) = loaded.definitions else {
        return Err(Failure::new(Exit::Problems, ""));
    };
    let documents = definitions.documents.into_iter().map(|document| document.canonical);
    Ok(Proposal { documents: documents.collect(), revision: None })
}

fn text(plan: &Plan) -> String {
    if plan.is_empty() {
        return "no changes\n".to_owned();
    }
    let mut out = String::new();
    for change in &plan.changes {
        describe(change, &mut out);
    }
    out
}

fn describe(change: &Change, out: &mut String) {
    let sign = match change.change {
        ChangeKind::Added => '+',
        ChangeKind::Changed => '~',
        ChangeKind::Removed => '-',
    };
    let _ = writeln!(out, "{sign} {} {}", change.kind.word(), change.name);
    for FieldChange { path, old, new } in &change.fields {
        let show = |value: &Option<serde_json::Value>| match value {
            None => "(none)".to_owned(),
            Some(value) => shortened(&value.to_string()),
        };
        let _ = writeln!(out, "    {path}: {} -> {}", show(old), show(new));
    }
    for flight in &change.in_flight {
        let fate = match &flight.migrates_to {
            Some(step) => format!("migrated to `{step}`"),
            None => "pinned to their version".to_owned(),
        };
        let (count, step) = (flight.enrollments, &flight.step);
        let _ = writeln!(out, "    {count} on `{step}` of version {}: {fate}", flight.version);
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= VALUE_SHOWN_CHARS {
        return text.to_owned();
    }
    text.chars().take(VALUE_SHOWN_CHARS - 1).chain(['…']).collect()
}
