//! Problems that only show between documents.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::path::{Component, Path as FilePath, PathBuf};

use channels::render::{Place, Template as Compiled};
use channels::sms::Sms;
use channels::sms::segments::Segments;
use domain::channel::Provider;
use domain::check::Known;
use domain::ids::TemplateName;
use domain::labels::Labels;
use domain::problem::{Path, Problem, nearest};
use domain::template::Template;
use policies::{ContactPolicy, RawContactPolicy, lint};

use super::{Parts, record};
use crate::config::document::{Parsed, Spec};
use crate::config::report::{Report, Severity};
use domain::journey::raw::RawJourney;
use domain::journey::steps::{RawStep, Step, audience::RawAudience, webhook::RawWebhook};

/// Checks what documents say about each other.
pub(super) fn check(
    documents: &[Parsed],
    parts: &Parts,
    known: &Known,
    policy: Option<&ContactPolicy>,
    report: &mut Report,
) {
    for parsed in documents {
        let mut problems = Vec::new();
        match &parsed.spec {
            Spec::Journey(raw) => templates(raw, parts, &mut problems),
            Spec::ContactPolicy(raw) => scopes(raw, known, &mut problems),
            Spec::Campaign(raw) => {
                let names = raw.journeys.iter().enumerate();
                for (at, name) in names {
                    let other = parts.journeys.get(name.as_str()).and_then(|found| {
                        found.campaign.clone().filter(|it| it.as_str() != parsed.metadata.name)
                    });
                    if let Some(other) = other {
                        let path = Path::root().key("spec").key("journeys").index(at);
                        let message = format!("journey `{name}` belongs to campaign `{other}`");
                        problems.push(Problem::new(path, message));
                    }
                }
            }
            Spec::Segment(_) | Spec::Channel(_) | Spec::Template(_) => {}
        }
        record(parsed, problems, report);
    }
    currencies(documents, report);
    folders(documents, report);
    if let Some(policy) = policy {
        lints(documents, parts, policy, report);
    }
}

/// Spend of all channels is added up: there is one currency.
fn currencies(documents: &[Parsed], report: &mut Report) {
    let mut first: Option<(&str, &str)> = None;
    for parsed in documents {
        let Spec::Channel(raw) = &parsed.spec else { continue };
        let Some(cost) = &raw.cost else { continue };
        let (channel, currency) = *first.get_or_insert((&parsed.metadata.name, &cost.currency));
        if currency != cost.currency {
            let path = Path::root().key("spec").key("cost").key("currency");
            let message = format!("channel `{channel}` costs {currency}: spend has one currency");
            let problem = Problem::new(path, message).suggest(format!("convert it to {currency}"));
            record(parsed, vec![problem], report);
        }
    }
}

/// Two audiences in one folder would overwrite each other's files.
fn folders(documents: &[Parsed], report: &mut Report) {
    let mut known: HashMap<PathBuf, &str> = HashMap::new();
    for parsed in documents {
        let Spec::Channel(raw) = &parsed.spec else { continue };
        let Some(audience) = &raw.audience else { continue };
        let parts = FilePath::new(&audience.folder).components();
        let folder: PathBuf = parts.filter(|part| *part != Component::CurDir).collect();
        let name = &parsed.metadata.name;
        match known.entry(folder) {
            Entry::Vacant(place) => {
                place.insert(name);
            }
            Entry::Occupied(place) => {
                let path = Path::root().key("spec").key("audience").key("folder");
                let message = format!("the audience `{}` is exported to this folder", place.get());
                let problem = Problem::new(path, message).suggest(format!("write `{name}`"));
                record(parsed, vec![problem], report);
            }
        }
    }
}

/// What a channel can do for a step, and what a template must have for the channel.
fn templates(raw: &RawJourney, parts: &Parts, problems: &mut Vec<Problem>) {
    walk(&raw.steps, &Path::root().key("spec").key("steps"), &mut |step, path| match step {
        RawStep::Send(send) => {
            for (at, choice) in send.channels.iter().enumerate() {
                for (channel, name) in choice {
                    let path = path.key("channels").index(at).key(channel);
                    problems.extend(message(parts, channel, name, path));
                }
            }
        }
        RawStep::Webhook(webhook) => problems.extend(told(parts, webhook, path)),
        RawStep::Audience(audience) => problems.extend(joined(parts, audience, path)),
        _ => {}
    });
}

fn message(parts: &Parts, channel: &str, name: &str, path: Path) -> Option<Problem> {
    let provider = &parts.channels.get(channel)?.provider;
    if matches!(provider, Provider::Webhook(_)) {
        let problem = Problem::new(path, format!("channel `{channel}` goes to no customer"));
        return Some(problem.on_key().suggest("use the step `webhook`"));
    }
    if matches!(provider, Provider::Audience(_)) {
        let problem = Problem::new(path, format!("channel `{channel}` sends nothing"));
        return Some(problem.on_key().suggest("use the step `audience`"));
    }
    let template = parts.templates.get(&TemplateName::from(name))?;
    Some(Problem::new(path, unfit(template, channel, provider)?))
}

/// Who joins or leaves an audience needs a channel of its kind.
fn joined(parts: &Parts, audience: &RawAudience, path: &Path) -> Option<Problem> {
    let (key, name) = audience.named()?;
    if matches!(parts.channels.get(name)?.provider, Provider::Audience(_)) {
        return None;
    }
    let problem = Problem::new(path.key(key), format!("channel `{name}` is not an audience"));
    Some(problem.suggest("name a channel with `audience`"))
}

/// A webhook needs a channel of its kind, and a template whose text can be JSON.
fn told(parts: &Parts, webhook: &RawWebhook, path: &Path) -> Option<Problem> {
    let channel = &webhook.channel;
    let instead = match parts.channels.get(channel.as_str())?.provider {
        Provider::Webhook(_) => None,
        Provider::Audience(_) => Some("use the step `audience`"),
        Provider::Capture { .. } | Provider::Smtp(_) | Provider::Sms(_) => {
            Some("use the step `send`")
        }
    };
    if let Some(instead) = instead {
        let message = format!("channel `{channel}` is not a webhook");
        return Some(Problem::new(path.key("channel"), message).suggest(instead));
    }
    let name = webhook.template.as_ref()?;
    let template = parts.templates.get(&TemplateName::from(name.as_str()))?;
    let wrong = |why: String| {
        let message = format!("the text of template `{name}` is not JSON: {why}");
        Some(Problem::new(path.key("template"), message))
    };
    match Compiled::compile(Place::Json, &template.text) {
        Err(problem) => wrong(problem.to_string()),
        Ok(compiled) => {
            let read: Result<serde::de::IgnoredAny, _> = serde_json::from_str(compiled.constant()?);
            wrong(read.err()?.to_string())
        }
    }
}

/// Why a template cannot go by a channel: e-mail needs a subject, a text message must be short
/// enough, as far as that can be seen before it is rendered.
fn unfit(template: &Template, channel: &str, provider: &Provider) -> Option<String> {
    let name = &template.name;
    match provider {
        Provider::Smtp(_) if template.subject.is_none() => {
            Some(format!("template `{name}` has no subject, e-mail needs one"))
        }
        Provider::Sms(sms) => {
            let compiled = Compiled::compile(Place::Text, &template.text).ok()?;
            let segments = Segments::of(&Sms::new(compiled.constant()?).text);
            let max = sms.max_segments;
            let fits = segments.count <= usize::from(max);
            (!fits).then(|| {
                format!("template `{name}` takes {segments}, channel `{channel}` allows {max}")
            })
        }
        Provider::Smtp(_)
        | Provider::Capture { .. }
        | Provider::Webhook(_)
        | Provider::Audience(_) => None,
    }
}

fn walk(steps: &[RawStep], path: &Path, each: &mut dyn FnMut(&RawStep, &Path)) {
    for (at, step) in steps.iter().enumerate() {
        let path = path.index(at).key(step.kind());
        each(step, &path);
        for (below, arm) in step.arms() {
            walk(arm, &path.join(&below), each);
        }
    }
}

/// Names in scopes must exist; a cap on a channel that is misspelt would never bite.
fn scopes(raw: &RawContactPolicy, known: &Known, problems: &mut Vec<Problem>) {
    if known.partial {
        return;
    }
    for (at, rule) in raw.rules.iter().enumerate() {
        for (scope, below) in rule.scopes() {
            let path = rule_path(at).join(&below);
            let lists = [
                ("channels", "channel", &scope.channels, &known.channels),
                ("classes", "message class", &scope.classes, &known.classes),
                ("campaigns", "campaign", &scope.campaigns, &known.campaigns),
            ];
            for (key, what, names, declared) in lists {
                for (at, name) in names.iter().flatten().enumerate() {
                    if declared.contains(name) {
                        continue;
                    }
                    let path = path.key(key).index(at);
                    let problem = Problem::new(path, format!("unknown {what} `{name}`"));
                    let near = nearest(name, declared.iter().map(String::as_str));
                    problems.push(match near {
                        Some(near) => problem.suggest(format!("did you mean `{near}`?")),
                        None => problem,
                    });
                }
            }
        }
    }
}

/// What a policy allows and probably does not mean.
fn lints(documents: &[Parsed], parts: &Parts, policy: &ContactPolicy, report: &mut Report) {
    for found in lint(policy) {
        for parsed in documents {
            let Spec::ContactPolicy(raw) = &parsed.spec else { continue };
            let rule = raw.rules.iter().position(|rule| rule.name == found.rule().as_str());
            let Some(at) = rule else { continue };
            let path = rule_path(at).join(&found.place());
            warn(parsed, Problem::new(path, found.to_string()), report);
        }
    }
    // Where no journey is read, as for policies alone, nothing is known of labels.
    if !parts.journeys.is_empty() {
        unused_labels(documents, parts, report);
    }
}

/// Labels that no message has: a rule that is about them would never bite.
fn unused_labels(documents: &[Parsed], parts: &Parts, report: &mut Report) {
    let nodes = parts.journeys.values().flat_map(|journey| &journey.nodes);
    let sets: BTreeSet<&Labels> = nodes
        .filter_map(|node| match &node.step {
            Step::Send(send) => Some(&send.labels),
            _ => None,
        })
        .collect();
    for parsed in documents {
        let Spec::ContactPolicy(raw) = &parsed.spec else { continue };
        for (at, rule) in raw.rules.iter().enumerate() {
            for (scope, below) in rule.scopes() {
                let Some(labels) = &scope.labels else { continue };
                let wanted = Labels::of(labels.iter().map(|(key, value)| (&**key, &**value)));
                if sets.iter().any(|set| set.contains(&wanted)) {
                    continue;
                }
                let path = rule_path(at).join(&below).key("labels");
                let problem = Problem::new(path, "no message has these labels");
                let advice = "label a journey (`metadata.labels`) or a step (`labels`)";
                warn(parsed, problem.suggest(advice), report);
            }
        }
    }
}

fn rule_path(at: usize) -> Path {
    Path::root().key("spec").key("rules").index(at)
}

fn warn(parsed: &Parsed, problem: Problem, report: &mut Report) {
    let mut warnings = Report::default();
    record(parsed, vec![problem], &mut warnings);
    report.extend(warnings.diagnostics().iter().cloned().map(|mut warning| {
        warning.severity = Severity::Warning;
        warning
    }));
}
