//! Segment's tracking API, as its client libraries speak it: `identify`, `track`, `page`,
//! `screen`, `group`, `alias`, `batch`, and the short names that browsers use. Answered when
//! durable.
//!
//! A batch is answered with 200 even if some of its items are bad: the client library would throw
//! all of it away otherwise. The bad ones stand in `rejected`, each with its place and reason.
//! The same doors take CloudEvents: see [`cloud_events`].

mod body;
mod call;
mod cloud_events;
mod durable;
mod sender;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::value::RawValue;

use self::body::JsonBody;
use self::call::{Receipt, one};
use self::durable::Request;
use crate::error::{ErrorCode, Problem};
use crate::web::Site;
use crate::web::respond;

pub use self::call::{
    Bad, EVENT_BYTES_MAX, GROUP_ID_TRAIT, GROUP_TRAIT, Item, MESSAGE_ID_MAX_BYTES, PAGE_VIEWED,
    SCREEN_VIEWED, grouped, read, viewed,
};
pub use self::cloud_events::IDENTIFY_TYPE;
pub(super) use self::durable::not_durable;

/// Largest body: RudderStack's clients send batches of up to 4 MB.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most events of one batch: Segment's own limit.
pub const BATCH_EVENTS_MAX: usize = 2_500;

/// The calls that have an address of their own, with the short one of browsers.
const CALLS: [(&str, [&str; 2]); 6] = [
    ("identify", ["/identify", "/i"]),
    ("track", ["/track", "/t"]),
    ("page", ["/page", "/p"]),
    ("screen", ["/screen", "/s"]),
    ("group", ["/group", "/g"]),
    ("alias", ["/alias", "/a"]),
];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Batch<'a> {
    #[serde(borrow)]
    batch: Vec<&'a RawValue>,
    sent_at: Option<String>,
    write_key: Option<String>,
}

/// Adds the routes below `/v1`.
pub(crate) fn configure(routes: &mut web::ServiceConfig) {
    for (kind, addresses) in CALLS {
        let call = move |site: web::Data<Site>, request: HttpRequest, body: JsonBody| async move {
            single(&site, &request, &body, kind).await
        };
        routes.service(web::resource(addresses).route(web::post().to(call)));
    }
    routes
        .service(web::resource(["/batch", "/b", "/import"]).route(web::post().to(batch)))
        .service(web::resource("/events").route(web::post().to(cloud_events::take)));
}

async fn batch(site: web::Data<Site>, request: HttpRequest, body: JsonBody) -> HttpResponse {
    let parsed: Batch<'_> = match serde_json::from_str(&body) {
        Ok(parsed) => parsed,
        // Whoever may not send hears no more than that.
        Err(error) => match sender::source(&site, &request, None) {
            Some(_) => return malformed(&error),
            None => return sender::unauthorised(),
        },
    };
    let Some(source) = sender::source(&site, &request, parsed.write_key.as_deref()) else {
        return sender::unauthorised();
    };
    if parsed.batch.len() > BATCH_EVENTS_MAX {
        return too_many(parsed.batch.len());
    }
    let receipt = Receipt { now: site.now(), sent_at: parsed.sent_at.as_deref() };
    let mut wanted = Request::new(&site, source);
    for raw in &parsed.batch {
        wanted.add(raw.get(), None, one(raw.get(), None, receipt));
    }
    wanted.take_in().await
}

async fn single(site: &Site, request: &HttpRequest, text: &str, kind: &str) -> HttpResponse {
    let Some(source) = sender::source_of_call(site, request, text) else {
        return sender::unauthorised();
    };
    let receipt = Receipt { now: site.now(), sent_at: None };
    let wanted = Request::new(site, source);
    durable::alone(wanted, text, Some(kind), one(text, Some(kind), receipt)).await
}

fn too_many(events: usize) -> HttpResponse {
    let detail = format!("{events} events, at most {BATCH_EVENTS_MAX}");
    respond::problem(&Problem::new(ErrorCode::TooManyEvents, detail))
}

fn malformed(error: &serde_json::Error) -> HttpResponse {
    respond::problem(&Problem::new(ErrorCode::MalformedBody, error.to_string()))
}
