//! The page of one send: how it stands, every decision on it with its rules, and the button that
//! sends it again.

use actix_web::{HttpResponse, get, post, web};
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{self, Frame, Section};
use super::parts;
use super::reader::Reader;
use super::{customer, journeys, sends, steps, text};
use crate::access::scope::Scope;
use crate::sends::{Decided, SendDetail};
use crate::web::Site;
use crate::web::api::sends::id;

#[get("/sends/{id}")]
pub(super) async fn send_page(
    site: web::Data<Site>,
    reader: Reader,
    path: web::Path<String>,
) -> HttpResponse {
    let send = match id(&path) {
        Ok(id) => site.admin.send(id, &reader.by).await,
        Err(problem) => Err(problem),
    };
    let send = match send {
        Ok(send) => send,
        Err(problem) => return reader.problem(&problem),
    };
    let content = html! {
        p { a href="/sends" { (reader.fill(text::BACK_TO, &[&reader.t(text::SENDS)])) } }
        div.head { p { (reader.badge(send.line.state.word())) } (again(&reader, &send)) }
        (facts(&reader, &send))
        h2 { (reader.t(text::DECISIONS)) }
        ul.decisions {
            @for (at, one) in send.decisions.iter().rev().enumerate() {
                (decision(&reader, one, at == 0))
            }
        }
        @if send.more { p.soft { (reader.t(text::OLDER_NOT_SHOWN)) } }
    };
    let title = reader.fill(text::SEND_N, &[&send.line.send]);
    layout::page(&reader, Frame { title: &title, here: Section::Sends, live: false }, &content)
}

fn facts(reader: &Reader, send: &SendDetail) -> Markup {
    let line = &send.line;
    let plain = |label, value: Option<&str>| {
        html! { @if let Some(value) = value { dt { (reader.t(label)) } dd.words { (value) } } }
    };
    let attempts = line.attempts.map(|attempts| attempts.to_string());
    html! {
        dl.facts {
            dt { (reader.t(text::CUSTOMER)) } dd { (steps::customer(reader, &line.customer)) }
            dt { (reader.t(text::JOURNEY)) }
            dd { a href=(journeys::link(&line.journey)) { (line.journey) } " / " (line.step) }
            (plain(text::CHANNEL, Some(&line.channel)))
            (plain(text::TEMPLATE, line.template.as_deref().filter(|name| !name.is_empty())))
            (plain(text::MESSAGE_CLASS, send.class.as_deref()))
            (plain(text::TOPIC, send.topic.as_deref()))
            (plain(text::CAMPAIGN, send.campaign.as_deref()))
            dt { (reader.t(text::DECIDED_AT)) } dd { (reader.at_text(&line.at)) }
            @if line.rule.is_some() {
                dt { (reader.t(text::WHY)) } dd.words { (sends::why(reader, line)) }
            }
            (plain(text::ATTEMPTS, attempts.as_deref()))
            @if let Some(reply) = line.reply.as_deref().filter(|reply| !reply.is_empty()) {
                dt { (reader.t(text::REPLY)) } dd.words { (reader.quoted(reply)) }
            }
            @if let Some(by) = &send.redrive.repeated_by {
                dt { (reader.t(text::REPEATED_BY)) } dd { (sends::link(reader, by)) }
            }
        }
    }
}

fn decision(reader: &Reader, one: &Decided, open: bool) -> Markup {
    html! {
        li {
            (reader.at_text(&one.at)) " " (reader.badge(&one.decision)) " " (one.channel) " · "
            span.soft { (reader.fill(text::POLICY_N, &[&one.policy])) }
            details open[open] {
                summary { (reader.fill(text::RULES_ASKED, &[&one.rules.len()])) }
                (customer::rules(reader, &one.rules))
            }
        }
    }
}

/// The button for those who may, where it is possible.
fn again(reader: &Reader, send: &SendDetail) -> Markup {
    let may = reader.may(Scope::Operate) && reader.by.session.is_some();
    // Once more would be the same send again.
    let is_possible = send.redrive.possible && send.redrive.repeated_by.is_none();
    html! {
        @if may && is_possible {
            details.confirm #again {
                summary { (reader.t(text::SEND_AGAIN)) }
                div.panel {
                    p { (reader.t(text::SEND_AGAIN_MEANS)) }
                    form action={ "/sends/" (send.line.send) "/redrive" } method="post" {
                        (reader.csrf())
                        @if send.redrive.may_have_arrived {
                            label.check {
                                input type="checkbox" name="even_if_arrived" value="yes" required;
                                " " (reader.t(text::MAY_ARRIVE_TWICE))
                            }
                        }
                        button type="submit" { (reader.t(text::SEND_AGAIN)) }
                    }
                }
            }
        }
    }
}

#[derive(Deserialize)]
struct Order {
    #[serde(default)]
    csrf: String,
    even_if_arrived: Option<String>,
}

/// Sends it again: the same operation as that of the API, with its audit row.
#[post("/sends/{id}/redrive")]
pub(super) async fn redrive(
    site: web::Data<Site>,
    reader: Reader,
    path: web::Path<String>,
    sent: web::Form<Order>,
) -> HttpResponse {
    if let Some(refused) = parts::forged(&reader, &sent.csrf) {
        return refused;
    }
    let made = match id(&path) {
        Ok(id) => site.admin.redrive(id, sent.even_if_arrived.is_some(), &reader.by).await,
        Err(problem) => Err(problem),
    };
    match made {
        Ok(made) => layout::see_other(&format!("/sends/{}", made.line.send)),
        Err(problem) => reader.problem(&problem),
    }
}
