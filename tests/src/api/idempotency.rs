//! `Idempotency-Key`: a request is done once, also over a crash, and a key belongs to one request.

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::Api;

const ENROLL: &str = "/api/v1/journeys/gift/enrollments";

/// Status, whether it is the answer of an earlier request, and what it says.
async fn said(request: RequestBuilder) -> (u16, bool, Value) {
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    let replayed = answer.headers().contains_key("idempotency-replayed");
    (status, replayed, answer.json().await.expect("JSON"))
}

fn enroll(api: &Api, token: &str, key: &str, customer: &str) -> RequestBuilder {
    let request = api.request("POST", ENROLL, token).header("Idempotency-Key", key);
    request.json(&json!({"customer": customer}))
}

async fn enrollments(api: &Api, token: &str, customer: &str) -> usize {
    let path = format!("/api/v1/customers/{customer}/enrollments");
    let (status, page) = api.get(&path, token).await;
    if status == 404 {
        return 0;
    }
    page["items"].as_array().expect("items").len()
}

#[tokio::test]
async fn a_request_with_a_key_is_done_once_also_over_a_crash() {
    let mut api = Api::new();
    let token = api.master();
    assert_eq!(said(enroll(&api, &token, "one", "ann")).await, (200, false, json!(null)));
    assert_eq!(said(enroll(&api, &token, "one", "ann")).await, (200, true, json!(null)));
    api.crash();
    assert_eq!(said(enroll(&api, &token, "one", "ann")).await, (200, true, json!(null)));
    assert_eq!(enrollments(&api, &token, "ann").await, 1);
    // Without a key, or with another one, it is done again: the journey lets her enter each time.
    assert_eq!(said(enroll(&api, &token, "two", "ann")).await, (200, false, json!(null)));
    let plain = api.request("POST", ENROLL, &token).json(&json!({"customer": "ann"}));
    assert_eq!(said(plain).await, (200, false, json!(null)));
    assert_eq!(enrollments(&api, &token, "ann").await, 3);
    let audit = api.server().json(&["audit"]);
    let rows = audit.as_array().expect("rows").iter();
    assert_eq!(rows.filter(|row| row["what"] == "journey.enroll").count(), 3);
}

#[tokio::test]
async fn a_key_belongs_to_one_request_of_one_caller() {
    let mut api = Api::new();
    let token = api.master();
    assert_eq!(said(enroll(&api, &token, "one", "ann")).await.0, 200);
    for crashed in [false, true] {
        if crashed {
            api.crash();
        }
        let other_body = enroll(&api, &token, "one", "bob");
        let pause = "/api/v1/journeys/gift/pause";
        let other_path = api.request("POST", pause, &token).header("Idempotency-Key", "one");
        for request in [other_body, other_path] {
            let (status, _, problem) = said(request).await;
            assert_eq!((status, &problem["code"]), (422, &json!("CAD-4022")), "{problem}");
        }
    }
    assert_eq!(enrollments(&api, &token, "bob").await, 0);
    assert_eq!(api.server().json(&["journeys", "list"])[0]["state"], "running");
    // Somebody else may have made up the same key.
    let other = api.master();
    assert_eq!(said(enroll(&api, &other, "one", "bob")).await, (200, false, json!(null)));
    // What is refused is an answer too.
    for replayed in [false, true] {
        let request = api.request("POST", "/api/v1/journeys/none/pause", &token);
        let (status, again, problem) = said(request.header("Idempotency-Key", "three")).await;
        assert_eq!((status, again), (404, replayed), "{problem}");
        assert_eq!(problem["code"], "CAD-4004");
    }
    for key in ["", " ", "a b", &"k".repeat(256)] {
        let (status, _, problem) = said(enroll(&api, &token, key, "cid")).await;
        assert_eq!((status, &problem["code"]), (400, &json!("CAD-4003")), "`{key}`: {problem}");
    }
    assert_eq!(said(enroll(&api, &token, &"k".repeat(255), "cid")).await.0, 200);
}

#[tokio::test]
async fn of_many_at_once_one_is_done() {
    let api = Api::new();
    let token = api.master();
    let requests = (0..16).map(|_| said(enroll(&api, &token, "same", "ann")));
    let answers = futures_util::future::join_all(requests).await;
    for (status, _, answer) in &answers {
        let unfinished = *status == 409 && answer["code"] == "CAD-4023";
        assert!(*status == 200 || unfinished, "{status}: {answer}");
    }
    assert_eq!(answers.iter().filter(|(status, again, _)| *status == 200 && !again).count(), 1);
    assert_eq!(enrollments(&api, &token, "ann").await, 1);
    assert_eq!(said(enroll(&api, &token, "same", "ann")).await, (200, true, json!(null)));
}

#[tokio::test]
async fn a_secret_is_shown_once_and_kept_nowhere() {
    // However the path is written.
    for path in ["/api/v1/tokens", "/api/v1/%74okens"] {
        let mut api = Api::new();
        let token = api.master();
        let create = |api: &Api| {
            let body = json!({"kind": "api", "name": "shop", "scopes": ["read"]});
            api.request("POST", path, &token).header("Idempotency-Key", "t").json(&body)
        };
        let (status, _, made) = said(create(&api)).await;
        assert_eq!(status, 200);
        let secret = made["secret"].as_str().expect("a secret").to_owned();
        for crashed in [false, true] {
            if crashed {
                api.crash();
            }
            let (status, _, problem) = said(create(&api)).await;
            assert_eq!((status, &problem["code"]), (409, &json!("CAD-4023")), "{path}: {problem}");
        }
        let tokens = api.server().json(&["tokens", "list"]);
        let made = tokens.as_array().expect("tokens").iter().filter(|one| one["name"] == "shop");
        assert_eq!(made.count(), 1);
        let (_, own) = secret.rsplit_once('_').expect("id and secret");
        for file in std::fs::read_dir(api.path("data").join("store")).expect("the store") {
            let path = file.expect("a file").path();
            if path.is_file() {
                let bytes = std::fs::read(&path).expect("bytes");
                let found = bytes.windows(own.len()).any(|part| part == own.as_bytes());
                assert!(!found, "{}", path.display());
            }
        }
    }
}
