//! Retargeting audiences under `/api/v1/audiences`.

use actix_web::{HttpResponse, get, post, web};
use domain::ids::ChannelName;

use super::admin::answer;
use crate::access::principal::Principal;
use crate::web::Site;

/// Routes below `/api/v1`.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.service(list_audiences).service(export_audience);
}

#[get("/audiences")]
async fn list_audiences(site: web::Data<Site>) -> HttpResponse {
    answer(site.admin.audiences().await)
}

#[post("/audiences/{name}/export")]
async fn export_audience(
    site: web::Data<Site>,
    by: web::ReqData<Principal>,
    name: web::Path<String>,
) -> HttpResponse {
    let name = ChannelName::from(name.as_str());
    answer(site.admin.export_audience(&name, &by).await)
}
