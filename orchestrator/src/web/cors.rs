//! Which pages of other origins may send events. Nothing else here answers to them.

use actix_cors::Cors;
use actix_web::http::header::{HeaderMap, HeaderValue};
use actix_web::http::{Method, header};

/// Any origin.
const ANY: &str = "*";
/// How long a browser may keep the answer to its question, in seconds: a day, of which Chromium
/// takes two hours.
const MAX_AGE_S: usize = 86_400;

/// For the addresses that take events. They need no cookie, and a write key is public, so that
/// `*` gives nothing away.
pub(super) fn events(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods([Method::POST])
        .allowed_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::CONTENT_ENCODING])
        .max_age(MAX_AGE_S);
    if origins.iter().any(|origin| origin == ANY) {
        return cors.allow_any_origin().send_wildcard();
    }
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}

/// Lets a page read why it was refused before its events came to the addresses above.
pub(super) fn show(origins: &[String], asked: &HeaderMap, refusal: &mut HeaderMap) {
    let Some(origin) = asked.get(header::ORIGIN) else {
        return;
    };
    let allowed = if origins.iter().any(|known| known == ANY) {
        HeaderValue::from_static(ANY)
    } else if origins.iter().any(|known| known.as_bytes() == origin.as_bytes()) {
        refusal.insert(header::VARY, HeaderValue::from_static("Origin"));
        origin.clone()
    } else {
        return;
    };
    refusal.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
}
