//! The operations of people who run the server, under `/api/v1`. Served on the control socket,
//! which only the owner of the data directory can open, and over TCP behind the guard.

use actix_web::error::{InternalError, JsonPayloadError};
use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, get, post, web};
use domain::event::Recorded;
use domain::ids::{CUSTOMER_ID_MAX_BYTES, CustomerId, JourneyName};
use domain::time::Instant;
use engine::catalog::Control;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::access::principal::Principal;
use crate::admin::{ApiEntry, IMPORT_EVENTS_MAX, Proposal, Refusal, TestMessage, Trigger};
use crate::error::{ErrorCode, Problem};
use crate::timeline::TIMELINE_ROWS_MAX;
use crate::web::json::JsonMap;
use crate::web::raw::Raw;
use crate::web::{Site, idempotency, respond};

use super::cursor::List;
use super::page::PageQuery;
use super::sends::bounded;
use super::{access, audiences, catalog, customers, recorded, sends};

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
        let code = match &error {
            JsonPayloadError::Overflow { .. } | JsonPayloadError::OverflowKnownLength { .. } => {
                ErrorCode::PayloadTooLarge
            }
            JsonPayloadError::ContentType => ErrorCode::UnknownContentType,
            _ => ErrorCode::MalformedBody,
        };
        let problem = Problem::new(code, error.to_string());
        InternalError::from_response(error, respond::problem(&problem)).into()
    })
}

/// A query that cannot be read is a problem as well.
pub(crate) fn queries() -> web::QueryConfig {
    web::QueryConfig::default().error_handler(|error, _| {
        let problem = Problem::new(ErrorCode::BadParameter, error.to_string());
        InternalError::from_response(error, respond::problem(&problem)).into()
    })
}

/// So is a part of a path.
pub(crate) fn paths() -> web::PathConfig {
    web::PathConfig::default().error_handler(|error, _| {
        let problem = Problem::new(ErrorCode::BadParameter, error.to_string());
        InternalError::from_response(error, respond::problem(&problem)).into()
    })
}

/// Routes of the control socket, and of TCP.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    config.service(
        web::scope("/api/v1")
            .wrap(from_fn(idempotency::once))
            .app_data(web::PayloadConfig::new(ADMIN_BODY_BYTES_MAX))
            .app_data(json_bodies())
            .app_data(queries())
            .app_data(paths())
            .configure(access::configure)
            .configure(audiences::configure)
            .configure(catalog::configure)
            .configure(customers::configure)
            .configure(sends::configure)
            .service(status)
            .service(plan)
            .service(apply)
            .service(journeys)
            .service(show_journey)
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
    answer(site.admin.plan(proposal.into_inner()).await)
}

#[post("/apply")]
async fn apply(
    site: web::Data<Site>,
    by: web::ReqData<Principal>,
    proposal: web::Json<Proposal>,
) -> HttpResponse {
    answer(site.admin.apply(proposal.into_inner(), &by).await)
}

#[get("/journeys")]
async fn journeys(site: web::Data<Site>, page: web::Query<PageQuery>) -> HttpResponse {
    let list = List::new("journeys", &());
    let found = site.admin.journeys().await;
    answer(found.and_then(|all| page.of(list, all, |one| one.name.clone())))
}

#[get("/journeys/{name}")]
async fn show_journey(site: web::Data<Site>, name: web::Path<String>) -> HttpResponse {
    answer(site.admin.journey(&name).await)
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
        Ok(()) => answer(site.admin.journey(&name).await),
        Err(problem) => respond::problem(&problem),
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "EnrollmentOrder")]
pub(crate) struct Entry {
    /// The customer's id.
    #[schemars(length(min = 1, max = CUSTOMER_ID_MAX_BYTES))]
    customer: String,
    /// The entry key.
    #[serde(default)]
    key: String,
    /// What `event.properties` will say.
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

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rows {
    /// Turns to look back on at most.
    #[schemars(range(min = 1, max = TIMELINE_ROWS_MAX))]
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
    let rows = match bounded("rows", query.rows, TIMELINE_ROWS_MAX, TIMELINE_ROWS_MAX) {
        Ok(rows) => rows,
        Err(problem) => return respond::problem(&problem),
    };
    let mask = site.admin.mask(&by).await;
    answer(site.admin.timeline(&id, rows, mask).await)
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Look {
    /// Number of the first event that is wanted.
    #[schemars(range(max = u64::MAX))]
    #[serde(default)]
    from: u64,
    /// Only those that were not taken.
    #[serde(default)]
    rejected: bool,
}

/// The last events that came in.
#[get("/events")]
async fn live_events(site: web::Data<Site>, query: web::Query<Look>) -> HttpResponse {
    HttpResponse::Ok().json(site.live_events.look(query.from, query.rejected))
}

#[post("/send-test")]
async fn send_test(
    site: web::Data<Site>,
    by: web::ReqData<Principal>,
    test: web::Json<TestMessage>,
) -> HttpResponse {
    answer(site.admin.send_test(test.into_inner(), &by).await)
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportQuery {
    /// What the events set off.
    trigger: Trigger,
    /// How far the clock of a replay goes.
    #[schemars(extend("format" = "date-time"))]
    until: Option<String>,
    /// Version of the sender: the body is in the program's own encoding.
    version: String,
}

#[post("/import")]
async fn import(
    site: web::Data<Site>,
    by: web::ReqData<Principal>,
    query: web::Query<ImportQuery>,
    body: Raw,
) -> HttpResponse {
    let ours = env!("CARGO_PKG_VERSION");
    if query.version != ours {
        let detail = format!("the server is version {ours}, the import {}", query.version);
        return refuse(ErrorCode::StateConflict, detail);
    }
    let all: Vec<Recorded> = match engine::codec::decode("events", &body.0) {
        Ok(all) => all,
        Err(error) => return refuse(ErrorCode::MalformedBody, error.to_string()),
    };
    if all.len() > IMPORT_EVENTS_MAX {
        let detail = format!("{} events, at most {IMPORT_EVENTS_MAX}", all.len());
        return refuse(ErrorCode::TooManyEvents, detail);
    }
    // All or nothing: whoever sent this has read and checked it as we do.
    for (at, one) in all.iter().enumerate() {
        if let Err((code, detail)) = recorded::check(one) {
            return refuse(code, format!("event {at}: {detail}"));
        }
    }
    let until = match query.until.as_deref().map(Instant::parse) {
        None => None,
        Some(Some(until)) => Some(until),
        Some(None) => return refuse(ErrorCode::BadParameter, "`until` is not RFC 3339"),
    };
    answer(site.admin.import(query.trigger, all, until, &by).await)
}
