//! `/livez`, `/readyz`, `/metrics`.

use actix_web::{HttpResponse, get, web};

use crate::error::{ErrorCode, Problem};
use crate::telemetry::metrics::METRICS_CONTENT_TYPE;
use crate::web::Site;
use crate::web::console::counts;
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

/// The metrics, as OpenMetrics text. What the partitions and the store count themselves is taken
/// over now; a partition that is too busy to say leaves it at what it was.
#[get("/metrics")]
pub(crate) async fn metrics(site: web::Data<Site>) -> HttpResponse {
    if let Ok(overview) = counts::overview(&site.directory).await {
        for (rule, counts) in &overview.rules {
            let count = |count: i64| u64::try_from(count).unwrap_or(0);
            site.metrics.ruled(rule, count(counts.held), count(counts.refused));
        }
        site.metrics.outbox_open.set(i64::try_from(overview.open).unwrap_or(i64::MAX));
    }
    let store = site.store.clone();
    if let Ok(usage) = web::block(move || store.usage()).await {
        let tables = usage.disk_bytes.saturating_sub(usage.journal_bytes);
        site.metrics.store_bytes(usage.journal_bytes, tables);
    }
    HttpResponse::Ok().content_type(METRICS_CONTENT_TYPE).body(site.metrics.render())
}
