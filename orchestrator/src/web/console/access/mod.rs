//! The pages below `/access`: tokens, users, the audit log. For those with the scope `manage`; the
//! operations are those of the API.

pub(super) mod audit;
pub(super) mod tokens;
pub(super) mod users;

use actix_web::HttpResponse;
use maud::{Markup, html};

use super::layout::{self, Frame, Section};
use super::reader::Reader;
use super::text::{self, Text};

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

/// A secret that was made just now: shown this once.
fn secret(reader: &Reader, here: Section, title: Text, what: &str, secret: &str) -> HttpResponse {
    let (title, back) = (
        reader.t(title),
        match here {
            Section::Users => "/access/users",
            _ => "/access/tokens",
        },
    );
    let content = html! {
        p { (what) }
        p role="status" { strong { (reader.t(text::SHOWN_ONCE)) } }
        pre.secret tabindex="0" { (secret) }
        p { a href=(back) { (reader.fill(text::BACK_TO, &[&title])) } }
    };
    layout::page(reader, Frame { title, here, live: false }, &content)
}
