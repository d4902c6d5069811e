//! Managing tokens and users, and reading the audit log.

use actix_web::{HttpResponse, get, post, web};
use domain::time::Instant;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::admin::answer;
use super::cursor::List;
use super::page::{Page, PageQuery};
use super::sends::limit;
use crate::access::audit::{AUDIT_ROWS_MAX, AuditRow};
use crate::access::principal::Principal;
use crate::access::scope::{Role, Scopes};
use crate::access::user::{PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN};
use crate::access::{NewToken, NewUser, Rotation, TokenState};
use crate::admin::Refusal;
use crate::error::{ErrorCode, Problem};
use crate::web::Site;

/// Rows of the audit log, if nobody says how many.
const AUDIT_ROWS_DEFAULT: usize = 100;

/// Routes below `/api/v1`.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .service(whoami)
        .service(list_tokens)
        .service(create_token)
        .service(rotate_token)
        .service(revoke_token)
        .service(list_users)
        .service(create_user)
        .service(set_role)
        .service(set_password)
        .service(delete)
        .service(disable)
        .service(enable)
        .service(list_audit);
}

type Shared = web::Data<Site>;
type By = web::ReqData<Principal>;

/// Who asks, and what she may do.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Whoami {
    who: String,
    scopes: Scopes,
}

#[get("/whoami")]
async fn whoami(by: By) -> HttpResponse {
    HttpResponse::Ok().json(Whoami { who: by.who.to_string(), scopes: by.scopes })
}

#[get("/tokens")]
async fn list_tokens(site: Shared, page: web::Query<PageQuery>) -> HttpResponse {
    let list = List::new("tokens", &());
    let made = |one: &TokenState| (Instant::parse(&one.created), one.id.clone());
    answer(page.of(list, site.admin.access.tokens(), made))
}

#[post("/tokens")]
async fn create_token(site: Shared, by: By, wanted: web::Json<NewToken>) -> HttpResponse {
    answer(site.admin.access.create_token(wanted.into_inner(), &by).await)
}

#[post("/tokens/{id}/rotate")]
async fn rotate_token(
    site: Shared,
    by: By,
    id: web::Path<String>,
    rotation: web::Json<Rotation>,
) -> HttpResponse {
    answer(site.admin.access.rotate_token(&id, *rotation, &by).await)
}

#[post("/tokens/{id}/revoke")]
async fn revoke_token(site: Shared, by: By, id: web::Path<String>) -> HttpResponse {
    answer(site.admin.access.revoke_token(&id, &by).await)
}

#[get("/users")]
async fn list_users(site: Shared, page: web::Query<PageQuery>) -> HttpResponse {
    let list = List::new("users", &());
    answer(page.of(list, site.admin.access.users(), |one| one.name.clone()))
}

#[post("/users")]
async fn create_user(site: Shared, by: By, wanted: web::Json<NewUser>) -> HttpResponse {
    answer(site.admin.access.create_user(wanted.into_inner(), &by).await)
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRole {
    role: Role,
}

#[post("/users/{name}/role")]
async fn set_role(
    site: Shared,
    by: By,
    name: web::Path<String>,
    wanted: web::Json<NewRole>,
) -> HttpResponse {
    answer(site.admin.access.set_role(&name, wanted.role, &by).await)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPassword {
    #[serde(default)]
    #[schemars(length(min = PASSWORD_CHARS_MIN, max = PASSWORD_BYTES_MAX / 4))]
    password: Option<String>,
}

#[post("/users/{name}/password")]
async fn set_password(
    site: Shared,
    by: By,
    name: web::Path<String>,
    wanted: web::Json<NewPassword>,
) -> HttpResponse {
    let password = wanted.into_inner().password;
    answer(site.admin.access.set_password(&name, password, &by).await)
}

#[post("/users/{name}/delete")]
async fn delete(site: Shared, by: By, name: web::Path<String>) -> HttpResponse {
    answer(site.admin.access.delete_user(&name, &by).await)
}

#[post("/users/{name}/disable")]
async fn disable(site: Shared, by: By, name: web::Path<String>) -> HttpResponse {
    answer(site.admin.access.set_disabled(&name, true, &by).await)
}

#[post("/users/{name}/enable")]
async fn enable(site: Shared, by: By, name: web::Path<String>) -> HttpResponse {
    answer(site.admin.access.set_disabled(&name, false, &by).await)
}

/// Which changes are wanted.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditQuery {
    /// Before the one of this number.
    #[schemars(range(max = u64::MAX))]
    before: Option<u64>,
    /// Most changes of the page.
    #[schemars(range(min = 1, max = AUDIT_ROWS_MAX))]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// One change, with its time as RFC 3339 writes it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct AuditLine {
    /// Its number.
    pub(crate) number: u64,
    /// When.
    pub(crate) at: String,
    /// Who.
    pub(crate) who: String,
    /// From which address.
    pub(crate) from: Option<String>,
    /// What.
    pub(crate) what: String,
    /// On what.
    pub(crate) target: String,
    /// How it stood before.
    pub(crate) before: Option<String>,
    /// How it stands now.
    pub(crate) after: Option<String>,
}

impl From<AuditRow> for AuditLine {
    fn from(row: AuditRow) -> Self {
        let AuditRow { number, at, who, from, what, target, before, after } = row;
        Self { number, at: at.to_string(), who, from, what, target, before, after }
    }
}

#[get("/audit")]
async fn list_audit(site: Shared, query: web::Query<AuditQuery>) -> HttpResponse {
    answer(audit(&site, &query).await)
}

async fn audit(site: &Site, query: &AuditQuery) -> Result<Page<AuditLine>, Refusal> {
    let limit = limit(query.limit, AUDIT_ROWS_DEFAULT, AUDIT_ROWS_MAX)?;
    let list = List::new("audit", &query.before);
    let before = list.place(query.cursor.as_deref())?.or(query.before);
    let access = site.admin.access.clone();
    let read = web::block(move || access.audit_rows(before, limit)).await;
    let stopping = |_| Box::new(Problem::new(ErrorCode::ShuttingDown, ""));
    let items: Vec<AuditLine> = read.map_err(stopping)??.into_iter().map(Into::into).collect();
    // Numbers begin with 1.
    let next = items.last().filter(|last| items.len() == limit && last.number > 1);
    let next_cursor = next.map(|last| list.cursor(&last.number));
    Ok(Page { items, next_cursor })
}
