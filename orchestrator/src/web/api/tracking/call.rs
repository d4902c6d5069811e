//! One call of Segment's tracking API, as JSON: what it asks for, or why it cannot be taken.
//!
//! | call | becomes |
//! |---|---|
//! | `identify` | traits, and permissions |
//! | `track` | the event that it names |
//! | `page`, `screen` | the event [`PAGE_VIEWED`], [`SCREEN_VIEWED`] with `name` and `category` |
//! | `group` | the traits `group_id` and `group`: a customer is in one group, the last one said |
//! | `alias` | a merge |

use domain::consent::{ConsentChange, Permission};
use domain::event::{Alias, Event, EventBody, IMPORTED};
use domain::hash;
use domain::ids::{CUSTOMER_ID_MAX_BYTES, CustomerId};
use domain::time::Instant;
use domain::value::{Map, Value};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::ErrorCode;
use crate::telemetry::metrics::EventType;
use crate::telemetry::trace::TraceParent;
use crate::web::json::JsonMap;

/// Largest event, in bytes of JSON: Segment's own limit.
pub const EVENT_BYTES_MAX: usize = 32 * 1024;
/// Longest message id in bytes: a UUID with a prefix fits ten times.
pub const MESSAGE_ID_MAX_BYTES: usize = 512;

/// Name of the event that a `page` call becomes.
pub const PAGE_VIEWED: &str = "Page Viewed";
/// Name of the event that a `screen` call becomes.
pub const SCREEN_VIEWED: &str = "Screen Viewed";
/// Trait with the id of the group that a `group` call names.
pub const GROUP_ID_TRAIT: &str = "group_id";
/// Trait with what a `group` call says about the group.
pub const GROUP_TRAIT: &str = "group";

/// One call, whatever its type. Unknown fields pass: libraries add their own.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Call<'a> {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) message_id: Option<String>,
    pub(super) user_id: Option<Id>,
    pub(super) anonymous_id: Option<Id>,
    pub(super) previous_id: Option<Id>,
    pub(super) group_id: Option<Id>,
    pub(super) event: Option<String>,
    pub(super) name: Option<String>,
    pub(super) category: Option<String>,
    #[serde(default)]
    pub(super) properties: JsonMap,
    #[serde(default)]
    pub(super) traits: JsonMap,
    pub(super) timestamp: Option<String>,
    pub(super) original_timestamp: Option<String>,
    pub(super) sent_at: Option<String>,
    #[serde(borrow)]
    pub(super) context: Option<&'a RawValue>,
    #[serde(default)]
    pub(super) consent: Option<Vec<ConsentItem>>,
}

/// An id: text, or a number as some callers send it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Id {
    Text(String),
    Number(i64),
}

impl Id {
    pub(super) fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text).filter(|text| !text.is_empty()),
            Self::Number(number) => Some(number.to_string()),
        }
    }
}

/// Our extension of `identify`: permissions given or withdrawn.
#[derive(Debug, Deserialize)]
pub(super) struct ConsentItem {
    channel: Option<String>,
    topic: Option<String>,
    permission: Permission,
    source: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Context {
    timezone: Option<String>,
    #[serde(default)]
    traits: JsonMap,
}

/// Why an event was not taken: the code and the detail of the answer.
pub type Bad = (ErrorCode, String);

pub(super) fn bad<T>(code: ErrorCode, detail: impl Into<String>) -> Result<T, Bad> {
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

/// What one call asks for, and its type.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) kind: EventType,
    pub(super) item: Item,
    /// The span inside of which it was sent, where it names one itself.
    pub(super) origin: Option<TraceParent>,
}

/// What all events of one request share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Receipt<'a> {
    /// Received at.
    pub(super) now: Instant,
    /// When the sender sent the request, by its own clock.
    pub(super) sent_at: Option<&'a str>,
}

/// What one call that stands alone asks for, received now; or the code and detail of its refusal.
pub fn read(text: &str, kind: Option<&str>, now: Instant) -> Result<Item, Bad> {
    one(text, kind, Receipt { now, sent_at: None }).map(|asked| asked.item)
}

/// The type of a call, by its word.
pub(super) fn event_type(kind: &str) -> Option<EventType> {
    Some(match kind {
        "track" => EventType::Track,
        "identify" => EventType::Identify,
        "page" => EventType::Page,
        "screen" => EventType::Screen,
        "group" => EventType::Group,
        "alias" => EventType::Alias,
        _ => return None,
    })
}

/// What one call asks for. `kind` is that of the address it was sent to, where that says one.
pub(super) fn one(text: &str, kind: Option<&str>, receipt: Receipt<'_>) -> Result<Asked, Bad> {
    if text.len() > EVENT_BYTES_MAX {
        let detail = format!("{} bytes, at most {EVENT_BYTES_MAX}", text.len());
        return bad(ErrorCode::EventTooLarge, detail);
    }
    let mut call: Call<'_> = match serde_json::from_str(text) {
        Ok(call) => call,
        Err(error) if error.is_data() => return bad(ErrorCode::BadField, error.to_string()),
        Err(error) => return bad(ErrorCode::MalformedBody, error.to_string()),
    };
    if let Some(kind) = kind {
        call.kind = Some(kind.to_owned());
    }
    call.asked(text, receipt)
}

impl Call<'_> {
    /// What it asks for. `text` is all that was said: it identifies a call without an id.
    pub(super) fn asked(mut self, text: &str, receipt: Receipt<'_>) -> Result<Asked, Bad> {
        let kind = self.kind.take();
        let Some(kind) = kind.as_deref().filter(|kind| !kind.is_empty()) else {
            return bad(ErrorCode::UnknownEventType, "`type` is missing");
        };
        let Some(kind) = event_type(kind) else {
            return bad(ErrorCode::UnknownEventType, format!("`{kind}` is not a type of event"));
        };
        let occurred_at = occurred_at(
            self.timestamp.as_deref(),
            self.original_timestamp.as_deref(),
            self.sent_at.as_deref().or(receipt.sent_at),
            receipt.now,
        )?;
        if kind == EventType::Alias {
            let item = Item::Alias(aliased(self.previous_id, self.user_id, occurred_at)?);
            return Ok(Asked { kind, item, origin: None });
        }
        let customer = customer(self.user_id.take(), self.anonymous_id.take())?;
        let message_id = message_id(self.message_id.take(), text, receipt)?;
        let event = |message_id: String, body| Event {
            customer: customer.clone(),
            message_id,
            occurred_at,
            received_at: receipt.now,
            body,
        };
        let mut permissions = Vec::new();
        for (at, item) in self.consent.take().into_iter().flatten().enumerate() {
            let id = format!("{message_id}/consent/{at}");
            permissions.push(event(id, EventBody::Consent(item.into_change())));
        }
        let mut events = vec![event(message_id, self.body(kind)?)];
        if kind == EventType::Identify {
            events.append(&mut permissions);
        }
        Ok(Asked { kind, item: Item::Events(events), origin: None })
    }

    fn body(self, kind: EventType) -> Result<EventBody, Bad> {
        let track = |name: &str, properties| EventBody::Track { name: name.into(), properties };
        match kind {
            EventType::Page | EventType::Screen => {
                let name = if kind == EventType::Page { PAGE_VIEWED } else { SCREEN_VIEWED };
                Ok(track(name, viewed(self.properties.0, self.name, self.category)))
            }
            EventType::Group => {
                let Some(group) = self.group_id.and_then(Id::into_text) else {
                    return bad(ErrorCode::BadField, "`groupId` is missing or empty");
                };
                Ok(EventBody::Identify { traits: grouped(&group, self.traits.0) })
            }
            EventType::Identify => {
                Ok(EventBody::Identify { traits: with_context(self.traits.0, self.context) })
            }
            _ => match self.event.filter(|name| !name.is_empty()) {
                Some(name) => Ok(track(&name, self.properties.0)),
                None => bad(ErrorCode::MissingEventName, "`event` is missing or empty"),
            },
        }
    }
}

/// Properties of a page or screen, with its name and category.
pub fn viewed(mut properties: Map, name: Option<String>, category: Option<String>) -> Map {
    for (key, value) in [("name", name), ("category", category)] {
        if let Some(value) = value {
            properties.insert_missing(key, Value::from(value.as_str()));
        }
    }
    properties
}

/// Traits of a customer who is in this group, with what was said about the group.
pub fn grouped(group: &str, about: Map) -> Map {
    let group = (GROUP_ID_TRAIT.into(), Value::from(group));
    [group, (GROUP_TRAIT.into(), Value::Map(about))].into_iter().collect()
}

fn message_id(said: Option<String>, text: &str, receipt: Receipt<'_>) -> Result<String, Bad> {
    match said {
        Some(id) if id.len() > MESSAGE_ID_MAX_BYTES => {
            let detail = format!("longer than {MESSAGE_ID_MAX_BYTES} bytes");
            bad(ErrorCode::BadMessageId, detail)
        }
        Some(id) if id.starts_with(IMPORTED) => {
            bad(ErrorCode::BadMessageId, format!("`{IMPORTED}` is kept for imports"))
        }
        Some(id) if !id.is_empty() => Ok(id),
        // Without an id nobody can tell a repeat from a second event; receipt makes it its own.
        _ => Ok(format!("{:016x}-{}", hash::text(text), receipt.now.0)),
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

/// Zone and traits stand among the traits; Segment's libraries send the zone in the context,
/// RudderStack's the traits too. What the traits say themselves counts.
fn with_context(mut traits: Map, context: Option<&RawValue>) -> Map {
    let context = context.and_then(|raw| serde_json::from_str::<Context>(raw.get()).ok());
    let Context { timezone, traits: more } = context.unwrap_or_default();
    for (name, value) in more.0.iter() {
        traits.insert_missing(name, value.clone());
    }
    if let Some(zone) = timezone {
        traits.insert_missing(domain::customer::ZONE_TRAIT, Value::from(zone.as_str()));
    }
    traits
}
