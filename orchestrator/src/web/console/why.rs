//! The page `/why`: why a customer did not get the messages of a journey. What was recorded comes
//! first; then what the gate would say now, step by step, with every rule's result.

use std::sync::Arc;

use actix_web::{HttpResponse, get, web};
use domain::customer::Customer;
use domain::ids::{CUSTOMER_ID_MAX_BYTES, ChannelName, CustomerId, JourneyName};
use domain::journey::definition::{Journey, NodeIndex};
use domain::journey::steps::Step;
use domain::time::Instant;
use domain::verdict::{Decision, Verdict};
use engine::history::HistoryItem;
use engine::{Catalog, codec, ledger};
use maud::{Markup, html};
use policies::LedgerRow;
use serde::Deserialize;
use store::{Limit, Range, Read as _};

use super::layout::{self, Frame, Section, customer_link};
use super::parts;
use super::reader::Reader;
use super::{customer, journeys, spoken, steps, text};
use crate::access::mask::Mask;
use crate::recovery::RecoverError;
use crate::rows;
use crate::timeline::{self, Entry, TIMELINE_ROWS_MAX, Told};
use crate::web::Site;

/// History rows that are looked through.
const HISTORY_READ: usize = TIMELINE_ROWS_MAX;
/// Recorded decisions that are shown.
const RECORDED_SHOWN: usize = 20;

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    customer: String,
    #[serde(default)]
    journey: String,
}

#[get("/why")]
pub(super) async fn why_page(
    site: web::Data<Site>,
    reader: Reader,
    asked: web::Query<Asked>,
) -> HttpResponse {
    let id = asked.customer.trim();
    let catalog = site.admin.published(|_, built| built.catalog.clone()).await;
    let answer = match id {
        "" => html! { (parts::empty(reader.t(text::WHY_ASK), reader.t(text::WHY_ASK_ADVICE))) },
        id => match answer(&site, &reader, &catalog, id, &asked.journey).await {
            Ok(answer) => answer,
            Err(refused) => return refused,
        },
    };
    let content = html! { (form(&reader, &catalog, id, &asked.journey)) (answer) };
    let title = reader.t(text::WHY_NOT);
    layout::page(&reader, Frame { title, here: Section::Why, live: false }, &content)
}

fn form(reader: &Reader, catalog: &Catalog, id: &str, journey: &str) -> Markup {
    let names = catalog.parts().current.keys().map(ToString::to_string);
    let options: Vec<_> = names.map(|name| (name.clone(), name)).collect();
    html! {
        form.filters action="/why" method="get" {
            span.field {
                label for="customer" { (reader.t(text::CUSTOMER)) }
                input #customer name="customer" required value=(reader.mask.text(id))
                    autocomplete="off" spellcheck="false";
            }
            (parts::select(
                "journey",
                reader.t(text::JOURNEY),
                reader.t(text::ALL_JOURNEYS),
                journey,
                &options,
            ))
            button type="submit" { (reader.t(text::SHOW)) }
        }
    }
}

/// What the store has on a customer.
struct Known {
    customer: Customer,
    ledger: Vec<LedgerRow>,
    entries: Vec<Entry>,
}

async fn answer(
    site: &Site,
    reader: &Reader,
    catalog: &Arc<Catalog>,
    id: &str,
    journey: &str,
) -> Result<Markup, HttpResponse> {
    if id.len() > CUSTOMER_ID_MAX_BYTES {
        return Err(customer::missing(reader, id));
    }
    let (store, partitions) = (site.store.clone(), site.directory.count());
    let (asked, mask) = (CustomerId::from(id), reader.mask.clone());
    let known = match web::block(move || read(&store, partitions, &asked, &mask)).await {
        Ok(Ok(Some(known))) => known,
        Ok(Ok(None)) => return Err(customer::missing(reader, id)),
        Ok(Err(error)) => return Err(parts::unreadable(reader, &error)),
        Err(error) => return Err(parts::unavailable(reader, &error)),
    };
    let current = catalog.parts().current.keys();
    let wanted: Vec<&JourneyName> =
        current.filter(|name| journey.is_empty() || name.as_str() == journey).collect();
    Ok(html! {
        @if !reader.mask.changes(id) {
            p { a href=(customer_link(id)) { (reader.t(text::WHOLE_TIMELINE)) } }
        }
        @for name in wanted { (of_journey(reader, catalog, &known, name)) }
    })
}

fn read(
    store: &store::Store,
    partitions: u16,
    id: &CustomerId,
    mask: &Mask,
) -> Result<Option<Known>, RecoverError> {
    let Some(customer) = customer::record(store, partitions, id)? else { return Ok(None) };
    let timeline = timeline::read(store, partitions, id, HISTORY_READ, mask)?;
    let key = id.key();
    let range = Range::prefix(codec::sends_prefix(key.partition(partitions), key));
    let table = rows::table(engine::Table::Sends);
    let page = store.scan(table, &range, Limit::rows(TIMELINE_ROWS_MAX))?;
    let ledger = page.rows.iter().map(|(_, row)| ledger::decode_ledger(row));
    let ledger = ledger.collect::<Result<Vec<_>, _>>()?;
    let entries = timeline.map(|timeline| timeline.entries).unwrap_or_default();
    Ok(Some(Known { customer, ledger, entries }))
}

fn of_journey(reader: &Reader, catalog: &Catalog, known: &Known, name: &JourneyName) -> Markup {
    let Some((version, journey)) = catalog.current(name) else { return html! {} };
    let enrolled: Vec<_> = known
        .customer
        .enrollments
        .iter()
        .filter(|one| catalog.version(one.version).is_some_and(|known| known.name == *name))
        .collect();
    let recorded: Vec<&Entry> =
        known.entries.iter().filter(|entry| is_about(entry, name)).take(RECORDED_SHOWN).collect();
    html! {
        section.card data-journey=(name) {
            h2 {
                a href=(journeys::link(name.as_str())) { (name) } " "
                (reader.badge(journeys::control_word(catalog.control(name))))
            }
            @for one in &enrolled {
                @let step = catalog.version(one.version);
                @let step = step.and_then(|journey| journey.nodes.get(usize::from(one.at)));
                p {
                    @if let Some(step) = step {
                        (reader.fill(text::STANDS_ON, &[&step.id])) " "
                    }
                    (reader.badge(steps::state_word(one))) " "
                    (steps::due(reader, one.next_at()))
                }
            }
            @if enrolled.is_empty() { p { (reader.t(text::NOT_IN_JOURNEY)) } }
            h3 { (reader.t(text::WHAT_WAS_DECIDED)) }
            @if recorded.is_empty() { p.soft { (reader.t(text::NOTHING_DECIDED)) } }
            @else { (list(reader, &recorded)) }
            h3 { (reader.fill(text::IF_IT_WENT_NOW, &[&version.0])) }
            (now(reader, catalog, known, journey))
        }
    }
}

/// Whether an entry says something of messages of a journey, or of why she is not in it.
fn is_about(entry: &Entry, name: &JourneyName) -> bool {
    match &entry.told {
        Some(Told::Item(
            HistoryItem::Decided { journey, .. }
            | HistoryItem::NotEntered { journey, .. }
            | HistoryItem::Exited { journey, .. },
        )) => journey == name,
        _ => false,
    }
}

fn list(reader: &Reader, entries: &[&Entry]) -> Markup {
    let first = entries.iter().position(|entry| !entry.rules.is_empty());
    html! {
        ul.decisions {
            @for (at, entry) in entries.iter().enumerate() {
                li {
                    (reader.at_text(&entry.at)) " " (reader.badge(&entry.kind)) " "
                    span.words { (spoken::entry(reader, entry)) }
                    @if !entry.rules.is_empty() {
                        details open[Some(at) == first] {
                            summary { (reader.fill(text::RULES_ASKED, &[&entry.rules.len()])) }
                            (customer::rules(reader, &entry.rules))
                        }
                    }
                }
            }
        }
    }
}

/// What the gate would say of each message, if she came to its step now.
fn now(reader: &Reader, catalog: &Catalog, known: &Known, journey: &Journey) -> Markup {
    let sends = journey.nodes.iter().enumerate().filter_map(|(at, node)| match &node.step {
        Step::Send(send) => Some((at as NodeIndex, node, send)),
        _ => None,
    });
    html! {
        ul.decisions {
            @for (at, node, send) in sends {
                @for (channel, _) in &send.channels {
                    @let place = (journey, at);
                    @if let Some(verdict) = would(reader.now, catalog, known, place, channel) {
                        li data-step=(node.id) {
                            strong { (node.id) } " · " (channel) " " (decision(reader, &verdict))
                            details {
                                summary {
                                    (reader.fill(text::RULES_ASKED, &[&verdict.rules.len()]))
                                }
                                (customer::rules(reader, &lines(reader, &verdict)))
                            }
                        }
                    }
                }
            }
        }
        p.soft { (reader.t(text::IF_NOW_MEANS)) }
    }
}

fn would(
    now: Instant,
    catalog: &Catalog,
    known: &Known,
    place: (&Journey, NodeIndex),
    channel: &ChannelName,
) -> Option<Verdict> {
    engine::would(&known.customer, &known.ledger, catalog, place, channel, now)
}

fn lines(reader: &Reader, verdict: &Verdict) -> Vec<timeline::RuleLine> {
    verdict.rules.iter().map(|rule| timeline::rule_line(rule, &reader.mask)).collect()
}

/// The decision in a word, who made it, and when it would be another one.
fn decision(reader: &Reader, verdict: &Verdict) -> Markup {
    let (word, until) = match verdict.decision {
        Decision::Allow => ("allow", None),
        Decision::HoldUntil(until) => ("hold", Some(until)),
        Decision::NextChannel => ("next_channel", None),
        Decision::Refuse => ("refuse", None),
    };
    let deciding = verdict.deciding();
    let later = |at: &Instant| *at > reader.now && *at != Instant::MAX;
    let earliest = until.or(verdict.earliest).filter(later);
    html! {
        (reader.badge(word))
        @if let Some(rule) = deciding {
            " " (reader.fill(text::BY_RULE, &[&reader.word(rule.rule.as_str())])) ": "
            (spoken::reason(reader, &timeline::rule_line(rule, &reader.mask)))
        }
        @if let Some(earliest) = earliest {
            " · " (reader.t(text::EARLIEST)) " " (reader.at(earliest))
        }
    }
}
