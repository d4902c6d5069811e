//! The bodies of events. They are read more leniently than this: a field of another name is kept
//! out, a null is as good as nothing, and `text/plain` is taken for what browsers send.

use serde_json::{Value, json};

use crate::web::api::tracking::BATCH_EVENTS_MAX;

/// What all calls have in common.
fn common() -> Value {
    json!({
        "userId": {"type": "string", "minLength": 1, "maxLength": 256,
            "description": "The customer's id."},
        "anonymousId": {"type": "string", "minLength": 1, "maxLength": 251,
            "description": "Id of a visitor who is not known yet."},
        "messageId": {"type": "string", "minLength": 1, "maxLength": 100,
            "description": "Tells repeats apart."},
        "timestamp": {"type": "string", "format": "date-time",
            "description": "When it happened."},
        "sentAt": {"type": "string", "format": "date-time",
            "description": "When it was sent, by the sender's clock."},
        "context": {"type": "object", "description": "Where it happened."},
    })
}

fn call(required: &[&str], own: &Value) -> Value {
    let mut properties = common();
    if let (Some(all), Some(own)) = (properties.as_object_mut(), own.as_object()) {
        all.extend(own.clone());
    }
    let mut call = object(required, properties);
    let id = |name: &str| json!({"required": [name], "properties": {name: {"type": "string"}}});
    call["anyOf"] = json!([id("userId"), id("anonymousId")]);
    call
}

/// An object whose optional fields may be null, which is as good as not there.
fn object(required: &[&str], mut properties: Value) -> Value {
    for (name, schema) in properties.as_object_mut().into_iter().flatten() {
        if !required.contains(&name.as_str()) {
            let words = schema.as_object_mut().and_then(|all| all.remove("description"));
            *schema = json!({"anyOf": [schema.take(), {"type": "null"}]});
            schema["description"] = words.unwrap_or_default();
        }
    }
    json!({"type": "object", "properties": properties, "required": required})
}

fn named() -> Value {
    json!({
        "name": {"type": "string", "description": "Name of the page or screen."},
        "properties": {"type": "object", "description": "Properties of the event."},
    })
}

pub(super) fn identify() -> Value {
    call(
        &[],
        &json!({
            "traits": {"type": "object", "description": "Named values of the customer."},
            "consent": {"type": "array", "description": "What she allows and denies.",
                "items": consent()},
        }),
    )
}

fn consent() -> Value {
    let fields = json!({
        "channel": {"type": "string", "description": "The channel; all if there is none."},
        "topic": {"type": "string", "description": "The topic; all if there is none."},
        "permission": {"type": "string", "enum": ["granted", "denied"]},
        "source": {"type": "string", "description": "Where it was said."},
    });
    object(&["permission"], fields)
}

pub(super) fn track() -> Value {
    call(
        &["event"],
        &json!({
            "event": {"type": "string", "minLength": 1, "description": "Name of the event."},
            "properties": {"type": "object", "description": "Properties of the event."},
        }),
    )
}

pub(super) fn page() -> Value {
    call(&[], &named())
}

pub(super) fn screen() -> Value {
    call(&[], &named())
}

pub(super) fn group() -> Value {
    call(
        &["groupId"],
        &json!({
            "groupId": {"type": "string", "minLength": 1, "description": "Id of the group."},
            "traits": {"type": "object", "description": "Named values of the group."},
        }),
    )
}

pub(super) fn alias() -> Value {
    let fields = json!({
        "previousId": {"type": "string", "minLength": 1, "maxLength": 256,
            "description": "Who is merged."},
        "userId": {"type": "string", "minLength": 1, "maxLength": 256,
            "description": "Into whom."},
        "messageId": {"type": "string", "description": "Tells repeats apart."},
        "timestamp": {"type": "string", "format": "date-time",
            "description": "When it was said."},
    });
    object(&["previousId", "userId"], fields)
}

pub(super) fn batch() -> Value {
    let fields = json!({
            "batch": {"type": "array", "maxItems": BATCH_EVENTS_MAX,
                "description": "Calls, each with its `type`. Those that cannot be taken stand in \
                    `rejected` of the answer.",
                "items": {"type": "object", "properties": {"type": {"type": "string"}},
                    "required": ["type"]}},
            "sentAt": {"type": "string", "format": "date-time",
                "description": "When it was sent, by the sender's clock."},
            "writeKey": {"type": "string", "description": "A write key, instead of the header."},
    });
    object(&["batch"], fields)
}

pub(super) fn cloud_event() -> Value {
    let fields = json!({
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "minLength": 1},
            "source": {"type": "string", "minLength": 1},
            "type": {"type": "string", "minLength": 1, "description": "Name of the event."},
            "subject": {"type": "string", "minLength": 1, "description": "The customer's id."},
            "time": {"type": "string", "format": "date-time", "description": "When it happened."},
            "datacontenttype": {"const": "application/json", "description": "JSON."},
            "data": {"type": "object", "description": "Properties of the event."},
    });
    let mut event = object(&["specversion", "id", "source", "type", "subject"], fields);
    event["description"] = "A CloudEvent 1.0 in the structured mode; the binary mode and batches \
        are taken as well."
        .into();
    event
}

/// What fits every call about one customer.
pub(super) fn usual() -> Value {
    json!({"userId": "ann", "messageId": "7f3a", "timestamp": "2026-03-01T09:30:00Z",
        "event": "Product Added", "properties": {"cart_id": "c1"}, "traits": {"tier": "gold"}})
}

pub(super) fn usual_group() -> Value {
    json!({"userId": "ann", "groupId": "acme", "traits": {"plan": "pro"}})
}

pub(super) fn usual_alias() -> Value {
    json!({"previousId": "visitor-7", "userId": "ann"})
}

pub(super) fn usual_batch() -> Value {
    json!({"batch": [{"type": "track", "userId": "ann", "event": "Product Added"}]})
}
