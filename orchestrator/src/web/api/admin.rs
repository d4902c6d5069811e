//! The operations of people who run the server, under `/api/v1`. Served on the control socket,
//! which only the owner of the data directory can open, and over TCP behind the guard.

use actix_web::error::InternalError;
use actix_web::{HttpResponse, get, post, web};
use domain::event::Recorded;
use domain::ids::{CustomerId, JourneyName};
use domain::time::Instant;
use engine::catalog::Control;
use serde::Deserialize;

use crate::access::principal::Principal;
use crate::admin::{ApiEntry, IMPORT_EVENTS_MAX, Proposal, Refusal, TestMessage, Trigger};
use crate::error::{ErrorCode, Problem};
use crate::timeline::TIMELINE_ROWS_MAX;
use crate::web::json::JsonMap;
use crate::web::{Site, respond};

use super::{access, audiences, sends};

/// Largest body of a proposal or of one import request.
pub(crate) const ADMIN_BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

pub(super) fn answer<T: serde::Serialize>(result: Result<T, Refusal>) -> HttpResponse {
    match result {
        Ok(value) => HttpResponse::Ok().json(value),
        Err(problem) => respond::problem(&problem),
    }
}

pub(super) fn refuse(code: ErrorCode, detail: impl Into<String>) -> HttpResponse {
    respond::problem(&Problem::new(code, detail))
}

/// Bodies as large as a campaign; one that cannot be read is answered as everything else is.
fn json_bodies() -> web::JsonConfig {
    web::JsonConfig::default().limit(ADMIN_BODY_BYTES_MAX).error_handler(|error, _| {
        let problem = Problem::new(ErrorCode::MalformedBody, error.to_string());
        InternalError::from_response(error, respond::problem(&problem)).into()
    })
}

/// A query that cannot be read is a problem as well.
fn queries() -> web::QueryConfig {
    web::QueryConfig::default().error_handler(|error, _| {
        let problem = Problem::new(ErrorCode::BadParameter, error.to_string());
        InternalError::from_response(error, respond::problem(&problem)).into()
    })
}

/// So is a part of a path.
fn paths() -> web::PathConfig {
    web::PathConfig::default().error_handler(|error, _| {
        let problem = Problem::new(ErrorCode::BadParameter, error.to_string());
        InternalError::from_response(error, respond::problem(&problem)).into()
    })
}

/// Routes of the control socket, and of TCP.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    config.service(
        web::scope("/api/v1")
            .app_data(web::PayloadConfig::new(ADMIN_BODY_BYTES_MAX))
            .app_data(json_bodies())
            .app_data(queries())
            .app_data(paths())
            .configure(access::configure)
            .configure(audiences::configure)
            .configure(sends::configure)
            .service(status)
            .service(plan)
            .service(apply)
            .service(journeys)
            .service(enroll)
            .service(control)
            .service(timeline)
            .service(live_events)
            .service(send_test)
            .service(import),
    );
}

#[get("/status")]
async fn status(site: web::Data<Site>) -> HttpResponse {
    HttpResponse::Ok().json(site.admin.status().await)
}

#[post("/plan")]
async fn plan(site: web::Data<Site>, proposal: web::Json<Proposal>) -> HttpResponse {
    answer(site.admin.plan(&proposal).await)
}

#[post("/apply")]
async fn apply(
    site: web::Data<Site>,
    by: web::ReqData<Principal>,
    proposal: web::Json<Proposal>,
) -> HttpResponse {
    answer(site.admin.apply(&proposal, &by).await)
}

#[get("/journeys")]
async fn journeys(site: web::Data<Site>) -> HttpResponse {
    answer(site.admin.journeys().await)
}

#[post("/journeys/{name}/{action:pause|resume|stop}")]
async fn control(
    site: web::Data<Site>,
    by: web::ReqData<Principal>,
    path: web::Path<(String, String)>,
) -> HttpResponse {
    let (name, action) = path.into_inner();
    let control = match action.as_str() {
        "pause" => Control::Paused,
        "resume" => Control::Running,
        "stop" => Control::Stopped,
        _ => return refuse(ErrorCode::NotFound, format!("`{action}` is no action of a journey")),
    };
    let journey = JourneyName::from(name.as_str());
    match site.admin.control(&journey, control, &by).await {
        Ok(()) => answer(site.admin.journeys().await.map(|mut all| {
            all.retain(|state| state.name == name);
            all
        })),
        Err(problem) => respond::problem(&problem),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    customer: String,
    #[serde(default)]
    key: String,
    #[serde(default)]
    properties: JsonMap,
}

#[post("/journeys/{name}/enrollments")]
async fn enroll(
    site: web::Data<Site>,
    by: web::ReqData<Principal>,
    name: web::Path<String>,
    entry: web::Json<Entry>,
) -> HttpResponse {
    let journey = JourneyName::from(name.as_str());
    let Entry { customer, key, properties } = entry.into_inner();
    let entry = ApiEntry { customer, key, properties: properties.0 };
    answer(site.admin.enroll(&journey, entry, &by).await)
}

#[derive(Debug, Deserialize)]
struct Rows {
    rows: Option<usize>,
}

#[get("/customers/{id}/timeline")]
async fn timeline(
    site: web::Data<Site>,
    by: web::ReqData<Principal>,
    id: web::Path<String>,
    query: web::Query<Rows>,
) -> HttpResponse {
    let id = CustomerId::from(id.as_str());
    let rows = query.rows.unwrap_or(TIMELINE_ROWS_MAX);
    let mask = site.admin.mask(&by).await;
    answer(site.admin.timeline(&id, rows, &mask))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Look {
    /// Number of the first event that is wanted.
    #[serde(default)]
    from: u64,
    /// Only those that were not taken.
    #[serde(default)]
    rejected: bool,
}

/// The last events that came in.
#[get("/events")]
async fn live_events(site: web::Data<Site>, query: web::Query<Look>) -> HttpResponse {
    HttpResponse::Ok().json(site.live_events.look(site.now(), query.from, query.rejected))
}

#[post("/send-test")]
async fn send_test(
    site: web::Data<Site>,
    by: web::ReqData<Principal>,
    test: web::Json<TestMessage>,
) -> HttpResponse {
    answer(site.admin.send_test(test.into_inner(), &by).await)
}

#[derive(Debug, Deserialize)]
struct ImportQuery {
    trigger: Trigger,
    until: Option<String>,
    /// Version of the sender: the body is in the program's own encoding.
    version: String,
}

#[post("/import")]
async fn import(
    site: web::Data<Site>,
    by: web::ReqData<Principal>,
    query: web::Query<ImportQuery>,
    body: web::Bytes,
) -> HttpResponse {
    let ours = env!("CARGO_PKG_VERSION");
    if query.version != ours {
        let detail = format!("the server is version {ours}, the import {}", query.version);
        return refuse(ErrorCode::StateConflict, detail);
    }
    let all: Vec<Recorded> = match engine::codec::decode("events", &body) {
        Ok(all) => all,
        Err(error) => return refuse(ErrorCode::MalformedBody, error.to_string()),
    };
    if all.len() > IMPORT_EVENTS_MAX {
        let detail = format!("{} events, at most {IMPORT_EVENTS_MAX}", all.len());
        return refuse(ErrorCode::TooManyEvents, detail);
    }
    let until = match query.until.as_deref().map(Instant::parse) {
        None => None,
        Some(Some(until)) => Some(until),
        Some(None) => return refuse(ErrorCode::BadParameter, "`until` is not RFC 3339"),
    };
    answer(site.admin.import(query.trigger, all, until, &by).await)
}
