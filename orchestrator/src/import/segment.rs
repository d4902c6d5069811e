//! Lines in the shape of Segment's API, one call per line: `track`, `identify`, `page`, `screen`,
//! `group`.
//!
//! ```json
//! {"type":"track","userId":"7","event":"Order Completed","properties":{"total":9.5},
//!  "timestamp":"2010-03-01T10:00:00Z","messageId":"shop/1"}
//! {"type":"identify","userId":"7","traits":{"email":"7@example.com","timezone":"Asia/Tokyo"},
//!  "consent":[{"channel":"email","permission":"granted"}]}
//! ```
//!
//! `alias` makes one customer of two:
//!
//! ```json
//! {"type":"alias","previousId":"device-1","userId":"7","timestamp":"2010-03-01T10:05:00Z"}
//! ```
//!
//! `consent` is an extension: a list of permissions, without `channel` or `topic` for all of
//! them. A line without `messageId` gets one from its content: the same line is a repeat.

use domain::consent::{ConsentChange, Permission};
use domain::event::{Alias, Event, EventBody};
use domain::hash;
use domain::ids::CustomerId;
use domain::time::{Instant, Zone};
use domain::value::{Map, Value, to_json_map};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::options::Receipt;
use super::record::customer_id;
use super::{KEY_MAX_BYTES, ZONE_TRAIT};
use crate::web::api::tracking::{PAGE_VIEWED, SCREEN_VIEWED, grouped, viewed};

/// One permission of the extension.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConsentLine {
    channel: Option<String>,
    topic: Option<String>,
    permission: Permission,
    source: Option<String>,
}

/// The events of one line. The error says why it is bad.
pub(super) fn events(line: &Json, source: &str, receipt: Receipt) -> Result<Vec<Event>, String> {
    let customer = match (text(line, "userId")?, text(line, "anonymousId")?) {
        (Some(id), _) => customer_id(&id)?,
        (None, Some(id)) => CustomerId::anonymous(customer_id(&id)?.as_str()),
        (None, None) => return Err("neither `userId` nor `anonymousId`".to_owned()),
    };
    let at = timestamp(line)?;
    let id = match text(line, "messageId")? {
        Some(id) if id.len() > KEY_MAX_BYTES => {
            return Err(format!("`messageId` is longer than {KEY_MAX_BYTES} bytes"));
        }
        Some(id) => id,
        None => format!("{source}/{:016x}", hash::text(&line.to_string())),
    };
    let event = |id: &str, body| receipt.event(customer.clone(), id.to_owned(), at, body);
    match text(line, "type")?.as_deref() {
        Some("track") => {
            let name = text(line, "event")?.ok_or("no `event`")?;
            let properties = map(line, "properties")?;
            Ok(vec![event(&id, EventBody::Track { name: name.into(), properties })?])
        }
        Some("identify") => {
            let mut traits = map(line, "traits")?;
            zone(line, &mut traits)?;
            let mut events = Vec::new();
            if !traits.is_empty() {
                events.push(event(&id, EventBody::Identify { traits })?);
            }
            for (at, change) in consent(line)?.into_iter().enumerate() {
                events.push(event(&format!("{id}/consent/{at}"), EventBody::Consent(change))?);
            }
            Ok(events)
        }
        Some(kind @ ("page" | "screen")) => {
            let name = if kind == "page" { PAGE_VIEWED } else { SCREEN_VIEWED };
            let properties = map(line, "properties")?;
            let properties = viewed(properties, text(line, "name")?, text(line, "category")?);
            Ok(vec![event(&id, EventBody::Track { name: name.into(), properties })?])
        }
        Some("group") => {
            let group = text(line, "groupId")?.ok_or("no `groupId`")?;
            let traits = grouped(&group, map(line, "traits")?);
            Ok(vec![event(&id, EventBody::Identify { traits })?])
        }
        Some(other) => Err(format!("`type`: `{other}` is not imported")),
        None => Err("no `type`".to_owned()),
    }
}

/// The alias of a line, if it is one.
pub(super) fn alias(line: &Json, receipt: Receipt) -> Result<Option<Alias>, String> {
    if text(line, "type")?.as_deref() != Some("alias") {
        return Ok(None);
    }
    let id = |field: &str| {
        let id = text(line, field)?.ok_or_else(|| format!("no `{field}`"))?;
        customer_id(&id)
    };
    let at = receipt.occurred_at(timestamp(line)?);
    Ok(Some(Alias { previous: id("previousId")?, into: id("userId")?, at }))
}

/// An event as a line of this shape, without line end; [`events`] reads it back. A consent
/// event is an `identify` without traits.
pub fn to_json(event: &Event) -> Json {
    let (user, id) = match event.customer.as_str().strip_prefix("anon:") {
        Some(id) => ("anonymousId", id),
        None => ("userId", event.customer.as_str()),
    };
    let mut line = match &event.body {
        EventBody::Track { name, properties } => {
            let properties = to_json_map(properties);
            json!({"type": "track", user: id, "event": name.as_str(), "properties": properties})
        }
        EventBody::Identify { traits } => {
            json!({"type": "identify", user: id, "traits": to_json_map(traits)})
        }
        EventBody::Consent(change) => json!({"type": "identify", user: id, "consent": [change]}),
        // Only operators of the server lift stops: nothing that is recorded elsewhere does.
        EventBody::StopsLifted(_) => json!({"type": "identify", user: id}),
    };
    line["timestamp"] = event.occurred_at.to_string().into();
    line["messageId"] = event.message_id.as_str().into();
    line
}

fn timestamp(line: &Json) -> Result<Option<Instant>, String> {
    let Some(time) = text(line, "timestamp")? else { return Ok(None) };
    let at = Instant::parse(&time);
    at.map(Some).ok_or_else(|| format!("`timestamp`: `{time}` is not an RFC 3339 time"))
}

/// A text or number of the line; null and empty count as missing.
fn text(line: &Json, field: &str) -> Result<Option<String>, String> {
    match line.get(field) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) if text.is_empty() => Ok(None),
        Some(Json::String(text)) => Ok(Some(text.clone())),
        Some(Json::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(format!("`{field}` is not text")),
    }
}

fn map(line: &Json, field: &str) -> Result<Map, String> {
    match line.get(field) {
        None | Some(Json::Null) => Ok(Map::new()),
        Some(json @ Json::Object(_)) => match Value::from_json(json) {
            Ok(Value::Map(map)) => Ok(map),
            Ok(_) => Err(format!("`{field}` is not an object")),
            Err(error) => Err(format!("`{field}`: {error}")),
        },
        Some(_) => Err(format!("`{field}` is not an object")),
    }
}

/// The zone stands among the traits, or in the context as Segment's libraries send it.
fn zone(line: &Json, traits: &mut Map) -> Result<(), String> {
    if let Some(zone @ Json::String(_)) = line.get("context").and_then(|c| c.get("timezone")) {
        let value = Value::from_json(zone).map_err(|error| error.to_string())?;
        traits.insert_missing(ZONE_TRAIT, value);
    }
    match traits.get(ZONE_TRAIT) {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Text(name)) => {
            Zone::parse(name).map(drop).map_err(|error| format!("`{ZONE_TRAIT}`: {error}"))
        }
        Some(_) => Err(format!("`{ZONE_TRAIT}` is not text")),
    }
}

fn consent(line: &Json) -> Result<Vec<ConsentChange>, String> {
    let Some(list) = line.get("consent").filter(|json| !json.is_null()) else {
        return Ok(Vec::new());
    };
    let lines = Vec::<ConsentLine>::deserialize(list).map_err(|e| format!("`consent`: {e}"))?;
    let change = |line: ConsentLine| ConsentChange {
        channel: line.channel.map(Into::into),
        topic: line.topic.map(Into::into),
        permission: line.permission,
        source: line.source.unwrap_or_else(|| "import".to_owned()),
    };
    Ok(lines.into_iter().map(change).collect())
}
