//! Who sends events: the guard has looked at the head of the request; a write key may also stand in
//! the body.

use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use serde::Deserialize;

use crate::access::principal::Principal;
use crate::error::{ErrorCode, Problem};
use crate::web::{Site, presented, respond};

/// The source that a request comes from; `None` if it may not send. A key in the head wins over one
/// in the body.
pub(super) fn source(site: &Site, request: &HttpRequest, in_body: Option<&str>) -> Option<String> {
    if let Some(source) = in_head(request) {
        return Some(source);
    }
    let from = presented::address(site, request);
    let sender = site.admin.access.by_write_key(&site.senders, Some(in_body?), from).ok()?;
    sender.source().map(str::to_owned)
}

/// As [`source`], where the body is one call.
pub(super) fn source_of_call(site: &Site, request: &HttpRequest, text: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Only {
        write_key: Option<String>,
    }
    if let Some(source) = in_head(request) {
        return Some(source);
    }
    let in_body = serde_json::from_str::<Only>(text).ok()?.write_key?;
    source(site, request, Some(&in_body))
}

/// The source of whom the guard has let through.
fn in_head(request: &HttpRequest) -> Option<String> {
    request.extensions().get::<Principal>()?.source().map(str::to_owned)
}

pub(super) fn unauthorised() -> HttpResponse {
    respond::problem(&Problem::new(ErrorCode::UnauthorisedWriteKey, ""))
}
