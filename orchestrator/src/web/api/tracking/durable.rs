//! From what a request asks for to its answer, which comes when all of it is durable.

use actix_web::{HttpRequest, HttpResponse};
use domain::event::{Alias, Event};
use domain::ids::CustomerId;
use runtime::{Busy, Lane};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::call::{Asked, Bad, Item, event_type};
use crate::actors::load::first_unfit;
use crate::error::{ErrorCode, Problem};
use crate::telemetry::metrics::{EventResult, EventType};
use crate::telemetry::trace::{Origins, TraceParent};
use crate::web::live_events::{Seen, Verdict};
use crate::web::{Site, respond};

/// Why one event was not taken.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "EventRejected")]
pub(crate) struct Rejected {
    index: usize,
    #[serde(rename = "messageId", skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    code: &'static str,
    detail: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EventsTaken")]
pub(crate) struct Accepted {
    success: bool,
    accepted: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rejected: Vec<Rejected>,
}

/// What one request asks for, in the order in which it says it.
pub(super) struct Request<'a> {
    site: &'a Site,
    source: String,
    events: Vec<Event>,
    aliases: Vec<Alias>,
    rejected: Vec<Rejected>,
    items: usize,
    /// Accepted items of each type.
    counts: [u64; EventType::ALL.len()],
    /// For those who look on.
    seen: Vec<Seen>,
    watched: bool,
    /// The span inside of which it was sent.
    origin: Option<TraceParent>,
    /// Spans that events name themselves, in their order, up to the last one that does.
    origins: Vec<Option<TraceParent>>,
}

/// Header in which callers say inside of which span they call.
const TRACE_PARENT: &str = "traceparent";

impl<'a> Request<'a> {
    pub(super) fn new(site: &'a Site, request: &HttpRequest, source: String) -> Self {
        let said = request.headers().get(TRACE_PARENT).and_then(|value| value.to_str().ok());
        Self {
            site,
            source,
            events: Vec::new(),
            aliases: Vec::new(),
            rejected: Vec::new(),
            items: 0,
            counts: [0; EventType::ALL.len()],
            seen: Vec::new(),
            watched: site.live_events.is_watched(),
            origin: said.and_then(TraceParent::parse),
            origins: Vec::new(),
        }
    }

    /// One more item: its text, the type that its address says, and what became of it.
    pub(super) fn add(&mut self, text: &str, kind: Option<&str>, asked: Result<Asked, Bad>) {
        let index = self.items;
        self.items += 1;
        match asked {
            Ok(Asked { kind: counted, item, origin }) => {
                if self.watched {
                    self.see(text, kind, Verdict::Accepted);
                }
                self.counts[counted as usize] += 1;
                match item {
                    Item::Events(events) => {
                        if origin.is_some() {
                            self.origins.resize(self.events.len(), None);
                            self.origins.resize(self.events.len() + events.len(), origin);
                        }
                        self.events.extend(events);
                    }
                    Item::Alias(alias) => self.aliases.push(alias),
                }
            }
            Err((code, detail)) => {
                let code = code.row().code;
                let verdict = Verdict::Rejected { code: code.into(), detail: detail.clone() };
                self.see(text, kind, verdict);
                self.rejected.push(Rejected { index, message_id: message_id(text), code, detail });
            }
        }
    }

    fn see(&mut self, text: &str, kind: Option<&str>, verdict: Verdict) {
        self.seen.push(Seen::new(self.site.now(), &self.source, kind, text, verdict));
    }

    /// Shows what was seen to those who look on.
    fn note(&mut self) {
        if !self.seen.is_empty() {
            self.site.live_events.push(std::mem::take(&mut self.seen));
        }
    }

    /// An event's own word counts; else that of the request.
    fn origins(&mut self, events: usize) -> Origins {
        let mut own = std::mem::take(&mut self.origins);
        match self.origin {
            None if own.is_empty() => Origins::Unknown,
            Some(origin) if own.is_empty() => Origins::All(origin),
            origin => {
                own.resize(events, None);
                own.iter_mut().for_each(|one| *one = one.or(origin));
                Origins::Each(own)
            }
        }
    }

    /// Hands events over and waits until they are durable; then aliases, one after the other: one
    /// may build on another one.
    pub(super) async fn take_in(mut self) -> HttpResponse {
        let site = self.site;
        let events = std::mem::take(&mut self.events);
        let whose: Vec<CustomerId> = events.iter().map(|event| event.customer.clone()).collect();
        let origins = self.origins(events.len());
        match site.directory.ingest_all(events, Lane::Live, origins).await {
            Ok(true) => {}
            Ok(false) => return not_durable(site, &whose),
            Err(busy) => return overloaded(site, &busy),
        }
        for said in std::mem::take(&mut self.aliases) {
            let whose = said.ids();
            let Alias { previous, into, at } = said;
            match site.directory.alias(previous, into, at) {
                Ok(answer) => {
                    if answer.await.is_err() {
                        return not_durable(site, &whose);
                    }
                }
                Err(busy) => return overloaded(site, &busy),
            }
        }
        self.note();
        for (kind, count) in EventType::ALL.into_iter().zip(self.counts) {
            site.metrics.events(kind, EventResult::Accepted, count);
        }
        let refused = self.rejected.len();
        site.metrics.events(EventType::Other, EventResult::Rejected, refused as u64);
        let accepted = self.items - refused;
        let rejected = self.rejected;
        HttpResponse::Ok().json(Accepted { success: true, accepted, rejected })
    }
}

/// One item alone: its refusal is the answer.
pub(super) async fn alone(
    mut wanted: Request<'_>,
    text: &str,
    kind: Option<&str>,
    asked: Result<Asked, Bad>,
) -> HttpResponse {
    let problem = asked.as_ref().err().map(|(code, detail)| Problem::new(*code, detail.clone()));
    wanted.add(text, kind, asked);
    match problem {
        None => wanted.take_in().await,
        Some(problem) => {
            let site = wanted.site;
            wanted.note();
            let kind = kind.and_then(event_type).unwrap_or(EventType::Other);
            site.metrics.events(kind, EventResult::Rejected, 1);
            respond::problem(&problem)
        }
    }
}

fn message_id(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Only {
        message_id: Option<String>,
    }
    serde_json::from_str::<Only>(text).ok()?.message_id
}

/// Something was dropped on its way: repeated, it is taken in, unless it is for somebody whose
/// record cannot be read.
pub(in crate::web::api) fn not_durable(site: &Site, whose: &[CustomerId]) -> HttpResponse {
    if let Some((id, error)) = first_unfit(&site.store, site.directory.count(), whose) {
        let detail = format!("customer {id}: {error}");
        return respond::problem(&Problem::new(error.code(), detail));
    }
    let detail = "not everything could be made durable; send it again";
    respond::retry_later(&Problem::new(ErrorCode::StoreUnavailable, detail), 1_000)
}

fn overloaded(site: &Site, busy: &Busy) -> HttpResponse {
    site.metrics.mailbox_refused.inc();
    match busy {
        Busy::Full { retry_after_ms, .. } => {
            let problem = Problem::new(ErrorCode::Overloaded, busy.to_string());
            respond::retry_later(&problem, *retry_after_ms)
        }
        Busy::TooLarge { .. } => {
            let problem = Problem::new(ErrorCode::TooManyEvents, busy.to_string());
            respond::problem(&problem)
        }
    }
}
