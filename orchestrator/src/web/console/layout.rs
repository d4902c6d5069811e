//! What all console pages have in common. No inline script or style, nothing from elsewhere: the
//! policy header allows only what this process serves.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use maud::{DOCTYPE, Markup, html};

use crate::access::principal::Principal;
use crate::error::Problem;

/// The styles.
pub(super) const STYLE: &str = include_str!("console.css");
/// Keeps the counts fresh.
pub(super) const SCRIPT: &str = include_str!("console.js");

const CONTENT_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Whoever looks at a page.
#[derive(Clone, Debug)]
pub(super) struct Viewer {
    who: String,
    csrf: Option<String>,
}

impl Viewer {
    pub(super) fn of(by: &Principal) -> Self {
        let csrf = by.session.as_ref().map(|session| session.csrf.clone());
        Self { who: by.who.to_string(), csrf }
    }
}

/// A whole page. `live` pages are kept fresh by the script, or by reloading where there is none.
pub(super) fn page(title: &str, live: bool, viewer: Option<&Viewer>, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Cadencia" }
                link rel="stylesheet" href="/console.css";
                @if live {
                    noscript { meta http-equiv="refresh" content="2"; }
                    script src="/console.js" defer {}
                }
            }
            body {
                a.skip href="#main" { "Skip to content" }
                header {
                    h1 { a href="/" { "Cadencia" } }
                    @if let Some(viewer) = viewer { (tools(viewer)) }
                    @if live {
                        button #pause type="button" aria-pressed="false" hidden { "Pause updates" }
                    }
                }
                main #main { (content) }
            }
        }
    }
}

/// What stands on top of every page of somebody who is in.
fn tools(viewer: &Viewer) -> Markup {
    html! {
        form action="/customers" method="get" role="search" {
            label for="id" { "Customer " }
            input #id name="id" type="search" required autocomplete="off" spellcheck="false"
                placeholder="id";
            " "
            button type="submit" { "Show" }
        }
        @if let Some(csrf) = &viewer.csrf {
            form action="/logout" method="post" {
                input type="hidden" name="csrf" value=(csrf);
                span.soft { (viewer.who) " " }
                button type="submit" { "Log out" }
            }
        }
    }
}

/// A problem as a page.
pub(in crate::web) fn problem(problem: &Problem) -> HttpResponse {
    let content = html! {
        h2 { (problem.title) }
        @if !problem.detail.is_empty() { p.words { (problem.detail) } }
        p { (problem.advice) }
        p { a href="/login" { "Log in" } " " span.soft { (problem.code) } }
    };
    let status = problem.status.and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer(HttpResponse::build(status), page(problem.title, false, None, &content))
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
pub(super) fn answer(mut response: actix_web::HttpResponseBuilder, body: Markup) -> HttpResponse {
    response
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
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
        let viewer = Viewer { who: "<script>".to_owned(), csrf: Some("<script>".to_owned()) };
        let page = page("<script>alert(1)</script>", true, Some(&viewer), &html! { p { "x" } })
            .into_string();
        assert!(!page.contains("<script>") && !page.contains("<style"), "{page}");
        assert!(!page.contains("onclick=") && !page.contains("style=\""), "{page}");
        assert!(page.contains("&lt;script&gt;"), "{page}");
    }
}
