//! The body of a call: JSON in UTF-8, plain or by gzip, whatever its client calls it.

use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::error::{InternalError, PayloadError};
use actix_web::http::header;
use actix_web::{Error, FromRequest, HttpRequest, web};
use bytestring::ByteString;

use crate::error::{ErrorCode, Problem};
use crate::web::respond;

/// Media types that hold JSON here: browsers send `text/plain`, because it needs no preflight; curl
/// and RudderStack's library for Node say that they send a form when nobody tells them otherwise.
const TYPES: [&str; 3] = ["application/json", "text/plain", "application/x-www-form-urlencoded"];
/// Structured media types (RFC 6839) end so: `application/cloudevents+json`.
const JSON_SUFFIX: &str = "+json";
/// Encodings that are undone before a handler sees the body.
const ENCODINGS: [&str; 3] = ["gzip", "deflate", "identity"];

/// The text of a body, decoded.
#[derive(Debug)]
pub(super) struct JsonBody(ByteString);

impl Deref for JsonBody {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

fn refusal(code: ErrorCode, detail: impl Into<String>) -> Error {
    let detail = detail.into();
    let response = respond::problem(&Problem::new(code, detail.clone()));
    InternalError::from_response(detail, response).into()
}

/// The media type of a request, in lower case and without parameters.
pub(super) fn media_type(request: &HttpRequest) -> Option<String> {
    let value = request.headers().get(header::CONTENT_TYPE)?.to_str().ok()?;
    let kind = value.split(';').next().unwrap_or_default().trim();
    Some(kind.to_ascii_lowercase())
}

fn refused(request: &HttpRequest) -> Option<Error> {
    let encoding = request.headers().get(header::CONTENT_ENCODING);
    let encoding = encoding.map(|value| value.to_str().unwrap_or("?").trim().to_ascii_lowercase());
    if let Some(unknown) = encoding.filter(|encoding| !ENCODINGS.contains(&encoding.as_str())) {
        let detail = format!("content encoding `{unknown}`");
        return Some(refusal(ErrorCode::UnknownContentType, detail));
    }
    let kind = media_type(request).filter(|kind| !kind.is_empty())?;
    let known = TYPES.contains(&kind.as_str()) || kind.ends_with(JSON_SUFFIX);
    let detail = || format!("content type `{kind}`");
    (!known).then(|| refusal(ErrorCode::UnknownContentType, detail()))
}

/// What went wrong on the way from the socket.
fn broken(error: &Error) -> Error {
    match error.as_error::<PayloadError>() {
        Some(PayloadError::Overflow) => refusal(ErrorCode::PayloadTooLarge, ""),
        Some(PayloadError::EncodingCorrupted | PayloadError::Io(_)) => {
            refusal(ErrorCode::MalformedBody, "the body does not hold what its encoding says")
        }
        _ => refusal(ErrorCode::MalformedBody, error.to_string()),
    }
}

impl FromRequest for JsonBody {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if let Some(refused) = refused(request) {
            return Box::pin(async move { Err(refused) });
        }
        let bytes = web::Bytes::from_request(request, payload);
        Box::pin(async move {
            let bytes = bytes.await.map_err(|error| broken(&error))?;
            let text = ByteString::try_from(bytes);
            text.map(Self).map_err(|_| refusal(ErrorCode::MalformedBody, "the body is not UTF-8"))
        })
    }
}
