//! Segment's tracking API: `identify`, `track`, `alias`, `batch`. Answered when durable.
//!
//! A batch is answered with 200 even if some of its items are bad: the client library would throw
//! all of it away otherwise. The bad ones stand in `rejected`, each with its place and reason.

use actix_web::{HttpResponse, post, web};
use domain::consent::{ConsentChange, Permission};
use domain::event::{Alias, Event, EventBody, IMPORTED};
use domain::hash;
use domain::ids::{CUSTOMER_ID_MAX_BYTES, CustomerId};
use domain::time::Instant;
use domain::value::{Map, Value};
use runtime::{Busy, Lane};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::{ErrorCode, Problem};
use crate::telemetry::metrics::{EventResult, EventType};
use crate::web::Site;
use crate::web::json::JsonMap;
use crate::web::respond;

/// Largest event, in bytes of JSON: Segment's own limit.
pub const EVENT_BYTES_MAX: usize = 32 * 1024;
/// Largest body: RudderStack's clients send batches of up to 4 MB.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most events of one batch: Segment's own limit.
pub const BATCH_EVENTS_MAX: usize = 2_500;
/// Longest message id in bytes: a UUID with a prefix fits ten times.
pub const MESSAGE_ID_MAX_BYTES: usize = 512;

/// One call, whatever its type. Unknown fields pass: libraries add their own.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Call<'a> {
    #[serde(rename = "type")]
    kind: Option<String>,
    message_id: Option<String>,
    user_id: Option<Id>,
    anonymous_id: Option<Id>,
    previous_id: Option<Id>,
    event: Option<String>,
    #[serde(default)]
    properties: JsonMap,
    #[serde(default)]
    traits: JsonMap,
    timestamp: Option<String>,
    original_timestamp: Option<String>,
    sent_at: Option<String>,
    #[serde(borrow)]
    context: Option<&'a RawValue>,
    #[serde(default)]
    consent: Option<Vec<ConsentItem>>,
}

/// An id: text, or a number as some callers send it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Id {
    Text(String),
    Number(i64),
}

impl Id {
    fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text).filter(|text| !text.is_empty()),
            Self::Number(number) => Some(number.to_string()),
        }
    }
}

/// Our extension of `identify`: permissions given or withdrawn.
#[derive(Debug, Deserialize)]
struct ConsentItem {
    channel: Option<String>,
    topic: Option<String>,
    permission: Permission,
    source: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Context {
    timezone: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Batch<'a> {
    #[serde(borrow)]
    batch: Vec<&'a RawValue>,
    sent_at: Option<String>,
}

/// Why one event was not taken.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Rejected {
    index: usize,
    #[serde(rename = "messageId", skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    code: &'static str,
    detail: String,
}

#[derive(Debug, Serialize)]
struct Accepted {
    success: bool,
    accepted: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rejected: Vec<Rejected>,
}

/// Why an event was not taken: the code and the detail of the answer.
pub type Bad = (ErrorCode, String);

fn bad<T>(code: ErrorCode, detail: impl Into<String>) -> Result<T, Bad> {
    Err((code, detail.into()))
}

/// What one call asks for.
#[derive(Debug)]
pub enum Item {
    /// Events.
    Events(Vec<Event>),
    /// A merge.
    Alias(Alias),
}

/// What one request asks for.
#[derive(Debug, Default)]
struct Wanted {
    events: Vec<Event>,
    aliases: Vec<Alias>,
}

impl Wanted {
    fn add(&mut self, item: Item) {
        match item {
            Item::Events(events) => self.events.extend(events),
            Item::Alias(merge) => self.aliases.push(merge),
        }
    }
}

/// What all events of one request share.
struct Receipt<'a> {
    now: Instant,
    sent_at: Option<&'a str>,
}

/// `POST /v1/track`
#[post("/track")]
pub(crate) async fn track(site: web::Data<Site>, body: web::Bytes) -> HttpResponse {
    single(&site, &body, "track").await
}

/// `POST /v1/identify`
#[post("/identify")]
pub(crate) async fn identify(site: web::Data<Site>, body: web::Bytes) -> HttpResponse {
    single(&site, &body, "identify").await
}

/// `POST /v1/alias`
#[post("/alias")]
pub(crate) async fn alias(site: web::Data<Site>, body: web::Bytes) -> HttpResponse {
    single(&site, &body, "alias").await
}

/// `POST /v1/batch`
#[post("/batch")]
pub(crate) async fn batch(site: web::Data<Site>, body: web::Bytes) -> HttpResponse {
    let parsed: Batch<'_> = match serde_json::from_slice(&body) {
        Ok(parsed) => parsed,
        Err(error) => return malformed(&error),
    };
    if parsed.batch.len() > BATCH_EVENTS_MAX {
        let detail = format!("{} events, at most {BATCH_EVENTS_MAX}", parsed.batch.len());
        return respond::problem(&Problem::new(ErrorCode::TooManyEvents, detail));
    }
    let receipt = Receipt { now: site.now(), sent_at: parsed.sent_at.as_deref() };
    let mut wanted = Wanted::default();
    let mut rejected = Vec::new();
    for (index, raw) in parsed.batch.iter().enumerate() {
        match one(raw.get(), None, &receipt) {
            Ok(item) => wanted.add(item),
            Err((code, detail)) => {
                let message_id = message_id(raw.get());
                let code = code.row().code;
                rejected.push(Rejected { index, message_id, code, detail });
            }
        }
    }
    let accepted = parsed.batch.len() - rejected.len();
    take_in(&site, wanted, accepted, rejected).await
}

async fn single(site: &Site, body: &[u8], kind: &str) -> HttpResponse {
    let Ok(text) = std::str::from_utf8(body) else {
        let detail = "the body is not UTF-8";
        return respond::problem(&Problem::new(ErrorCode::MalformedBody, detail));
    };
    match read(text, Some(kind), site.now()) {
        Ok(item) => {
            let mut wanted = Wanted::default();
            wanted.add(item);
            take_in(site, wanted, 1, Vec::new()).await
        }
        Err((code, detail)) => {
            site.metrics.events(event_type(kind), EventResult::Rejected, 1);
            respond::problem(&Problem::new(code, detail))
        }
    }
}

fn event_type(kind: &str) -> EventType {
    match kind {
        "track" => EventType::Track,
        "identify" => EventType::Identify,
        "alias" => EventType::Alias,
        _ => EventType::Other,
    }
}

fn malformed(error: &serde_json::Error) -> HttpResponse {
    respond::problem(&Problem::new(ErrorCode::MalformedBody, error.to_string()))
}

fn message_id(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Only {
        message_id: Option<String>,
    }
    serde_json::from_str::<Only>(text).ok()?.message_id
}

/// Hands events over and waits until they are durable; then aliases, one after the other: one may
/// build on another one.
async fn take_in(
    site: &Site,
    Wanted { events, aliases }: Wanted,
    accepted: usize,
    rejected: Vec<Rejected>,
) -> HttpResponse {
    let (mut tracks, mut identifies) = (0, 0);
    for event in &events {
        match event.body {
            EventBody::Track { .. } => tracks += 1,
            EventBody::Identify { .. } | EventBody::Consent(_) => identifies += 1,
        }
    }
    let refused = rejected.len() as u64;
    let answer = match site.directory.ingest(events, Lane::Live) {
        Ok(answer) => answer,
        Err(busy) => return overloaded(site, &busy),
    };
    if answer.await.is_err() {
        return not_durable();
    }
    let merges = aliases.len() as u64;
    for Alias { previous, into, at } in aliases {
        let answer = match site.directory.alias(previous, into, at) {
            Ok(answer) => answer,
            Err(busy) => return overloaded(site, &busy),
        };
        if answer.await.is_err() {
            return not_durable();
        }
    }
    site.metrics.events(EventType::Alias, EventResult::Accepted, merges);
    site.metrics.events(EventType::Track, EventResult::Accepted, tracks);
    site.metrics.events(EventType::Identify, EventResult::Accepted, identifies);
    site.metrics.events(EventType::Other, EventResult::Rejected, refused);
    HttpResponse::Ok().json(Accepted { success: true, accepted, rejected })
}

fn not_durable() -> HttpResponse {
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

/// What one call that stands alone asks for, received now; or the code and detail of its refusal.
pub fn read(text: &str, kind: Option<&str>, now: Instant) -> Result<Item, Bad> {
    one(text, kind, &Receipt { now, sent_at: None })
}

/// What one call asks for.
fn one(text: &str, kind: Option<&str>, receipt: &Receipt<'_>) -> Result<Item, Bad> {
    if text.len() > EVENT_BYTES_MAX {
        let detail = format!("{} bytes, at most {EVENT_BYTES_MAX}", text.len());
        return bad(ErrorCode::EventTooLarge, detail);
    }
    let call: Call<'_> = match serde_json::from_str(text) {
        Ok(call) => call,
        Err(error) => return bad(ErrorCode::BadField, error.to_string()),
    };
    let kind = kind.map(str::to_owned).or_else(|| call.kind.clone());
    let occurred_at = occurred_at(
        call.timestamp.as_deref(),
        call.original_timestamp.as_deref(),
        call.sent_at.as_deref().or(receipt.sent_at),
        receipt.now,
    )?;
    if kind.as_deref() == Some("alias") {
        return aliased(call.previous_id, call.user_id, occurred_at).map(Item::Alias);
    }
    let customer = customer(call.user_id, call.anonymous_id)?;
    let message_id = match call.message_id {
        Some(id) if id.len() > MESSAGE_ID_MAX_BYTES => {
            let detail = format!("longer than {MESSAGE_ID_MAX_BYTES} bytes");
            return bad(ErrorCode::BadMessageId, detail);
        }
        Some(id) if id.starts_with(IMPORTED) => {
            return bad(ErrorCode::BadMessageId, format!("`{IMPORTED}` is kept for imports"));
        }
        Some(id) if !id.is_empty() => id,
        // Without an id nobody can tell a repeat from a second event; receipt makes it its own.
        _ => format!("{:016x}-{}", hash::text(text), receipt.now.0),
    };
    let event = |id: String, body| Event {
        customer: customer.clone(),
        message_id: id,
        occurred_at,
        received_at: receipt.now,
        body,
    };
    match kind.as_deref() {
        Some("track") => match call.event.filter(|name| !name.is_empty()) {
            Some(name) => {
                let properties = call.properties.0;
                let body = EventBody::Track { name: name.into(), properties };
                Ok(Item::Events(vec![event(message_id, body)]))
            }
            None => bad(ErrorCode::MissingEventName, "`event` is missing or empty"),
        },
        Some("identify") => {
            let traits = with_zone(call.traits.0, call.context);
            let mut events = Vec::new();
            for (at, item) in call.consent.into_iter().flatten().enumerate() {
                let id = format!("{message_id}/consent/{at}");
                events.push(event(id, EventBody::Consent(item.into_change())));
            }
            events.insert(0, event(message_id, EventBody::Identify { traits }));
            Ok(Item::Events(events))
        }
        Some(other) => {
            bad(ErrorCode::UnknownEventType, format!("`{other}` is not taken by this version"))
        }
        None => bad(ErrorCode::UnknownEventType, "`type` is missing"),
    }
}

impl ConsentItem {
    fn into_change(self) -> ConsentChange {
        ConsentChange {
            channel: self.channel.map(Into::into),
            topic: self.topic.map(Into::into),
            permission: self.permission,
            source: self.source.unwrap_or_else(|| "api".to_owned()),
        }
    }
}

fn aliased(previous: Option<Id>, user: Option<Id>, at: Instant) -> Result<Alias, Bad> {
    let Some(previous) = previous.and_then(Id::into_text) else {
        return bad(ErrorCode::MissingIdentity, "`previousId` is missing or empty");
    };
    let Some(user) = user.and_then(Id::into_text) else {
        return bad(ErrorCode::MissingIdentity, "`userId` is missing or empty");
    };
    let longest = CUSTOMER_ID_MAX_BYTES;
    if previous.len() > longest || user.len() > longest {
        let detail = format!("an id longer than {longest} bytes");
        return bad(ErrorCode::MissingIdentity, detail);
    }
    Ok(Alias { previous: previous.into(), into: user.into(), at })
}

fn customer(user: Option<Id>, anonymous: Option<Id>) -> Result<CustomerId, Bad> {
    let (id, known) = match (user.and_then(Id::into_text), anonymous.and_then(Id::into_text)) {
        (Some(id), _) => (id, true),
        (None, Some(id)) => (id, false),
        (None, None) => {
            let detail = "neither `userId` nor `anonymousId`";
            return bad(ErrorCode::MissingIdentity, detail);
        }
    };
    if id.len() > CUSTOMER_ID_MAX_BYTES {
        let detail = format!("an id longer than {CUSTOMER_ID_MAX_BYTES} bytes");
        return bad(ErrorCode::MissingIdentity, detail);
    }
    Ok(if known { CustomerId::from(id) } else { CustomerId::anonymous(&id) })
}

/// `timestamp`, corrected for the skew between the sender's clock and ours; never in the future.
fn occurred_at(
    timestamp: Option<&str>,
    original: Option<&str>,
    sent_at: Option<&str>,
    now: Instant,
) -> Result<Instant, Bad> {
    let parse = |name: &str, text: &str| {
        Instant::parse(text)
            .ok_or_else(|| (ErrorCode::BadTimestamp, format!("`{name}`: `{text}` is not RFC 3339")))
    };
    let (Some(said), name) = (original.or(timestamp), "timestamp") else {
        return Ok(now);
    };
    let said = parse(name, said)?;
    let corrected = match sent_at {
        Some(sent) => now.plus_ms(-parse("sentAt", sent)?.ms_since(said)),
        None => said,
    };
    Ok(corrected.min(now))
}

/// The zone stands among the traits, or in the context as Segment's libraries send it.
fn with_zone(mut traits: Map, context: Option<&RawValue>) -> Map {
    let context = context.and_then(|raw| serde_json::from_str::<Context>(raw.get()).ok());
    if let Some(zone) = context.and_then(|context| context.timezone) {
        traits.insert_missing(domain::customer::ZONE_TRAIT, Value::from(zone.as_str()));
    }
    traits
}
