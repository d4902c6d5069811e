//! `/livez`, `/readyz`, `/metrics`.

use actix_web::{HttpResponse, get, web};

use crate::error::{ErrorCode, Problem};
use crate::telemetry::metrics::METRICS_CONTENT_TYPE;
use crate::web::Site;
use crate::web::respond;

/// The process runs. Touches nothing else: a slow disk must not get the process killed.
#[get("/livez")]
pub(crate) async fn livez() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// The process takes events.
#[get("/readyz")]
pub(crate) async fn readyz(site: web::Data<Site>) -> HttpResponse {
    if site.is_stopping() {
        return respond::problem(&Problem::new(ErrorCode::ShuttingDown, ""));
    }
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ready\n")
}

/// The metrics, as OpenMetrics text.
#[get("/metrics")]
pub(crate) async fn metrics(site: web::Data<Site>) -> HttpResponse {
    HttpResponse::Ok().content_type(METRICS_CONTENT_TYPE).body(site.metrics.render())
}
