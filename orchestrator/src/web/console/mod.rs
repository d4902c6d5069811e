//! The console: pages for people, made on the server. Shows what the partitions and the rows say,
//! in the words of `timeline`; what its buttons do are the operations of the API. Decides nothing.
//! Everything that it shows came from outside and is escaped.
//!
//! `reader` is whoever looks, `layout` what all pages have in common, `text` every text in every
//! language; each other file is a page.

mod access;
mod account;
mod audiences;
mod campaigns;
pub mod captured;
pub mod counts;
mod customer;
mod customers;
mod definitions;
mod diff;
mod draw;
mod events;
mod graph;
mod journey;
mod journeys;
mod lag;
pub(super) mod layout;
pub(super) mod login;
mod messages;
mod overview;
mod parts;
mod preferences;
pub(super) mod reader;
mod send;
mod sends;
mod spoken;
mod steps;
mod system;
mod text;
mod why;
mod words;

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};

use crate::error::{TABLE, spanish};

/// Adds the console's routes.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes
        .service(login::login_page)
        .service(login::log_in)
        .service(login::log_out)
        .service(login::open_link)
        .service(login::begin_sso)
        .service(login::end_sso)
        .service(preferences::set)
        .service(overview::overview_page)
        .service(campaigns::campaigns_page)
        .service(journeys::journeys_page)
        .service(journeys::control_journey)
        .service(journey::journey_page)
        .service(steps::step_page)
        .service(customers::customers_page)
        .service(customer::customer_page)
        .service(audiences::audiences_page)
        .service(audiences::members_page)
        .service(audiences::export)
        .service(sends::sends_page)
        .service(send::send_page)
        .service(send::redrive)
        .service(why::why_page)
        .service(events::events_page)
        .service(messages::messages_page)
        .service(messages::message_page)
        .service(messages::message_html)
        .service(definitions::definitions_page)
        .service(definitions::document_page)
        .service(system::system_page)
        .service(account::account_page)
        .service(account::change_password)
        .configure(access_pages)
        .service(stylesheet)
        .service(script_file)
        .service(icon);
}

fn access_pages(routes: &mut web::ServiceConfig) {
    routes
        .service(access::tokens::tokens_page)
        .service(access::tokens::create)
        .service(access::tokens::rotate)
        .service(access::tokens::revoke)
        .service(access::users::users_page)
        .service(access::users::create)
        .service(access::users::set_role)
        .service(access::users::set_password)
        .service(access::users::set_standing)
        .service(access::audit::audit_page);
}

/// All that the console says, in English and in Spanish: its texts, its stable words, the errors.
pub fn said() -> Vec<(&'static str, &'static str)> {
    let errors = TABLE.iter().filter_map(|row| Some((row, spanish(row.code)?)));
    let errors =
        errors.flat_map(|(row, (title, advice))| [(row.title, title), (row.advice, advice)]);
    text::pairs().chain(words::pairs()).chain(errors).collect()
}

#[get("/console.css")]
async fn stylesheet() -> HttpResponse {
    asset("text/css; charset=utf-8", layout::STYLE)
}

#[get("/console.js")]
async fn script_file() -> HttpResponse {
    asset("text/javascript; charset=utf-8", layout::SCRIPT)
}

#[get("/console.svg")]
async fn icon() -> HttpResponse {
    asset("image/svg+xml", layout::ICON)
}

fn asset(content_type: &str, body: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        // A year: pages name another address when it changes.
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(body)
}
