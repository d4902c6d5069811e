//! What is published: documents, versions of journeys, segments, policy, channels.

use std::cmp::Reverse;

use actix_web::{HttpResponse, get, web};
use domain::ids::JourneyName;
use schemars::JsonSchema;
use serde::Deserialize;

use super::admin::answer;
use super::cursor::List;
use super::page::{ITEMS_MAX, PageQuery};
use super::sends::bad;
use crate::admin::Refusal;
use crate::config::Kind;
use crate::web::Site;

/// Routes below `/api/v1`.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .service(list_definitions)
        .service(show_definition)
        .service(list_versions)
        .service(diff_versions)
        .service(list_segments)
        .service(show_policy)
        .service(list_channels)
        .service(list_templates);
}

type Shared = web::Data<Site>;

/// Which documents are wanted.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DefinitionsQuery {
    /// Of this kind.
    kind: Option<Kind>,
    /// Most items of the page.
    #[schemars(range(min = 1, max = ITEMS_MAX))]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

#[get("/definitions")]
async fn list_definitions(site: Shared, query: web::Query<DefinitionsQuery>) -> HttpResponse {
    let DefinitionsQuery { kind, limit, cursor } = query.into_inner();
    let page = PageQuery { limit, cursor };
    let all = site.admin.definitions(kind).await;
    let list = List::new("definitions", &kind.map(Kind::word));
    answer(page.of(list, all, |one| (one.kind, one.name.clone())))
}

fn kind(word: &str) -> Result<Kind, Refusal> {
    let known = || Kind::ALL.map(Kind::word).join(", ");
    let found = Kind::ALL.into_iter().find(|kind| kind.word() == word);
    found.ok_or_else(|| bad("kind", format!("it is one of {}", known())))
}

#[get("/definitions/{kind}/{name}")]
async fn show_definition(site: Shared, path: web::Path<(String, String)>) -> HttpResponse {
    let (word, name) = path.into_inner();
    match kind(&word) {
        Ok(kind) => answer(site.admin.definition(kind, &name).await),
        Err(refusal) => answer::<()>(Err(refusal)),
    }
}

#[get("/journeys/{name}/versions")]
async fn list_versions(
    site: Shared,
    name: web::Path<String>,
    page: web::Query<PageQuery>,
) -> HttpResponse {
    let list = List::new("versions", &name.as_str());
    let found = site.admin.versions(&JourneyName::from(name.as_str())).await;
    answer(found.and_then(|all| page.of(list, all, |one| Reverse(one.version))))
}

/// Which versions are compared.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DiffQuery {
    /// This version.
    #[schemars(range(max = u32::MAX))]
    from: u32,
    /// With this one.
    #[schemars(range(max = u32::MAX))]
    to: u32,
}

#[get("/journeys/{name}/diff")]
async fn diff_versions(
    site: Shared,
    name: web::Path<String>,
    query: web::Query<DiffQuery>,
) -> HttpResponse {
    let journey = JourneyName::from(name.as_str());
    answer(site.admin.diff(&journey, query.from, query.to).await)
}

#[get("/segments")]
async fn list_segments(site: Shared, page: web::Query<PageQuery>) -> HttpResponse {
    let list = List::new("segments", &());
    let found = site.admin.segments().await;
    answer(found.and_then(|all| page.of(list, all, |one| one.name.clone())))
}

#[get("/policy")]
async fn show_policy(site: Shared) -> HttpResponse {
    HttpResponse::Ok().json(site.admin.policy().await)
}

#[get("/channels")]
async fn list_channels(site: Shared, page: web::Query<PageQuery>) -> HttpResponse {
    let list = List::new("channels", &());
    answer(page.of(list, site.admin.channels().await, |one| one.name.clone()))
}

#[get("/templates")]
async fn list_templates(site: Shared, page: web::Query<PageQuery>) -> HttpResponse {
    let list = List::new("templates", &());
    let all = site.admin.definitions(Some(Kind::Template)).await;
    answer(page.of(list, all, |one| one.name.clone()))
}
