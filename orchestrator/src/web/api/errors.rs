//! What an error means and what to do: the page that the `type` of a problem leads to.

use actix_web::{HttpResponse, get, web};

use super::admin::refuse;
use crate::error::{self, ErrorCode};

/// Media type of a page.
pub(crate) const MARKDOWN: &str = "text/markdown; charset=utf-8";

#[get("/errors/{code}")]
pub(crate) async fn error_page(code: web::Path<String>) -> HttpResponse {
    match error::find(&code) {
        Some(row) => HttpResponse::Ok().content_type(MARKDOWN).body(row.page),
        None => refuse(ErrorCode::NotFound, format!("no error has the code `{code}`")),
    }
}
