//! The page `/sends`: the messages of all customers, by state, rule, channel and journey. A page
//! looks back for a bounded time and says how far it came.

use actix_web::{HttpResponse, get, web};
use domain::ids::{ChannelName, CustomerId, JourneyName};
use domain::verdict::RuleKind;
use engine::Catalog;
use maud::{Markup, html};
use policies::BUILT_IN_RULES;
use serde::Deserialize;

use super::layout::{self, Frame, Section, escaped};
use super::parts::{self, Column};
use super::reader::Reader;
use super::{journeys, spoken, steps, text};
use crate::sends::{Filter, SendLine, State};
use crate::web::Site;
use crate::web::api::cursor::List;

/// Sends of one page.
const SENDS_SHOWN: usize = 50;

/// The filters as the form sends them: what is empty is any.
#[derive(Clone, Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    state: String,
    #[serde(default)]
    rule: String,
    #[serde(default)]
    channel: String,
    #[serde(default)]
    journey: String,
    #[serde(default)]
    customer: String,
    cursor: Option<String>,
}

impl Asked {
    fn filter(&self) -> Filter {
        let some = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
        Filter {
            states: State::of_word(&self.state).into_iter().collect(),
            rule: some(&self.rule),
            channel: some(&self.channel).map(ChannelName::from),
            journey: some(&self.journey).map(JourneyName::from),
            customer: some(&self.customer).map(CustomerId::from),
            ..Filter::default()
        }
    }

    /// The address of the page with these filters, from a place on.
    fn address(&self, cursor: &str) -> String {
        let parts = [
            ("state", &self.state),
            ("rule", &self.rule),
            ("channel", &self.channel),
            ("journey", &self.journey),
            ("customer", &self.customer),
        ];
        let given = parts.into_iter().filter(|(_, value)| !value.is_empty());
        let given: String =
            given.map(|(name, value)| format!("{name}={}&", escaped(value))).collect();
        format!("/sends?{given}cursor={cursor}")
    }
}

#[get("/sends")]
pub(super) async fn sends_page(
    site: web::Data<Site>,
    reader: Reader,
    asked: web::Query<Asked>,
) -> HttpResponse {
    let filter = asked.filter();
    let is_open = filter == Filter::default();
    let list = List::new("sends", &filter);
    let before = match list.place(asked.cursor.as_deref()) {
        Ok(before) => before,
        Err(problem) => return reader.problem(&problem),
    };
    let found = match site.admin.sends(filter, before, SENDS_SHOWN, &reader.by).await {
        Ok(found) => found,
        Err(problem) => return reader.problem(&problem),
    };
    let catalog = site.admin.published(|_, built| built.catalog.clone()).await;
    let looked_back_to = found.next.as_ref().map(|next| next.instant());
    let next = found.next.as_ref().map(|next| asked.address(&list.cursor(next)));
    let content = html! {
        (form(&reader, &catalog, &asked))
        (listed(&reader, &found.lines))
        @if let Some(at) = looked_back_to {
            p.soft { (reader.t(text::LOOKED_BACK_TO)) " " (reader.at(at)) }
        }
        (parts::more(&reader, next, text::OLDER))
    };
    let title = reader.t(text::SENDS);
    // The newest ones are kept fresh. Whoever has gone back is not moved; looking for what is rare
    // may take long, and is not repeated by itself.
    let live = asked.cursor.is_none() && is_open;
    layout::page(&reader, Frame { title, here: Section::Sends, live }, &content)
}

fn form(reader: &Reader, catalog: &Catalog, asked: &Asked) -> Markup {
    let plain = |name: String| (name.clone(), name);
    let states = State::ALL.map(|one| (one.word().to_owned(), reader.word(one.word()).into()));
    // By the kinds of rules: names of the policy are kept with each decision, and may have changed.
    let declared =
        [RuleKind::QuietHours, RuleKind::SendWindow, RuleKind::FrequencyCap, RuleKind::MinimumGap];
    let kinds = declared.into_iter().chain(BUILT_IN_RULES);
    let words = kinds.map(RuleKind::as_str);
    let rules: Vec<_> = words.map(|one| (one.to_owned(), reader.word(one).into())).collect();
    let channels = catalog.parts().channels.keys().map(|name| plain(name.to_string()));
    let journeys = catalog.parts().current.keys().map(|name| plain(name.to_string()));
    let any = reader.t(text::ANY);
    let select = |name, label, chosen: &str, options: &[_]| {
        parts::select(name, reader.t(label), any, chosen, options)
    };
    html! {
        form.filters action="/sends" method="get" {
            (select("state", text::STATE, &asked.state, &states))
            (select("rule", text::RULE, &asked.rule, &rules))
            (select("channel", text::CHANNEL, &asked.channel, &channels.collect::<Vec<_>>()))
            (select("journey", text::JOURNEY, &asked.journey, &journeys.collect::<Vec<_>>()))
            (parts::field(
                "customer",
                reader.t(text::CUSTOMER),
                &reader.mask.text(&asked.customer),
            ))
            button type="submit" { (reader.t(text::SHOW)) }
        }
    }
}

fn listed(reader: &Reader, lines: &[SendLine]) -> Markup {
    if lines.is_empty() {
        return parts::empty(reader.t(text::NO_SENDS), reader.t(text::NO_SENDS_ADVICE));
    }
    let columns = [
        Column::Text(text::DECIDED_AT),
        Column::Text(text::STATE),
        Column::Text(text::CUSTOMER),
        Column::Text(text::JOURNEY),
        Column::Text(text::CHANNEL),
        Column::Text(text::WHY),
        Column::Text(text::SEND),
    ];
    let rows = html! {
        @for line in lines {
            tr {
                td.left { (reader.at_text(&line.at)) }
                td.left { (reader.badge(line.state.word())) }
                td.left.fit { (steps::customer(reader, &line.customer)) }
                td.left.fit {
                    a href=(journeys::link(&line.journey)) { (line.journey) } " / " (line.step)
                }
                td.left { (line.channel) }
                td.left.words { (why(reader, line)) }
                td.left.fit { (link(reader, &line.send)) }
            }
        }
    };
    parts::table(reader, reader.t(text::SENDS), &columns, &rows)
}

/// Link to a send; of its id the end, where it differs from others of the same customer.
pub(super) fn link(reader: &Reader, send: &str) -> Markup {
    let end = send.get(send.len().saturating_sub(8)..).unwrap_or(send);
    let label = reader.fill(text::SEND_N, &[&format!("…{end}")]);
    html! {
        a href={ "/sends/" (send) } aria-label=(label) title=(send) { code { "…" (end) } }
    }
}

/// The rule that held or refused it, or what the provider said.
pub(super) fn why(reader: &Reader, line: &SendLine) -> Markup {
    html! {
        @if let Some(rule) = &line.rule {
            strong { (reader.word(rule)) } " "
            (spoken::said(reader, line.reason.as_deref(), line.why.as_ref()))
        }
        @if let Some(until) = &line.held_until {
            " · " (reader.t(text::GOES_ON_AT)) " " (reader.at_text(until))
        }
        @if let Some(reply) = line.reply.as_deref().filter(|reply| !reply.is_empty()) {
            (reader.quoted(reply))
        }
    }
}
