//! What a step does, in a few words, and the customers who stand on it.

use actix_web::{HttpResponse, get, web};
use domain::ids::{CustomerKey, VersionNo};
use domain::journey::definition::NodeIndex;
use domain::journey::enrollment::{Enrollment, Phase, State};
use domain::journey::steps::{Step, Wait, WaitTime};
use domain::time::{Instant, Weekdays};
use engine::codec;
use maud::{Markup, html};
use serde::Deserialize;
use store::{Limit, Range, Read};

use super::layout::{self, Frame, Section, customer_link};
use super::parts::{self, Column};
use super::reader::Reader;
use super::{graph, text};
use crate::error::{ErrorCode, Problem};
use crate::recovery::RecoverError;
use crate::rows;
use crate::web::Site;

/// Records that one request looks at: about a tenth of a second of reading. Who stands on a step
/// is in no index, so that a page shows whom it found so far and goes on from there.
const RECORDS_READ: usize = 5_000;
/// Customers of one page.
const FOUND_MAX: usize = 50;
/// Records read from the store at a time.
const RECORDS_AT_ONCE: usize = 500;

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
    #[serde(default)]
    after: String,
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
        Some((version, at, described(&reader, &node.step), node.step.kind()))
    });
    let Some((version, at, said, kind)) = place.await else {
        let detail = format!("no step `{step}` of a journey `{name}` is published");
        return reader.problem(&Problem::new(ErrorCode::JourneyUnknown, detail));
    };
    let (store, after) = (site.store.clone(), parts::key_of(&asked.after));
    let read = web::block(move || scan(&store, version, at, after)).await;
    let found = match read {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => return parts::unreadable(&reader, &error),
        Err(error) => return parts::unavailable(&reader, &error),
    };
    let title = format!("{name} / {step}");
    let back = format!("/journeys/{}?version={}", layout::escaped(&name), version.0);
    let more = found
        .next
        .as_deref()
        .map(|next| format!("{}&after={}", link(&name, &step, version.0), parts::cursor(next)));
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

/// Somebody on the step.
struct Standing {
    id: String,
    enrollment: Enrollment,
}

struct Found {
    standing: Vec<Standing>,
    looked_at: usize,
    next: Option<Vec<u8>>,
}

/// Looks for enrollments on a step, from a key of the customers' table on.
fn scan(
    store: &impl Read,
    version: VersionNo,
    at: NodeIndex,
    after: Option<Vec<u8>>,
) -> Result<Found, RecoverError> {
    let table = rows::table(engine::Table::Customers);
    let mut range = after.map_or_else(Range::all, Range::from);
    let mut found = Found { standing: Vec::new(), looked_at: 0, next: None };
    while found.looked_at < RECORDS_READ {
        let page = store.scan(table, &range, Limit::rows(RECORDS_AT_ONCE))?;
        for (key, record) in &page.rows {
            if found.standing.len() >= FOUND_MAX {
                found.next = Some(key.clone());
                return Ok(found);
            }
            found.looked_at += 1;
            let Some(key) = key.get(2..18).and_then(|key| <[u8; 16]>::try_from(key).ok()) else {
                continue;
            };
            let customer = codec::decode_customer(CustomerKey(key), record)?;
            let id = customer.id.to_string();
            let here = |one: &Enrollment| one.version == version && one.at == at;
            let standing = customer.enrollments.into_iter().filter(here);
            found
                .standing
                .extend(standing.map(|enrollment| Standing { id: id.clone(), enrollment }));
        }
        match page.next {
            Some(next) => range = range.resume(next),
            None => return Ok(found),
        }
    }
    found.next = Some(range.from);
    Ok(found)
}

fn listed(reader: &Reader, found: &Found) -> Markup {
    let looked = reader.fill(text::RECORDS_LOOKED_AT, &[&reader.count(found.looked_at)]);
    if found.standing.is_empty() {
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
        @for one in &found.standing {
            tr {
                th.left scope="row" { (customer(reader, &one.id)) }
                td.left { (reader.badge(state_word(&one.enrollment))) }
                td.left { (due(reader, one.enrollment.next_at())) }
                td.left { (reader.at(one.enrollment.entered_at)) }
                td.left.words { (reader.mask.text(&one.enrollment.key)) }
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
    if reader.mask.changes(id) {
        return html! { span.soft { (crate::access::mask::MASKED) } };
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
