//! The kinds of documents: which raw type each has.

use std::path::Path as FilePath;
use std::sync::Arc;

use domain::campaign::RawCampaign;
use domain::channel::RawChannel;
use domain::journey::raw::RawJourney;
use domain::metadata::RawMetadata;
use domain::problem::{Path, Problem};
use domain::segment::RawSegment;
use domain::template::{RawFile, RawTemplate};
use policies::RawContactPolicy;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::files::Files;
use super::source::Source;
use super::structure::{choice, fit, problem_flaw};
use super::yaml::read::Flaw;
use super::yaml::{Content, Node};

/// The version of the shapes that this program reads.
pub const API_VERSION: &str = "cadencia/v1";

/// Kinds that are planned and not read yet.
const PLANNED: [&str; 6] = ["Budget", "Scoring", "Lifecycle", "LeadRouting", "Experiment", "Offer"];
/// The kind that `import` reads; it defines nothing.
const IMPORT_MAPPING: &str = "ImportMapping";

/// What a document defines.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[schemars(rename = "DefinitionKind")]
pub enum Kind {
    /// Who enters, what happens, what ends it.
    Journey,
    /// A named predicate over customers.
    Segment,
    /// The rules that every send passes.
    ContactPolicy,
    /// How messages leave.
    Channel,
    /// The content of messages.
    Template,
    /// The business wrapper of journeys.
    Campaign,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 6] = [
        Self::Journey,
        Self::Segment,
        Self::ContactPolicy,
        Self::Channel,
        Self::Template,
        Self::Campaign,
    ];

    /// The word in YAML.
    pub fn word(self) -> &'static str {
        match self {
            Self::Journey => "Journey",
            Self::Segment => "Segment",
            Self::ContactPolicy => "ContactPolicy",
            Self::Channel => "Channel",
            Self::Template => "Template",
            Self::Campaign => "Campaign",
        }
    }
}

/// The `spec` of a document.
#[derive(Clone, Debug)]
pub(crate) enum Spec {
    Journey(Box<RawJourney>),
    Segment(RawSegment),
    ContactPolicy(Box<RawContactPolicy>),
    Channel(Box<RawChannel>),
    Template(Box<RawTemplate>),
    Campaign(RawCampaign),
}

/// A document that could be read, perhaps with mistakes that are reported already.
#[derive(Clone, Debug)]
pub(crate) struct Parsed {
    pub(crate) source: Arc<Source>,
    /// What it says; mistakes are poisoned.
    pub(crate) root: Node,
    /// Texts that came from files of their own.
    pub(crate) files: Vec<(Path, Arc<Source>)>,
    pub(crate) kind: Kind,
    pub(crate) metadata: RawMetadata,
    pub(crate) spec: Spec,
    /// Canonical text, taken before mistakes were poisoned.
    pub(crate) canonical: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Document<S> {
    api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    metadata: RawMetadata,
    spec: S,
}

/// Fits a tree to the type of its kind. `None` if there is nothing to go on with.
pub(crate) fn parse(
    source: &Arc<Source>,
    mut root: Node,
    files: &Files,
    flaws: &mut Vec<Flaw>,
) -> Option<Parsed> {
    let kind = kind(&root, flaws)?;
    let mut texts = Vec::new();
    if kind == Kind::Template {
        for key in ["text", "html"] {
            let path = Path::root().key("spec").key(key);
            texts.extend(inline(source, &mut root, &path, files, flaws));
        }
    }
    let canonical = super::canonical::text(&root, kind);
    let (metadata, spec) = match kind {
        Kind::Journey => read(&mut root, flaws, |raw| Spec::Journey(Box::new(raw))),
        Kind::Segment => read(&mut root, flaws, Spec::Segment),
        Kind::ContactPolicy => read(&mut root, flaws, |raw| Spec::ContactPolicy(Box::new(raw))),
        Kind::Channel => read(&mut root, flaws, |raw| Spec::Channel(Box::new(raw))),
        Kind::Template => read(&mut root, flaws, |raw| Spec::Template(Box::new(raw))),
        Kind::Campaign => read(&mut root, flaws, Spec::Campaign),
    }?;
    let source = source.clone();
    Some(Parsed { source, root, files: texts, kind, metadata, spec, canonical })
}

fn read<S: DeserializeOwned>(
    root: &mut Node,
    flaws: &mut Vec<Flaw>,
    spec: impl FnOnce(S) -> Spec,
) -> Option<(RawMetadata, Spec)> {
    let document: Document<S> = fit(root, &Path::root(), flaws)?;
    check_version(root, &document.api_version, flaws);
    Some((document.metadata, spec(document.spec)))
}

fn check_version(root: &Node, version: &str, flaws: &mut Vec<Flaw>) {
    let path = Path::root().key("apiVersion");
    if version != API_VERSION && !root.place(&path).poisoned {
        let problem = Problem::new(path, format!("unknown apiVersion `{version}`"));
        flaws.push(problem_flaw(root, problem.suggest(format!("write `{API_VERSION}`"))));
    }
}

/// The kind of a document. A word that is nearly right is reported and taken for what it means.
fn kind(root: &Node, flaws: &mut Vec<Flaw>) -> Option<Kind> {
    let mut report = |problem: Problem| flaws.push(problem_flaw(root, problem));
    if !matches!(root.content, Content::Map(_)) {
        let message = "a document is a mapping with `apiVersion`, `kind`, `metadata`, `spec`";
        report(Problem::new(Path::root(), message));
        return None;
    }
    let path = Path::root().key("kind");
    let Some(word) = root.get("kind").map(|node| node.as_text().unwrap_or_default()) else {
        let words: Vec<_> = Kind::ALL.iter().map(|kind| kind.word()).collect();
        let problem = Problem::new(path, "missing key `kind`");
        report(problem.suggest(format!("write one of {}", words.join(", "))));
        return None;
    };
    if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.word() == word) {
        return Some(kind);
    }
    if word == IMPORT_MAPPING {
        return None;
    }
    if PLANNED.contains(&word) {
        let message = format!("kind `{word}` is not supported by this version");
        report(Problem::new(path, message).suggest("remove the document"));
        return None;
    }
    let words = Kind::ALL.map(Kind::word);
    let message = format!("unknown kind `{word}`");
    report(Problem::new(path, message).suggest(choice(word, &words)));
    let near = domain::problem::nearest(word, words)?;
    Kind::ALL.into_iter().find(|kind| kind.word() == near)
}

/// Puts the text of a file in the place of `{file: path}`.
fn inline(
    source: &Arc<Source>,
    root: &mut Node,
    path: &Path,
    files: &Files,
    flaws: &mut Vec<Flaw>,
) -> Option<(Path, Arc<Source>)> {
    let node = root.at_mut(path)?;
    if !matches!(node.content, Content::Map(_)) {
        return None;
    }
    let raw: Option<RawFile> = fit(root, path, flaws);
    let file = root.place(&path.key("file"));
    let sound = file.exact && !file.poisoned;
    let file_path = path.key("file");
    let outcome = match raw {
        Some(raw) if sound => files.read(FilePath::new(&source.path), &raw.file),
        _ => {
            root.at_mut(path)?.content = Content::Poison;
            return None;
        }
    };
    match outcome {
        Ok((file, text)) => {
            let span = root.place(&file_path).node.span.clone();
            *root.at_mut(path)? = Node::new(Content::Text(text.clone()), span);
            Some((path.clone(), Source::new(file, text)))
        }
        Err(message) => {
            flaws.push(problem_flaw(root, Problem::new(file_path, message)));
            root.at_mut(path)?.content = Content::Poison;
            None
        }
    }
}
