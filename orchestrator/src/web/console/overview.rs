//! The page `/`: what was sent, held and refused, how far behind the process is, every journey in
//! one line, the newest captured messages.

use actix_web::{HttpResponse, get, web};
use domain::ids::CustomerKey;
use engine::codec;
use maud::{Markup, html};
use store::{Limit, Range, Read};

use super::captured::{self, Shown};
use super::counts::{self, Overview};
use super::layout::{self, Frame, Section, customer_link};
use super::parts::{self, Column};
use super::reader::Reader;
use super::{journeys, lag, messages, text};
use crate::admin::{JourneyState, Lag};
use crate::recovery::RecoverError;
use crate::rows;
use crate::web::Site;

/// Messages on the page.
const MESSAGES_SHOWN: usize = 8;
/// Customers whose ids are offered.
const SAMPLES_SHOWN: usize = 12;
/// Customers looked at to choose the samples from: the first of one partition, which are a draw
/// from all because partitions and keys are hashes.
const SAMPLES_READ: usize = 100;

/// Everything that the page shows.
#[derive(Clone, Debug)]
struct View {
    overview: Overview,
    journeys: Vec<JourneyState>,
    /// How far behind it is; none if a partition was too busy to say.
    lag: Option<Lag>,
    /// Whether any channel captures.
    captures: bool,
    captured: u64,
    messages: Vec<Shown>,
    /// Ids of some customers.
    samples: Vec<String>,
}

#[get("/")]
pub(super) async fn overview_page(site: web::Data<Site>, reader: Reader) -> HttpResponse {
    match view(&site, &reader).await {
        Ok(view) => {
            let title = reader.t(text::OVERVIEW);
            let frame = Frame { title, here: Section::Overview, live: true };
            layout::page(&reader, frame, &shown(&reader, &view))
        }
        Err(why) => parts::unavailable(&reader, &why),
    }
}

async fn view(site: &Site, reader: &Reader) -> Result<View, runtime::handle::AskError> {
    let overview = counts::overview(&site.directory).await?;
    let journeys = site.admin.states(&overview).await;
    let captures = site.admin.captures();
    let store = site.store.clone();
    let samples = match web::block(move || samples(&store)).await {
        // An id that is an address names somebody: it would stand in the link as well.
        Ok(Ok(found)) => found.into_iter().filter(|id| !reader.mask.changes(id)).collect(),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the console cannot read customers");
            Vec::new()
        }
        // The pool of threads has ended: so does the process.
        Err(_) => Vec::new(),
    };
    Ok(View {
        overview,
        journeys,
        lag: site.admin.lag().await.ok(),
        captures: !captures.is_empty(),
        captured: captured::total(&captures),
        messages: captured::newest(&captures, MESSAGES_SHOWN, &reader.mask),
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

fn shown(reader: &Reader, view: &View) -> Markup {
    html! {
        (figures(reader, view))
        @if let Some(lag) = &view.lag {
            h2 { (reader.t(text::HOW_FAR_BEHIND)) }
            (lag::shown(reader, lag))
        }
        h2 { (reader.t(text::JOURNEYS)) }
        (journeys::listed(reader, &view.journeys))
        div.columns {
            section { h2 { (reader.t(text::WHAT_RULES_DID)) } (rules(reader, &view.overview)) }
            section { h2 { (reader.t(text::SENT_BY_CHANNEL)) } (channels(reader, &view.overview)) }
        }
        @if view.captures {
            h2 { (reader.t(text::NEWEST_MESSAGES)) }
            (messages::listed(reader, &view.messages))
        }
        @if !view.samples.is_empty() {
            h2 #some { (reader.t(text::SOME_CUSTOMERS)) }
            ul.tags aria-labelledby="some" {
                @for id in &view.samples { li { a href=(customer_link(id)) { (id) } } }
            }
        }
    }
}

fn figures(reader: &Reader, view: &View) -> Markup {
    let overview = &view.overview;
    let entered: i64 = overview.journeys.iter().map(|journey| journey.entered).sum();
    let active: i64 = overview.journeys.iter().map(|journey| journey.active).sum();
    let figure = |label, value: String, class| parts::figure(reader.t(label), &value, class);
    let number = |number| reader.number(number);
    html! {
        p.soft { (reader.t(text::TIME_IN_JOURNEYS)) " " (reader.clock_text(reader.now)) }
        dl.figures {
            (figure(text::ENROLLMENTS_MADE, number(entered), ""))
            (figure(text::ACTIVE, number(active), ""))
            (figure(text::SENT, number(overview.sent), "sent"))
            (figure(text::TIMES_HELD, number(overview.held), "held"))
            (figure(text::REFUSED, number(overview.refused), "refused"))
            @if overview.spent.currency.is_some() {
                (figure(text::SPENT, reader.money(&overview.spent), ""))
            }
            @if view.captures { (figure(text::CAPTURED, number(view.captured as i64), "")) }
            (figure(text::WITHOUT_ANSWER, reader.count(overview.open), ""))
            (figure(text::NOT_DURABLE, number(overview.undurable as i64), ""))
        }
    }
}

fn rules(reader: &Reader, overview: &Overview) -> Markup {
    if overview.rules.is_empty() {
        return parts::empty(reader.t(text::NOTHING_RULED), reader.t(text::NOTHING_RULED_ADVICE));
    }
    let most = overview.rules.values().map(|rule| rule.held.max(rule.refused)).max();
    let most = most.unwrap_or(0);
    let columns = [
        Column::Text(text::RULE),
        Column::Number(text::TIMES_HELD),
        Column::Bar,
        Column::Number(text::REFUSED),
        Column::Bar,
    ];
    let rows = html! {
        @for (name, rule) in &overview.rules {
            tr data-rule=(name) {
                th.left scope="row" { (reader.word(name)) }
                td { (reader.number(rule.held)) }
                td aria-hidden="true" { (parts::bar("b-held", rule.held, most)) }
                td { (reader.number(rule.refused)) }
                td aria-hidden="true" { (parts::bar("b-refused", rule.refused, most)) }
            }
        }
    };
    parts::table(reader, reader.t(text::WHAT_RULES_DID), &columns, &rows)
}

fn channels(reader: &Reader, overview: &Overview) -> Markup {
    if overview.channels.is_empty() {
        return parts::empty(reader.t(text::NOTHING_SENT), reader.t(text::NOTHING_SENT_ADVICE));
    }
    let most = overview.channels.values().copied().max().unwrap_or(0);
    let columns = [Column::Text(text::CHANNEL), Column::Number(text::SENT), Column::Bar];
    let rows = html! {
        @for (name, sent) in &overview.channels {
            tr {
                th.left scope="row" { (name) }
                td { (reader.number(*sent)) }
                td aria-hidden="true" { (parts::bar("b-sent", *sent, most)) }
            }
        }
    };
    parts::table(reader, reader.t(text::SENT_BY_CHANNEL), &columns, &rows)
}
