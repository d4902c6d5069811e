//! A body that is read as it is.

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::{Error, FromRequest, HttpRequest, web};

use super::respond;
use crate::error::{ErrorCode, Problem};

/// The bytes of a body. What is too long or breaks off is answered as everything else is: with a
/// problem.
#[derive(Debug)]
pub(crate) struct Raw(pub(crate) web::Bytes);

impl FromRequest for Raw {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = web::Bytes::from_request(request, payload);
        Box::pin(async move { bytes.await.map(Self).map_err(refusal) })
    }
}

fn refusal(error: Error) -> Error {
    let code = match error.as_response_error().status_code() {
        StatusCode::PAYLOAD_TOO_LARGE => ErrorCode::PayloadTooLarge,
        _ => ErrorCode::MalformedBody,
    };
    let response = respond::problem(&Problem::new(code, error.to_string()));
    InternalError::from_response(error, response).into()
}
