//! What documents mean: each is handed to the crate that owns its kind; what comes back as a path
//! is put on its line.

mod cross;
mod liquid;

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::campaign::{self, Campaign};
use domain::channel::{self, Channel};
use domain::check::{Check, Known};
use domain::ids::{CampaignName, ChannelName, JourneyName, SegmentName, TemplateName};
use domain::journey::definition::Journey;
use domain::journey::validate::{Identity, journey as build_journey};
use domain::labels::Labels;
use domain::metadata;
use domain::problem::{Path, Problem};
use domain::segment::{self, Segment};
use domain::template::{self, Template};
use policies::{ADVERTISING, ContactPolicy, MARKETING, PolicyDocument, TRANSACTIONAL};

use super::canonical;
use super::catalog::{Definitions, diagnostic, published};
use super::document::{Kind, Parsed, Spec};
use super::report::{Diagnostic, Report};
use super::structure::problem_flaw;
use super::yaml::offset;
use super::yaml::read::Flaw;
use super::yaml::{Content, Node};

/// Validates all documents of a catalog. `partial` says that some could not be read.
pub(crate) fn all(documents: &[Parsed], partial: bool, report: &mut Report) -> Option<Definitions> {
    let known = known(documents, partial);
    duplicates(documents, report);
    let mut parts = Parts::default();
    for parsed in documents {
        let mut check = Check::new(&known);
        metadata::metadata(&parsed.metadata, parsed.kind == Kind::Journey, &mut check);
        parts.document(parsed, &mut check);
        record(parsed, check.finish(), report);
    }
    let policy = parts.policy(documents, partial, report);
    cross::check(documents, &parts, &known, policy.as_deref(), report);
    Some(Definitions {
        journeys: parts.journeys,
        segments: parts.segments,
        policy: policy?,
        channels: parts.channels,
        templates: parts.templates,
        campaigns: parts.campaigns,
        documents: published(documents),
    })
}

/// Validates one journey.
pub(crate) fn journey(parsed: &Parsed, known: &Known, report: &mut Report) -> Option<Arc<Journey>> {
    let mut check = Check::new(known);
    let mut parts = Parts::default();
    parts.document(parsed, &mut check);
    record(parsed, check.finish(), report);
    parts.journeys.into_values().next()
}

/// The names that documents declare, those of broken documents too.
fn known(documents: &[Parsed], partial: bool) -> Known {
    let mut known = Known { partial, ..Known::default() };
    known.classes = [MARKETING, TRANSACTIONAL, ADVERTISING].map(str::to_owned).into();
    for parsed in documents {
        let name = parsed.metadata.name.clone();
        match &parsed.spec {
            Spec::Journey(_) => known.journeys.insert(name),
            Spec::Segment(_) => known.segments.insert(name),
            Spec::Channel(_) => known.channels.insert(name),
            Spec::Template(_) => known.templates.insert(name),
            Spec::Campaign(_) => known.campaigns.insert(name),
            Spec::ContactPolicy(raw) => {
                known.classes.extend(raw.classes.keys().cloned());
                continue;
            }
        };
    }
    known
}

/// Two documents of one kind and name.
fn duplicates(documents: &[Parsed], report: &mut Report) {
    let mut seen: BTreeMap<(Kind, &str), &Parsed> = BTreeMap::new();
    for parsed in documents {
        let name = parsed.metadata.name.as_str();
        if let Some(first) = seen.get(&(parsed.kind, name)) {
            let line = first.source.position(first.root.span.start).line;
            let message = format!(
                "{} `{name}` is already declared at {}:{line}",
                parsed.kind.word(),
                first.source.path.display()
            );
            let path = Path::root().key("metadata").key("name");
            record(parsed, vec![Problem::new(path, message)], report);
        } else {
            seen.insert((parsed.kind, name), parsed);
        }
    }
}

/// What has been validated so far.
#[derive(Debug, Default)]
struct Parts {
    journeys: BTreeMap<JourneyName, Arc<Journey>>,
    segments: BTreeMap<SegmentName, Arc<Segment>>,
    channels: BTreeMap<ChannelName, Arc<Channel>>,
    templates: BTreeMap<TemplateName, Arc<Template>>,
    campaigns: BTreeMap<CampaignName, Arc<Campaign>>,
    /// By name of the document, with its place among all documents.
    policies: BTreeMap<String, (usize, PolicyDocument)>,
    seen: usize,
}

impl Parts {
    fn document(&mut self, parsed: &Parsed, check: &mut Check<'_>) {
        let at = self.seen;
        self.seen += 1;
        let name = parsed.metadata.name.as_str();
        let hash = canonical::hash(&parsed.canonical);
        let spec = Path::root().key("spec");
        match &parsed.spec {
            Spec::Journey(raw) => {
                let campaign = parsed.metadata.campaign.as_deref().map(CampaignName::from);
                let labels = parsed.metadata.labels.iter();
                let labels = Labels::of(labels.map(|(key, value)| (&**key, &**value)));
                let identity = Identity { name: JourneyName::from(name), campaign, labels, hash };
                let built = build_journey(raw, identity, &spec, check);
                self.journeys.extend(built.map(|built| (built.name.clone(), Arc::new(built))));
            }
            Spec::Segment(raw) => {
                let built = segment::segment(raw, SegmentName::from(name), &spec, check);
                self.segments.extend(built.map(|built| (built.name.clone(), Arc::new(built))));
            }
            Spec::Channel(raw) => {
                let built = channel::channel(raw, ChannelName::from(name), hash, &spec, check);
                self.channels.extend(built.map(|built| (built.name.clone(), Arc::new(built))));
            }
            Spec::Template(raw) => {
                liquid::check(raw, &spec, check);
                let built = template::template(raw, TemplateName::from(name), hash, &spec, check);
                self.templates.extend(built.map(|built| (built.name.clone(), Arc::new(built))));
            }
            Spec::Campaign(raw) => {
                let built = campaign::campaign(raw, CampaignName::from(name), &spec, check);
                self.campaigns.extend(built.map(|built| (built.name.clone(), Arc::new(built))));
            }
            Spec::ContactPolicy(raw) => match raw.validate() {
                Ok(document) => {
                    self.policies.insert(name.to_owned(), (at, document));
                }
                Err(problems) => problems.into_iter().for_each(|problem| check.problem(problem)),
            },
        }
    }

    /// All policies merged.
    fn policy(
        &self,
        documents: &[Parsed],
        partial: bool,
        report: &mut Report,
    ) -> Option<Arc<ContactPolicy>> {
        let declared = documents.iter().filter(|parsed| parsed.kind == Kind::ContactPolicy).count();
        if declared == 0
            && !partial
            && let Some(first) = documents.first()
        {
            let problem = Problem::new(Path::root().key("kind"), "no ContactPolicy is declared");
            let advice = "add one with a `fallback_zone`: every send passes its rules";
            record(first, vec![problem.on_key().suggest(advice)], report);
        }
        let merging: Vec<_> =
            self.policies.values().map(|(_, document)| document.clone()).collect();
        let places: Vec<_> = self.policies.values().map(|(at, _)| *at).collect();
        if merging.is_empty() {
            return None;
        }
        match ContactPolicy::merge(&merging) {
            Ok(policy) => Some(Arc::new(policy)),
            Err(problems) => {
                for (index, problem) in problems {
                    let parsed = places.get(index).and_then(|at| documents.get(*at));
                    if let Some(parsed) = parsed {
                        record(parsed, vec![problem], report);
                    }
                }
                None
            }
        }
    }
}

/// Puts problems on their lines. What follows from a mistake that was reported is left out.
fn record(parsed: &Parsed, problems: Vec<Problem>, report: &mut Report) {
    report.extend(problems.into_iter().filter_map(|problem| placed(parsed, problem)));
}

fn placed(parsed: &Parsed, mut problem: Problem) -> Option<Diagnostic> {
    problem.message = in_words(problem.message);
    let place = parsed.root.place(&problem.path);
    if place.poisoned || (!problem.on_key && has_poison(place.node)) {
        return None;
    }
    let Some(offset) = problem.offset.filter(|_| place.exact) else {
        return Some(diagnostic(&parsed.source, problem_flaw(&parsed.root, problem)));
    };
    let (message, suggestion) = (problem.message, problem.suggestion);
    let file = parsed.files.iter().find(|(path, _)| *path == problem.path);
    if let Some((_, source)) = file {
        let span = offset..offset;
        return Some(diagnostic(source, Flaw { span, message, suggestion }));
    }
    let start = offset::locate(&parsed.source.text, place.node, offset);
    Some(diagnostic(&parsed.source, Flaw { span: start..start, message, suggestion }))
}

/// What derived checks say about limits, for people.
fn in_words(message: String) -> String {
    let limit = |start: &str| message.strip_prefix(start).map(str::to_owned);
    if message == "length is lower than 1" {
        "must not be empty".to_owned()
    } else if let Some(limit) = limit("length is lower than ") {
        format!("must have at least {limit}")
    } else if let Some(limit) = limit("length is greater than ") {
        format!("must have at most {limit}")
    } else if let Some(limit) = limit("lower than ") {
        format!("must be at least {limit}")
    } else if let Some(limit) = limit("greater than ") {
        format!("must be at most {limit}")
    } else {
        message
    }
}

/// Whether a mistake stands directly below a node: then what is said about the node may follow
/// from it.
fn has_poison(node: &Node) -> bool {
    let poisoned = |node: &Node| node.content == Content::Poison;
    match &node.content {
        Content::List(items) => items.iter().any(poisoned),
        Content::Map(entries) => entries.iter().any(|entry| poisoned(&entry.value)),
        _ => false,
    }
}
