//! Requests that are larger than what can be written at once: each is cut or refused for itself,
//! and the server goes on, also over a crash.

use domain::customer::TRAITS_BYTES_MAX;
use domain::event::{EVENT_BYTES_MAX, Event, EventBody, Recorded};
use domain::time::Instant;
use serde_json::{Value, json};

use crate::api::{Api, answer};

const ENROLL: &str = "/api/v1/journeys/gift/enrollments";
const AT: Instant = Instant(1_774_744_200_000);

/// It goes on, and what is small is taken in, before and after a crash.
async fn goes_on(api: &mut Api, token: &str) {
    for crashed in [false, true] {
        if crashed {
            assert_eq!(api.server().ended(), None, "the server goes on");
            api.crash();
        }
        let body = json!({"customer": "small", "key": if crashed { "b" } else { "a" }});
        let (status, said) = answer(api.request("POST", ENROLL, token).json(&body)).await;
        assert_eq!(status, 200, "{said}");
    }
}

async fn batch(api: &Api, token: &str, calls: Vec<Value>) -> (u16, Value) {
    let request = api.request("POST", "/v1/batch", token);
    answer(request.json(&json!({"batch": calls}))).await
}

async fn import(api: &Api, token: &str, body: Vec<u8>) -> (u16, Value) {
    let version = env!("CARGO_PKG_VERSION");
    let path = format!("/api/v1/import?trigger=none&version={version}");
    answer(api.request("POST", &path, token).body(body)).await
}

/// An event of the past with a property of so many bytes.
fn seen(customer: &str, number: usize, bytes: usize) -> Event {
    let text = domain::value::Value::from(&*"x".repeat(bytes));
    let properties = [("text".into(), text)].into_iter().collect();
    Event {
        customer: customer.into(),
        message_id: format!("{customer}/{number}"),
        occurred_at: AT,
        received_at: AT,
        body: EventBody::Track { name: "Seen".into(), properties },
    }
}

fn encoded(events: Vec<Event>) -> Vec<u8> {
    engine::codec::encode(&events.into_iter().map(Recorded::Event).collect::<Vec<_>>())
}

/// How often a customer's event was counted.
fn counted(api: &Api, customer: &str, text: &str) -> usize {
    let timeline = api.server().explain(customer);
    let entries = timeline["entries"].as_array().expect("entries");
    entries.iter().filter(|entry| entry["text"].as_str().is_some_and(|t| t.contains(text))).count()
}

#[tokio::test]
async fn an_entry_by_the_api_is_no_larger_than_an_event() {
    let mut api = Api::new();
    let token = api.master();
    // More than a transaction holds, one that just fits into one, and one a little too large.
    for bytes in [9_000_000, 8 * 1024 * 1024 - 1_000, 32 * 1024 + 1] {
        let text = "x".repeat(bytes);
        for body in [
            json!({"customer": "ann", "properties": {"text": text}}),
            json!({"customer": "ann", "key": text}),
        ] {
            let (status, said) = answer(api.request("POST", ENROLL, &token).json(&body)).await;
            assert_eq!((status, &said["code"]), (413, &json!("CAD-2004")), "{said}");
        }
    }
    let body = json!({"customer": "ann", "properties": {"text": "x".repeat(32 * 1024 - 20)}});
    let (status, said) = answer(api.request("POST", ENROLL, &token).json(&body)).await;
    assert_eq!(status, 200, "{said}");
    goes_on(&mut api, &token).await;
}

#[tokio::test]
async fn enrollments_hold_no_more_than_fits_a_record() {
    let mut api = Api::new();
    let token = api.master();
    let text = "x".repeat(32 * 1024 - 100);
    for number in 0..40 {
        let body = json!({"customer": "ann", "key": format!("{number}"),
            "properties": {"text": text}});
        let (status, said) = answer(api.request("POST", ENROLL, &token).json(&body)).await;
        assert_eq!(status, 200, "{said}");
    }
    assert_eq!(counted(&api, "ann", "entered gift"), 32);
    assert_eq!(counted(&api, "ann", "as many entries as can be kept"), 8);
    goes_on(&mut api, &token).await;
}

fn templates(letter: &str) -> Vec<String> {
    let one = |number: usize| {
        let text = letter.repeat(200_000);
        format!(
            "apiVersion: cadencia/v1\nkind: Template\nmetadata: {{name: t{number}}}\n\
             spec: {{subject: Hello, text: {text}}}\n"
        )
    };
    (0..15).map(one).collect()
}

#[tokio::test]
async fn definitions_that_do_not_fit_at_once_are_refused_with_their_size() {
    let mut api = Api::new();
    let token = api.master();
    let campaign = api.campaign();
    let apply = async |api: &Api, more: Vec<String>| {
        let base: Vec<String> = campaign.split("---\n").map(str::to_owned).collect();
        let documents = [base, more].concat();
        let body = json!({"documents": documents});
        answer(api.request("POST", "/api/v1/apply", &token).json(&body)).await
    };
    let (status, said) = apply(&api, templates("a")).await;
    assert_eq!(status, 200, "{said}");
    let revision = said["revision"].clone();
    // Old and new text of all of them, beside the publication.
    let (status, said) = apply(&api, templates("b")).await;
    assert_eq!((status, &said["code"]), (422, &json!("CAD-1009")), "{said}");
    let detail = said["detail"].as_str().expect("a detail");
    let limit = cadencia::admin::APPLY_BYTES_MAX;
    assert!(detail.contains(&format!("at most {limit} ")), "{detail}");
    // Nothing of it is in force, and a part of it can be.
    let mut part = templates("a");
    part[..5].clone_from_slice(&templates("b")[..5]);
    let (status, said) = apply(&api, part).await;
    assert_eq!(status, 200, "{said}");
    assert_eq!(said["revision"].as_u64(), revision.as_u64().map(|before| before + 1));
    goes_on(&mut api, &token).await;
}

#[tokio::test]
async fn imported_events_have_the_same_limits_as_those_that_come_in() {
    let mut api = Api::new();
    let token = api.master();
    let refused = [
        (vec![seen("ann", 0, 1_000_000)], "CAD-2004"),
        (vec![seen("ann", 0, 10), seen("", 1, 10)], "CAD-2006"),
        (vec![seen(&"i".repeat(257), 0, 10)], "CAD-2006"),
        (vec![Event { message_id: String::new(), ..seen("ann", 0, 10) }], "CAD-2008"),
        (vec![Event { message_id: "import:x".to_owned(), ..seen("ann", 0, 10) }], "CAD-2008"),
        (vec![Event { occurred_at: Instant::MIN, ..seen("ann", 0, 10) }], "CAD-2007"),
    ];
    for (events, code) in refused {
        let (_, said) = import(&api, &token, encoded(events)).await;
        assert_eq!(said["code"], code, "{said}");
    }
    // Lists in lists, and maps in maps, as the only property of an event.
    for level in [&[5, 1][..], &[6, 1, 0]] {
        let mut body = encoded(vec![seen("ann", 0, 10)]);
        let properties = body.windows(4).position(|four| four == b"text").expect("its name");
        body.truncate(properties - 3);
        let block = [&[1, 0][..], &level.repeat(200_000)].concat();
        // The length of the block, in groups of seven bits.
        let mut left = block.len();
        while left > 0x7f {
            body.push((left & 0x7f) as u8 | 0x80);
            left >>= 7;
        }
        body.push(left as u8);
        body.extend(block);
        let (status, said) = import(&api, &token, body).await;
        assert_eq!((status, &said["code"]), (400, &json!("CAD-2001")), "{said}");
    }
    // The largest ones of one customer, many in a turn.
    let largest = (0..100).map(|number| seen("bob", number, EVENT_BYTES_MAX - 100)).collect();
    let (status, said) = import(&api, &token, encoded(largest)).await;
    assert_eq!((status, &said["events"]), (200, &json!(100)), "{said}");
    goes_on(&mut api, &token).await;
    assert_eq!(counted(&api, "bob", "Seen"), 100);
}

#[tokio::test]
async fn an_import_rejects_the_lines_whose_events_are_too_large() {
    let mut api = Api::new();
    let token = api.master();
    let line = |number: usize, bytes: usize| {
        let call = json!({"type": "track", "userId": "ann", "event": "Seen",
            "messageId": format!("m{number}"), "timestamp": "2026-03-01T10:00:00Z",
            "properties": {"text": "x".repeat(bytes)}});
        format!("{call}\n")
    };
    let lines: String = (0..32).map(|number| line(number, 500_000)).collect();
    let file = api.path("events.ndjson");
    std::fs::write(&file, lines + &line(99, 10)).expect("a file");
    let file = file.display().to_string();
    let output = api.server().command(&["import", &file, "-o", "json"]);
    let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&said["events"], &said["rejected"]), (&json!(1), &json!(32)), "{said}");
    goes_on(&mut api, &token).await;
    assert_eq!(counted(&api, "ann", "Seen"), 1);
}

#[tokio::test]
async fn traits_beyond_what_a_record_holds_are_named_and_not_kept() {
    let mut api = Api::new();
    let token = api.master();
    let text = "x".repeat(31 * 1024);
    let identify = |number: usize| {
        json!({"type": "identify", "userId": "ann", "messageId": format!("i{number}"),
            "traits": {format!("t{number}"): text}})
    };
    for numbers in [0..100, 100..200, 200..260] {
        let (status, said) = batch(&api, &token, numbers.map(identify).collect()).await;
        assert_eq!(status, 200, "{said}");
    }
    let kept = TRAITS_BYTES_MAX / (31 * 1024);
    assert_eq!(counted(&api, "ann", "no room for these traits"), 260 - kept);
    goes_on(&mut api, &token).await;
    let (status, said) = api.get("/api/v1/customers/ann", &token).await;
    assert_eq!(status, 200);
    assert_eq!(said["traits"].as_object().expect("traits").len(), kept, "{kept}");
}

/// No permission may be dropped, so nothing bounds them but what a turn can write.
#[tokio::test]
async fn a_turn_that_does_not_fit_is_refused_and_holds_up_nobody_else() {
    let mut api = Api::new();
    let token = api.master();
    let source = "x".repeat(31 * 1024);
    let consent = |number: usize| {
        json!({"type": "identify", "userId": "ann", "messageId": format!("c{number}"),
            "consent": [{"topic": format!("t{number}"), "permission": "denied",
                "source": source}]})
    };
    let mut refused = 0;
    for first in (0..400).step_by(100) {
        let calls = (first..first + 100).map(consent).collect();
        let (status, said) = batch(&api, &token, calls).await;
        assert!(status == 200 || said["code"] == "CAD-3010", "{status}: {said}");
        refused += usize::from(status != 200);
    }
    assert!((1..4).contains(&refused), "{refused} were refused");
    let metrics = reqwest::get(format!("{}/metrics", api.server().url)).await.expect("metrics");
    let metrics = metrics.text().await.expect("text");
    let count =
        metrics.lines().find_map(|line| line.strip_prefix("cadencia_turns_too_large_total "));
    assert_ne!(count.expect("it is shown"), "0");
    goes_on(&mut api, &token).await;
    // More than one turn of them: what the last one that was taken has left room for is less.
    let (status, said) = batch(&api, &token, (350..400).map(consent).collect()).await;
    assert_eq!((status, &said["code"]), (500, &json!("CAD-3010")), "{said}");
    assert!(api.server().explain("ann")["entries"].as_array().is_some_and(|all| !all.is_empty()));
}

#[tokio::test]
async fn a_batch_may_be_all_of_one_customer() {
    let mut api = Api::new();
    let token = api.master();
    let call = |number: usize| {
        json!({"type": "identify", "userId": "ann", "messageId": format!("m{number}"),
            "traits": {"last": number}})
    };
    for _ in 0..2 {
        // Sent again, it changes nothing.
        let (status, said) = batch(&api, &token, (0..2_500).map(call).collect()).await;
        assert_eq!((status, &said["accepted"]), (200, &json!(2_500)), "{said}");
    }
    api.crash();
    let (_, said) = api.get("/api/v1/customers/ann", &token).await;
    assert_eq!(said["traits"]["last"], 2_499, "in their order");
}

#[tokio::test]
async fn a_file_may_be_sorted_by_customer() {
    let api = Api::new();
    let line = |number: usize| {
        let call = json!({"type": "track", "userId": "ann", "event": "Seen",
            "messageId": format!("m{number}"), "timestamp": "2026-03-01T10:00:00Z"});
        format!("{call}\n")
    };
    let file = api.path("sorted.ndjson");
    std::fs::write(&file, (0..2_500).map(line).collect::<String>()).expect("a file");
    let file = file.display().to_string();
    for trigger in ["none", "live"] {
        let done = api.server().json(&["import", &file, "--trigger", trigger]);
        assert_eq!((&done["events"], &done["rejected"]), (&json!(2_500), &json!(0)), "{done}");
    }
    let token = api.master();
    // One request of as many as it may hold.
    let events = (0..2_000).map(|number| seen("bob", number, 10)).collect();
    let (status, said) = import(&api, &token, encoded(events)).await;
    assert_eq!((status, &said["events"]), (200, &json!(2_000)), "{said}");
}
