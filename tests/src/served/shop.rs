//! The example campaign over SMTP, and a part of its synthetic events.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use super::mail::END;
use crate::environment;

/// Connections to the mail server: what a kill can leave unknown at most.
pub(super) const SLOTS: usize = 3;
/// When the clock of a replay starts: before the first event.
pub(super) const START: &str = "2023-09-01T00:00:00Z";
/// Beyond the last message of the part that is used.
const END_OF_TIME: &str = "2025-06-01T00:00:00Z";

/// A campaign directory with its recorded events.
pub(super) struct Shop {
    folder: tempfile::TempDir,
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../orchestrator/examples/online-retail")
}

impl Shop {
    /// The example, sending to this port; every `share`-th customer. `class` is the message class.
    pub(super) fn new(port: u16, share: u32, class: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let shop = Self { folder };
        std::fs::create_dir(shop.campaign()).expect("a folder");
        for file in std::fs::read_dir(example()).expect("the example") {
            let path = file.expect("a file").path();
            if path.extension().is_some_and(|end| end == "yaml") {
                let text = std::fs::read_to_string(&path).expect("text");
                let text = text
                    .replace("  capture: {keep: 10000}", &smtp(port))
                    .replace("class: marketing", &format!("class: {class}"));
                let name = path.file_name().expect("a name");
                let text = if name == "templates.yaml" { with_end(&text) } else { text };
                std::fs::write(shop.campaign().join(name), text).expect("a file");
            }
        }
        for name in ["customers.ndjson", "events.ndjson"] {
            std::fs::write(shop.path(name), part(name, share)).expect("a file");
        }
        shop
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn campaign(&self) -> PathBuf {
        self.path("campaign")
    }

    /// A file as an argument.
    pub(super) fn argument(&self, name: &str) -> String {
        self.path(name).to_str().expect("a plain path").to_owned()
    }

    /// What `simulate` says must be sent: instant by send.
    pub(super) fn expected(&self) -> BTreeMap<String, String> {
        let out = self.path("simulated");
        let output = environment::cadencia()
            .arg("simulate")
            .arg(self.campaign())
            .args(["--events", &self.argument("events.ndjson")])
            .args(["--customers", &self.argument("customers.ndjson")])
            .args(["--until", END_OF_TIME, "--out"])
            .arg(&out)
            .output()
            .expect("the binary runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let sends = std::fs::read_to_string(out.join("sends.ndjson")).expect("it was written");
        let lines = sends.lines().map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            line
        });
        let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
        lines
            .filter(|line| line["outcome"] == "sent")
            .map(|line| (text(&line["send"]), text(&line["sent_at"])))
            .collect()
    }

    /// Ids of the customers.
    pub(super) fn customers(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path("customers.ndjson")).expect("text");
        let id = |line: &str| {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            line["userId"].as_str().expect("an id").to_owned()
        };
        text.lines().map(id).collect()
    }

    /// The arguments of an import that replays a file.
    pub(super) fn import(&self, name: &str) -> Vec<String> {
        let mut arguments = vec!["import".to_owned(), self.argument(name)];
        arguments.extend(["--trigger", "replay", "--undated", START].map(str::to_owned));
        if name == "events.ndjson" {
            arguments.extend(["--until", END_OF_TIME].map(str::to_owned));
        }
        arguments
    }
}

/// Templates whose text, their last key, ends with known words.
fn with_end(templates: &str) -> String {
    let documents = templates.split("---\n").map(|one| format!("{}\n    {END}\n", one.trim_end()));
    documents.collect::<Vec<_>>().join("---\n")
}

fn smtp(port: u16) -> String {
    format!(
        "  smtp:\n    host: 127.0.0.1\n    port: {port}\n    tls: none\n    slots: {SLOTS}\n    \
         from: shop@example.com\n    message_id_domain: example.com"
    )
}

/// The lines of every `share`-th customer.
fn part(name: &str, share: u32) -> String {
    let file = std::fs::File::open(example().join(format!("{name}.gz"))).expect("the example");
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).expect("text");
    let wanted = |line: &&str| {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let id: u32 = line["userId"].as_str().expect("an id").parse().expect("a number");
        id.is_multiple_of(share)
    };
    text.lines().filter(wanted).map(|line| format!("{line}\n")).collect()
}
