//! The guide to the contact policy is true: its documents are valid, and do what it says.

use std::path::Path;

use cadencia::config::{Kind, Source, load_sources};
use serde_json::{Value, json};

use super::given::Given;
use super::script::check;

/// What the documents of the guide refer to.
const BESIDE: &str = "
apiVersion: cadencia/v1
kind: Channel
metadata: {name: email}
spec: {smtp: {host: localhost, tls: none, from: shop@shop.example}}
---
apiVersion: cadencia/v1
kind: Channel
metadata: {name: sms}
spec: {capture: {}}
---
apiVersion: cadencia/v1
kind: Campaign
metadata: {name: spring}
spec: {}
---
apiVersion: cadencia/v1
kind: ContactPolicy
metadata: {name: beside}
spec: {fallback_zone: ZONE}
";

fn guide() -> String {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../orchestrator/docs/guides/contact-policy.md");
    std::fs::read_to_string(path).expect("the guide can be read")
}

fn blocks(guide: &str) -> Vec<&str> {
    guide.split("```").filter_map(|block| block.strip_prefix("yaml\n")).collect()
}

/// The spec of each whole document of the guide, by name; each is valid and raises no eyebrow.
fn documents() -> Vec<(String, Value)> {
    let guide = guide();
    let whole = blocks(&guide).into_iter().filter(|block| block.starts_with("apiVersion"));
    whole
        .map(|block| {
            let zone = block.lines().find_map(|line| line.trim().strip_prefix("fallback_zone: "));
            let beside = BESIDE.replace("ZONE", zone.expect("a fallback zone"));
            let loaded =
                load_sources(&[Source::new("guide", block), Source::new("beside", beside)]);
            assert!(loaded.report.is_empty(), "{}", loaded.report.render(false));
            let documents = loaded.definitions.expect("valid definitions").documents;
            let found = documents
                .iter()
                .find(|document| document.kind == Kind::ContactPolicy && document.name != "beside");
            let found = found.expect("the document of the guide");
            let json: Value = serde_json::from_str(&found.canonical).expect("canonical text");
            (found.name.clone(), json["spec"].clone())
        })
        .collect()
}

fn policy(name: &str) -> Value {
    let found = documents().into_iter().find(|(known, _)| known == name);
    found.expect("the guide has this document").1
}

/// A journey of one message; entered as often as its event comes.
fn journey(given: Given, name: &str, event: &str, channel: &str, class: &str) -> Given {
    let template = if channel == "sms" { "text" } else { "hello" };
    let send = json!({"channels": [{channel: template}], "class": class, "valid_for": "P9D"});
    given.journey(
        name,
        json!({"enter": {"event": event, "reentry": "parallel"}, "steps": [{"send": send}]}),
    )
}

#[test]
fn every_document_of_the_guide_is_valid() {
    let names: Vec<String> = documents().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["weekly", "tiers", "room-to-breathe", "us-text-messages"]);
}

#[test]
fn every_fragment_of_the_guide_is_valid() {
    let guide = guide();
    let fragments = blocks(&guide).into_iter().filter(|block| !block.starts_with("apiVersion"));
    let mut seen = 0;
    for fragment in fragments {
        let head = "apiVersion: cadencia/v1\nkind: ContactPolicy\nmetadata: {name: fragment}\n";
        let document = if fragment.starts_with("spec:") {
            format!("{head}{fragment}  fallback_zone: Europe/Madrid\n")
        } else {
            // Each body that begins at the margin is a rule.
            let mut rules = String::new();
            for (at, line) in fragment.lines().enumerate() {
                if !line.starts_with(' ') {
                    rules.push_str(&format!("    - name: r{at}\n"));
                }
                rules.push_str(&format!("      {line}\n"));
            }
            format!(
                "{head}spec:\n  fallback_zone: Europe/Madrid\n  holidays: {{ES: [01-01]}}\n  \
                 rules:\n{rules}"
            )
        };
        let beside = BESIDE.replace("ZONE", "Europe/Madrid");
        let loaded = load_sources(&[Source::new("guide", document), Source::new("beside", beside)]);
        assert!(loaded.report.is_empty(), "{}", loaded.report.render(false));
        seen += 1;
    }
    assert_eq!(seen, 3);
}

#[test]
fn a_weekly_cap_lets_receipts_pass_and_counts_what_is_service() {
    let given = Given::new().contact_policy(policy("weekly"));
    let given = journey(given, "news", "News", "email", "marketing");
    let given = journey(given, "receipt", "Bought", "email", "transactional");
    let given = journey(given, "service", "Recall", "email", "service");
    let sent = |at: &str, name: &str| {
        format!(
            "{at} {name} enter\n{at} {name} send-1\n{at} {name} send-1 sent by email\n\
             {at} {name} exit completed\n"
        )
    };
    let refused = "2h news enter\n2h news send-1\n2h news send-1 refused: two-in-any-week\n\
                   2h news exit completed\n";
    check(
        given.clone(),
        "track News\nwait PT1H\ntrack News\ntrack Bought\nwait PT1H\ntrack News\ntrack Bought",
        &format!(
            "{}{}{}{refused}{}",
            sent("0", "news"),
            sent("1h", "news"),
            sent("1h", "receipt"),
            sent("2h", "receipt"),
        ),
    );
    // A service message is never stopped, but takes a place.
    check(
        given,
        "track News\nwait PT1H\ntrack Recall\nwait PT1H\ntrack News\ntrack Recall",
        &format!(
            "{}{}{refused}{}",
            sent("0", "news"),
            sent("1h", "service"),
            sent("2h", "service")
        ),
    );
}

#[test]
fn gold_customers_have_more_room() {
    let given = Given::new().contact_policy(policy("tiers"));
    let given = journey(given, "j", "Go", "email", "marketing");
    // The script begins on a Monday at 10:00 in Madrid; the next week begins 158 hours later.
    let sent = "0 j enter\n0 j send-1\n0 j send-1 sent by email\n0 j exit completed\n";
    let held = "0 j enter\n0 j send-1\n0 j send-1 held until 6d14h: by-tier\n";
    check(given.clone(), "track Go\ntrack Go", &format!("{sent}{held}"));
    let gold = "identify {\"tier\": \"gold\"}\ntrack Go\ntrack Go\ntrack Go\ntrack Go";
    check(given, gold, &format!("{sent}{sent}{sent}{held}"));
}

#[test]
fn there_is_room_to_breathe() {
    let given = Given::new().contact_policy(policy("room-to-breathe"));
    let given = journey(given, "mail", "Mail", "email", "marketing");
    let given = journey(given, "text", "Text", "sms", "marketing");
    check(
        given,
        "track Text\nwait PT1H\ntrack Mail\nwait PT5H\ntrack Text\nwait P2D",
        "0 text enter
         0 text send-1
         0 text send-1 sent by sms
         0 text exit completed
         1h mail enter
         1h mail send-1
         1h mail send-1 held until 4h: four-hours
         4h mail send-1 sent by email
         4h mail exit completed
         6h text enter
         6h text send-1
         6h text send-1 not by sms: one-text-a-day
         6h text exit completed",
    );
}

/// The script begins at 09:00Z on 2 March 2026: 04:00 in New York, 01:00 in Los Angeles. Whose zone
/// is unknown stands beside the gate (`the_law_of_the_united_states_in_summer_and_winter`).
#[test]
fn text_messages_in_the_united_states_wait_for_the_morning() {
    let given = Given::new().contact_policy(policy("us-text-messages"));
    let given = journey(given, "text", "Text", "sms", "marketing");
    let given = journey(given, "mail", "Mail", "email", "marketing");
    let table = [
        ("identify {\"timezone\": \"America/New_York\"}", "4h"),
        ("identify {\"timezone\": \"America/Los_Angeles\"}", "7h"),
    ];
    for (identify, morning) in table {
        check(
            given.clone(),
            &format!("{identify}\ntrack Text\ntrack Mail\nwait PT20H"),
            &format!(
                "0 text enter
                 0 text send-1
                 0 text send-1 held until {morning}: us-hours
                 0 mail enter
                 0 mail send-1
                 0 mail send-1 sent by email
                 0 mail exit completed
                 {morning} text send-1 sent by sms
                 {morning} text exit completed"
            ),
        );
    }
}
