//! The pages `/messages`: what channels captured instead of sending it. A message's HTML is served
//! by itself, for a frame that may do nothing.

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use maud::{Markup, html};
use serde::Deserialize;

use super::captured::{self, Shown, Whole};
use super::layout::{self, Frame, Section, escaped};
use super::parts::{self, Column};
use super::reader::Reader;
use super::text;
use crate::web::Site;

/// Messages of the page.
const MESSAGES_SHOWN: usize = 100;
/// The policy of a message's HTML: its own styles and pictures in it, and nothing else. `sandbox`
/// gives it an origin of its own, also when it is opened without the frame.
const MESSAGE_POLICY: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; \
    img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'";

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    channel: String,
}

#[get("/messages")]
pub(super) async fn messages_page(
    site: web::Data<Site>,
    reader: Reader,
    asked: web::Query<Asked>,
) -> HttpResponse {
    let mut captures = site.admin.captures();
    let names = captures.iter().map(|(name, _)| (name.to_string(), name.to_string()));
    let (total, all) = (captured::total(&captures), names.collect::<Vec<_>>());
    captures.retain(|(name, _)| asked.channel.is_empty() || name.as_str() == asked.channel);
    let shown = captured::newest(&captures, MESSAGES_SHOWN, &reader.mask);
    let content = html! {
        @if all.len() > 1 {
            form.filters action="/messages" method="get" {
                (parts::select(
                    "channel",
                    reader.t(text::CHANNEL),
                    reader.t(text::ALL),
                    &asked.channel,
                    &all,
                ))
                button type="submit" { (reader.t(text::SHOW)) }
            }
        }
        @if all.is_empty() {
            (parts::empty(reader.t(text::NO_CAPTURE), reader.t(text::NO_CAPTURE_ADVICE)))
        } @else {
            p.soft { (reader.fill(text::CAPTURED_SINCE, &[&reader.number(total as i64)])) }
            (listed(&reader, &shown))
        }
    };
    let title = reader.t(text::MESSAGES);
    layout::page(&reader, Frame { title, here: Section::Messages, live: true }, &content)
}

fn link(channel: &str, number: u64) -> String {
    format!("/messages/{}/{number}", escaped(channel))
}

/// Messages, one line each.
pub(super) fn listed(reader: &Reader, messages: &[Shown]) -> Markup {
    if messages.is_empty() {
        return parts::empty(reader.t(text::NO_MESSAGES), reader.t(text::NO_MESSAGES_ADVICE));
    }
    let columns = [
        Column::Text(text::WHEN),
        Column::Text(text::CHANNEL),
        Column::Text(text::TO),
        Column::Text(text::MESSAGE),
    ];
    let rows = html! {
        @for message in messages {
            tr {
                td.left { (reader.at(message.at)) }
                td.left { (message.channel) }
                td.left.fit { (message.to) }
                td.left.words {
                    a href=(link(&message.channel, message.number)) {
                        @if message.subject.is_empty() {
                            (reader.fill(text::MESSAGE_N, &[&message.number]))
                        } @else { (message.subject) }
                    }
                    " " span.soft { (message.excerpt) }
                }
            }
        }
    };
    parts::table(reader, reader.t(text::MESSAGES), &columns, &rows)
}

fn whole(site: &Site, reader: &Reader, channel: &str, number: &str) -> Option<(u64, Whole)> {
    let number = number.parse().ok()?;
    let captured = captured::find(&site.admin.captures(), channel, number)?;
    let at = format!("{} ({})", reader.clock_text(captured.at), reader.zone);
    Some((number, Whole::new(channel, &captured, &reader.mask, at)))
}

fn gone(reader: &Reader, number: &str) -> HttpResponse {
    let what = reader.fill(text::MESSAGE_N, &[&number]);
    let texts = (text::MESSAGE_GONE, text::MESSAGE_GONE_ADVICE);
    layout::missing(reader, Section::Messages, &what, texts)
}

#[get("/messages/{channel}/{number}")]
pub(super) async fn message_page(
    site: web::Data<Site>,
    reader: Reader,
    path: web::Path<(String, String)>,
) -> HttpResponse {
    let (channel, number) = path.into_inner();
    let Some((number, message)) = whole(&site, &reader, &channel, &number) else {
        return gone(&reader, &number);
    };
    let content = html! {
        p { a href="/messages" { (reader.fill(text::BACK_TO, &[&reader.t(text::MESSAGES)])) } }
        dl.facts {
            @for (name, value) in &message.headers {
                dt { (reader.word(name)) }
                dd.words {
                    @if *name == captured::SEND { a href={ "/sends/" (value) } { (value) } }
                    @else { (value) }
                }
            }
        }
        @if let Some(text) = &message.text {
            h2 { (reader.t(text::PLAIN_TEXT)) }
            pre.body tabindex="0" { (text) }
        }
        @if message.html.is_some() {
            h2 { "HTML" }
            iframe.body sandbox title=(reader.t(text::HTML_OF_MESSAGE))
                src={ (link(&channel, number)) "/html" } {}
        }
    };
    let title = reader.fill(text::MESSAGE_N, &[&number]);
    layout::page(&reader, Frame { title: &title, here: Section::Messages, live: false }, &content)
}

/// The HTML of a message, as an e-mail program would show it.
#[get("/messages/{channel}/{number}/html")]
pub(super) async fn message_html(
    site: web::Data<Site>,
    reader: Reader,
    path: web::Path<(String, String)>,
) -> HttpResponse {
    let (channel, number) = path.into_inner();
    let message = whole(&site, &reader, &channel, &number);
    let Some(html) = message.and_then(|(_, message)| message.html) else {
        return gone(&reader, &number);
    };
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, MESSAGE_POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(html)
}
