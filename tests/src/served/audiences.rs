//! Retargeting audiences of a real server: who joins by a journey is in the exported files, who
//! leaves, withdraws consent or whose time is over is not, whatever happens to the process.

use std::process::Command;

use serde_json::{Value, json};

use super::BASE;
use super::process::{Server, post};
use crate::environment;

const START: &str = "2026-03-02T06:00:00Z";

fn campaign(format: &str, journey: &str) -> String {
    format!(
        "{BASE}---
apiVersion: cadencia/v1
kind: Channel
metadata: {{name: cart-abandoners}}
spec:
  audience:
    folder: carts
    format: {format}
    identifiers: {{email: email, phone: phone}}
---
apiVersion: cadencia/v1
kind: Journey
metadata: {{name: carts}}
spec:
  enter: {{event: Cart Left, reentry: after_exit}}
  steps: [{{audience: {{join: cart-abandoners, for: P14D}}}}]
---
apiVersion: cadencia/v1
kind: Journey
metadata: {{name: buyers}}
spec:
  enter: {{event: Order Completed, reentry: after_exit}}
  steps: [{{audience: {{leave: cart-abandoners}}}}]
{journey}"
    )
}

struct Place {
    folder: tempfile::TempDir,
    people: Value,
}

impl Place {
    fn new(format: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("campaign")).expect("a folder");
        let people = json!({
            "ann": {"email": " Ann@Example.org", "phone": "+34600111222"},
            "bob": {"email": "bob@example.org"},
            "cid": {"phone": "+34600333444"},
            "dan": {"email": "dan@example.org"},
        });
        let place = Self { folder, people };
        place.write(&campaign(format, ""));
        place
    }

    fn write(&self, campaign: &str) {
        let file = self.folder.path().join("campaign/campaign.yaml");
        std::fs::write(file, campaign).expect("a file");
    }

    fn start(&self, more: &[&str]) -> Server {
        let campaign = self.folder.path().join("campaign").display().to_string();
        let arguments = [&["--campaign", campaign.as_str(), "--log", "error"], more].concat();
        Server::start(&self.folder.path().join("data"), &arguments)
    }

    /// What the files say, read by a program that knows their documentation alone.
    fn files(&self) -> Value {
        let output = Command::new(environment::python())
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/src/served/audiences.py"))
            .arg(self.folder.path().join("data/audiences/carts"))
            .arg(self.people.to_string())
            .output()
            .expect("python runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    fn export(&self, server: &Server) -> Value {
        let exported = server.json(&["audiences", "export", "cart-abandoners"]);
        assert_eq!(exported["outcome"], json!("accepted"), "{exported}");
        self.files()
    }

    /// Who she is, and that she may be advertised to.
    fn introduced(&self, name: &str, permission: &str) -> Value {
        json!({"type": "identify", "userId": name, "traits": self.people[name],
            "messageId": format!("{name}-{permission}"),
            "consent": [{"topic": "advertising", "permission": permission}]})
    }
}

fn track(name: &str, event: &str, id: &str) -> Value {
    json!({"type": "track", "userId": name, "event": event, "messageId": format!("{name}-{id}")})
}

async fn say(server: &Server, batch: &[Value]) {
    let (status, answer) = post(&server.url, "/v1/batch", &json!({"batch": batch})).await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_joins_is_exported_and_who_leaves_is_taken_out() {
    for format in ["csv", "ndjson"] {
        let place = Place::new(format);
        let server = place.start(&[]);
        let mut batch: Vec<Value> =
            ["ann", "bob", "cid"].map(|name| place.introduced(name, "granted")).into();
        batch.extend(["ann", "bob", "cid", "dan"].map(|name| track(name, "Cart Left", "1")));
        say(&server, &batch).await;
        let all = json!(["ann", "bob", "cid"]);
        let found = place.export(&server);
        assert_eq!(found["members"], all, "{found}: dan never allowed it");
        // Killed and started again, it knows the same, and nothing has changed.
        server.kill();
        let server = place.start(&[]);
        let version = found["version"].clone();
        let found = place.export(&server);
        assert_eq!((&found["members"], &found["version"]), (&all, &version));
        say(
            &server,
            &[
                track("bob", "Order Completed", "2"),
                place.introduced("cid", "denied"),
                place.introduced("dan", "granted"),
                track("dan", "Cart Left", "2"),
            ],
        )
        .await;
        let found = place.export(&server);
        assert_eq!(found["members"], json!(["ann", "dan"]), "{found}");
        assert_eq!(found["joined"], json!(["dan"]), "{found}");
        assert_eq!(found["left"], json!(["bob", "cid"]), "{found}");
        assert_eq!(found["previous"], version);
        let left = |name: &str, why: &str| {
            let timeline = server.explain(name);
            let entries = timeline["entries"].as_array().expect("entries").iter();
            let left = entries.filter(|entry| entry["kind"] == "audience_left");
            let texts: Vec<_> = left.filter_map(|entry| entry["text"].as_str()).collect();
            assert_eq!(texts, [format!("is no longer a member of cart-abandoners: {why}")]);
        };
        left("bob", "a step says so");
        left("cid", "there is no consent for it any more");
        let listed = server.json(&["audiences", "list"]);
        assert_eq!(listed[0]["last_export"]["members"], json!(2), "{listed}");
        assert_eq!(listed[0]["every_seconds"], json!(3_600));
        let metrics = reqwest::get(format!("{}/metrics", server.url)).await.expect("an answer");
        let metrics = metrics.text().await.expect("text");
        let exports = "cadencia_audience_exports_total{audience=\"cart-abandoners\",\
                       outcome=\"accepted\"}";
        assert!(metrics.contains(exports), "{metrics}");
        server.stop();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memberships_end_and_exports_run_by_the_clock() {
    let place = Place::new("csv");
    let server = place.start(&["--replay", START]);
    let event = |name: &str, at: &str, event: &str| {
        json!({"type": "track", "userId": name, "event": event, "timestamp": at,
            "messageId": format!("{name}-{at}")})
    };
    let mut lines: Vec<Value> = ["ann", "bob"].map(|name| place.introduced(name, "granted")).into();
    for line in &mut lines {
        line["timestamp"] = json!("2026-03-02T07:00:00Z");
    }
    lines.push(event("ann", "2026-03-02T08:00:00Z", "Cart Left"));
    lines.push(event("bob", "2026-03-12T08:00:00Z", "Cart Left"));
    let import = |lines: &[Value]| {
        let file = place.folder.path().join("events.ndjson");
        let text: Vec<String> = lines.iter().map(Value::to_string).collect();
        std::fs::write(&file, text.join("\n") + "\n").expect("a file");
        let file = file.display().to_string();
        let output = server.command(&["import", &file, "--trigger", "replay"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    import(&lines);
    assert_eq!(place.export(&server)["members"], json!(["ann", "bob"]));
    // Ann's fourteen days are over on the 16th, bob's on the 26th. Nobody asks for this export.
    import(&[event("dan", "2026-03-16T08:00:00Z", "Looked")]);
    super::process::eventually("the export of the period", async || {
        place.files()["members"] == json!(["bob"])
    })
    .await;
    import(&[event("dan", "2026-03-27T08:00:00Z", "Looked")]);
    super::process::eventually("the next one", async || place.files()["members"] == json!([]))
        .await;
    let timeline = server.explain("ann");
    let entries = timeline["entries"].as_array().expect("entries");
    let left = entries.iter().find(|entry| entry["kind"] == "audience_left").expect("an end");
    assert_eq!(left["at"], json!("2026-03-16T08:00:00Z"), "{left}");
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_that_fails_says_so_and_is_made_good() {
    let place = Place::new("csv");
    let folder = place.folder.path().join("data/audiences");
    std::fs::create_dir_all(folder.parent().expect("the data directory")).expect("a folder");
    std::fs::write(&folder, "in the way").expect("a file");
    let server = place.start(&[]);
    say(&server, &[place.introduced("ann", "granted"), track("ann", "Cart Left", "1")]).await;
    let output = server.command(&["audiences", "export", "cart-abandoners"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("audiences/carts"), "{said}");
    std::fs::remove_file(&folder).expect("it is removed");
    assert_eq!(place.export(&server)["members"], json!(["ann"]));
    let output = server.command(&["audiences", "export", "nobody"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("no audience of this name"), "{said}");
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_audience_that_is_removed_forgets_its_members() {
    let place = Place::new("csv");
    let server = place.start(&[]);
    say(&server, &[place.introduced("ann", "granted"), track("ann", "Cart Left", "1")]).await;
    assert_eq!(place.export(&server)["members"], json!(["ann"]));
    let apply = |text: &str| {
        place.write(text);
        let campaign = place.folder.path().join("campaign").display().to_string();
        let output = server.command(&["apply", &campaign, "--yes"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    apply(BASE);
    super::process::eventually("she is told", async || {
        let timeline = server.explain("ann");
        let mut entries = timeline["entries"].as_array().expect("entries").iter();
        entries.any(|entry| entry["kind"] == "audience_left")
    })
    .await;
    assert_eq!(server.json(&["audiences", "list"]), json!([]));
    // Whoever uploads the files hears of it too: there is one last version, without anybody.
    super::process::eventually("the last export", async || place.files()["left"] == json!(["ann"]))
        .await;
    assert_eq!(place.files()["members"], json!([]));
    // Declared once more, it starts with nobody.
    apply(&campaign("csv", ""));
    assert_eq!(place.export(&server)["members"], json!([]));
    server.stop();
}

/// Members as a page of the API shows them, page by page.
async fn members(server: &Server, token: &str, limit: usize) -> Vec<Value> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/audiences/cart-abandoners/members?limit={limit}{cursor}");
        let request = reqwest::Client::new().get(format!("{}{path}", server.url));
        let answer = request.bearer_auth(token).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 200);
        let page: Value = answer.json().await.expect("JSON");
        let items = page["items"].as_array().expect("items").clone();
        assert!(items.len() <= limit, "{page}");
        found.extend(items);
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

#[tokio::test]
async fn members_are_listed_page_by_page_and_masked_for_eyes_that_need_no_addresses() {
    let place = Place::new("csv");
    let server = place.start(&[]);
    let mut batch: Vec<Value> =
        ["ann", "bob", "cid", "dan"].map(|name| place.introduced(name, "granted")).into();
    batch.extend(["ann", "bob", "cid", "dan"].map(|name| track(name, "Cart Left", "1")));
    say(&server, &batch).await;
    let named = |members: &[Value]| {
        let name = |one: &Value| one["customer"].as_str().expect("text").to_owned();
        let mut names: Vec<String> = members.iter().map(name).collect();
        names.sort();
        names
    };
    let token = |scopes: &[&str]| {
        let scopes: Vec<&str> = scopes.iter().flat_map(|scope| ["--scope", scope]).collect();
        let made = server.json(&[["tokens", "create", "test"].as_slice(), &scopes].concat());
        made["secret"].as_str().expect("a secret").to_owned()
    };
    let (whole, masked) = (token(&["read", "personal"]), token(&["read"]));
    for limit in [1, 3, 4, 500] {
        let found = members(&server, &whole, limit).await;
        assert_eq!(named(&found), ["ann", "bob", "cid", "dan"], "by {limit}");
    }
    let find = |members: &[Value], name: &str| {
        members.iter().find(|one| one["customer"] == name).cloned().expect("a member")
    };
    let ann = find(&members(&server, &whole, 10).await, "ann");
    let known = json!([{"kind": "email", "value": " Ann@Example.org"},
        {"kind": "phone", "value": "+34600111222"}]);
    assert_eq!(ann["identifiers"], known, "{ann}");
    assert!(ann["since"].is_string() && ann["until"].is_string(), "{ann}");
    let hidden = members(&server, &masked, 10).await;
    let text = Value::from(hidden.clone()).to_string();
    assert!(!text.contains("xample.org") && !text.contains("34600"), "{text}");
    assert_eq!(find(&hidden, "bob")["identifiers"][0]["value"], "***");

    // The command line, after somebody left.
    say(&server, &[track("bob", "Order Completed", "2")]).await;
    let found = server.json(&["audiences", "members", "cart-abandoners"]);
    assert_eq!(named(found.as_array().expect("members")), ["ann", "cid", "dan"]);
    let some = server.json(&["audiences", "members", "cart-abandoners", "--limit", "2"]);
    assert_eq!(some.as_array().expect("members").len(), 2);
    let table = server.command(&["audiences", "members", "cart-abandoners"]);
    assert!(String::from_utf8_lossy(&table.stdout).contains("+34600111222"), "{table:?}");
    // A channel that is no audience has no members.
    let wrong = server.command(&["audiences", "members", "email"]);
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("CAD-4006"), "{wrong:?}");
}
