//! Every change has its row in the audit log, durable with it.

use reqwest::Method;
use serde_json::{Value, json};

use super::House;
use crate::served::BASE;

const JOURNEY: &str = "---
apiVersion: cadencia/v1
kind: Journey
metadata: {name: gift}
spec:
  enter: {api: {}}
  steps:
    - send: {channels: [{email: hello}], class: transactional, valid_for: P3D}
";

fn what(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["what"].as_str().expect("text")).collect()
}

#[tokio::test]
async fn every_change_has_its_row_and_survives_a_kill_with_it() {
    let mut house = House::new();
    let campaign = house.path("campaign");
    std::fs::create_dir(&campaign).expect("a folder");
    std::fs::write(campaign.join("all.yaml"), format!("{BASE}{JOURNEY}")).expect("a file");
    let campaign = campaign.to_str().expect("a plain path").to_owned();
    let id = house.token(&["deploy"]).0;
    let events = house.path("events.ndjson");
    let line = json!({"type": "track", "userId": "ann@canary.example", "event": "Seen",
        "messageId": "m", "timestamp": "2026-03-01T00:00:00Z"});
    std::fs::write(&events, format!("{line}\n")).expect("a file");
    let events = events.to_str().expect("a plain path").to_owned();
    let steps: [(&[&str], &str, &str); 14] = [
        (&["apply", "--yes", &campaign], "definitions.apply", "added Journey gift"),
        (&["journeys", "pause", "gift"], "journey.pause", "paused"),
        (&["journeys", "resume", "gift"], "journey.resume", "running"),
        (&["import", &events], "events.import", "1 events"),
        (&["tokens", "rotate", &id], "token.rotate", "2 secrets"),
        (&["tokens", "revoke", &id], "token.revoke", "revoked"),
        (&["users", "create", "ann", "--role", "viewer"], "user.create", "role viewer"),
        (&["users", "set-role", "ann", "operator"], "user.role", "role operator"),
        (&["users", "set-password", "ann"], "user.password", "role operator"),
        (&["users", "disable", "ann"], "user.disable", "disabled"),
        (&["users", "enable", "ann"], "user.enable", "role operator"),
        (&["tokens", "create", "web", "--kind", "write-key"], "token.create", "source web"),
        (&["journeys", "stop", "gift"], "journey.stop", "stopped"),
        (&["journeys", "resume", "gift"], "journey.resume", "running"),
    ];
    for (command, word, after) in steps {
        let before = house.audit().len();
        let output = house.server().command(command);
        assert!(
            output.status.success(),
            "{command:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        // The answer is there: so is the row, whatever happens now.
        house.crash();
        let rows = house.audit();
        assert_eq!(what(&rows)[0], word, "{command:?}");
        assert_eq!(rows.len(), before + 1, "{command:?}: {rows:?}");
        let row = &rows[0];
        assert!(row["after"].as_str().expect("text").contains(after), "{row}");
        let who = row["who"].as_str().expect("text");
        assert!(who.starts_with("control socket (uid "), "{row}");
    }
    let numbers: Vec<u64> =
        house.audit().iter().map(|row| row["number"].as_u64().expect("a number")).collect();
    assert!(numbers.is_sorted_by(|a, b| a > b), "newest first: {numbers:?}");
    let before = numbers[2].to_string();
    let older = house.server().json(&["audit", "--rows", "2", "--before", &before]);
    assert_eq!(older[0]["number"], numbers[3]);
    assert_eq!(older.as_array().expect("rows").len(), 2);
}

#[tokio::test]
async fn a_row_names_who_it_was_and_no_customer() {
    let house = House::new();
    let campaign = house.path("campaign");
    std::fs::create_dir(&campaign).expect("a folder");
    std::fs::write(campaign.join("all.yaml"), format!("{BASE}{JOURNEY}")).expect("a file");
    house.server().json(&["apply", "--yes", campaign.to_str().expect("a plain path")]);
    let (id, token) = house.token(&["shop", "--scope", "operate"]);
    let path = "/api/v1/journeys/gift/enrollments";
    let body = json!({"customer": "ann@canary.example"});
    let answer = house.call(Method::POST, path, Some(&token), &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let rows = house.audit();
    assert_eq!(rows[0]["what"], "journey.enroll");
    assert_eq!(rows[0]["who"], format!("token {id} (shop)"));
    assert_eq!(rows[0]["from"], "127.0.0.1");
    assert!(!rows[0].to_string().contains("canary"), "{}", rows[0]);
    // Neither what was refused nor what changed nothing is a change.
    let count = rows.len();
    let events = house.path("events.ndjson");
    let line = json!({"type": "track", "userId": "ann", "event": "Seen", "messageId": "m"});
    std::fs::write(&events, format!("{line}\n")).expect("a file");
    let events = events.to_str().expect("a plain path");
    let import = house.server().command(&["import", events, "--trigger", "live"]);
    assert!(!import.status.success(), "the clock is that of a replay");
    let refused = house.call(Method::POST, "/api/v1/apply", Some(&token), &json!({})).await;
    assert_eq!(refused.status, 403);
    house.server().json(&["journeys", "resume", "gift"]);
    house.server().json(&["apply", "--yes", campaign.to_str().expect("a plain path")]);
    assert_eq!(house.audit().len(), count);
    house.user("ann", "admin");
    let mut browser = house.log_in("ann").await;
    let page = house.visit(&mut browser, "/").await;
    let csrf = super::login::csrf_of(&page.body);
    house.submit(&mut browser, "/logout", &[("csrf", &csrf)]).await;
    let rows = house.audit();
    assert_eq!(what(&rows)[..3], ["session.end", "session.begin", "user.create"]);
    assert_eq!((&rows[0]["who"], &rows[0]["from"]), (&json!("user ann"), &json!("127.0.0.1")));
    assert!(!rows[1].to_string().contains(&browser.session()) || browser.session().is_empty());
}

#[tokio::test]
async fn rows_are_kept_for_as_long_as_the_setting_says() {
    let mut house = House::with("audit: {keep_days: 30}\n");
    // More than one change takes along.
    for number in 0..20 {
        house.token(&[&format!("old-{number}")]);
    }
    house.pass("2026-04-01T05:59:59Z");
    assert_eq!(house.audit().len(), 21, "they are a second too young: {:#?}", house.audit());
    house.pass("2026-04-01T06:00:00Z");
    house.pass("2026-04-02T00:00:00Z");
    let kept = |rows: &[Value]| {
        let target = |row: &Value| row["what"].as_str().expect("text").to_owned();
        rows.iter().map(target).collect::<Vec<_>>()
    };
    assert_eq!(kept(&house.audit()), ["events.import"; 2], "what is too old is not shown");
    // It is gone, not only hidden: whoever keeps rows for longer finds none.
    house.token(&["young-1"]);
    house.token(&["young-2"]);
    std::fs::write(house.path("settings.yaml"), "audit: {keep_days: 3650}\n").expect("a file");
    house.restart();
    let rows = house.audit();
    let old = rows.iter().filter(|row| row["what"] == "token.create").count();
    assert_eq!(old, 2, "{:?}", kept(&rows));
    let numbers: Vec<u64> = rows.iter().map(|row| row["number"].as_u64().expect("it")).collect();
    assert!(numbers.is_sorted_by(|a, b| a > b), "numbers go on: {numbers:?}");
    for (days, said) in [("29", false), ("30", true), ("36501", false)] {
        let settings = format!("audit: {{keep_days: {days}}}\n");
        let loaded: Result<_, _> = {
            let file = house.path("other.yaml");
            std::fs::write(&file, settings).expect("a file");
            cadencia::config::settings::Settings::load(Some(&file), Default::default(), &[])
        };
        assert_eq!(loaded.is_ok(), said, "{days} days");
    }
}
