//! `/livez`, `/readyz`, `/metrics`.

use std::sync::Arc;

use actix_web::http::header::ACCEPT;
use actix_web::{HttpRequest, HttpResponse, get, web};

use crate::error::{ErrorCode, Problem};
use crate::telemetry::export::Exposition;
use crate::telemetry::metrics::{OPEN_METRICS, PLAIN_METRICS};
use crate::web::Site;
use crate::web::console::counts;
use crate::web::respond;

/// What a scraper names that wants exemplars.
const OPEN_METRICS_TYPE: &str = "application/openmetrics-text";

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

/// The metrics: as OpenMetrics text, with exemplars, for who accepts that, else in Prometheus' own.
#[get("/metrics")]
pub(crate) async fn metrics(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    refresh(&site).await;
    let accepted = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok());
    let (kind, text) = match accepted.is_some_and(|accept| accept.contains(OPEN_METRICS_TYPE)) {
        true => (OPEN_METRICS, site.metrics.render()),
        false => (PLAIN_METRICS, site.metrics.render_plain()),
    };
    HttpResponse::Ok().content_type(kind).body(text)
}

/// The metrics for the collector.
pub(crate) fn exposition(site: Arc<Site>) -> Exposition {
    Arc::new(move || {
        let site = site.clone();
        Box::pin(async move {
            refresh(&site).await;
            site.metrics.render()
        })
    })
}

/// Takes over what the partitions and the store count themselves; a partition that is too busy to
/// say leaves it at what it was.
async fn refresh(site: &Site) {
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
}
