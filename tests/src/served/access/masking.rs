//! Personal data, for eyes that need it and for eyes that do not.

use reqwest::Method;
use serde_json::json;

use super::House;
use crate::served::BASE;
use crate::served::process::eventually;

/// Stand in what may be seen only with the scope `personal`.
const CANARIES: [&str; 7] = [
    "anna.canary",
    "canary.example",
    "600100200",
    "600 100 200",
    "Annabella",
    "Kanarienweg",
    "other.canary",
];

const JOURNEY: &str = "---
apiVersion: cadencia/v1
kind: Template
metadata: {name: personal}
spec: {subject: 'For {{ customer.traits.email }}', text: 'Write to {{ customer.traits.email }}'}
---
apiVersion: cadencia/v1
kind: Journey
metadata: {name: hello}
spec:
  enter: {event: Signed Up, key: event.properties.contact}
  steps:
    - send: {channels: [{email: personal}], class: transactional, valid_for: P3D}
";

async fn filled() -> House {
    let house = House::new();
    let campaign = house.path("campaign");
    std::fs::create_dir(&campaign).expect("a folder");
    std::fs::write(campaign.join("all.yaml"), format!("{BASE}{JOURNEY}")).expect("a file");
    house.server().json(&["apply", "--yes", campaign.to_str().expect("a plain path")]);
    house
        .track(json!([
            {"type": "identify", "userId": "ann", "messageId": "1", "traits": {
                "email": "anna.canary@canary.example", "phone": "+34 600 100 200",
                "firstName": "Annabella", "tier": "gold",
                "address": {"street": "Kanarienweg 1"}}},
            {"type": "track", "userId": "ann", "messageId": "2", "event": "Signed Up",
             "properties": {"contact": "other.canary@canary.example", "number": 34600100200_i64,
                "firstName": "Annabella", "plan": "yearly"}},
            {"type": "track", "userId": "other.canary@canary.example", "messageId": "3",
             "event": "Signed Up", "properties": {"contact": "x"}}
        ]))
        .await;
    eventually("the message goes", async || {
        house.server().json(&["journeys", "list"])[0]["sent"] == 1
    })
    .await;
    house
}

fn canaries(text: &str) -> Vec<&'static str> {
    CANARIES.into_iter().filter(|canary| text.contains(canary)).collect()
}

#[tokio::test]
async fn programs_see_personal_data_only_with_its_scope() {
    let house = filled().await;
    for id in ["ann", "other.canary%40canary.example"] {
        let path = format!("/api/v1/customers/{id}/timeline");
        let read = house.scoped(&["read"]);
        let answer = house.call(Method::GET, &path, Some(&read), &json!({})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(canaries(&answer.body), [""; 0], "{}", answer.body);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let personal = house.scoped(&["read", "personal"]);
        let answer = house.call(Method::GET, &path, Some(&personal), &json!({})).await;
        assert!(!canaries(&answer.body).is_empty(), "{}", answer.body);
    }
    let read = house.scoped(&["read"]);
    let path = "/api/v1/customers/ann/timeline";
    let masked = house.call(Method::GET, path, Some(&read), &json!({})).await.json();
    assert_eq!(masked["traits"]["tier"], "gold", "what is not personal stays: {masked}");
    assert_eq!(masked["traits"]["email"], "***");
    assert!(masked.to_string().contains("plan=yearly"), "{masked}");
    let whole = house.server().explain("ann").to_string();
    assert!(canaries(&whole).len() >= 5, "the owner sees all: {whole}");
}

#[tokio::test]
async fn pages_show_personal_data_only_to_roles_that_need_it() {
    let house = filled().await;
    for (role, sees) in
        [("viewer", false), ("marketer", false), ("operator", true), ("admin", true)]
    {
        house.user(role, role);
        let mut browser = house.log_in(role).await;
        let overview = house.visit(&mut browser, "/").await.body;
        let messages = house.visit(&mut browser, "/messages").await.body;
        let customer = house.visit(&mut browser, "/customers/ann").await.body;
        let found = house.visit(&mut browser, "/customers?id=ann").await.body;
        assert!(customer.contains("gold") && found.contains("gold"), "{role}: {customer}");
        assert!(overview.contains("Newest captured messages"), "{role}: {overview}");
        for page in [&overview, &messages, &customer, &found] {
            match sees {
                true => assert!(!canaries(page).is_empty(), "{role}: {page}"),
                false => assert_eq!(canaries(page), [""; 0], "{role}: {page}"),
            }
        }
    }
}
