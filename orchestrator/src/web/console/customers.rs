//! The page `/customers`: customers in the order of their rows, and the way to one by her id.

use actix_web::{HttpResponse, get, web};
use domain::customer::Customer;
use domain::ids::CustomerKey;
use engine::codec;
use maud::{Markup, html};
use serde::Deserialize;
use store::{Limit, Range, Read};

use super::layout::{self, Frame, Section};
use super::parts::{self, Column};
use super::reader::Reader;
use super::{customer, steps, text};
use crate::recovery::RecoverError;
use crate::rows;
use crate::web::Site;

/// Customers of one page.
const CUSTOMERS_SHOWN: usize = 50;

#[derive(Deserialize)]
struct Asked {
    id: Option<String>,
    #[serde(default)]
    after: String,
}

#[get("/customers")]
pub(super) async fn customers_page(
    site: web::Data<Site>,
    reader: Reader,
    asked: web::Query<Asked>,
) -> HttpResponse {
    if let Some(id) = &asked.id {
        return customer::show(&site, &reader, id.trim()).await;
    }
    let (store, after) = (site.store.clone(), parts::key_of(&asked.after));
    match web::block(move || list(&store, after)).await {
        Ok(Ok((customers, next))) => {
            let title = reader.t(text::CUSTOMERS);
            let next = next.map(|next| format!("/customers?after={}", parts::cursor(&next)));
            let content = html! {
                (listed(&reader, &customers))
                (parts::more(&reader, next, text::NEXT_PAGE))
            };
            let frame = Frame { title, here: Section::Customers, live: false };
            layout::page(&reader, frame, &content)
        }
        Ok(Err(error)) => parts::unreadable(&reader, &error),
        Err(error) => parts::unavailable(&reader, &error),
    }
}

type Listed = (Vec<Customer>, Option<Vec<u8>>);

fn list(store: &impl Read, after: Option<Vec<u8>>) -> Result<Listed, RecoverError> {
    let range = after.map_or_else(Range::all, Range::from);
    let table = rows::table(engine::Table::Customers);
    let page = store.scan(table, &range, Limit::rows(CUSTOMERS_SHOWN))?;
    let mut customers = Vec::new();
    for (key, record) in &page.rows {
        if let Some(key) = key.get(2..18).and_then(|key| <[u8; 16]>::try_from(key).ok()) {
            customers.push(codec::decode_customer(CustomerKey(key), record)?);
        }
    }
    Ok((customers, page.next))
}

fn listed(reader: &Reader, customers: &[Customer]) -> Markup {
    if customers.is_empty() {
        return parts::empty(reader.t(text::NO_CUSTOMERS), reader.t(text::NO_CUSTOMERS_ADVICE));
    }
    let columns = [
        Column::Text(text::CUSTOMER),
        Column::Text(text::KNOWN_SINCE),
        Column::Number(text::ENROLLMENTS_MADE),
        Column::Number(text::ACTIVE),
        Column::Text(text::SEGMENTS),
        Column::Text(text::ZONE),
    ];
    let names = |one: &Customer| {
        one.segments.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    let rows = html! {
        @for one in customers {
            tr {
                th.left scope="row" { (steps::customer(reader, one.id.as_str())) }
                td.left { (reader.at(one.created_at)) }
                td { (reader.number(one.entries_made as i64)) }
                td { (reader.count(one.enrollments.len())) }
                td.left { (names(one)) }
                td.left { @if let Some(zone) = &one.zone { (zone) } }
            }
        }
    };
    parts::table(reader, reader.t(text::CUSTOMERS), &columns, &rows)
}
