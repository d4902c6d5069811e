//! Customers and enrollments.

use actix_web::{HttpResponse, get, post, web};
use domain::ids::{ChannelName, CustomerId, EnrollmentId, JourneyName, SegmentName, StepId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::admin::answer;
use super::cursor::List;
use super::page::Page;
use super::sends::limit;
use crate::access::principal::Principal;
use crate::admin::Refusal;
use crate::customers::{CUSTOMERS_MAX, CustomerLine, EnrollmentLine, Wanted};
use crate::error::{ErrorCode, Problem};
use crate::web::Site;

/// Items of a page, if nobody says how many.
const ITEMS_DEFAULT: usize = 50;

/// Routes below `/api/v1`.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .service(list_customers)
        .service(show_customer)
        .service(unsuppress)
        .service(customers_enrollments)
        .service(journeys_enrollments)
        .service(show_enrollment);
}

/// Which customers are wanted.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustomersQuery {
    /// Members of this segment.
    segment: Option<String>,
    /// Most items of the page.
    #[schemars(range(min = 1, max = CUSTOMERS_MAX))]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

#[get("/customers")]
async fn list_customers(
    site: web::Data<Site>,
    by: web::ReqData<Principal>,
    query: web::Query<CustomersQuery>,
) -> HttpResponse {
    answer(customers(&site, &by, &query).await)
}

async fn customers(
    site: &Site,
    by: &Principal,
    query: &CustomersQuery,
) -> Result<Page<CustomerLine>, Refusal> {
    let limit = limit(query.limit, ITEMS_DEFAULT, CUSTOMERS_MAX)?;
    let list = List::new("customers", &query.segment);
    let from = list.place(query.cursor.as_deref())?;
    let segment = query.segment.as_deref().map(SegmentName::from);
    let found = site.admin.customers(segment, from, limit, by).await?;
    let next_cursor = found.next.map(|next| list.cursor(&next));
    Ok(Page { items: found.items, next_cursor })
}

#[get("/customers/{id}")]
async fn show_customer(
    site: web::Data<Site>,
    by: web::ReqData<Principal>,
    id: web::Path<String>,
) -> HttpResponse {
    answer(site.admin.customer(CustomerId::from(id.as_str()), &by).await)
}

/// Which stops are lifted.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UnsuppressOrder {
    /// Those on her addresses of this channel.
    pub(crate) channel: String,
}

#[post("/customers/{id}/unsuppress")]
async fn unsuppress(
    site: web::Data<Site>,
    by: web::ReqData<Principal>,
    id: web::Path<String>,
    order: web::Json<UnsuppressOrder>,
) -> HttpResponse {
    let (id, channel) = (CustomerId::from(id.as_str()), ChannelName::from(order.channel.as_str()));
    answer(site.admin.unsuppress(id, &channel, &by).await)
}

#[get("/customers/{id}/enrollments")]
async fn customers_enrollments(
    site: web::Data<Site>,
    by: web::ReqData<Principal>,
    id: web::Path<String>,
) -> HttpResponse {
    let found = site.admin.customer(CustomerId::from(id.as_str()), &by).await;
    // A customer has few at once.
    answer(found.map(|detail| Page { items: detail.enrollments, next_cursor: None }))
}

/// Which enrollments of a journey are wanted.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnrollmentsQuery {
    /// On this step.
    step: Option<String>,
    /// On this version.
    #[schemars(range(max = u32::MAX))]
    version: Option<u32>,
    /// Most items of the page.
    #[schemars(range(min = 1, max = CUSTOMERS_MAX))]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

#[get("/journeys/{name}/enrollments")]
async fn journeys_enrollments(
    site: web::Data<Site>,
    by: web::ReqData<Principal>,
    name: web::Path<String>,
    query: web::Query<EnrollmentsQuery>,
) -> HttpResponse {
    answer(enrollments(&site, &by, &name, &query).await)
}

async fn enrollments(
    site: &Site,
    by: &Principal,
    name: &str,
    query: &EnrollmentsQuery,
) -> Result<Page<EnrollmentLine>, Refusal> {
    let limit = limit(query.limit, ITEMS_DEFAULT, CUSTOMERS_MAX)?;
    let step = query.step.as_deref().map(StepId::from);
    let wanted = Wanted { journey: JourneyName::from(name), step, version: query.version };
    let list = List::new("enrollments", &wanted);
    let from = list.place(query.cursor.as_deref())?;
    let found = site.admin.enrollments(wanted, from, limit, by).await?;
    let next_cursor = found.next.map(|next| list.cursor(&next));
    Ok(Page { items: found.items, next_cursor })
}

#[get("/enrollments/{id}")]
async fn show_enrollment(
    site: web::Data<Site>,
    by: web::ReqData<Principal>,
    path: web::Path<String>,
) -> HttpResponse {
    match super::sends::digits(&path).and_then(|text| text.parse::<EnrollmentId>().ok()) {
        Some(id) => answer(site.admin.enrollment(id, &by).await),
        None => {
            let detail = format!("`{path}` is no id of an enrollment: 32 hexadecimal digits");
            answer::<()>(Err(Box::new(Problem::new(ErrorCode::EnrollmentUnknown, detail))))
        }
    }
}
