//! The page `/journeys`, and the buttons that pause, resume and stop a journey.

use actix_web::{HttpResponse, get, post, web};
use domain::ids::JourneyName;
use engine::catalog::Control;
use maud::{Markup, html};

use super::layout::{self, Frame, Section};
use super::parts::{self, Column, Csrf};
use super::reader::Reader;
use super::text;
use crate::access::scope::Scope;
use crate::admin::JourneyState;
use crate::error::{ErrorCode, Problem};
use crate::web::Site;

/// Link to a journey's page.
pub(super) fn link(name: &str) -> String {
    format!("/journeys/{}", layout::escaped(name))
}

/// The stable word of a control.
pub(super) fn control_word(control: Control) -> &'static str {
    match control {
        Control::Running => "running",
        Control::Paused => "paused",
        Control::Stopped => "stopped",
    }
}

#[get("/journeys")]
pub(super) async fn journeys_page(site: web::Data<Site>, reader: Reader) -> HttpResponse {
    match site.admin.journeys().await {
        Ok(journeys) => {
            let title = reader.t(text::JOURNEYS);
            let frame = Frame { title, here: Section::Journeys, live: true };
            layout::page(&reader, frame, &listed(&reader, &journeys))
        }
        Err(problem) => reader.problem(&problem),
    }
}

/// All journeys, one line each.
pub(super) fn listed(reader: &Reader, journeys: &[JourneyState]) -> Markup {
    if journeys.is_empty() {
        return parts::empty(reader.t(text::NO_JOURNEYS), reader.t(text::APPLY_ADVICE));
    }
    let columns = [
        Column::Text(text::JOURNEY),
        Column::Text(text::STATE),
        Column::Number(text::VERSION),
        Column::Number(text::ENTERED),
        Column::Number(text::ACTIVE),
        Column::Number(text::SENT),
        Column::Number(text::TIMES_HELD),
        Column::Number(text::REFUSED),
    ];
    let rows = html! {
        @for journey in journeys {
            tr data-journey=(journey.name) {
                th.left scope="row" { a href=(link(&journey.name)) { (journey.name) } }
                td.left { (reader.badge(control_word(journey.state))) }
                td {
                    @match journey.version {
                        Some(version) => (version),
                        None => span.soft { (reader.t(text::NOT_PUBLISHED)) }
                    }
                }
                td { (reader.number(journey.entered)) }
                td { (reader.number(journey.active)) }
                td { (reader.number(journey.sent)) }
                td { (reader.number(journey.held)) }
                td { (reader.number(journey.refused)) }
            }
        }
    };
    parts::table(reader, reader.t(text::JOURNEYS), &columns, &rows)
}

/// The buttons for a journey, for those who may use them.
pub(super) fn controls(reader: &Reader, name: &str, control: Control) -> Markup {
    let button = |action: &str, label, danger: bool| {
        html! {
            form action={ (link(name)) "/" (action) } method="post" {
                (reader.csrf())
                button.danger[danger] type="submit" { (reader.t(label)) }
            }
        }
    };
    html! {
        @if reader.may(Scope::Operate) && reader.by.session.is_some() {
            div.actions {
                @match control {
                    Control::Running => (button("pause", text::PAUSE, false)),
                    Control::Paused => (button("resume", text::RESUME, false)),
                    Control::Stopped => (button("resume", text::START_AGAIN, false)),
                }
                @if control != Control::Stopped {
                    details.confirm #stop {
                        summary { (reader.t(text::STOP_ASK)) }
                        div.panel {
                            p { (reader.t(text::STOP_MEANS)) }
                            (button("stop", text::STOP, true))
                        }
                    }
                }
            }
        }
    }
}

/// A button was pressed: the same operation as that of the API, with its audit row.
#[post("/journeys/{name}/{action:pause|resume|stop}")]
pub(super) async fn control_journey(
    site: web::Data<Site>,
    reader: Reader,
    path: web::Path<(String, String)>,
    sent: web::Form<Csrf>,
) -> HttpResponse {
    if let Some(refused) = parts::forged(&reader, &sent.csrf) {
        return refused;
    }
    let (name, action) = path.into_inner();
    let control = match action.as_str() {
        "pause" => Control::Paused,
        "resume" => Control::Running,
        "stop" => Control::Stopped,
        _ => return reader.problem(&Problem::new(ErrorCode::NotFound, "")),
    };
    match site.admin.control(&JourneyName::from(name.as_str()), control, &reader.by).await {
        Ok(()) => layout::see_other(&link(&name)),
        Err(problem) => reader.problem(&problem),
    }
}
