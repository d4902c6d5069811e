//! The page `/customers/{id}`: what is known of one customer, and her timeline with every decision
//! and its rules.

use actix_web::{HttpResponse, get, web};
use domain::consent::{ConsentRecord, Permission};
use domain::customer::Customer;
use domain::ids::{CUSTOMER_ID_MAX_BYTES, CustomerId, JourneyName};
use engine::{Catalog, codec};
use maud::{Markup, html};
use store::Read as _;

use super::layout::{self, Frame, Section, escaped};
use super::parts::{self, Column};
use super::reader::Reader;
use super::{journeys, sends, spoken, steps, text};
use crate::access::mask::Mask;
use crate::recovery::RecoverError;
use crate::rows;
use crate::timeline::{self, Entry, RuleLine, Timeline};
use crate::web::Site;

/// History rows of one page.
const HISTORY_SHOWN: usize = 200;

#[get("/customers/{id:.+}")]
pub(super) async fn customer_page(
    site: web::Data<Site>,
    reader: Reader,
    id: web::Path<String>,
) -> HttpResponse {
    show(&site, &reader, &id).await
}

/// A customer, or the page that says that nobody is known so.
pub(super) async fn show(site: &Site, reader: &Reader, id: &str) -> HttpResponse {
    let asked = CustomerId::from(id);
    if id.is_empty() || id.len() > CUSTOMER_ID_MAX_BYTES {
        return missing(reader, id);
    }
    let (store, partitions) = (site.store.clone(), site.directory.count());
    let mask = reader.mask.clone();
    let read = web::block(move || read(&store, partitions, &asked, &mask)).await;
    let (customer, timeline) = match read {
        Ok(Ok(Some(found))) => found,
        Ok(Ok(None)) => return missing(reader, id),
        Ok(Err(error)) => return parts::unreadable(reader, &error),
        Err(error) => return parts::unavailable(reader, &error),
    };
    let catalog = site.admin.published(|_, built| built.catalog.clone()).await;
    let title = reader.fill(text::CUSTOMER_N, &[&timeline.customer]);
    let content = html! {
        (facts(reader, &customer, &timeline))
        h2 { (reader.t(text::ENROLLMENTS)) }
        (enrollments(reader, &customer, &catalog))
        @if !customer.memberships.is_empty() {
            h2 { (reader.t(text::AUDIENCES)) }
            (memberships(reader, &customer))
        }
        h2 { (reader.t(text::CONSENTS)) }
        (consents(reader, &customer))
        h2 #timeline { (reader.t(text::TIMELINE)) }
        (entries(reader, &timeline))
        @if timeline.more { p.soft { (reader.t(text::OLDER_NOT_SHOWN)) } }
    };
    let frame = Frame { title: &title, here: Section::Customers, live: false };
    layout::page(reader, frame, &content)
}

type Found = Option<(Customer, Timeline)>;

fn read(
    store: &store::Store,
    partitions: u16,
    id: &CustomerId,
    mask: &Mask,
) -> Result<Found, RecoverError> {
    let Some(customer) = record(store, partitions, id)? else { return Ok(None) };
    let timeline = timeline::read(store, partitions, id, HISTORY_SHOWN, mask)?;
    Ok(timeline.map(|timeline| (customer, timeline)))
}

/// The record of a customer.
pub(super) fn record(
    store: &store::Store,
    partitions: u16,
    id: &CustomerId,
) -> Result<Option<Customer>, RecoverError> {
    let key = id.key();
    let row = codec::customer_key(key.partition(partitions), key);
    let record = store.get(rows::table(engine::Table::Customers), &row)?;
    Ok(record.map(|record| codec::decode_customer(key, &record)).transpose()?)
}

/// Nobody is known under the id.
pub(super) fn missing(reader: &Reader, id: &str) -> HttpResponse {
    let what = reader.mask.text(id);
    let texts = (text::NOBODY_KNOWN, text::NOBODY_KNOWN_ADVICE);
    layout::missing(reader, Section::Customers, &what, texts)
}

fn facts(reader: &Reader, customer: &Customer, timeline: &Timeline) -> Markup {
    html! {
        dl.facts {
            dt { (reader.t(text::KNOWN_SINCE)) } dd { (reader.at(customer.created_at)) }
            dt { (reader.t(text::ZONE)) }
            dd {
                @match &timeline.zone {
                    Some(zone) => (zone),
                    None => span.soft { (reader.t(text::NOT_KNOWN)) }
                }
            }
            dt { (reader.t(text::SEGMENTS)) }
            dd {
                @if timeline.segments.is_empty() { span.soft { (reader.t(text::NONE)) } }
                @else { (timeline.segments.join(", ")) }
            }
            @if let Some(tombstone) = &customer.tombstone {
                dt { (reader.t(text::MERGED_INTO)) }
                dd { (steps::customer(reader, tombstone.into.as_str())) }
            }
        }
        h2 #traits { (reader.t(text::TRAITS)) }
        (traits(reader, &timeline.traits))
    }
}

fn traits(reader: &Reader, traits: &serde_json::Value) -> Markup {
    let Some(traits) = traits.as_object().filter(|traits| !traits.is_empty()) else {
        return html! { p.soft { (reader.t(text::NONE)) } };
    };
    html! {
        ul.tags aria-labelledby="traits" {
            @for (name, value) in traits {
                li.words {
                    span.soft { (name) ": " }
                    @match value.as_str() { Some(text) => (text), None => (value.to_string()) }
                }
            }
        }
    }
}

fn enrollments(reader: &Reader, customer: &Customer, catalog: &Catalog) -> Markup {
    if customer.enrollments.is_empty() {
        return html! { p.soft { (reader.t(text::NO_ENROLLMENTS)) } };
    }
    let columns = [
        Column::Text(text::JOURNEY),
        Column::Text(text::STEP),
        Column::Text(text::STATE),
        Column::Text(text::NEXT_LOOK),
        Column::Text(text::ENTERED_AT),
        Column::Text(text::WHY_NOT),
    ];
    let rows = html! {
        @for one in &customer.enrollments {
            @let journey = catalog.version(one.version);
            @let name = journey.map(|journey| &journey.name);
            @let node = journey.and_then(|journey| journey.nodes.get(usize::from(one.at)));
            tr {
                th.left scope="row" {
                    @if let Some(name) = name {
                        a href={ (journeys::link(name.as_str())) "?version=" (one.version.0) } {
                            (name)
                        }
                    }
                    @if !one.key.is_empty() {
                        " " span.soft.words { (reader.mask.text(&one.key)) }
                    }
                }
                td.left { @if let Some(node) = node { (node.id) } }
                td.left { (reader.badge(steps::state_word(one))) }
                td.left { (steps::due(reader, one.next_at())) }
                td.left { (reader.at(one.entered_at)) }
                td.left { (why(reader, customer, name)) }
            }
        }
    };
    parts::table(reader, reader.t(text::ENROLLMENTS), &columns, &rows)
}

/// A link to "why not", where the id may stand in an address.
fn why(reader: &Reader, customer: &Customer, journey: Option<&JourneyName>) -> Markup {
    let id = customer.id.as_str();
    html! {
        @if let Some(journey) = journey.filter(|_| !reader.mask.changes(id)) {
            a href={ "/why?customer=" (escaped(id)) "&journey=" (escaped(journey.as_str())) } {
                (reader.t(text::WHY_NOT))
            }
        }
    }
}

fn memberships(reader: &Reader, customer: &Customer) -> Markup {
    let columns = [
        Column::Text(text::AUDIENCE),
        Column::Text(text::SINCE),
        Column::Text(text::MEMBER_UNTIL),
        Column::Text(text::SEND),
    ];
    let rows = html! {
        @for one in &customer.memberships {
            tr {
                th.left scope="row" { (one.audience) }
                td.left { (reader.at(one.since)) }
                td.left { (reader.at(one.until)) }
                td.left.fit { (sends::link(reader, &one.send.to_string())) }
            }
        }
    };
    parts::table(reader, reader.t(text::AUDIENCES), &columns, &rows)
}

fn consents(reader: &Reader, customer: &Customer) -> Markup {
    let (records, stops) = (customer.consent.records(), &customer.suppressions);
    if records.is_empty() && stops.is_empty() {
        return html! { p.soft { (reader.t(text::NO_CONSENTS)) } };
    }
    let columns = [
        Column::Text(text::CHANNEL),
        Column::Text(text::TOPIC),
        Column::Text(text::STATE),
        Column::Text(text::SINCE),
        Column::Text(text::SOURCE),
    ];
    let all = |name: Option<&str>| name.unwrap_or(reader.t(text::EVERYTHING)).to_owned();
    let word = |record: &ConsentRecord| match record.change.permission {
        Permission::Granted => "granted",
        Permission::Denied => "denied",
    };
    let rows = html! {
        @for record in records {
            tr {
                td.left { (all(record.change.channel.as_ref().map(|name| name.as_str()))) }
                td.left { (all(record.change.topic.as_ref().map(|name| name.as_str()))) }
                td.left { (reader.badge(word(record))) }
                td.left { (reader.at(record.at)) }
                td.left.words { (reader.mask.text(&record.change.source)) }
            }
        }
        @for stop in stops {
            tr {
                td.left { (stop.channel) }
                td.left {}
                td.left { (reader.badge("suppressed")) }
                td.left { (reader.at(stop.since)) }
                td.left { (reader.word(&stop.reason)) }
            }
        }
    };
    parts::table(reader, reader.t(text::CONSENTS), &columns, &rows)
}

fn entries(reader: &Reader, timeline: &Timeline) -> Markup {
    if timeline.entries.is_empty() {
        return parts::empty(reader.t(text::NOTHING_YET), reader.t(text::NOTHING_YET_ADVICE));
    }
    let columns = [
        Column::Text(text::WHEN),
        Column::Text(text::WHAT),
        Column::Text(text::DETAILS),
        Column::Text(text::SEND),
    ];
    let rows = html! { @for entry in &timeline.entries { (row(reader, entry)) } };
    parts::table(reader, reader.t(text::TIMELINE), &columns, &rows)
}

fn row(reader: &Reader, entry: &Entry) -> Markup {
    html! {
        tr {
            td.left { (reader.at_text(&entry.at)) }
            td.left { (reader.badge(&entry.kind)) }
            td.left.words {
                (spoken::entry(reader, entry))
                @if !entry.rules.is_empty() {
                    details {
                        summary {
                            (reader.fill(text::RULES_ASKED, &[&entry.rules.len()]))
                        }
                        (rules(reader, &entry.rules))
                    }
                }
            }
            td.left.fit { @if let Some(send) = &entry.send { (sends::link(reader, send)) } }
        }
    }
}

/// What every rule said, with the numbers that it saw.
pub(super) fn rules(reader: &Reader, rules: &[RuleLine]) -> Markup {
    let columns = [
        Column::Text(text::RULE),
        Column::Text(text::SAID),
        Column::Text(text::WHY),
        Column::Number(text::COUNTED),
        Column::Number(text::LIMIT),
        Column::Text(text::EARLIEST),
    ];
    let number = |number: Option<u32>| {
        number.map_or_else(String::new, |number| reader.number(i64::from(number)))
    };
    let rows = html! {
        @for rule in rules {
            tr {
                th.left scope="row" { (reader.word(&rule.rule)) }
                td.left { (reader.badge(&rule.ruling)) }
                td.left { (spoken::reason(reader, rule)) }
                td { (number(rule.counted)) }
                td { (number(rule.limit)) }
                td.left { @if let Some(at) = &rule.earliest { (reader.at_text(at)) } }
            }
        }
    };
    parts::table(reader, reader.t(text::WHAT_RULES_SAID), &columns, &rows)
}
