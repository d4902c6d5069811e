//! The audit log: every change, who made it and from where.

use actix_web::{HttpResponse, get, web};
use maud::{Markup, html};
use serde::Deserialize;

use super::super::layout::{self, Frame, Section};
use super::super::parts::{self, Column};
use super::super::reader::Reader;
use super::super::text;
use crate::access::audit::AuditRow;
use crate::web::Site;

/// Rows of one page.
const ROWS_SHOWN: usize = 50;

#[derive(Deserialize)]
struct Asked {
    before: Option<u64>,
}

#[get("/access/audit")]
pub(in crate::web::console) async fn audit_page(
    site: web::Data<Site>,
    reader: Reader,
    asked: web::Query<Asked>,
) -> HttpResponse {
    let (access, before) = (site.admin.access.clone(), asked.before);
    let rows = match web::block(move || access.audit_rows(before, ROWS_SHOWN)).await {
        Ok(Ok(rows)) => rows,
        Ok(Err(problem)) => return reader.problem(&problem),
        Err(error) => return parts::unavailable(&reader, &error),
    };
    let next = rows.last().filter(|last| rows.len() == ROWS_SHOWN && last.number > 1);
    let next = next.map(|last| format!("/access/audit?before={}", last.number));
    let now = site.admin.access.now();
    let content = html! {
        (listed(&reader, &rows, now))
        (parts::more(&reader, next, text::OLDER))
    };
    let title = reader.t(text::AUDIT);
    layout::page(&reader, Frame { title, here: Section::Audit, live: false }, &content)
}

fn listed(reader: &Reader, rows: &[AuditRow], now: domain::time::Instant) -> Markup {
    if rows.is_empty() {
        return parts::empty(reader.t(text::NOTHING_YET), reader.t(text::NO_AUDIT_ADVICE));
    }
    let columns = [
        Column::Text(text::WHEN),
        Column::Text(text::WHO),
        Column::Text(text::WHAT),
        Column::Text(text::TARGET),
        Column::Text(text::BEFORE),
        Column::Text(text::AFTER),
    ];
    let listed = html! {
        @for row in rows {
            tr {
                td.left { (reader.at_from(row.at, now)) }
                td.left.fit {
                    (reader.who(&row.who))
                    @if let Some(from) = &row.from { " " span.soft { (from) } }
                }
                td.left.fit data-action=(row.what) { (reader.word(&row.what)) }
                td.left.words { (reader.who(&row.target)) }
                td.left.words { (reader.quoted(row.before.as_deref().unwrap_or_default())) }
                td.left.words { (reader.quoted(row.after.as_deref().unwrap_or_default())) }
            }
        }
    };
    parts::table(reader, reader.t(text::AUDIT), &columns, &listed)
}
