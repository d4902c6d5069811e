//! Who sends events: a write key, as Segment's libraries present it.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine as _;
use serde::Deserialize;

use crate::error::{ErrorCode, Problem};
use crate::web::{Site, respond};

/// Name of the source where no write keys are set.
const ANYBODY: &str = "open";
/// Characters of a key by which its source is called: enough to tell keys apart, no secret.
const NAME_CHARS: usize = 4;

/// The source that a request comes from; `None` if it may not send. The key stands in the header
/// as the user name of basic authorisation, or in the body. Without any configured key everybody
/// may send.
pub(super) fn source(site: &Site, request: &HttpRequest, in_body: Option<&str>) -> Option<String> {
    if site.write_keys.is_empty() {
        return Some(ANYBODY.to_owned());
    }
    let in_header = in_header(request);
    let key = in_header.as_deref().or(in_body)?;
    // Hashes are compared, so that the time taken tells nothing of how much of a key was right.
    let hash = blake3::hash(key.as_bytes());
    let known = |known: &&String| blake3::hash(known.as_bytes()) == hash;
    let key = site.write_keys.iter().find(known)?;
    Some(key.chars().take(NAME_CHARS).chain("…".chars()).collect())
}

/// As [`source`], where the body is one call.
pub(super) fn source_of_call(site: &Site, request: &HttpRequest, text: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Only {
        write_key: Option<String>,
    }
    let reads_body = !site.write_keys.is_empty() && in_header(request).is_none();
    let only = || serde_json::from_str::<Only>(text).ok()?.write_key;
    let in_body = reads_body.then(only).flatten();
    source(site, request, in_body.as_deref())
}

fn in_header(request: &HttpRequest) -> Option<String> {
    let text = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let encoded = text.strip_prefix("Basic ").or_else(|| text.strip_prefix("basic "))?;
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    // Some libraries leave the colon out.
    Some(decoded.split(':').next().unwrap_or_default().to_owned())
}

pub(super) fn unauthorised() -> HttpResponse {
    respond::problem(&Problem::new(ErrorCode::UnauthorisedWriteKey, ""))
}
