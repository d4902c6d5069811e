//! Language and theme: kept in cookies, changed by a small form on every page.

use actix_web::{HttpResponse, post, web};
use serde::Deserialize;

use super::layout;
use super::login::is_local;
use super::reader::{LANGUAGE, THEME, Theme};
use super::text::Language;
use crate::web::{Site, presented};

/// What the form sends: the button that was pressed, and where she was.
#[derive(Debug, Deserialize)]
struct Sent {
    language: Option<String>,
    theme: Option<String>,
    #[serde(default)]
    next: String,
}

/// Takes no token of a session: it changes nothing but the browser's own cookies, and the guard
/// has seen that a page of this server sent it.
#[post("/preferences")]
pub(super) async fn set(site: web::Data<Site>, sent: web::Form<Sent>) -> HttpResponse {
    let next = if is_local(&sent.next) { &sent.next } else { "/" };
    let mut response = layout::see_other(next);
    let language = sent.language.as_deref().and_then(Language::of).map(Language::word);
    let theme = sent.theme.as_deref().and_then(Theme::of).map(Theme::word);
    for (name, value) in [(LANGUAGE, language), (THEME, theme)] {
        if let Some(value) = value {
            drop(response.add_cookie(&presented::preference_cookie(&site, name, value)));
        }
    }
    response
}
