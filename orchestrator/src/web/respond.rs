//! Answers: problem documents with their status, and what every answer has in common.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header;

use crate::error::{PROBLEM_CONTENT_TYPE, Problem};

/// A problem as an answer.
pub(super) fn problem(problem: &Problem) -> HttpResponse {
    let status = problem.status.and_then(|status| StatusCode::from_u16(status).ok());
    HttpResponse::build(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        .content_type(PROBLEM_CONTENT_TYPE)
        .json(problem)
}

/// A problem that goes away by itself.
pub(super) fn retry_later(body: &Problem, retry_after_ms: u32) -> HttpResponse {
    let mut response = problem(body);
    // The header counts whole seconds.
    let seconds = retry_after_ms.div_ceil(1_000).max(1);
    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    response
}
