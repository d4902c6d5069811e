//! CloudEvents 1.0 over HTTP, in its three modes: binary (attributes in `ce-` headers), structured
//! and batched (JSON).
//!
//! | attribute | becomes |
//! |---|---|
//! | `type` | the event's name; [`IDENTIFY_TYPE`] sets traits from `data` instead |
//! | `subject` | the customer; the extension `anonymousid` an anonymous one |
//! | `source` and `id` | the message id: both together are unique |
//! | `time` | when it happened |
//! | `data` | properties: a JSON object |
//! | `traceparent` | the span that the event's trace points at |
//!
//! Source: CloudEvents 1.0.2, "HTTP Protocol Binding" and "JSON Event Format".

use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::body::{JsonBody, media_type};
use super::call::{Asked, Bad, Call, EVENT_BYTES_MAX, Id, Receipt, bad};
use super::durable::{Request, alone};
use super::{BATCH_EVENTS_MAX, malformed, sender, too_many};
use crate::error::ErrorCode;
use crate::telemetry::trace::TraceParent;
use crate::web::Site;
use crate::web::json::JsonMap;

/// An event of this type is no event of the customer: its data are traits.
pub const IDENTIFY_TYPE: &str = "cadencia.identify";

const STRUCTURED: &str = "application/cloudevents+json";
const BATCHED: &str = "application/cloudevents-batch+json";
/// What the headers of the binary mode begin with.
const PREFIX: &str = "ce-";
/// The version of the specification that is understood.
const VERSION: &str = "1.0";

/// The attributes. Extensions that mean nothing here are not looked at.
#[derive(Debug, Default, Deserialize)]
struct CloudEvent {
    specversion: Option<String>,
    id: Option<String>,
    source: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    subject: Option<String>,
    time: Option<String>,
    datacontenttype: Option<String>,
    anonymousid: Option<String>,
    /// Of the extension "Distributed Tracing": a text, but nobody is refused because of it. Its
    /// other half, `tracestate`, says nothing about which span it is, and is not kept.
    #[serde(default)]
    traceparent: serde_json::Value,
    #[serde(default)]
    data: JsonMap,
    data_base64: Option<String>,
}

/// `POST /v1/events`
pub(super) async fn take(
    site: web::Data<Site>,
    request: HttpRequest,
    body: JsonBody,
) -> HttpResponse {
    let Some(source) = sender::source(&site, &request, None) else {
        return sender::unauthorised();
    };
    let mut wanted = Request::new(&site, &request, source);
    let receipt = Receipt { now: site.now(), sent_at: None };
    match media_type(&request).as_deref() {
        Some(BATCHED) => {
            let events: Vec<&RawValue> = match serde_json::from_str(&body) {
                Ok(events) => events,
                Err(error) => return malformed(&error),
            };
            if events.len() > BATCH_EVENTS_MAX {
                return too_many(events.len());
            }
            for raw in events {
                wanted.add(raw.get(), None, structured(raw.get(), receipt));
            }
            wanted.take_in().await
        }
        Some(STRUCTURED) => alone(wanted, &body, None, structured(&body, receipt)).await,
        _ => alone(wanted, &body, None, binary(request.headers(), &body, receipt)).await,
    }
}

fn structured(text: &str, receipt: Receipt<'_>) -> Result<Asked, Bad> {
    if text.len() > EVENT_BYTES_MAX {
        return bad(ErrorCode::EventTooLarge, too_large(text));
    }
    match serde_json::from_str::<CloudEvent>(text) {
        Ok(event) => event.asked(text, receipt),
        Err(error) => bad(ErrorCode::BadField, error.to_string()),
    }
}

fn too_large(text: &str) -> String {
    format!("{} bytes, at most {EVENT_BYTES_MAX}", text.len())
}

fn binary(headers: &HeaderMap, text: &str, receipt: Receipt<'_>) -> Result<Asked, Bad> {
    if text.len() > EVENT_BYTES_MAX {
        return bad(ErrorCode::EventTooLarge, too_large(text));
    }
    let data = match text.trim() {
        "" => JsonMap::default(),
        text => serde_json::from_str(text)
            .map_err(|error| (ErrorCode::BadField, format!("`data`: {error}")))?,
    };
    let event = CloudEvent {
        specversion: attribute(headers, "specversion")?,
        id: attribute(headers, "id")?,
        source: attribute(headers, "source")?,
        kind: attribute(headers, "type")?,
        subject: attribute(headers, "subject")?,
        time: attribute(headers, "time")?,
        anonymousid: attribute(headers, "anonymousid")?,
        traceparent: attribute(headers, "traceparent").ok().flatten().into(),
        // The body's own type was looked at where the body was read.
        datacontenttype: None,
        data,
        data_base64: None,
    };
    event.asked(text, receipt)
}

/// An attribute of the binary mode: unquoted, then percent-decoded once (3.1.3.2).
fn attribute(headers: &HeaderMap, name: &str) -> Result<Option<String>, Bad> {
    let Some(value) = headers.get(format!("{PREFIX}{name}")) else { return Ok(None) };
    let fault = || (ErrorCode::BadField, format!("`{PREFIX}{name}` is not percent-encoded UTF-8"));
    let text = value.to_str().map_err(|_| fault())?;
    let bytes = percent_decoded(&unquoted(text)).ok_or_else(fault)?;
    String::from_utf8(bytes).map(Some).map_err(|_| fault())
}

/// Without double quotes around it and the backslashes inside of those.
fn unquoted(text: &str) -> String {
    let inside = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let Some(inside) = inside else { return text.to_owned() };
    let mut plain = String::new();
    let mut chars = inside.chars();
    while let Some(next) = chars.next() {
        plain.extend(if next == '\\' { chars.next() } else { Some(next) });
    }
    plain
}

fn percent_decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &tail[2..];
    }
    Some(bytes)
}

impl CloudEvent {
    fn asked(self, text: &str, receipt: Receipt<'_>) -> Result<Asked, Bad> {
        if self.specversion.as_deref() != Some(VERSION) {
            let detail = format!("`specversion` must be `{VERSION}`");
            return bad(ErrorCode::BadField, detail);
        }
        let needed = |name: &str, value: Option<String>| {
            let missing = || (ErrorCode::BadField, format!("`{name}` is missing or empty"));
            value.filter(|value| !value.is_empty()).ok_or_else(missing)
        };
        let id = needed("id", self.id)?;
        let source = needed("source", self.source)?;
        let kind = needed("type", self.kind)?;
        let is_json = |kind: &str| {
            let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            kind.ends_with("/json") || kind.ends_with("+json")
        };
        let other = self.datacontenttype.filter(|kind| !is_json(kind));
        if let Some(kind) = other.or(self.data_base64.map(|_| "base64".to_owned())) {
            let detail = format!("`data` is `{kind}`, not a JSON object");
            return bad(ErrorCode::UnknownContentType, detail);
        }
        let origin = self.traceparent.as_str().and_then(TraceParent::parse);
        let mut call = Call {
            message_id: Some(format!("{source} {id}")),
            user_id: self.subject.map(Id::Text),
            anonymous_id: self.anonymousid.map(Id::Text),
            timestamp: self.time,
            ..Call::default()
        };
        if kind == IDENTIFY_TYPE {
            call.kind = Some("identify".to_owned());
            call.traits = self.data;
        } else {
            call.kind = Some("track".to_owned());
            call.event = Some(kind);
            call.properties = self.data;
        }
        let asked = call.asked(text, receipt).map_err(|(code, detail)| match code {
            ErrorCode::MissingIdentity => {
                (code, "neither `subject` nor the extension `anonymousid`".to_owned())
            }
            _ => (code, detail),
        })?;
        Ok(Asked { origin, ..asked })
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;
    use domain::event::EventBody;
    use domain::time::Instant;

    const RECEIPT: Receipt<'_> = Receipt { now: Instant(1_800_000_000_000), sent_at: None };

    fn headers(more: &[(&str, &[u8])]) -> HeaderMap {
        let all: [(&str, &[u8]); 4] =
            [("specversion", b"1.0"), ("id", b"7"), ("source", b"/shop"), ("type", b"Paid")];
        let mut headers = HeaderMap::new();
        for (name, value) in all.iter().chain(more) {
            let name = HeaderName::try_from(format!("ce-{name}")).unwrap();
            headers.insert(name, HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    fn event(asked: Result<Asked, Bad>) -> Result<(String, String, EventBody), String> {
        let asked = asked.map_err(|(code, detail)| format!("{}: {detail}", code.as_str()))?;
        match asked.item {
            super::super::Item::Events(mut events) => {
                let event = events.remove(0);
                Ok((event.customer.to_string(), event.message_id, event.body))
            }
            super::super::Item::Alias(_) => Err("an alias".to_owned()),
        }
    }

    #[test]
    fn headers_are_unquoted_and_percent_decoded_once() {
        for (said, customer) in [
            (&b"ann"[..], "ann"),
            (b"an%6E", "ann"),
            (b"Caf%C3%A9", "Café"),
            (b"100%25", "100%"),
            (b"a%2525", "a%25"),
            (br#""a \"b\"""#, r#"a "b""#),
        ] {
            let found = event(binary(&headers(&[("subject", said)]), "{}", RECEIPT)).unwrap();
            assert_eq!((found.0.as_str(), found.1.as_str()), (customer, "/shop 7"));
        }
        for bad in [&b"a%"[..], b"a%4", b"a%+1", b"%FF", b"a\xe9"] {
            let found = event(binary(&headers(&[("subject", bad)]), "{}", RECEIPT));
            assert_eq!(
                found.unwrap_err(),
                "CAD-2011: `ce-subject` is not percent-encoded UTF-8",
                "{bad:?}"
            );
        }
    }

    #[test]
    fn a_span_that_is_named_is_kept_and_a_wrong_one_is_none() {
        const SPAN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let structured = |said: &str| {
            let text = format!(
                r#"{{"specversion":"1.0","id":"1","source":"s","type":"t","subject":"a",
                    "traceparent":{said}}}"#
            );
            structured(&text, RECEIPT).map_err(|(_, detail)| detail)
        };
        let binary = |said: &str| {
            let headers = headers(&[("subject", b"a"), ("traceparent", said.as_bytes())]);
            binary(&headers, "{}", RECEIPT).map_err(|(_, detail)| detail)
        };
        for (asked, known) in [
            (structured(&format!("\"{SPAN}\"")), true),
            (structured("\"00-zz-1-01\""), false),
            (structured("7"), false),
            (binary(SPAN), true),
            (binary("%"), false),
        ] {
            let origin = asked.expect("it is taken in any case").origin;
            assert_eq!(origin, known.then(|| TraceParent::parse(SPAN).unwrap()));
        }
    }

    #[test]
    fn what_an_event_lacks_is_named() {
        for (text, wrong) in [
            ("{}", "`specversion` must be `1.0`"),
            (r#"{"specversion":"0.3","id":"1","source":"s","type":"t"}"#, "`specversion`"),
            (r#"{"specversion":"1.0","source":"s","type":"t"}"#, "`id` is missing"),
            (r#"{"specversion":"1.0","id":"1","source":"","type":"t"}"#, "`source` is missing"),
            (r#"{"specversion":"1.0","id":"1","source":"s"}"#, "`type` is missing"),
            (r#"{"specversion":"1.0","id":"1","source":"s","type":"t"}"#, "neither `subject`"),
            (
                r#"{"specversion":"1.0","id":"1","source":"s","type":"t","subject":"a",
                    "data":[1]}"#,
                "not an object",
            ),
            (
                r#"{"specversion":"1.0","id":"1","source":"s","type":"t","subject":"a",
                    "data_base64":"AA=="}"#,
                "`data` is `base64`",
            ),
            (
                r#"{"specversion":"1.0","id":"1","source":"s","type":"t","subject":"a",
                    "datacontenttype":"text/xml"}"#,
                "`data` is `text/xml`",
            ),
        ] {
            let found = event(structured(text, RECEIPT)).unwrap_err();
            assert!(found.contains(wrong), "{text}: {found}");
        }
    }

    #[test]
    fn one_type_sets_traits() {
        let text = r#"{"specversion":"1.0","id":"1","source":"s","type":"cadencia.identify",
            "anonymousid":"device","datacontenttype":"application/json; charset=utf-8",
            "data":{"plan":"gold"}}"#;
        let (customer, _, body) = event(structured(text, RECEIPT)).unwrap();
        assert_eq!(customer, "anon:device");
        let EventBody::Identify { traits } = body else { panic!("{body:?}") };
        assert_eq!(traits.get("plan"), Some(&"gold".into()));
    }
}
