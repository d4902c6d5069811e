//! Lists: pages that follow each other, filters, and what is said of bad ones.

use std::collections::BTreeSet;

use cadencia::sends::SCAN_COST_MAX;
use serde_json::{Value, json};

use super::Api;
use crate::served::process::eventually;

const SHOPPERS: u32 = 60;

/// All items of a list, page by page.
async fn all(api: &Api, path: &str, token: &str, limit: usize) -> Vec<Value> {
    let sign = if path.contains('?') { '&' } else { '?' };
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = format!("{path}{sign}limit={limit}{cursor}");
        let (status, page) = api.get(&page, token).await;
        assert_eq!(status, 200, "{page}");
        let more = page["items"].as_array().expect("items");
        assert!(more.len() <= limit, "{path}: {} of {limit}", more.len());
        items.extend(more.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

fn texts(items: &[Value], key: &str) -> BTreeSet<String> {
    items.iter().map(|item| item[key].as_str().expect("text").to_owned()).collect()
}

#[tokio::test]
async fn customers_are_listed_once_each_and_known_by_their_id() {
    let api = Api::new();
    api.sign_up(SHOPPERS).await;
    let token = api.token(&["read", "personal"]);
    let ids: BTreeSet<String> = (0..SHOPPERS).map(|number| format!("shopper-{number}")).collect();
    for limit in [1, 7, 500] {
        let found = all(&api, "/api/v1/customers", &token, limit).await;
        assert_eq!(found.len(), ids.len(), "by {limit}");
        assert_eq!(texts(&found, "customer"), ids, "by {limit}");
    }
    let golden = all(&api, "/api/v1/customers?segment=golden", &token, 6).await;
    assert_eq!(golden.len(), 20);
    let (status, ann) = api.get("/api/v1/customers/shopper-3", &token).await;
    assert_eq!(status, 200, "{ann}");
    assert_eq!(ann["traits"], json!({"email": "shopper-3@example.com", "tier": "gold"}));
    assert_eq!(ann["segments"], json!(["golden"]));
    assert_eq!(ann["counters"][0]["event"], "Signed Up");
    assert_eq!((&ann["enrollments"], &ann["merged_into"]), (&json!([]), &json!(null)));
    let masked = api.token(&["read"]);
    let (_, hidden) = api.get("/api/v1/customers/shopper-3", &masked).await;
    assert_eq!(hidden["traits"], json!({"email": "***", "tier": "gold"}));
    let (status, problem) = api.get("/api/v1/customers/nobody", &token).await;
    assert_eq!((status, &problem["code"]), (404, &json!("CAD-4005")));
}

#[tokio::test]
async fn enrollments_are_listed_by_journey_and_step_and_found_by_their_id() {
    let api = Api::new();
    let token = api.master();
    for number in 0..25 {
        let body = json!({"customer": format!("ann-{number}"), "key": "k"});
        let path = "/api/v1/journeys/gift/enrollments";
        let (status, said) = super::answer(api.request("POST", path, &token).json(&body)).await;
        assert_eq!(status, 200, "{said}");
    }
    let found = all(&api, "/api/v1/journeys/gift/enrollments", &token, 4).await;
    assert_eq!(texts(&found, "customer").len(), 25);
    let (at, version) = (&found[0]["step"], &found[0]["version"]);
    assert_eq!((at, &found[0]["state"]), (&json!("day"), &json!("waiting")));
    let on = format!("/api/v1/journeys/gift/enrollments?step=day&version={version}");
    assert_eq!(all(&api, &on, &token, 10).await, found);
    for none in ["?step=hello", "?version=99"] {
        let path = format!("/api/v1/journeys/gift/enrollments{none}");
        assert_eq!(all(&api, &path, &token, 10).await.len(), 0, "{none}");
    }
    for one in &found {
        let id = one["enrollment"].as_str().expect("an id");
        let (status, same) = api.get(&format!("/api/v1/enrollments/{id}"), &token).await;
        assert_eq!((status, &same), (200, one));
        let customer = one["customer"].as_str().expect("an id");
        let path = format!("/api/v1/customers/{customer}/enrollments");
        let (_, hers) = api.get(&path, &token).await;
        assert_eq!(hers["items"], json!([one]));
    }
    // Somebody with many of them: a page ends within hers, and the next one goes on there.
    for key in 0..7 {
        let body = json!({"customer": "many", "key": format!("k{key}")});
        let path = "/api/v1/journeys/gift/enrollments";
        let (status, said) = super::answer(api.request("POST", path, &token).json(&body)).await;
        assert_eq!(status, 200, "{said}");
    }
    for limit in [1, 2, 3, 500] {
        let found = all(&api, "/api/v1/journeys/gift/enrollments", &token, limit).await;
        assert_eq!((found.len(), texts(&found, "enrollment").len()), (32, 32), "by {limit}");
        let hers: Vec<usize> =
            (0..found.len()).filter(|at| found[*at]["customer"] == "many").collect();
        assert_eq!(hers.len(), 7);
        assert_eq!(hers[6] - hers[0], 6, "they stand together: {hers:?}");
    }
    for (path, code) in [
        ("/api/v1/journeys/none/enrollments", "CAD-4004"),
        ("/api/v1/enrollments/00112233445566778899aabbccddeeff", "CAD-4025"),
        ("/api/v1/enrollments/x", "CAD-4025"),
    ] {
        let (status, problem) = api.get(path, &token).await;
        assert_eq!((status, &problem["code"]), (404, &json!(code)), "{path}");
    }
}

#[tokio::test]
async fn what_is_published_can_be_looked_at_and_compared() {
    let api = Api::new();
    let token = api.master();
    let kinds = all(&api, "/api/v1/definitions", &token, 2).await;
    assert_eq!(kinds.len(), 6, "{kinds:?}");
    let journeys = all(&api, "/api/v1/definitions?kind=Journey", &token, 1).await;
    assert_eq!(texts(&journeys, "name"), ["gift", "welcome"].map(str::to_owned).into());
    let (_, one) = api.get("/api/v1/definitions/Segment/golden", &token).await;
    assert_eq!(one["document"]["spec"]["when"], "customer.traits.tier == \"gold\"");
    let (_, segments) = api.get("/api/v1/segments", &token).await;
    assert_eq!(segments["items"][0]["when"], one["document"]["spec"]["when"]);
    assert_eq!(segments["items"][0]["hash"], one["hash"]);
    let (_, policy) = api.get("/api/v1/policy", &token).await;
    assert_eq!((&policy["documents"], &policy["fallback_zone"]), (&json!(["open"]), &json!("UTC")));
    let (_, channels) = api.get("/api/v1/channels", &token).await;
    assert_eq!(channels["items"][0]["provider"], "capture");
    let (_, templates) = api.get("/api/v1/templates", &token).await;
    assert_eq!(templates["items"][0]["name"], "hello");

    // Somebody stands on the first version; the second one waits two days.
    let body = json!({"customer": "ann"});
    let enroll = api.request("POST", "/api/v1/journeys/gift/enrollments", &token).json(&body);
    assert_eq!(super::answer(enroll).await.0, 200);
    let file = api.path("campaign").join("all.yaml");
    let text = std::fs::read_to_string(&file).expect("a file").replace("for: P1D", "for: P2D");
    std::fs::write(&file, text).expect("a file");
    let campaign = api.path("campaign").display().to_string();
    api.server().json(&["apply", "--yes", &campaign]);
    let versions = all(&api, "/api/v1/journeys/gift/versions", &token, 1).await;
    let numbers: Vec<u64> = versions.iter().map(|it| it["version"].as_u64().expect("it")).collect();
    assert!(numbers.len() == 2 && numbers[0] > numbers[1], "the newest first: {numbers:?}");
    assert_eq!((&versions[0]["current"], &versions[1]["current"]), (&json!(true), &json!(false)));
    let path = format!("/api/v1/journeys/gift/diff?from={}&to={}", numbers[1], numbers[0]);
    let (status, diff) = api.get(&path, &token).await;
    assert_eq!(status, 200, "{diff}");
    let expected = json!([{"path": "spec.steps[0].wait.for", "old": "P1D", "new": "P2D"}]);
    assert_eq!(diff["fields"], expected);
    let (_, journey) = api.get("/api/v1/journeys/gift", &token).await;
    assert_eq!(journey["older"], json!([{"version": numbers[1], "active": 1}]));
    for (path, code) in [
        ("/api/v1/definitions/Journey/none", "CAD-4024"),
        ("/api/v1/journeys/none", "CAD-4004"),
        ("/api/v1/journeys/none/versions", "CAD-4004"),
        ("/api/v1/journeys/gift/diff?from=98&to=99", "CAD-4004"),
    ] {
        let (status, problem) = api.get(path, &token).await;
        assert_eq!((status, &problem["code"]), (404, &json!(code)), "{path}");
    }
}

#[tokio::test]
async fn lists_of_access_have_pages_too() {
    let api = Api::new();
    let token = api.master();
    for number in 0..7 {
        api.token(&["read"]);
        api.server().json(&["users", "create", &format!("user-{number}"), "--role", "viewer"]);
    }
    assert_eq!(all(&api, "/api/v1/tokens", &token, 3).await.len(), 8);
    let users = all(&api, "/api/v1/users", &token, 2).await;
    assert_eq!(texts(&users, "name").len(), 7);
    let audit = all(&api, "/api/v1/audit", &token, 4).await;
    let numbers: Vec<u64> = audit.iter().map(|row| row["number"].as_u64().expect("it")).collect();
    assert!(numbers.len() >= 15 && numbers.is_sorted_by(|a, b| a > b), "{numbers:?}");
    let before = all(&api, &format!("/api/v1/audit?before={}", numbers[4]), &token, 4).await;
    assert_eq!(before, audit[5..]);
}

#[tokio::test]
async fn bad_parameters_are_named() {
    let api = Api::new();
    let token = api.master();
    for (path, status, code, word) in [
        ("/api/v1/customers?limit=0", 400, "CAD-4003", "`limit`"),
        ("/api/v1/customers?limit=501", 400, "CAD-4003", "1 to 500"),
        ("/api/v1/customers?limit=x", 400, "CAD-4003", "invalid digit"),
        ("/api/v1/customers?name=ann", 400, "CAD-4003", "unknown field `name`"),
        ("/api/v1/customers?cursor=x", 422, "CAD-4021", "`cursor`"),
        ("/api/v1/tokens?limit=1001", 400, "CAD-4003", "1 to 1000"),
        ("/api/v1/journeys?cursor=AAAA", 422, "CAD-4021", "`cursor`"),
        ("/api/v1/definitions?kind=Joke", 400, "CAD-4003", "unknown variant `Joke`"),
        ("/api/v1/definitions/Joke/x", 400, "CAD-4003", "`kind`"),
        ("/api/v1/journeys/gift/diff?from=1", 400, "CAD-4003", "missing field `to`"),
        ("/api/v1/customers/ann/timeline?rows=0", 400, "CAD-4003", "`rows`"),
        ("/api/v1/audit?before=-1", 400, "CAD-4003", "invalid digit"),
        ("/api/v1/sends?from=2026-03-01", 400, "CAD-4003", "`from`"),
    ] {
        let (found, problem) = api.get(path, &token).await;
        assert_eq!((found, &problem["code"]), (status, &json!(code)), "{path}: {problem}");
        let detail = problem["detail"].as_str().expect("text");
        assert!(detail.contains(word), "{path}: {detail}");
        let page = problem["type"].as_str().expect("an address");
        assert_eq!(page, format!("/errors/{code}"));
        let page = api.request("GET", page, &token).send().await.expect("an answer");
        let kind = page.headers()["content-type"].to_str().expect("text").to_owned();
        assert_eq!((page.status().as_u16(), &*kind), (200, "text/markdown; charset=utf-8"));
        assert!(page.text().await.expect("text").contains(code));
    }
    let (status, problem) = api.get("/errors/none", &token).await;
    assert_eq!((status, &problem["code"]), (404, &json!("CAD-4001")));
    // A cursor of one list is none of another.
    api.sign_up(3).await;
    let (_, page) = api.get("/api/v1/customers?limit=1", &token).await;
    let cursor = page["next_cursor"].as_str().expect("there is more");
    let (status, _) = api.get(&format!("/api/v1/users?cursor={cursor}"), &token).await;
    assert_eq!(status, 422);
}

#[tokio::test]
async fn a_page_that_looks_through_much_ends_and_the_next_one_goes_on() {
    let api = Api::new();
    let token = api.master();
    api.sign_up(3).await;
    eventually("they got their messages", async || {
        let (_, page) = api.get("/api/v1/sends?state=accepted", &token).await;
        page["items"].as_array().is_some_and(|items| items.len() == 3)
    })
    .await;
    // More rows than a page looks through, all of them newer: one for each visitor.
    let events = SCAN_COST_MAX + SCAN_COST_MAX / 10;
    let lines = (0..events).map(|number| {
        let line = json!({"type": "track", "userId": format!("visitor-{number}"),
            "messageId": format!("m{number}"), "event": "Seen",
            "timestamp": "2026-01-01T00:00:00Z"});
        format!("{line}\n")
    });
    let file = api.path("many.ndjson");
    std::fs::write(&file, lines.collect::<String>()).expect("a file");
    api.server().json(&["import", file.to_str().expect("a plain path")]);
    let (mut cursor, mut pages, mut found) = (String::new(), 0, 0);
    loop {
        let (status, page) = api.get(&format!("/api/v1/sends?limit=9{cursor}"), &token).await;
        assert_eq!(status, 200, "{page}");
        found += page["items"].as_array().expect("items").len();
        pages += 1;
        let Some(next) = page["next_cursor"].as_str() else { break };
        assert!(page["looked_back_to"].is_string(), "{page}");
        cursor = format!("&cursor={next}");
    }
    assert_eq!(found, 3);
    assert!((2..=9).contains(&pages), "{pages} pages");
}

#[tokio::test]
async fn a_page_goes_on_behind_an_item_that_is_gone() {
    let api = Api::new();
    let token = api.master();
    let first = "/api/v1/definitions?kind=Journey&limit=1";
    let (_, page) = api.get(first, &token).await;
    assert_eq!(page["items"][0]["name"], "gift");
    let cursor = page["next_cursor"].as_str().expect("there is another").to_owned();
    let file = api.path("campaign").join("all.yaml");
    let text = std::fs::read_to_string(&file).expect("a file");
    let others: Vec<&str> =
        text.split("---\n").filter(|document| !document.contains("name: gift")).collect();
    std::fs::write(&file, others.join("---\n")).expect("a file");
    api.server().json(&["apply", "--yes", &api.path("campaign").display().to_string()]);
    let (status, page) = api.get(&format!("{first}&cursor={cursor}"), &token).await;
    assert_eq!((status, &page["items"][0]["name"]), (200, &json!("welcome")), "{page}");
}
