//! `cadencia doctor` finds what is wrong, and says what to do.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;

use super::BASE;
use super::process::Server;
use crate::channels::peers::Independent;
use crate::environment;

/// What it says, by the name of the check: verdict, what was found.
fn looks(arguments: &[&str]) -> (bool, Vec<(String, String, String)>) {
    let mut command = environment::cadencia();
    let output = command.arg("doctor").args(arguments).args(["-o", "json"]).output();
    let output = output.expect("the binary runs");
    let checks: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let text = |check: &Value, key: &str| check[key].as_str().expect("text").to_owned();
    let read = |check: &Value| {
        let verdict = text(check, "verdict");
        let advised = check.get("advice").is_some();
        assert_eq!(verdict != "ok", advised, "{check}");
        (text(check, "check"), verdict, text(check, "found"))
    };
    let checks = checks.as_array().expect("a list").iter().map(read).collect();
    (output.status.success(), checks)
}

#[track_caller]
fn says(looks: &(bool, Vec<(String, String, String)>), check: &str, verdict: &str, found: &str) {
    let line = looks.1.iter().find(|(name, ..)| name == check);
    let line = line.unwrap_or_else(|| panic!("no check `{check}`: {:#?}", looks.1));
    assert!(line.1 == verdict && line.2.contains(found), "{line:?}");
}

fn campaign(folder: &Path, port: u16) -> String {
    let smtp = format!(
        "spec:\n  smtp: {{host: localhost, port: {port}, tls: none, from: a@example.com, \
         message_id_domain: example.com}}"
    );
    let campaign = folder.join("campaign");
    std::fs::create_dir_all(&campaign).expect("a folder");
    let text = BASE.replace("spec: {capture: {keep: 100}}", &smtp);
    std::fs::write(campaign.join("all.yaml"), text).expect("a file");
    campaign.to_str().expect("a plain path").to_owned()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

#[test]
fn a_good_place_passes() {
    let folder = tempfile::tempdir().expect("a folder");
    let mail = Independent::mail(&[]);
    let campaign = campaign(folder.path(), mail.port);
    let config = folder.path().join("cadencia.yaml");
    let text = format!(
        "listen: 127.0.0.1:{}\npublic_url: https://shop.example\ndata_dir: {}\n",
        free_port(),
        folder.path().join("data").display()
    );
    std::fs::write(&config, text).expect("a file");
    let config = config.to_str().expect("a plain path");
    let found = looks(&["--config", config, "--campaign", &campaign]);
    assert!(found.0, "{found:#?}");
    for check in ["settings", "data directory", "durable writes", "address", "public address"] {
        says(&found, check, "ok", "");
    }
    says(&found, "channel email (smtp)", "ok", "takes mail");
    assert!(!folder.path().join("data").exists(), "it changes nothing");
}

#[test]
fn what_is_wrong_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    std::fs::create_dir(&data).expect("a folder");
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).expect("its mode");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let config = folder.path().join("cadencia.yaml");
    let listen = taken.local_addr().expect("an address");
    std::fs::write(&config, format!("listen: {listen}\n")).expect("a file");
    let (config, data) = (config.to_str().expect("plain"), data.to_str().expect("plain"));
    let campaign = campaign(folder.path(), free_port());
    let found = looks(&["--config", config, "--data", data, "--campaign", &campaign]);
    assert!(!found.0);
    says(&found, "data directory", "warning", "can be read by everybody (755)");
    says(&found, "address", "failed", "in use");
    says(&found, "public address", "warning", "none is set");
    says(&found, "channel email (smtp)", "failed", "connect: the connection failed");
    std::fs::write(Path::new(&campaign).join("all.yaml"), "kind: Journey\n").expect("a file");
    says(&looks(&["--data", data, "--campaign", &campaign]), "campaign", "failed", "errors");
    std::fs::write(config, "listen: nowhere\n").expect("a file");
    says(&looks(&["--config", config]), "settings", "failed", "");
}

#[test]
fn a_running_server_is_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let server = Server::start(&data, &["--log", "error"]);
    let found = looks(&["--data", data.to_str().expect("a plain path")]);
    says(&found, "server", "ok", "it runs, with revision 0 in force");
    // What the server has made is its owner's alone.
    says(&found, "data directory", "ok", "can be written");
    server.stop();
}
