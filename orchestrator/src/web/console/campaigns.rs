//! The page `/campaigns`: what each campaign is for, when it runs, and what its journeys did.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, get, web};
use domain::campaign::Campaign;
use domain::time::Instant;
use maud::{Markup, html};

use super::counts::Spent;
use super::layout::{self, Frame, Section};
use super::parts;
use super::reader::Reader;
use super::{journeys, text};
use crate::admin::JourneyState;
use crate::web::Site;

/// A campaign with its journeys.
struct Known {
    campaign: Campaign,
    journeys: Vec<String>,
}

#[get("/campaigns")]
pub(super) async fn campaigns_page(site: web::Data<Site>, reader: Reader) -> HttpResponse {
    let known = site.admin.published(|_, built| {
        let definitions = &built.definitions;
        let mut found: BTreeMap<String, Known> = BTreeMap::new();
        for (name, campaign) in &definitions.campaigns {
            let journeys = campaign.journeys.iter().map(ToString::to_string).collect();
            found.insert(name.to_string(), Known { campaign: Campaign::clone(campaign), journeys });
        }
        // A journey can also name its campaign.
        for journey in definitions.journeys.values() {
            let campaign = journey.campaign.as_ref().map(ToString::to_string);
            if let Some(known) = campaign.and_then(|campaign| found.get_mut(&campaign))
                && !known.journeys.iter().any(|name| name == journey.name.as_str())
            {
                known.journeys.push(journey.name.to_string());
            }
        }
        found
    });
    let known = known.await;
    let states = match site.admin.journeys().await {
        Ok(states) => states,
        Err(problem) => return reader.problem(&problem),
    };
    let content = html! {
        @if known.is_empty() {
            (parts::empty(reader.t(text::NO_CAMPAIGNS), reader.t(text::NO_CAMPAIGNS_ADVICE)))
        }
        @for (name, known) in &known { (section(&reader, name, known, &states)) }
    };
    let title = reader.t(text::CAMPAIGNS);
    layout::page(&reader, Frame { title, here: Section::Campaigns, live: true }, &content)
}

fn section(reader: &Reader, name: &str, known: &Known, states: &[JourneyState]) -> Markup {
    let campaign = &known.campaign;
    let of_it: Vec<JourneyState> =
        states.iter().filter(|one| known.journeys.contains(&one.name)).cloned().collect();
    let sum = |of: fn(&JourneyState) -> i64| of_it.iter().map(of).sum();
    let figure = |label, value, class| parts::figure(reader.t(label), &reader.number(value), class);
    html! {
        section.card data-campaign=(name) {
            h2 { (name) " " (reader.badge(standing(campaign, reader.now))) }
            @if let Some(text) = &campaign.description { p.words { (text) } }
            dl.facts {
                @if let Some((event, within)) = &campaign.goal {
                    dt { (reader.t(text::GOAL)) }
                    dd {
                        (event)
                        @if let Some(within) = within {
                            " " (reader.fill(text::WITHIN, &[within]))
                        }
                    }
                }
                @if let Some(starts) = campaign.starts {
                    dt { (reader.t(text::STARTS)) } dd { (reader.at(starts)) }
                }
                @if let Some(ends) = campaign.ends {
                    dt { (reader.t(text::ENDS)) } dd { (reader.at(ends)) }
                }
            }
            dl.figures {
                (figure(text::ENTERED, sum(|one| one.entered), ""))
                (figure(text::ACTIVE, sum(|one| one.active), ""))
                (figure(text::SENT, sum(|one| one.sent), "sent"))
                (figure(text::TIMES_HELD, sum(|one| one.held), "held"))
                (figure(text::REFUSED, sum(|one| one.refused), "refused"))
                @if let Some(spent) = spent(&of_it) {
                    (parts::figure(reader.t(text::SPENT), &reader.money(&spent), ""))
                }
            }
            (journeys::listed(reader, &of_it))
        }
    }
}

/// What its messages cost, where that is said.
fn spent(journeys: &[JourneyState]) -> Option<Spent> {
    let currency = journeys.iter().find_map(|one| one.spent.currency.clone())?;
    let micros = journeys.iter().map(|one| one.spent.micros).sum();
    Some(Spent { micros, currency: Some(currency) })
}

/// Whether customers enter its journeys now.
fn standing(campaign: &Campaign, now: Instant) -> &'static str {
    if campaign.starts.is_some_and(|starts| now < starts) {
        "not_begun"
    } else if campaign.ends.is_some_and(|ends| now >= ends) {
        "over"
    } else {
        "running"
    }
}
