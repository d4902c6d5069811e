//! The page of one journey: how it is entered and left, its steps as a picture with counts, its
//! versions.

use std::sync::Arc;

use actix_web::{HttpResponse, get, web};
use domain::ids::{JourneyName, VersionNo};
use domain::journey::definition::{Entry, EventMatch, Journey, Reentry, Schedule};
use engine::catalog::Control;
use maud::{Markup, html};
use serde::Deserialize;

use super::counts::{self, JourneyCounts, StepCounts};
use super::layout::{self, Frame, Section};
use super::parts::{self, Column};
use super::reader::Reader;
use super::{draw, journeys, steps, text};
use crate::error::{ErrorCode, Problem};
use crate::web::Site;

#[derive(Deserialize)]
struct Asked {
    version: Option<u32>,
}

/// What is published of a journey.
struct Published {
    control: Control,
    current: Option<VersionNo>,
    versions: Vec<(VersionNo, Arc<Journey>)>,
}

#[get("/journeys/{name}")]
pub(super) async fn journey_page(
    site: web::Data<Site>,
    reader: Reader,
    name: web::Path<String>,
    asked: web::Query<Asked>,
) -> HttpResponse {
    let published = site.admin.published(|_, built| {
        let parts = built.catalog.parts();
        let of_it = parts.versions.iter().filter(|(_, one)| one.name.as_str() == *name);
        Published {
            control: built.catalog.control(&JourneyName::from(name.as_str())),
            current: parts.current.get(name.as_str()).copied(),
            versions: of_it.map(|(no, journey)| (*no, journey.clone())).collect(),
        }
    });
    let published = published.await;
    let wanted = asked.version.map(VersionNo).or(published.current);
    let wanted = wanted.or(published.versions.last().map(|(no, _)| *no));
    let found = published.versions.iter().find(|(no, _)| Some(*no) == wanted);
    let Some((no, journey)) = found else {
        let detail = format!("no such version of a journey `{name}` is published");
        return reader.problem(&Problem::new(ErrorCode::JourneyUnknown, detail));
    };
    let overview = match counts::overview(&site.directory).await {
        Ok(overview) => overview,
        Err(why) => return parts::unavailable(&reader, &why),
    };
    let all: Vec<JourneyCounts> =
        overview.journeys.into_iter().filter(|one| one.name == *name).collect();
    let counted = all.iter().find(|one| one.version == no.0).cloned();
    let counts = counted.unwrap_or_else(|| nothing_yet(*no, journey));
    let content = html! {
        (head(&reader, &published, *no, &counts))
        (described(&reader, journey))
        h2 { (reader.t(text::STEPS)) }
        (draw::journey(&reader, journey, &counts))
        (table(&reader, journey, &counts))
        h2 { (reader.t(text::VERSIONS)) }
        (versions(&reader, &published, &all, *no))
    };
    layout::page(&reader, Frame { title: &name, here: Section::Journeys, live: true }, &content)
}

/// A version that nobody has entered.
fn nothing_yet(no: VersionNo, journey: &Journey) -> JourneyCounts {
    let step = |node: &domain::journey::definition::Node| StepCounts {
        id: node.id.to_string(),
        kind: node.step.kind(),
        ..StepCounts::default()
    };
    JourneyCounts {
        name: journey.name.to_string(),
        version: no.0,
        current: false,
        entered: 0,
        active: 0,
        exited: Vec::new(),
        steps: journey.nodes.iter().map(step).collect(),
    }
}

fn head(reader: &Reader, published: &Published, no: VersionNo, counts: &JourneyCounts) -> Markup {
    let (sent, held, refused) = counts.messages();
    let figure = |label, value, class| parts::figure(reader.t(label), &reader.number(value), class);
    html! {
        div.head {
            p {
                (reader.badge(journeys::control_word(published.control))) " "
                (reader.fill(text::VERSION_N, &[&no.0]))
                @if published.current == Some(no) { " · " (reader.t(text::IN_FORCE)) }
                @else { " · " (reader.t(text::REPLACED)) }
            }
            (journeys::controls(reader, &counts.name, published.control))
        }
        dl.figures {
            (figure(text::ENTERED, counts.entered, ""))
            (figure(text::ACTIVE, counts.active, ""))
            @for (reason, count) in &counts.exited {
                (parts::figure(
                    &reader.fill(text::LEFT_BY, &[&reader.word(reason)]),
                    &reader.number(*count),
                    "",
                ))
            }
            (figure(text::SENT, sent, "sent"))
            (figure(text::TIMES_HELD, held, "held"))
            (figure(text::REFUSED, refused, "refused"))
        }
    }
}

/// How it is entered and left.
fn described(reader: &Reader, journey: &Journey) -> Markup {
    let matching = |one: &EventMatch| {
        html! { (one.event) @if let Some(when) = &one.when { " " code { (when) } } }
    };
    let reentry = match &journey.reentry {
        Reentry::Never => reader.t(text::REENTRY_NEVER).to_owned(),
        Reentry::AfterExit => reader.t(text::REENTRY_AFTER_EXIT).to_owned(),
        Reentry::After(span) => reader.fill(text::REENTRY_AFTER, &[span]),
        Reentry::Parallel => reader.t(text::REENTRY_PARALLEL).to_owned(),
    };
    html! {
        dl.facts {
            dt { (reader.t(text::ENTRY)) } dd { (entry(reader, &journey.entry)) " · " (reentry) }
            @if let Some(goal) = &journey.goal {
                dt { (reader.t(text::GOAL)) }
                dd {
                    (matching(&goal.matching))
                    @if let Some(within) = &goal.within {
                        " " (reader.fill(text::WITHIN, &[within]))
                    }
                }
            }
            @if !journey.exits.is_empty() {
                dt { (reader.t(text::EXIT)) }
                dd { (parts::joined(journey.exits.iter().map(matching), ", ")) }
            }
            @if let Some(campaign) = &journey.campaign {
                dt { (reader.t(text::CAMPAIGN)) } dd { a href="/campaigns" { (campaign) } }
            }
        }
    }
}

fn entry(reader: &Reader, entry: &Entry) -> Markup {
    match entry {
        Entry::Event { matching, key } => html! {
            (reader.fill(text::BY_EVENT, &[&matching.event]))
            @if let Some(when) = &matching.when { " " code { (when) } }
            @if let Some(key) = key { " · " (reader.t(text::KEY)) " " code { (key) } }
        },
        Entry::Segment { segment, .. } => html! { (reader.fill(text::BY_SEGMENT, &[segment])) },
        Entry::Schedule { schedule, segment } => {
            let when = match schedule {
                Schedule::Cron { cron, zone } => format!("{cron} {zone}"),
                Schedule::Once(at) => reader.clock_text(*at),
            };
            html! {
                (reader.fill(text::BY_SCHEDULE, &[&when]))
                @if let Some(segment) = segment { " · " (segment) }
            }
        }
        Entry::Api => html! { (reader.t(text::BY_API)) },
    }
}

/// The same numbers as in the picture, and those of messages.
fn table(reader: &Reader, journey: &Journey, counts: &JourneyCounts) -> Markup {
    let columns = [
        Column::Text(text::STEP),
        Column::Text(text::KIND),
        Column::Number(text::ENTERED),
        Column::Number(text::WAITING),
        Column::Number(text::LEFT),
        Column::Number(text::SENT),
        Column::Number(text::TIMES_HELD),
        Column::Number(text::REFUSED),
    ];
    let sends = |step: &StepCounts| matches!(step.kind, "send" | "webhook" | "audience");
    let rows = html! {
        @for (step, node) in counts.steps.iter().zip(&journey.nodes) {
            tr data-step=(step.id) {
                th.left scope="row" {
                    a href=(steps::link(&counts.name, &step.id, counts.version)) { (step.id) }
                }
                td.left { (reader.word(step.kind)) " " span.soft {
                    (steps::described(reader, &node.step))
                } }
                td { (reader.number(step.entered)) }
                td { (reader.number(step.standing)) }
                td { (reader.number(step.entered - step.standing)) }
                @if sends(step) {
                    td { (reader.number(step.sent)) }
                    td { (reader.number(step.held)) }
                    td { (reader.number(step.refused)) }
                } @else { td {} td {} td {} }
            }
        }
    };
    html! {
        details #numbers {
            summary { (reader.t(text::AS_TABLE)) }
            (parts::table(reader, reader.t(text::STEPS), &columns, &rows))
        }
    }
}

fn versions(
    reader: &Reader,
    published: &Published,
    counts: &[JourneyCounts],
    shown: VersionNo,
) -> Markup {
    let columns = [
        Column::Text(text::VERSION),
        Column::Text(text::STATE),
        Column::Number(text::ENTERED),
        Column::Number(text::ACTIVE),
        Column::Text(text::HASH),
    ];
    let name = |journey: &Journey| journey.name.to_string();
    let rows = html! {
        @for (no, journey) in published.versions.iter().rev() {
            @let count = counts.iter().find(|one| one.version == no.0);
            tr {
                th.left scope="row" {
                    a href={ (journeys::link(&name(journey))) "?version=" (no.0) }
                        aria-current=[(*no == shown).then_some("true")] { (no.0) }
                }
                td.left {
                    @if published.current == Some(*no) { (reader.t(text::IN_FORCE)) }
                    @else { (reader.t(text::REPLACED)) }
                }
                td { (reader.number(count.map_or(0, |one| one.entered))) }
                td { (reader.number(count.map_or(0, |one| one.active))) }
                td.left {
                    code { (journey.hash.get(..12).unwrap_or(&journey.hash)) } " "
                    a href={ "/definitions/Journey/" (layout::escaped(&name(journey))) } {
                        (reader.t(text::DEFINITION))
                    }
                }
            }
        }
    };
    parts::table(reader, reader.t(text::VERSIONS), &columns, &rows)
}
