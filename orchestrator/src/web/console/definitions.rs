//! The pages `/definitions`: the documents in force, one document with its versions and what
//! differs between them, and what each `apply` changed.

use actix_web::{HttpResponse, get, web};
use domain::time::Instant;
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{self, Frame, Section, escaped};
use super::parts::{self, Column};
use super::reader::Reader;
use super::{diff, text};
use crate::admin::{AppliedRow, applied_rows};
use crate::config::Kind;
use crate::publish::{Change, ChangeKind, StoredDocument};
use crate::web::Site;

/// What was applied, on one page.
const APPLIED_SHOWN: usize = 20;
/// Fields of one change that are listed; the command line lists all.
const FIELDS_SHOWN: usize = 50;

#[derive(Deserialize)]
struct Asked {
    before: Option<u64>,
}

#[get("/definitions")]
pub(super) async fn definitions_page(
    site: web::Data<Site>,
    reader: Reader,
    asked: web::Query<Asked>,
) -> HttpResponse {
    let published = site
        .admin
        .published(|publication, _| (publication.revision, publication.documents.clone()));
    let (revision, documents) = published.await;
    let (store, before) = (site.store.clone(), asked.before);
    let applied = match web::block(move || applied_rows(&store, before, APPLIED_SHOWN)).await {
        Ok(Ok(applied)) => applied,
        Ok(Err(error)) => return parts::unreadable(&reader, &error),
        Err(error) => return parts::unavailable(&reader, &error),
    };
    let now = site.admin.access.now();
    let full = applied.len() == APPLIED_SHOWN;
    let next = applied.last().filter(|_| full);
    let next = next.map(|last| format!("/definitions?before={}#applied", last.revision));
    let content = html! {
        p { (reader.fill(text::REVISION_N, &[&revision])) }
        (in_force(&reader, &documents))
        h2 #applied { (reader.t(text::WHAT_WAS_APPLIED)) }
        @if applied.is_empty() { p.soft { (reader.t(text::NOTHING_APPLIED)) } }
        @for row in &applied { (applied_row(&reader, row, now)) }
        (parts::more(&reader, next, text::OLDER))
    };
    let title = reader.t(text::DEFINITIONS);
    layout::page(&reader, Frame { title, here: Section::Definitions, live: false }, &content)
}

fn link(kind: Kind, name: &str) -> String {
    format!("/definitions/{}/{}", kind.word(), escaped(name))
}

fn in_force(reader: &Reader, documents: &[StoredDocument]) -> Markup {
    if documents.is_empty() {
        return parts::empty(reader.t(text::NO_DEFINITIONS), reader.t(text::APPLY_ADVICE));
    }
    let columns = [Column::Text(text::KIND), Column::Text(text::NAME), Column::Text(text::HASH)];
    let rows = html! {
        @for document in documents {
            tr {
                td.left { code { (document.kind.word()) } }
                th.left scope="row" {
                    a href=(link(document.kind, &document.name)) { (document.name) }
                }
                td.left { code { (short(&document.hash)) } }
            }
        }
    };
    parts::table(reader, reader.t(text::DEFINITIONS), &columns, &rows)
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

fn applied_row(reader: &Reader, row: &AppliedRow, now: Instant) -> Markup {
    html! {
        section.card {
            h3 { (reader.fill(text::REVISION_N, &[&row.revision])) }
            p { (reader.at_from(Instant(row.at_ms), now)) " · " span.soft { (row.who) } }
            @match row.plan() {
                None => { p.soft { (reader.t(text::NOT_READABLE)) } }
                Some(plan) => { @for change in &plan.changes { (changed(reader, change)) } }
            }
        }
    }
}

fn changed(reader: &Reader, change: &Change) -> Markup {
    let word = match change.change {
        ChangeKind::Added => "added",
        ChangeKind::Changed => "changed",
        ChangeKind::Removed => "removed",
    };
    let extra = change.fields.len().saturating_sub(FIELDS_SHOWN);
    html! {
        div.change {
            (reader.badge(word)) " " code { (change.kind.word()) } " "
            @if change.change == ChangeKind::Removed { (change.name) }
            @else { a href=(link(change.kind, &change.name)) { (change.name) } }
            @if !change.fields.is_empty() {
                ul.fields {
                    @for field in change.fields.iter().take(FIELDS_SHOWN) {
                        li.words {
                            code { (field.path) } ": "
                            @if let Some(old) = &field.old { del { (plain(old)) } " " }
                            @if let Some(new) = &field.new { ins { (plain(new)) } }
                        }
                    }
                    @if extra > 0 { li { (reader.fill(text::AND_SO_MANY_MORE, &[&extra])) } }
                }
            }
        }
    }
}

fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[derive(Deserialize)]
struct Versions {
    old: Option<u32>,
    new: Option<u32>,
}

/// A text of a document, with what people call it.
struct Text {
    version: Option<u32>,
    current: bool,
    hash: String,
    canonical: String,
}

#[get("/definitions/{kind}/{name}")]
pub(super) async fn document_page(
    site: web::Data<Site>,
    reader: Reader,
    path: web::Path<(String, String)>,
    asked: web::Query<Versions>,
) -> HttpResponse {
    let (kind, name) = path.into_inner();
    let known = Kind::ALL.into_iter().find(|known| known.word() == kind);
    let texts = match known {
        Some(kind) => texts(&site, kind, &name).await,
        None => Vec::new(),
    };
    let number =
        |wanted: Option<u32>| texts.iter().find(|one| wanted.is_some() && one.version == wanted);
    let current = texts.iter().find(|one| one.current).or(texts.last());
    let Some(new) = number(asked.new).or(current) else {
        let texts = (text::NO_DOCUMENT, text::APPLY_ADVICE);
        let what = format!("{kind} {name}");
        return layout::missing(&reader, Section::Definitions, &what, texts);
    };
    let back = reader.t(text::DEFINITIONS);
    let content = html! {
        p { a href="/definitions" { (reader.fill(text::BACK_TO, &[&back])) } }
        @if texts.iter().any(|one| one.version.is_some()) {
            (chooser(&reader, &texts, number(asked.old), new))
        }
        @match number(asked.old) {
            Some(old) => (diff::shown(&reader, &yaml(&old.canonical), &yaml(&new.canonical))),
            None => {
                p { (reader.t(text::HASH)) " " code { (short(&new.hash)) } }
                pre.body tabindex="0" { (yaml(&new.canonical)) }
            }
        }
    };
    let title = format!("{kind} {name}");
    let frame = Frame { title: &title, here: Section::Definitions, live: false };
    layout::page(&reader, frame, &content)
}

/// The texts of a document: of a journey those of all versions that are kept.
async fn texts(site: &Site, kind: Kind, name: &str) -> Vec<Text> {
    let published = site.admin.published(|publication, _| {
        if kind == Kind::Journey {
            let of_it = publication.versions.iter().filter(|one| one.journey.as_str() == name);
            let text = |one: &crate::publish::StoredVersion| Text {
                version: Some(one.no.0),
                current: one.current,
                hash: one.hash.clone(),
                canonical: one.canonical.clone(),
            };
            return of_it.map(text).collect();
        }
        let is_it = |one: &&StoredDocument| one.kind == kind && one.name == name;
        let text = |one: &StoredDocument| Text {
            version: None,
            current: true,
            hash: one.hash.clone(),
            canonical: one.canonical.clone(),
        };
        publication.documents.iter().filter(is_it).map(text).collect::<Vec<_>>()
    });
    published.await
}

fn chooser(reader: &Reader, texts: &[Text], old: Option<&Text>, new: &Text) -> Markup {
    let options: Vec<(String, String)> = texts
        .iter()
        .filter_map(|one| {
            let number = one.version?.to_string();
            let mark =
                if one.current { reader.t(text::IN_FORCE) } else { reader.t(text::REPLACED) };
            let label = reader.fill(text::VERSION_N, &[&number]);
            Some((number, format!("{label}, {mark}")))
        })
        .collect();
    let chosen = |one: Option<&Text>| {
        one.and_then(|one| one.version).map_or_else(String::new, |number| number.to_string())
    };
    html! {
        form.filters method="get" {
            (parts::select(
                "old",
                reader.t(text::COMPARE_WITH),
                reader.t(text::NOTHING),
                &chosen(old),
                &options,
            ))
            (parts::select(
                "new",
                reader.t(text::VERSION),
                reader.t(text::IN_FORCE),
                &chosen(Some(new)),
                &options,
            ))
            button type="submit" { (reader.t(text::SHOW)) }
        }
    }
}

/// A canonical text as people write it.
fn yaml(canonical: &str) -> String {
    let value: Result<serde_json::Value, _> = serde_json::from_str(canonical);
    let yaml = value.ok().and_then(|value| serde_saphyr::to_string(&value).ok());
    yaml.unwrap_or_else(|| canonical.to_owned())
}
