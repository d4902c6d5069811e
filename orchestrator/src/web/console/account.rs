//! The page `/account`: who is logged in, and her own password.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post, web};
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{self, Frame, Section};
use super::reader::Reader;
use super::text::Text;
use super::{login, parts, text};
use crate::access::login::NotIn;
use crate::access::user::{PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN};
use crate::web::{Site, presented};

#[derive(Deserialize)]
struct Asked {
    changed: Option<String>,
}

#[get("/account")]
pub(super) async fn account_page(
    site: web::Data<Site>,
    reader: Reader,
    asked: web::Query<Asked>,
) -> HttpResponse {
    let note = asked.changed.as_ref().map(|_| text::PASSWORD_CHANGED);
    shown(&site, &reader, StatusCode::OK, note)
}

fn shown(site: &Site, reader: &Reader, status: StatusCode, note: Option<Text>) -> HttpResponse {
    let own = site.admin.access.own(&reader.by);
    let content = html! {
        @if let Some(note) = note {
            @match status.is_success() {
                true => p role="status" { strong { (reader.t(note)) } }
                false => p.alert role="alert" { (reader.t(note)) }
            }
        }
        dl.facts {
            dt { (reader.t(text::WHO)) } dd { (reader.who(&reader.by.who.to_string())) }
            @if let Some(user) = &own {
                dt { (reader.t(text::ROLE)) } dd { (reader.word(user.role.word())) }
            }
        }
        h2 { (reader.t(text::NEW_PASSWORD)) }
        @if own.is_some() && reader.by.session.is_some() { (form(reader)) }
        @else { p.soft { (reader.t(text::NO_OWN_PASSWORD)) } }
    };
    let frame = Frame { title: reader.t(text::ACCOUNT), here: Section::Account, live: false };
    layout::page_with(status, reader, frame, &content)
}

fn form(reader: &Reader) -> Markup {
    let field = |name: &str, label, hint: &str, shortest: usize| {
        html! {
            p {
                label for=(name) { (reader.t(label)) }
                input id=(name) name=(name) type="password" required autocomplete=(hint)
                    minlength=(shortest) maxlength=(PASSWORD_BYTES_MAX);
            }
        }
    };
    html! {
        form.stacked action="/account/password" method="post" {
            (reader.csrf())
            (field("old", text::OLD_PASSWORD, "current-password", 1))
            (field("new", text::NEW_PASSWORD, "new-password", PASSWORD_CHARS_MIN))
            (field("again", text::NEW_PASSWORD_AGAIN, "new-password", PASSWORD_CHARS_MIN))
            p.soft { (reader.fill(text::OWN_PASSWORD_MEANS, &[&PASSWORD_CHARS_MIN])) }
            button type="submit" { (reader.t(text::CHANGE_PASSWORD)) }
        }
    }
}

#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    csrf: String,
    old: String,
    new: String,
    again: String,
}

#[post("/account/password")]
pub(super) async fn change_password(
    site: web::Data<Site>,
    reader: Reader,
    sent: web::Form<Sent>,
) -> HttpResponse {
    if let Some(refused) = parts::forged(&reader, &sent.csrf) {
        return refused;
    }
    let Sent { old, new, again, .. } = sent.into_inner();
    if new != again {
        let note = Some(text::PASSWORDS_DIFFER);
        return shown(&site, &reader, StatusCode::UNPROCESSABLE_ENTITY, note);
    }
    match site.admin.access.change_own_password(old, new, &reader.by).await {
        Ok(cookie) => {
            let mut response = layout::see_other("/account?changed=yes");
            drop(response.add_cookie(&presented::session_cookie(&site, cookie)));
            response
        }
        Err(NotIn::TooMany { retry_after_ms }) => login::too_many(&reader, retry_after_ms),
        Err(NotIn::Refused(problem)) => reader.problem(&problem),
        Err(NotIn::Wrong) => {
            let note = Some(text::OLD_PASSWORD_WRONG);
            shown(&site, &reader, StatusCode::UNAUTHORIZED, note)
        }
    }
}
