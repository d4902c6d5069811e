//! Retargeting audiences under `/api/v1/audiences`.

use actix_web::{HttpResponse, get, post, web};
use domain::ids::ChannelName;

use super::admin::answer;
use super::cursor::List;
use super::page::PageQuery;
use crate::access::principal::Principal;
use crate::web::Site;

/// Routes below `/api/v1`.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.service(list_audiences).service(export_audience);
}

#[get("/audiences")]
async fn list_audiences(site: web::Data<Site>, page: web::Query<PageQuery>) -> HttpResponse {
    let list = List::new("audiences", &());
    let found = site.admin.audiences().await;
    answer(found.and_then(|all| page.of(list, all, |one| one.name.clone())))
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
