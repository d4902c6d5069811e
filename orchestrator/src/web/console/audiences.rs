//! Retargeting audiences: how they stand, who is a member of one, and the button that exports it
//! now.

use actix_web::{HttpResponse, get, post, web};
use domain::ids::ChannelName;
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{self, Frame, Section, escaped};
use super::parts::{self, Column, Csrf};
use super::reader::Reader;
use super::{steps, text};
use crate::access::scope::Scope;
use crate::admin::AudienceState;
use crate::members::MemberLine;
use crate::web::Site;
use crate::web::api::cursor::List;

/// Members of one page.
const MEMBERS_SHOWN: usize = 50;

fn link(name: &str) -> String {
    format!("/audiences/{}", escaped(name))
}

#[get("/audiences")]
pub(super) async fn audiences_page(site: web::Data<Site>, reader: Reader) -> HttpResponse {
    let audiences = match site.admin.audiences().await {
        Ok(audiences) => audiences,
        Err(problem) => return reader.problem(&problem),
    };
    let content = match audiences.is_empty() {
        true => parts::empty(reader.t(text::NO_AUDIENCES), reader.t(text::NO_AUDIENCES_ADVICE)),
        false => listed(&reader, &audiences),
    };
    let title = reader.t(text::AUDIENCES);
    layout::page(&reader, Frame { title, here: Section::Audiences, live: false }, &content)
}

fn listed(reader: &Reader, audiences: &[AudienceState]) -> Markup {
    let columns = [
        Column::Text(text::AUDIENCE),
        Column::Text(text::FOLDER),
        Column::Text(text::LAST_EXPORT),
        Column::Text(text::RESULT),
        Column::Number(text::MEMBERS_EXPORTED),
    ];
    let rows = html! {
        @for one in audiences {
            tr {
                th.left scope="row" { a href=(link(&one.name)) { (one.name) } }
                td.left.words { (one.folder) }
                (last(reader, one))
            }
        }
    };
    parts::table(reader, reader.t(text::AUDIENCES), &columns, &rows)
}

/// What became of the last export, as cells of a row.
fn last(reader: &Reader, one: &AudienceState) -> Markup {
    let Some(last) = &one.last_export else {
        let never = reader.t(text::NEVER);
        return html! { td.left { span.soft { (never) } } td.left.words {} td {} };
    };
    html! {
        td.left { (reader.at_text(&last.at)) }
        td.left.words { (reader.badge(&last.outcome)) " " (reader.quoted(&last.reply)) }
        td { (reader.number(i64::try_from(last.members).unwrap_or(i64::MAX))) }
    }
}

#[derive(Deserialize)]
struct Asked {
    cursor: Option<String>,
}

/// One audience: its last export, and its members as they stand now.
#[get("/audiences/{name}")]
pub(super) async fn members_page(
    site: web::Data<Site>,
    reader: Reader,
    name: web::Path<String>,
    asked: web::Query<Asked>,
) -> HttpResponse {
    let list = List::new("members", &name.as_str());
    let found = match list.place(asked.cursor.as_deref()) {
        Ok(from) => {
            let audience = ChannelName::from(name.as_str());
            site.admin.members(&audience, from, MEMBERS_SHOWN, &reader.by).await
        }
        Err(problem) => Err(problem),
    };
    let (found, all) = match (found, site.admin.audiences().await) {
        (Ok(found), Ok(all)) => (found, all),
        (Err(problem), _) | (_, Err(problem)) => return reader.problem(&problem),
    };
    let state = all.iter().find(|one| one.name == *name);
    let next = found.next.map(|next| format!("{}?cursor={}", link(&name), list.cursor(&next)));
    let content = html! {
        p { a href="/audiences" { (reader.fill(text::BACK_TO, &[&reader.t(text::AUDIENCES)])) } }
        @if let Some(state) = state { (head(&reader, state)) }
        h2 { (reader.t(text::MEMBERS_NOW)) }
        (members(&reader, &found.items))
        (parts::more(&reader, next, text::NEXT_PAGE))
    };
    let frame = Frame { title: &name, here: Section::Audiences, live: false };
    layout::page(&reader, frame, &content)
}

fn head(reader: &Reader, state: &AudienceState) -> Markup {
    html! {
        dl.facts {
            dt { (reader.t(text::FOLDER)) } dd.words { (state.folder) }
            dt { (reader.t(text::LAST_EXPORT)) }
            dd.words {
                @match &state.last_export {
                    Some(last) => {
                        (reader.at_text(&last.at)) " " (reader.badge(&last.outcome)) " "
                        (reader.quoted(&last.reply))
                    }
                    None => span.soft { (reader.t(text::NEVER)) }
                }
            }
        }
        @if reader.may(Scope::Operate) && reader.by.session.is_some() {
            form action={ (link(&state.name)) "/export" } method="post" {
                (reader.csrf())
                button type="submit" { (reader.t(text::EXPORT_NOW)) }
            }
        }
    }
}

fn members(reader: &Reader, members: &[MemberLine]) -> Markup {
    if members.is_empty() {
        return parts::empty(reader.t(text::NO_MEMBERS), reader.t(text::NO_MEMBERS_ADVICE));
    }
    let columns = [
        Column::Text(text::CUSTOMER),
        Column::Text(text::SINCE),
        Column::Text(text::MEMBER_UNTIL),
        Column::Text(text::EXPORTED_AS),
    ];
    let rows = html! {
        @for one in members {
            tr {
                th.left scope="row" { (steps::customer(reader, &one.customer)) }
                td.left { (reader.at_text(&one.since)) }
                td.left {
                    @match &one.until {
                        Some(until) => (reader.at_text(until)),
                        None => span.soft { (reader.t(text::NEVER)) }
                    }
                }
                td.left.words {
                    @let known = one.identifiers.iter().map(|it| html! { (it.value) });
                    (parts::joined(known, ", "))
                }
            }
        }
    };
    parts::table(reader, reader.t(text::MEMBERS_NOW), &columns, &rows)
}

/// Exports it now: the same operation as that of the API, with its audit row.
#[post("/audiences/{name}/export")]
pub(super) async fn export(
    site: web::Data<Site>,
    reader: Reader,
    name: web::Path<String>,
    sent: web::Form<Csrf>,
) -> HttpResponse {
    if let Some(refused) = parts::forged(&reader, &sent.csrf) {
        return refused;
    }
    match site.admin.export_audience(&ChannelName::from(name.as_str()), &reader.by).await {
        Ok(_) => layout::see_other(&link(&name)),
        Err(problem) => reader.problem(&problem),
    }
}
