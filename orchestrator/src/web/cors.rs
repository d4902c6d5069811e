//! Which pages of other origins may send events. Nothing else here answers to them.

use actix_cors::Cors;
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
