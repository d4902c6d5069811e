//! What all console pages have in common. No inline script or style, nothing from elsewhere: the
//! policy header allows only what this process serves.

use std::sync::LazyLock;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder};
use maud::{DOCTYPE, Markup, html};

use super::parts;
use super::reader::{Look, Reader, Theme};
use super::text::{self, Language, Text};
use crate::access::scope::Scope;
use crate::error::Problem;

/// The styles.
pub(super) const STYLE: &str = include_str!("console.css");
/// Keeps live pages fresh.
pub(super) const SCRIPT: &str = include_str!("console.js");
/// The picture of a browser's tab.
pub(super) const ICON: &str = include_str!("console.svg");

/// Stands behind the addresses of styles, script and icon: browsers keep them until they change.
static EDITION: LazyLock<String> = LazyLock::new(|| {
    let edition = domain::hash::parts(&[STYLE, SCRIPT, ICON].map(str::as_bytes));
    format!("{:016x}", edition as u64)
});

const CONTENT_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
    connect-src 'self'; frame-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'";

/// A place of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Overview,
    Campaigns,
    Journeys,
    Customers,
    Audiences,
    Sends,
    Why,
    Events,
    Messages,
    Definitions,
    System,
    Tokens,
    Users,
    Audit,
    /// In no navigation: it is reached by her name on top.
    Account,
}

/// A row of the navigation: where it leads, what it is called, who may go there.
struct Way(Section, &'static str, Text, Scope);

/// The navigation, in groups.
static WAYS: [&[Way]; 4] = [
    &[
        Way(Section::Overview, "/", text::OVERVIEW, Scope::Read),
        Way(Section::Campaigns, "/campaigns", text::CAMPAIGNS, Scope::Read),
        Way(Section::Journeys, "/journeys", text::JOURNEYS, Scope::Read),
    ],
    &[
        Way(Section::Customers, "/customers", text::CUSTOMERS, Scope::Read),
        Way(Section::Sends, "/sends", text::SENDS, Scope::Read),
        Way(Section::Why, "/why", text::WHY_NOT, Scope::Read),
        Way(Section::Audiences, "/audiences", text::AUDIENCES, Scope::Read),
        Way(Section::Messages, "/messages", text::MESSAGES, Scope::Read),
    ],
    &[
        Way(Section::Events, "/events", text::EVENTS, Scope::Personal),
        Way(Section::Definitions, "/definitions", text::DEFINITIONS, Scope::Read),
        Way(Section::System, "/system", text::SYSTEM, Scope::Read),
    ],
    &[
        Way(Section::Tokens, "/access/tokens", text::TOKENS, Scope::Manage),
        Way(Section::Users, "/access/users", text::USERS, Scope::Manage),
        Way(Section::Audit, "/access/audit", text::AUDIT, Scope::Manage),
    ],
];

/// What stands around the content of a page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    /// Its heading and title.
    pub(super) title: &'a str,
    /// Where it is.
    pub(super) here: Section,
    /// Whether the script keeps it fresh; without script it is loaded again.
    pub(super) live: bool,
}

/// A whole page.
pub(super) fn page(reader: &Reader, frame: Frame<'_>, content: &Markup) -> HttpResponse {
    page_with(StatusCode::OK, reader, frame, content)
}

/// A whole page with a status.
pub(super) fn page_with(
    status: StatusCode,
    reader: &Reader,
    frame: Frame<'_>,
    content: &Markup,
) -> HttpResponse {
    let body = html! {
        (top(reader, frame.live))
        div.below {
            (navigation(reader, frame.here))
            main #main tabindex="-1" {
                h1 { (frame.title) }
                @if frame.live { div #live { (content) } } @else { (content) }
                p.foot {
                    (reader.fill(text::TIMES_ARE_IN, &[&reader.zone])) " · Cadencia "
                    (env!("CARGO_PKG_VERSION"))
                }
            }
        }
    };
    answer(HttpResponse::build(status), document(reader, frame.title, frame.live, &body))
}

/// A page of somebody who is not in.
pub(super) fn bare(look: &Look, title: &str, content: &Markup) -> Markup {
    let body = html! {
        header.top { p.brand { a href="/" { "Cadencia" } } (preferences(look, "/login", None)) }
        main.narrow #main tabindex="-1" { h1 { (title) } (content) }
    };
    document(look, title, false, &body)
}

fn document(look: &Look, title: &str, live: bool, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(look.language.word()) data-theme=(look.theme.word()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Cadencia" }
                link rel="icon" href={ "/console.svg?" (*EDITION) } type="image/svg+xml";
                link rel="stylesheet" href={ "/console.css?" (*EDITION) };
                @if live { noscript { meta http-equiv="refresh" content="5"; } }
                script src={ "/console.js?" (*EDITION) } defer {}
            }
            body {
                a.skip href="#main" { (look.t(text::SKIP)) }
                (body)
            }
        }
    }
}

/// What stands on top of every page of somebody who is in.
fn top(reader: &Reader, live: bool) -> Markup {
    html! {
        header.top {
            p.brand { a href="/" { "Cadencia" } }
            button #menu.small type="button" aria-expanded="false" aria-controls="nav" hidden {
                (reader.t(text::MENU))
            }
            form.search action="/customers" method="get" role="search" {
                label.unseen for="id" { (reader.t(text::CUSTOMER)) }
                input #id name="id" type="search" required autocomplete="off" spellcheck="false"
                    placeholder=(reader.t(text::CUSTOMER_ID));
                button type="submit" { (reader.t(text::SHOW)) }
            }
            @if live {
                button #pause type="button" aria-pressed="false" hidden
                    data-on=(reader.t(text::PAUSE_UPDATES))
                    data-off=(reader.t(text::RESUME_UPDATES)) {
                    (reader.t(text::PAUSE_UPDATES))
                }
                p #lost role="status" data-text=(reader.t(text::CONNECTION_LOST)) {}
            }
            (preferences(reader, &reader.path, Some(reader)))
        }
    }
}

/// Language, theme, and the way out.
fn preferences(look: &Look, next: &str, reader: Option<&Reader>) -> Markup {
    let choice = |name, value: &str, label: &str, chosen: bool| {
        html! {
            button type="submit" name=(name) value=(value) aria-pressed=(chosen) { (label) }
        }
    };
    html! {
        details.preferences {
            summary {
                @match reader {
                    Some(reader) => (reader.who(&reader.by.who.to_string())),
                    None => (look.t(text::DISPLAY))
                }
            }
            div.panel {
                form action="/preferences" method="post" {
                    input type="hidden" name="next" value=(next);
                    fieldset {
                        legend { (look.t(text::LANGUAGE)) }
                        @for one in Language::ALL {
                            (choice("language", one.word(), one.name(), one == look.language))
                        }
                    }
                    fieldset {
                        legend { (look.t(text::THEME)) }
                        @for (theme, label) in Theme::ALL.iter().zip(text::THEMES) {
                            (choice("theme", theme.word(), look.t(label), *theme == look.theme))
                        }
                    }
                }
                @if let Some(reader) = reader.filter(|reader| reader.by.session.is_some()) {
                    p { a href="/account" { (look.t(text::ACCOUNT)) } }
                    form action="/logout" method="post" {
                        (reader.csrf())
                        button type="submit" { (look.t(text::LOG_OUT)) }
                    }
                }
            }
        }
    }
}

fn navigation(reader: &Reader, here: Section) -> Markup {
    html! {
        nav #nav aria-label=(reader.t(text::NAVIGATION)) {
            @for group in WAYS {
                @if group.iter().any(|way| reader.may(way.3)) {
                    ul {
                        @for Way(section, path, label, _) in
                            group.iter().filter(|way| reader.may(way.3))
                        {
                            li {
                                a href=(path) aria-current=[(*section == here).then_some("page")] {
                                    (reader.t(*label))
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What is asked for is not there, and what to do about it.
pub(super) fn missing(
    reader: &Reader,
    here: Section,
    what: &str,
    (said, advice): (Text, Text),
) -> HttpResponse {
    let content = html! {
        p.words { (what) }
        (parts::empty(reader.t(said), reader.t(advice)))
    };
    let frame = Frame { title: reader.t(text::NOT_FOUND), here, live: false };
    page_with(StatusCode::NOT_FOUND, reader, frame, &content)
}

/// A problem as a page.
pub(in crate::web) fn problem(
    look: &Look,
    reader: Option<&Reader>,
    problem: &Problem,
) -> HttpResponse {
    let (title, advice) = look.said(problem);
    let content = html! {
        p { (advice) }
        // What happened this time is said by parts that know no languages, as in the API.
        @if !problem.detail.is_empty() { p.words lang="en" { (problem.detail) } }
        p {
            @if reader.is_none() { a href="/login" { (look.t(text::LOG_IN)) } }
            @else { a href="/" { (look.t(text::BACK_TO_OVERVIEW)) } }
            " " span.soft { (problem.code) }
        }
    };
    let status = problem.status.and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match reader {
        Some(reader) => {
            let frame = Frame { title: &title, here: Section::Overview, live: false };
            page_with(status, reader, frame, &content)
        }
        None => answer(HttpResponse::build(status), bare(look, &title, &content)),
    }
}

/// Go on there.
pub(in crate::web) fn see_other(address: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, address))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .finish()
}

/// HTML as an answer, with the headers that every page has.
pub(super) fn answer(mut response: HttpResponseBuilder, body: Markup) -> HttpResponse {
    response
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::VARY, "accept-language, cookie"))
        .body(body.into_string())
}

/// Link to a customer's page: every byte that is not plain stands escaped.
pub(super) fn customer_link(id: &str) -> String {
    format!("/customers/{}", escaped(id))
}

/// A text as a part of an address.
pub(super) fn escaped(text: &str) -> String {
    let mut link = String::new();
    for byte in text.bytes() {
        // A dot alone would be taken for a path segment.
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
            link.push(char::from(byte));
        } else {
            link.push_str(&format!("%{byte:02X}"));
        }
    }
    link
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_escape_everything_that_is_not_plain() {
        assert_eq!(customer_link("c-0001_a"), "/customers/c-0001_a");
        assert_eq!(customer_link("a/b?\"<é>"), "/customers/a%2Fb%3F%22%3C%C3%A9%3E");
    }

    #[test]
    fn pages_hold_no_inline_script_or_style_and_escape_their_title() {
        let look = Look::default();
        let page = bare(&look, "<script>alert(1)</script>", &html! { p { "x" } }).into_string();
        assert!(!page.contains("<script>") && !page.contains("<style"), "{page}");
        assert!(!page.contains("onclick=") && !page.contains("style=\""), "{page}");
        assert!(page.contains("&lt;script&gt;"), "{page}");
    }
}
