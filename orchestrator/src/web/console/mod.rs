//! The console: login, one page of counts, and one page per customer. For reading only. Shows what
//! the partitions and the rows say, in the words of `timeline`; decides nothing. Everything that it
//! shows came from outside and is escaped.

pub mod captured;
pub mod counts;
mod customer;
pub(super) mod layout;
pub(super) mod login;
mod overview;

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use domain::ids::{CUSTOMER_ID_MAX_BYTES, CustomerId, CustomerKey};
use engine::codec;
use maud::html;
use serde::Deserialize;
use store::{Limit, Range, Read};

use self::layout::Viewer;
use self::overview::View;
use crate::access::principal::Principal;
use crate::recovery::RecoverError;
use crate::rows;
use crate::timeline;
use crate::web::Site;

/// Who asks: the guard let her through.
type By = web::ReqData<Principal>;

/// Messages on the page.
const MESSAGES_SHOWN: usize = 25;
/// Customers whose ids are offered.
const SAMPLES_SHOWN: usize = 12;
/// Customers looked at to choose the samples from: the first of one partition, which are a draw
/// from all because partitions and keys are hashes.
const SAMPLES_READ: usize = 100;
/// History rows of one page.
const HISTORY_SHOWN: usize = 200;

/// Adds the console's routes.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes
        .service(login::login_page)
        .service(login::log_in)
        .service(login::log_out)
        .service(login::open_link)
        .service(login::begin_sso)
        .service(login::end_sso)
        .service(overview_page)
        .service(live_part)
        .service(search_page)
        .service(customer_page)
        .service(stylesheet)
        .service(script_file);
}

#[get("/")]
async fn overview_page(site: web::Data<Site>, by: By) -> HttpResponse {
    match view(&site, &by).await {
        Ok(view) => {
            let content = html! { div #live { (overview::live(&view)) } };
            let page = layout::page("Overview", true, Some(&Viewer::of(&by)), &content);
            layout::answer(HttpResponse::Ok(), page)
        }
        Err(why) => unavailable(&why),
    }
}

/// The part of `/` that changes.
#[get("/live")]
async fn live_part(site: web::Data<Site>, by: By) -> HttpResponse {
    match view(&site, &by).await {
        Ok(view) => layout::answer(HttpResponse::Ok(), overview::live(&view)),
        Err(why) => unavailable(&why),
    }
}

#[derive(Deserialize)]
struct Search {
    id: String,
}

#[get("/customers")]
async fn search_page(site: web::Data<Site>, by: By, asked: web::Query<Search>) -> HttpResponse {
    show_customer(&site, &by, asked.id.trim()).await
}

#[get("/customers/{id:.+}")]
async fn customer_page(site: web::Data<Site>, by: By, id: web::Path<String>) -> HttpResponse {
    show_customer(&site, &by, &id).await
}

#[get("/console.css")]
async fn stylesheet() -> HttpResponse {
    asset("text/css; charset=utf-8", layout::STYLE)
}

#[get("/console.js")]
async fn script_file() -> HttpResponse {
    asset("text/javascript; charset=utf-8", layout::SCRIPT)
}

fn asset(content_type: &str, body: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .body(body)
}

fn unavailable(why: &dyn std::fmt::Display) -> HttpResponse {
    let why = why.to_string();
    let content = html! { h2 { "Not just now" } p { (why) } };
    let page = layout::page("Not just now", true, None, &content);
    layout::answer(HttpResponse::ServiceUnavailable(), page)
}

async fn view(site: &Site, by: &Principal) -> Result<View, runtime::handle::AskError> {
    let overview = counts::overview(&site.directory).await?;
    let captures = site.admin.captures();
    let mask = site.admin.mask(by).await;
    let store = site.store.clone();
    let samples = web::block(move || samples(&store)).await;
    let samples = match samples {
        // An id that is an address names somebody: it would stand in the link as well.
        Ok(Ok(samples)) => samples.into_iter().filter(|id| !mask.changes(id)).collect(),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the console cannot read customers");
            Vec::new()
        }
        // The pool of threads has ended: so does the process.
        Err(_) => Vec::new(),
    };
    Ok(View {
        now: site.now(),
        overview,
        captures: !captures.is_empty(),
        captured: captured::total(&captures),
        messages: captured::newest(&captures, MESSAGES_SHOWN, &mask),
        samples,
    })
}

/// Ids of customers with much to show.
fn samples(store: &impl Read) -> Result<Vec<String>, RecoverError> {
    let table = rows::table(engine::Table::Customers);
    let page = store.scan(table, &Range::all(), Limit::rows(SAMPLES_READ))?;
    let mut found = Vec::new();
    for (key, record) in &page.rows {
        let Some(key) = key.get(2..18).and_then(|key| <[u8; 16]>::try_from(key).ok()) else {
            continue;
        };
        let customer = codec::decode_customer(CustomerKey(key), record)?;
        found.push((customer.entries_made, customer.id.to_string()));
    }
    found.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    Ok(found.into_iter().take(SAMPLES_SHOWN).map(|(_, id)| id).collect())
}

async fn show_customer(site: &Site, by: &Principal, id: &str) -> HttpResponse {
    let viewer = Viewer::of(by);
    let mask = site.admin.mask(by).await;
    let asked = id.to_owned();
    let (store, partitions) = (site.store.clone(), site.directory.count());
    let read = web::block(move || {
        if asked.is_empty() || asked.len() > CUSTOMER_ID_MAX_BYTES {
            return Ok(None);
        }
        timeline::read(&store, partitions, &CustomerId::from(asked), HISTORY_SHOWN, &mask)
    });
    match read.await {
        Ok(Ok(Some(found))) => {
            let title = format!("Customer {}", found.customer);
            let page = layout::page(&title, false, Some(&viewer), &customer::found(&found));
            layout::answer(HttpResponse::Ok(), page)
        }
        Ok(Ok(None)) => {
            let page = layout::page("Not found", false, Some(&viewer), &customer::missing(id));
            layout::answer(HttpResponse::NotFound(), page)
        }
        Ok(Err(error)) => {
            tracing::error!(%error, "a customer's rows cannot be read");
            let page = layout::page("Not readable", false, Some(&viewer), &customer::unreadable());
            layout::answer(HttpResponse::InternalServerError(), page)
        }
        Err(blocked) => unavailable(&blocked),
    }
}
