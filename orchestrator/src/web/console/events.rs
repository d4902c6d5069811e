//! The page `/events`: the events that come in, as they came, with what became of each. For those
//! who connect an application; needs the scope `personal`, as the events are whole.

use actix_web::{HttpResponse, get, web};
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{self, Frame, Section};
use super::parts::{self, Column};
use super::reader::Reader;
use super::{steps, text};
use crate::web::Site;
use crate::web::live_events::{Seen, Verdict};

/// Events of the page.
const EVENTS_SHOWN: usize = 50;

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    result: String,
}

#[get("/events")]
pub(super) async fn events_page(
    site: web::Data<Site>,
    reader: Reader,
    asked: web::Query<Asked>,
) -> HttpResponse {
    let rejected = asked.result == "rejected";
    let events = site.live_events.newest(EVENTS_SHOWN, rejected);
    let options = [("rejected".to_owned(), reader.t(text::ONLY_REJECTED).to_owned())];
    let content = html! {
        p.soft { (reader.t(text::EVENTS_MEANS)) }
        form.filters action="/events" method="get" {
            (parts::select(
                "result",
                reader.t(text::SHOWN),
                reader.t(text::ALL),
                &asked.result,
                &options,
            ))
            button type="submit" { (reader.t(text::SHOW)) }
        }
        (listed(&reader, &events))
    };
    let title = reader.t(text::EVENTS);
    layout::page(&reader, Frame { title, here: Section::Events, live: true }, &content)
}

fn listed(reader: &Reader, events: &[Seen]) -> Markup {
    if events.is_empty() {
        return parts::empty(reader.t(text::NO_EVENTS), reader.t(text::NO_EVENTS_ADVICE));
    }
    let columns = [
        Column::Text(text::WHEN),
        Column::Text(text::RESULT),
        Column::Text(text::KIND),
        Column::Text(text::EVENT),
        Column::Text(text::CUSTOMER),
        Column::Text(text::SOURCE),
    ];
    let rows = html! {
        @for event in events {
            tr {
                td.left { (reader.at_text(&event.at)) }
                td.left {
                    @match &event.verdict {
                        Verdict::Accepted => (reader.badge("accepted")),
                        Verdict::Rejected { .. } => (reader.badge("rejected")),
                    }
                }
                td.left { (event.kind.as_deref().unwrap_or_default()) }
                td.left.words {
                    (event.event.as_deref().unwrap_or_default())
                    @if let Verdict::Rejected { code, detail } = &event.verdict {
                        div.words {
                            code { (code) } " " (reader.title_of(code)) " "
                            span.soft lang="en" { (detail) }
                        }
                    }
                    details id={ "event-" (event.number) } {
                        summary { (reader.t(text::AS_IT_CAME)) }
                        pre.raw tabindex="0" { (pretty(&event.text)) }
                    }
                }
                td.left {
                    @if let Some(id) = &event.customer { (steps::customer(reader, id)) }
                }
                td.left { (event.source) }
            }
        }
    };
    parts::table(reader, reader.t(text::EVENTS), &columns, &rows)
}

/// JSON line by line; what is none stays as it came.
fn pretty(text: &str) -> String {
    let parsed: Result<serde_json::Value, _> = serde_json::from_str(text);
    parsed.ok().and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or(text.into())
}
