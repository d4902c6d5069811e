//! Bodies as clients send them: types, encodings, keys, limits, and what is wrong with them.

use std::io::Write as _;

use cadencia::access::secret::{SecretHash, hex};
use flate2::{Compression, write::GzEncoder};
use reqwest::Client;
use serde_json::{Value, json};

use super::{WRITE_KEY, site};

const TRACK: &str = r#"{"event":"Paid","userId":"ann","messageId":"m","anonymousId":null,
    "properties":null,"context":null,"timestamp":null,"integrations":{"All":true},
    "_metadata":{"bundled":[]},"channel":"web","writeKey":"wk-shop"}"#;

const JSON: (&str, &str) = ("content-type", "application/json");

/// A body, its headers, the status and the code of the answer.
type Case = (Vec<u8>, &'static [(&'static str, &'static str)], u16, &'static str);

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).expect("memory");
    encoder.finish().expect("memory")
}

async fn post(url: &str, body: impl Into<reqwest::Body>, headers: &[(&str, &str)]) -> (u16, Value) {
    let request = Client::new().post(url).body(body);
    let with = |request: reqwest::RequestBuilder, (name, value): &(&str, &str)| {
        request.header(*name, *value)
    };
    let answer = headers.iter().fold(request, with).send().await.expect("an answer");
    let status = answer.status().as_u16();
    (status, answer.json().await.expect("JSON"))
}

#[tokio::test]
async fn any_client_gets_its_event_in() {
    let site = site("");
    for path in ["/v1/track", "/v1/t"] {
        let url = format!("{}{path}", site.server.url);
        for kind in ["application/json", "text/plain; charset=UTF-8", "application/JSON"] {
            let (status, answer) = post(&url, TRACK, &[("content-type", kind)]).await;
            assert_eq!((status, &answer["success"]), (200, &json!(true)), "{kind}: {answer}");
        }
        let headers = [("content-encoding", "gzip")];
        let (status, answer) = post(&url, gzip(TRACK.as_bytes()), &headers).await;
        assert_eq!(status, 200, "{answer}");
    }
    // The same message id each time: one event.
    let paid = site.came_in("ann");
    assert_eq!(paid.iter().filter(|text| text.contains("Paid")).count(), 1, "{paid:#?}");
}

#[tokio::test]
async fn what_cannot_be_taken_is_refused_with_a_reason() {
    let site = site("limits: {body_bytes: 40000}\n");
    let url = format!("{}/v1/track", site.server.url);
    let without_key = TRACK.replace(WRITE_KEY, "wk-other");
    let large = format!("{{\"x\":\"{}\"}}", "y".repeat(33_000));
    let bomb = gzip(&vec![b' '; 10_000_000]);
    let cases: [Case; 9] = [
        (TRACK.into(), &[("content-type", "application/xml")], 415, "CAD-2002"),
        (TRACK.into(), &[JSON, ("content-encoding", "br")], 415, "CAD-2002"),
        (TRACK.into(), &[JSON, ("content-encoding", "gzip")], 400, "CAD-2001"),
        (bomb, &[JSON, ("content-encoding", "gzip")], 413, "CAD-2003"),
        (vec![b'x'; 50_000], &[JSON], 413, "CAD-2003"),
        (large.into(), &[JSON, ("authorization", "Basic d2stc2hvcDo=")], 413, "CAD-2004"),
        (b"\xff\xfe".to_vec(), &[JSON], 400, "CAD-2001"),
        (without_key.into(), &[JSON], 401, "CAD-2012"),
        (b"{".to_vec(), &[JSON, ("authorization", "Basic d2stc2hvcDo=")], 400, "CAD-2001"),
    ];
    for (body, headers, status, code) in cases {
        let (found, answer) = post(&url, body, headers).await;
        assert_eq!((found, &answer["code"]), (status, &json!(code)), "{headers:?}: {answer}");
        assert!(answer["advice"].as_str().is_some_and(|advice| !advice.is_empty()), "{answer}");
    }
    let answer = reqwest::get(&url).await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 405);
}

#[tokio::test]
async fn a_report_that_cannot_be_read_is_refused_with_a_reason() {
    let site = site("limits: {body_bytes: 40000}\n");
    let url = format!("{}/hooks/twilio/sms/{}", site.server.url, "0".repeat(32));
    let cases: [Case; 3] = [
        (vec![b'x'; 50_000], &[], 413, "CAD-2003"),
        (vec![b'x'; 20_000], &[], 413, "CAD-2003"),
        (b"x".to_vec(), &[("content-encoding", "gzip")], 400, "CAD-2001"),
    ];
    for (body, headers, status, code) in cases {
        let (found, answer) = post(&url, body, headers).await;
        assert_eq!((found, &answer["code"]), (status, &json!(code)), "{headers:?}: {answer}");
    }
}

/// Who looks on sees what is taken and what is not, with the reason.
#[tokio::test]
async fn live_events_show_both_sides() {
    let site = site("");
    let url = format!("{}/v1/batch", site.server.url);
    let batch = json!({"writeKey": WRITE_KEY, "batch": [
        {"type": "track", "userId": "ann", "messageId": "1", "event": "Paid"},
        {"type": "track", "messageId": "2", "event": "Paid"},
        {"type": "shout", "userId": "ann", "messageId": "3"}]});
    let look = |arguments: &[&str]| {
        let mut all = vec!["events", "tail", "--once", "-o", "json"];
        all.extend(arguments);
        let output = site.server.command(&all);
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).expect("text");
        let lines = text.lines().map(|line| serde_json::from_str(line).expect("JSON"));
        lines.collect::<Vec<Value>>()
    };
    let (_, answer) = post(&url, batch.to_string(), &[]).await;
    assert_eq!((&answer["accepted"], &answer["rejected"][0]["index"]), (&json!(1), &json!(1)));
    // Nobody looked: only what was not taken is there.
    let first = look(&[]);
    assert_eq!(first.len(), 2, "{first:#?}");
    assert_eq!(
        (&first[0]["verdict"]["result"], &first[0]["message_id"]),
        (&json!("rejected"), &json!("2"))
    );
    assert_eq!(first[1]["verdict"]["code"], json!("CAD-2009"));
    assert_eq!(first[1]["verdict"]["detail"], json!("`shout` is not a type of event"));
    post(&url, batch.to_string(), &[]).await;
    let second = look(&[]);
    let taken = second.iter().find(|seen| seen["verdict"]["result"] == "accepted");
    let taken = taken.expect("the accepted one");
    // Nothing of the key itself, which may be short.
    let hash = SecretHash::of(WRITE_KEY);
    let source = format!("key-{}", hex(&hash.bytes()[..4]));
    assert_eq!(
        (&taken["customer"], &taken["event"], &taken["source"]),
        (&json!("ann"), &json!("Paid"), &json!(source))
    );
    assert_eq!((second.len(), look(&["--rejected"]).len()), (5, 4));
}
