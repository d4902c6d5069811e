//! What a step does, in a few words, and the customers who stand on it.

use actix_web::{HttpResponse, get, web};
use domain::ids::{JourneyName, StepId, VersionNo};
use domain::journey::enrollment::{Enrollment, Phase, State};
use domain::journey::steps::{Step, Wait, WaitTime};
use domain::time::{Instant, Weekdays};
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{self, Frame, Section, customer_link};
use super::parts::{self, Column};
use super::reader::Reader;
use super::{graph, text};
use crate::access::mask::MASKED;
use crate::customers::{EnrollmentLine, Found, Wanted};
use crate::error::{ErrorCode, Problem};
use crate::web::Site;
use crate::web::api::cursor::List;

/// Customers of one page.
const FOUND_MAX: usize = 50;

/// Link to the customers on a step.
pub(super) fn link(journey: &str, step: &str, version: u32) -> String {
    let (journey, step) = (layout::escaped(journey), layout::escaped(step));
    format!("/journeys/{journey}/steps/{step}?version={version}")
}

/// What a step does, in a few words.
pub(super) fn described(reader: &Reader, step: &Step) -> String {
    match step {
        Step::Wait(wait) => waits(reader, wait),
        Step::Send(send) => {
            let channel = |(channel, template): &(_, domain::ids::TemplateName)| {
                let channel: &domain::ids::ChannelName = channel;
                match template.as_str() {
                    "" => channel.to_string(),
                    template => format!("{channel}: {template}"),
                }
            };
            send.channels.iter().map(channel).collect::<Vec<_>>().join(", ")
        }
        Step::Branch(branch) => reader.fill(text::SO_MANY_ARMS, &[&(branch.arms.len() + 1)]),
        Step::Split(split) => reader.fill(text::SO_MANY_ARMS, &[&split.variants.len()]),
        Step::Update(update) => {
            update.changes.iter().map(|(name, _)| &**name).collect::<Vec<_>>().join(", ")
        }
        Step::Leave(leave) => leave.audience.to_string(),
        Step::Exit(exit) => exit.reason.clone().unwrap_or_default(),
    }
}

fn waits(reader: &Reader, wait: &Wait) -> String {
    let at = |at: &dyn std::fmt::Display| reader.fill(text::AT_TIME, &[at]);
    let time = wait.time.as_ref().map(|time| match time {
        WaitTime::For { span, at: None } => span_words(reader, &span.to_string()),
        WaitTime::For { span, at: Some(time) } => {
            format!("{} {}", span_words(reader, &span.to_string()), at(time))
        }
        WaitTime::At { on, at: time } => {
            let days = if *on == Weekdays::ALL { String::new() } else { format!(" {on}") };
            at(time) + &days
        }
        WaitTime::Date { date, at: None, .. } => date.to_string(),
        WaitTime::Date { date, at: Some(time), .. } => format!("{date} {}", at(time)),
    });
    let until = wait.until.as_ref().map(|until| until.event.to_string());
    match (time, until) {
        (Some(time), Some(event)) => reader.fill(text::EVENT_OR, &[&event, &time]),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => String::new(),
    }
}

/// A duration of ISO 8601 in words (`P2DT3H` is `2 d 3 h`).
fn span_words(reader: &Reader, iso: &str) -> String {
    let (mut words, mut digits, mut in_time) = (Vec::new(), String::new(), false);
    for c in iso.chars().skip(1) {
        let unit = match c {
            'T' => {
                in_time = true;
                continue;
            }
            '0'..='9' | '.' => {
                digits.push(c);
                continue;
            }
            'Y' => text::YEARS,
            'M' if in_time => text::MINUTES,
            'M' => text::MONTHS,
            'D' => text::DAYS,
            'H' => text::HOURS,
            _ => text::SECONDS,
        };
        words.push(reader.fill(unit, &[&std::mem::take(&mut digits)]));
    }
    words.join(" ")
}

#[derive(Deserialize)]
struct Asked {
    version: Option<u32>,
    after: Option<String>,
}

/// The customers who stand on a step.
#[get("/journeys/{name}/steps/{step}")]
pub(super) async fn step_page(
    site: web::Data<Site>,
    reader: Reader,
    path: web::Path<(String, String)>,
    asked: web::Query<Asked>,
) -> HttpResponse {
    let (name, step) = path.into_inner();
    let place = site.admin.published(|_, built| {
        let catalog = &built.catalog;
        let version = match asked.version {
            Some(version) => VersionNo(version),
            None => *catalog.parts().current.get(name.as_str())?,
        };
        let journey = catalog.version(version).filter(|one| one.name.as_str() == name)?;
        let (at, _) = graph::step_by_id(journey, &step)?;
        let node = journey.nodes.get(usize::from(at))?;
        Some((version, described(&reader, &node.step), node.step.kind()))
    });
    let Some((version, said, kind)) = place.await else {
        let detail = format!("no step `{step}` of a journey `{name}` is published");
        return reader.problem(&Problem::new(ErrorCode::JourneyUnknown, detail));
    };
    let wanted = Wanted {
        journey: JourneyName::from(name.as_str()),
        step: Some(StepId::from(step.as_str())),
        version: Some(version.0),
    };
    let list = List::new("step", &wanted);
    let from = match list.place(asked.after.as_deref()) {
        Ok(from) => from,
        Err(problem) => return reader.problem(&problem),
    };
    let found = match site.admin.enrollments(wanted, from, FOUND_MAX, &reader.by).await {
        Ok(found) => found,
        Err(problem) => return reader.problem(&problem),
    };
    let title = format!("{name} / {step}");
    let back = format!("/journeys/{}?version={}", layout::escaped(&name), version.0);
    let more = found
        .next
        .as_ref()
        .map(|next| format!("{}&after={}", link(&name, &step, version.0), list.cursor(next)));
    let content = html! {
        p { a href=(back) { (reader.fill(text::BACK_TO, &[&name])) } }
        p {
            (reader.badge(kind)) " " (said) " · "
            (reader.fill(text::VERSION_N, &[&version.0]))
        }
        h2 { (reader.t(text::WHO_STANDS_HERE)) }
        (listed(&reader, &found))
        (parts::more(&reader, more, text::LOOK_FURTHER))
    };
    layout::page(&reader, Frame { title: &title, here: Section::Journeys, live: false }, &content)
}

fn listed(reader: &Reader, found: &Found<EnrollmentLine>) -> Markup {
    let looked = reader.fill(text::RECORDS_LOOKED_AT, &[&reader.count(found.looked_at)]);
    if found.items.is_empty() {
        return parts::empty(reader.t(text::NOBODY_HERE), &looked);
    }
    let columns = [
        Column::Text(text::CUSTOMER),
        Column::Text(text::STATE),
        Column::Text(text::NEXT_LOOK),
        Column::Text(text::ENTERED_AT),
        Column::Text(text::KEY),
    ];
    let rows = html! {
        @for one in &found.items {
            tr {
                th.left scope="row" { (customer(reader, &one.customer)) }
                td.left { (reader.badge(&one.state)) }
                td.left {
                    @match &one.next_at {
                        Some(at) => (reader.at_text(at)),
                        None => (due(reader, Instant::MAX))
                    }
                }
                td.left { (reader.at_text(&one.entered_at)) }
                td.left.words { (one.key) }
            }
        }
    };
    html! {
        (parts::table(reader, reader.t(text::WHO_STANDS_HERE), &columns, &rows))
        p.soft { (looked) }
    }
}

/// A customer as a link, or as nothing but a mask where the id itself names somebody.
pub(super) fn customer(reader: &Reader, id: &str) -> Markup {
    if reader.mask.changes(id) || reader.mask.is_masking() && id.contains(MASKED) {
        return html! { span.soft { (MASKED) } };
    }
    html! { a.words href=(customer_link(id)) { (id) } }
}

/// The stable word for what an enrollment does on its step.
pub(super) fn state_word(enrollment: &Enrollment) -> &'static str {
    match &enrollment.state {
        State::Waiting { .. } => "waiting",
        State::Sending(sending) => match sending.phase {
            Phase::Held => "held",
            Phase::New | Phase::Planned => "planned",
        },
    }
}

pub(super) fn due(reader: &Reader, at: Instant) -> Markup {
    match at {
        Instant::MAX => html! { span.soft { (reader.t(text::BY_EVENT_ONLY)) } },
        at => reader.at(at),
    }
}
