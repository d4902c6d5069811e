//! Pieces that several pages are made of: tables that scroll, empty states, bars, figures.

use actix_web::HttpResponse;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use maud::{Markup, PreEscaped, html};
use serde::Deserialize;

use super::reader::{Look, Reader};
use super::text::Text;
use crate::error::{ErrorCode, Problem};
use crate::web::guard;

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(super) enum Column {
    /// Text, to the left.
    Text(Text),
    /// A number, to the right.
    Number(Text),
    /// A picture of a number that stands beside it.
    Bar,
}

/// A table that scrolls sideways where the page is narrow. The region can be reached by keyboard.
pub(super) fn table(look: &Look, label: &str, columns: &[Column], rows: &Markup) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table {
                thead {
                    tr {
                        @for column in columns {
                            @match column {
                                Column::Text(text) => { th.left scope="col" { (look.t(*text)) } }
                                Column::Number(text) => { th scope="col" { (look.t(*text)) } }
                                Column::Bar => { td aria-hidden="true" {} }
                            }
                        }
                    }
                }
                tbody { (rows) }
            }
        }
    }
}

/// Nothing is there, and what to do about it.
pub(super) fn empty(what: &str, advice: &str) -> Markup {
    html! { div.empty { p { strong { (what) } } p.soft { (advice) } } }
}

/// A number with what it counts.
pub(super) fn figure(label: &str, value: &str, class: &str) -> Markup {
    html! { div { dt { (label) } dd class=(class) { (value) } } }
}

/// A bar whose length says how much of the most this is.
pub(super) fn bar(class: &str, value: i64, most: i64) -> Markup {
    let width = if most > 0 { value.max(0) as f64 * 100.0 / most as f64 } else { 0.0 };
    html! {
        svg.bar viewBox="0 0 100 8" preserveAspectRatio="none" {
            rect class=(class) width=(format!("{width:.1}")) height="8" {}
        }
    }
}

/// A link to more of a list.
pub(super) fn more(look: &Look, address: Option<String>, label: Text) -> Markup {
    html! { @if let Some(address) = address { p { a href=(address) { (look.t(label)) } } } }
}

/// A key of the store as it stands in an address.
pub(super) fn cursor(key: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(key)
}

/// The key of an address; what is none begins at the start.
pub(super) fn key_of(cursor: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(cursor).ok().filter(|key| !key.is_empty())
}

/// A choice of one of several words in a form of filters.
pub(super) fn select(
    name: &str,
    label: &str,
    any: &str,
    chosen: &str,
    options: &[(String, String)],
) -> Markup {
    html! {
        span.field {
            label for={ "f-" (name) } { (label) }
            select id={ "f-" (name) } name=(name) {
                option value="" selected[chosen.is_empty()] { (any) }
                @for (value, label) in options {
                    option value=(value) selected[value == chosen] { (label) }
                }
            }
        }
    }
}

/// A text of a form of filters.
pub(super) fn field(name: &str, label: &str, value: &str) -> Markup {
    html! {
        span.field {
            label for={ "f-" (name) } { (label) }
            input id={ "f-" (name) } name=(name) value=(value) autocomplete="off"
                spellcheck="false";
        }
    }
}

/// What every form of the console carries.
#[derive(Deserialize)]
pub(super) struct Csrf {
    #[serde(default)]
    pub(super) csrf: String,
}

/// The answer to a form that is not of this login.
pub(super) fn forged(reader: &Reader, csrf: &str) -> Option<HttpResponse> {
    if guard::is_token_of(&reader.by, csrf) {
        return None;
    }
    let detail = "the form is of another login";
    Some(reader.problem(&Problem::new(ErrorCode::CrossSite, detail)))
}

/// A page of this server that could not be made now.
pub(super) fn unavailable(reader: &Reader, why: &dyn std::fmt::Display) -> HttpResponse {
    reader.problem(&Problem::new(ErrorCode::Overloaded, why.to_string()))
}

/// Rows that cannot be read: the log says why.
pub(super) fn unreadable(reader: &Reader, error: &dyn std::fmt::Display) -> HttpResponse {
    tracing::error!(%error, "the console cannot read rows");
    reader.problem(&Problem::new(ErrorCode::StoreCorrupt, ""))
}

/// Texts joined by what stands between them.
pub(super) fn joined(parts: impl IntoIterator<Item = Markup>, between: &str) -> Markup {
    let parts: Vec<String> = parts.into_iter().map(PreEscaped::into_string).collect();
    PreEscaped(parts.join(between))
}
