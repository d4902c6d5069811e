//! Retargeting audiences under `/api/v1/audiences`.

use actix_web::{HttpResponse, get, post, web};
use domain::ids::ChannelName;
use schemars::JsonSchema;
use serde::Deserialize;

use super::admin::answer;
use super::cursor::List;
use super::page::{Page, PageQuery};
use super::sends::limit;
use crate::access::principal::Principal;
use crate::admin::Refusal;
use crate::members::{MEMBERS_MAX, MemberLine};
use crate::web::Site;

/// Members of a page, if nobody says how many.
const MEMBERS_DEFAULT: usize = 50;

/// Routes below `/api/v1`.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.service(list_audiences).service(list_members).service(export_audience);
}

#[get("/audiences")]
async fn list_audiences(site: web::Data<Site>, page: web::Query<PageQuery>) -> HttpResponse {
    let list = List::new("audiences", &());
    let found = site.admin.audiences().await;
    answer(found.and_then(|all| page.of(list, all, |one| one.name.clone())))
}

/// Which members are wanted.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MembersQuery {
    /// Most members of the page.
    #[schemars(range(min = 1, max = MEMBERS_MAX))]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

#[get("/audiences/{name}/members")]
async fn list_members(
    site: web::Data<Site>,
    by: web::ReqData<Principal>,
    name: web::Path<String>,
    query: web::Query<MembersQuery>,
) -> HttpResponse {
    answer(members(&site, &by, &name, &query).await)
}

async fn members(
    site: &Site,
    by: &Principal,
    name: &str,
    query: &MembersQuery,
) -> Result<Page<MemberLine>, Refusal> {
    let limit = limit(query.limit, MEMBERS_DEFAULT, MEMBERS_MAX)?;
    let list = List::new("members", &name);
    let from = list.place(query.cursor.as_deref())?;
    let found = site.admin.members(&ChannelName::from(name), from, limit, by).await?;
    let next_cursor = found.next.map(|next| list.cursor(&next));
    Ok(Page { items: found.items, next_cursor })
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
