//! The pages below `/access`: tokens, users, the audit log. For those with the scope `manage`; the
//! operations are those of the API. Tokens and users are one kind of page: what there is, and the
//! form that makes one more.

pub(super) mod audit;
pub(super) mod tokens;
pub(super) mod users;

use actix_web::HttpResponse;
use domain::time::Instant;
use maud::{Markup, html};

use super::layout::{self, Frame, Section};
use super::parts;
use super::reader::Reader;
use super::text::{self, Text};
use crate::admin::Refusal;

/// What there is of a kind, and the way to more of it.
struct Shelf {
    title: Text,
    here: Section,
    path: &'static str,
    /// What is said where there is none, and what to do about it.
    nothing: (Text, Text),
    more: Text,
}

impl Shelf {
    /// All of them, or none, and the form.
    fn page(&self, reader: &Reader, listed: Option<Markup>, form: &Markup) -> HttpResponse {
        let content = html! {
            @match listed {
                Some(listed) => (listed),
                None => (parts::empty(reader.t(self.nothing.0), reader.t(self.nothing.1)))
            }
            h2 { (reader.t(self.more)) }
            (form)
        };
        let frame = Frame { title: reader.t(self.title), here: self.here, live: false };
        layout::page(reader, frame, &content)
    }

    /// What became of a change: the page again, or why not.
    fn changed<T>(&self, reader: &Reader, changed: Result<T, Refusal>) -> HttpResponse {
        match changed {
            Ok(_) => layout::see_other(self.path),
            Err(problem) => reader.problem(&problem),
        }
    }

    /// A secret that was made just now, of what is called so: shown this once.
    fn secret(&self, reader: &Reader, made: Result<(String, String), Refusal>) -> HttpResponse {
        let (what, secret) = match made {
            Ok(made) => made,
            Err(problem) => return reader.problem(&problem),
        };
        let title = reader.t(self.title);
        let content = html! {
            p { (what) }
            p role="status" { strong { (reader.t(text::SHOWN_ONCE)) } }
            pre.secret tabindex="0" { (secret) }
            p { a href=(self.path) { (reader.fill(text::BACK_TO, &[&title])) } }
        };
        layout::page(reader, Frame { title, here: self.here, live: false }, &content)
    }
}

/// An instant that came as RFC 3339, by the clock by which tokens and users end.
fn at(reader: &Reader, at: &str, now: Instant) -> Markup {
    match Instant::parse(at) {
        Some(at) => reader.at_from(at, now),
        None => html! { (at) },
    }
}

/// A button of a form.
fn button(reader: &Reader, action: &str, label: Text) -> Markup {
    html! {
        form action=(action) method="post" {
            (reader.csrf())
            button type="submit" { (reader.t(label)) }
        }
    }
}

/// A button of a form, behind a question.
fn confirmed(reader: &Reader, action: &str, label: Text, means: Text) -> Markup {
    html! {
        details.confirm {
            summary { (reader.t(label)) }
            div.panel {
                p { (reader.t(means)) }
                form action=(action) method="post" {
                    (reader.csrf())
                    button.danger type="submit" { (reader.t(label)) }
                }
            }
        }
    }
}
