//! Campaigns by text message and webhook: from the documents to the other side, and what the
//! timeline says of it.

use serde_json::{Value, json};

use super::process::{Server, eventually, post};
use crate::channels::peers::Independent;

pub(super) const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
pub(super) const TOKEN: &str = "0a1b2c3d4e5f";
/// By which the world reaches the server, through a proxy.
pub(super) const PUBLIC_URL: &str = "https://shop.example";

pub(super) fn campaign(port: u16) -> String {
    format!(
        "{base}---
apiVersion: cadencia/v1
kind: Channel
metadata: {{name: sms}}
spec:
  sms:
    max_segments: 1
    twilio:
      account_sid: {ACCOUNT}
      auth_token_file: twilio-token
      from: \"+34911234567\"
      base_url: http://127.0.0.1:{port}
---
apiVersion: cadencia/v1
kind: Template
metadata: {{name: text}}
spec: {{text: \"Hello {{{{ customer.nick }}}}\"}}
---
apiVersion: cadencia/v1
kind: Journey
metadata: {{name: texts}}
spec:
  enter: {{event: Texted, reentry: parallel}}
  steps:
    - send: {{channels: [{{sms: text}}, {{email: hello}}], class: transactional}}
",
        base = super::BASE
    )
}

/// A folder with a campaign, the files that it names, and settings that allow this machine.
pub(super) fn folder(campaign: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("a file");
    };
    std::fs::create_dir(folder.path().join("campaign")).expect("a folder");
    write("campaign/campaign.yaml", campaign);
    write("campaign/twilio-token", &format!("{TOKEN}\n"));
    write("campaign/crm-secret", SECRET);
    let settings = format!("egress: {{allow: [\"127.0.0.1\"]}}\npublic_url: {PUBLIC_URL}\n");
    write("settings.yaml", &settings);
    folder
}

pub(super) fn start(folder: &tempfile::TempDir) -> Server {
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (campaign, settings) = (path("campaign"), path("settings.yaml"));
    let arguments = ["--campaign", campaign.as_str(), "--config", settings.as_str()];
    Server::start(&folder.path().join("data"), &arguments)
}

pub(super) async fn texted(server: &Server, customer: &str, number: &str, nick: &str, id: u32) {
    let batch = json!({"batch": [
        {"type": "identify", "userId": customer, "messageId": format!("{customer}-{id}a"),
         "traits": {"phone": number, "nick": nick}},
        {"type": "track", "userId": customer, "messageId": format!("{customer}-{id}b"),
         "event": "Texted"}]});
    let (status, answer) = post(&server.url, "/v1/batch", &batch).await;
    assert_eq!(status, 200, "{answer}");
}

/// Whether the timeline has an entry of this kind whose text has these words.
pub(super) fn says(timeline: &Value, kind: &str, words: &str) -> bool {
    let entries = timeline["entries"].as_array().expect("entries");
    entries.iter().any(|entry| {
        entry["kind"] == kind && entry["text"].as_str().is_some_and(|text| text.contains(words))
    })
}

pub(super) async fn expect(server: &Server, customer: &str, kind: &str, words: &str) {
    let what = format!("{customer}: {kind}: {words}");
    eventually(&what, async || says(&server.explain(customer), kind, words)).await;
}

#[tokio::test]
async fn a_text_message_goes_and_says_what_it_took() {
    let mut twilio = Independent::http(&["twilio", ACCOUNT, ACCOUNT, TOKEN]);
    let folder = folder(&campaign(twilio.port));
    let server = start(&folder);

    texted(&server, "ann", "+34600123456", "Ann", 1).await;
    expect(&server, "ann", "accepted", "queued; 1 segment of GSM-7").await;
    let seen = twilio.next();
    assert_eq!(seen["form"]["Body"], "Hello Ann");
    assert_eq!(seen["form"]["To"], "+34600123456");

    // Opted out: the number is stopped, and the next message passes to the next channel.
    texted(&server, "bob", "+155521610", "Bob", 1).await;
    expect(&server, "bob", "rejected", "21610").await;
    texted(&server, "bob", "+155521610", "Bob", 2).await;
    expect(&server, "bob", "refused", "the address is suppressed").await;

    // No number of the whole world: nothing is tried.
    texted(&server, "cid", "600 123 456", "Cid", 1).await;
    expect(&server, "cid", "next_channel", "not in E.164").await;

    // Too long once it is rendered.
    texted(&server, "dot", "+34600123457", &"Dot".repeat(60), 1).await;
    expect(&server, "dot", "rejected", "takes 2 segments of GSM-7, the channel allows 1").await;

    texted(&server, "eve", "+34600123458", "Eve", 1).await;
    expect(&server, "eve", "accepted", "queued").await;
    assert_eq!(twilio.next()["form"]["To"], "+155521610");
    assert_eq!(twilio.next()["form"]["To"], "+34600123458");
    server.stop();
}

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn telling(port: u16, path: &str) -> String {
    format!(
        "{base}---
apiVersion: cadencia/v1
kind: Channel
metadata: {{name: crm}}
spec:
  webhook:
    url: http://127.0.0.1:{port}/{path}
    secret_files: [crm-secret]
    fields: [customer.id, customer.traits.nick, event.properties.total]
---
apiVersion: cadencia/v1
kind: Template
metadata: {{name: lead}}
spec:
  text: >-
    {{\"who\": {{{{ customer.nick }}}}, \"why\": \"paid {{{{ event.properties.total }}}}\"}}
---
apiVersion: cadencia/v1
kind: Journey
metadata: {{name: tells}}
spec:
  enter: {{event: Paid, reentry: parallel}}
  steps:
    - webhook: {{id: fields, channel: crm}}
    - webhook: {{id: template, channel: crm, template: lead}}
",
        base = super::BASE
    )
}

async fn paid(server: &Server, customer: &str) {
    let batch = json!({"batch": [
        {"type": "identify", "userId": customer, "messageId": format!("{customer}-1"),
         "traits": {"nick": "A\"n\\n"}},
        {"type": "track", "userId": customer, "messageId": format!("{customer}-2"),
         "event": "Paid", "properties": {"total": 12.5}}]});
    let (status, answer) = post(&server.url, "/v1/batch", &batch).await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test]
async fn another_system_is_told_with_a_signature() {
    let mut receiver = Independent::http(&["webhook", SECRET]);
    let folder = folder(&telling(receiver.port, "204"));
    let server = start(&folder);
    paid(&server, "ann").await;
    let mut told = [receiver.next(), receiver.next()];
    told.sort_by_key(|one| one["said"]["type"].is_null());
    assert!(told.iter().all(|one| one["sound"] == true), "{told:?}");
    assert_eq!(told[0]["said"]["type"], "tells.fields");
    assert_eq!(
        told[0]["said"]["data"],
        json!({"customer": {"id": "ann", "traits": {"nick": "A\"n\\n"}},
            "event": {"properties": {"total": 12.5}}})
    );
    assert_eq!(told[1]["said"], json!({"who": "A\"n\\n", "why": "paid 12.5"}));
    expect(&server, "ann", "accepted", "webhook on crm, attempt 1: 204").await;
    let timeline = server.explain("ann");
    for one in &told {
        let entries = timeline["entries"].as_array().expect("entries");
        assert!(entries.iter().any(|entry| entry["send"] == one["id"]), "{one} in {timeline}");
    }
    server.stop();
}

#[tokio::test]
async fn an_endpoint_that_is_gone_hears_no_more() {
    let mut receiver = Independent::http(&["webhook", SECRET]);
    let folder = folder(&telling(receiver.port, "410"));
    let server = start(&folder);
    paid(&server, "ann").await;
    expect(&server, "ann", "rejected", "the endpoint is disabled").await;
    receiver.next();
    for customer in ["bob", "cid"] {
        paid(&server, customer).await;
        expect(&server, customer, "rejected", "the endpoint is disabled").await;
    }
    server.stop();
}
