//! A campaign directory as a whole: all its files, all its problems, and what it defines.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use domain::campaign::Campaign;
use domain::channel::Channel;
use domain::check::Known;
use domain::ids::{CampaignName, ChannelName, JourneyName, SegmentName, TemplateName};
use domain::journey::definition::Journey;
use domain::segment::Segment;
use domain::template::Template;
use policies::ContactPolicy;

use super::canonical;
use super::document::{self, Kind, Parsed};
use super::files::{Files, read_text};
use super::report::{Diagnostic, Report, Severity};
use super::source::Source;
use super::validate;
use super::yaml::read::{self, Flaw};

/// Most files of a campaign directory; more is a wrong directory.
pub const FILES_MAX: usize = 1_000;

/// Everything that a campaign directory defines, validated.
#[derive(Clone, Debug)]
pub struct Definitions {
    /// Journeys.
    pub journeys: BTreeMap<JourneyName, Arc<Journey>>,
    /// Segments; their revisions are given at `apply`.
    pub segments: BTreeMap<SegmentName, Arc<Segment>>,
    /// All `ContactPolicy` documents, merged in the order of their names.
    pub policy: Arc<ContactPolicy>,
    /// Channels.
    pub channels: BTreeMap<ChannelName, Arc<Channel>>,
    /// Templates.
    pub templates: BTreeMap<TemplateName, Arc<Template>>,
    /// Campaigns.
    pub campaigns: BTreeMap<CampaignName, Arc<Campaign>>,
    /// The documents themselves, by kind and name: what is published.
    pub documents: Vec<Document>,
}

impl Definitions {
    /// Of a server on which nothing is published yet: nobody enters anything.
    pub fn nothing() -> Self {
        Self {
            journeys: BTreeMap::new(),
            segments: BTreeMap::new(),
            policy: Arc::new(ContactPolicy::new(domain::time::Zone::utc())),
            channels: BTreeMap::new(),
            templates: BTreeMap::new(),
            campaigns: BTreeMap::new(),
            documents: Vec::new(),
        }
    }
}

/// A document as it is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its kind.
    pub kind: Kind,
    /// Its name, unique among its kind.
    pub name: String,
    /// Hex content hash of the canonical text.
    pub hash: String,
    /// Canonical text: JSON with sorted keys, files included, labels left out except of journeys.
    pub canonical: String,
    /// The file that it was read from.
    pub file: PathBuf,
    /// The line on which it starts.
    pub line: usize,
}

/// What came of reading.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The definitions, unless there is an error.
    pub definitions: Option<Definitions>,
    /// All problems, sorted.
    pub report: Report,
}

/// Reads all `*.yaml` and `*.yml` files below a directory, in the order of their names. Names
/// that start with a dot are left out.
pub fn load_directory(directory: &FilePath) -> Loaded {
    let mut report = Report::default();
    let mut paths = Vec::new();
    if let Err((path, message)) = find(directory, 0, &mut paths) {
        report.push(unreadable(path, &message));
    }
    paths.sort();
    if paths.len() > FILES_MAX {
        paths.truncate(FILES_MAX);
        let message = format!("the directory has more than {FILES_MAX} files");
        report.push(unreadable(directory.to_owned(), &message));
    }
    if paths.is_empty() && report.is_empty() {
        report.push(unreadable(directory.to_owned(), "there is no file with definitions"));
    }
    let mut sources = Vec::new();
    for path in paths {
        match read_text(&path) {
            Ok(text) => sources.push(Source::new(path, text)),
            Err(message) => report.push(unreadable(path, &message)),
        }
    }
    load(&sources, &Files::Below(directory.to_owned()), report)
}

/// Reads files that are in memory. They cannot refer to other files.
pub fn load_sources(sources: &[Arc<Source>]) -> Loaded {
    load(sources, &Files::Nowhere, Report::default())
}

/// Reads one journey again from its canonical text, such as a version that still has enrollments.
/// What it refers to may be gone by now and is not asked for.
pub fn revive_journey(canonical_text: &str) -> Result<Arc<Journey>, Report> {
    let source = Source::new("stored journey", canonical_text);
    let mut report = Report::default();
    let mut flaws = Vec::new();
    let parsed = match serde_json::from_str(canonical_text) {
        Ok(json) => {
            let root = canonical::from_json(&json);
            document::parse(&source, root, &Files::Nowhere, &mut flaws)
        }
        Err(error) => {
            flaws.push(Flaw { span: 0..0, message: error.to_string(), suggestion: None });
            None
        }
    };
    report.extend(flaws.into_iter().map(|flaw| diagnostic(&source, flaw)));
    let known = Known { partial: true, ..Known::default() };
    let journey = parsed.and_then(|parsed| validate::journey(&parsed, &known, &mut report));
    match journey {
        Some(journey) if report.errors() == 0 => Ok(journey),
        _ => Err(report),
    }
}

fn load(sources: &[Arc<Source>], files: &Files, mut report: Report) -> Loaded {
    let mut partial = report.errors() > 0;
    let mut documents = Vec::new();
    for source in sources {
        let reading = read::read(&source.text);
        partial |= reading.incomplete;
        let mut flaws = reading.flaws;
        for root in reading.documents {
            let before = flaws.len();
            let parsed = document::parse(source, root, files, &mut flaws);
            partial |= parsed.is_none() && flaws.len() > before;
            documents.extend(parsed);
        }
        report.extend(flaws.into_iter().map(|flaw| diagnostic(source, flaw)));
    }
    let definitions = validate::all(&documents, partial, &mut report);
    report.sort();
    let definitions = definitions.filter(|_| report.errors() == 0);
    Loaded { definitions, report }
}

/// The documents as they are published.
pub(crate) fn published(documents: &[Parsed]) -> Vec<Document> {
    let mut published: Vec<_> = documents
        .iter()
        .map(|parsed| Document {
            kind: parsed.kind,
            name: parsed.metadata.name.clone(),
            hash: canonical::hash(&parsed.canonical),
            canonical: parsed.canonical.clone(),
            file: parsed.source.path.clone(),
            line: parsed.source.position(parsed.root.span.start).line,
        })
        .collect();
    published.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    published
}

pub(crate) fn diagnostic(source: &Arc<Source>, flaw: Flaw) -> Diagnostic {
    let Flaw { span, message, suggestion } = flaw;
    Diagnostic { severity: Severity::Error, source: source.clone(), span, message, suggestion }
}

fn unreadable(path: PathBuf, message: &str) -> Diagnostic {
    let flaw = Flaw { span: 0..0, message: message.to_owned(), suggestion: None };
    diagnostic(&Source::new(path, ""), flaw)
}

/// Deepest directory below the campaign directory.
const DIRECTORIES_MAX_DEPTH: usize = 8;

fn find(
    directory: &FilePath,
    depth: usize,
    paths: &mut Vec<PathBuf>,
) -> Result<(), (PathBuf, String)> {
    let failed = |error: std::io::Error| (directory.to_owned(), error.to_string());
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') || paths.len() > FILES_MAX {
            continue;
        }
        if path.is_dir() {
            if depth < DIRECTORIES_MAX_DEPTH {
                find(&path, depth + 1, paths)?;
            }
        } else if path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
            paths.push(path);
        }
    }
    Ok(())
}
