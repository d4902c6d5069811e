//! What the scenarios publish: every event advances a journey with a timer, and where it says so
//! it leads to a send through four rules.

use std::path::Path;
use std::sync::Arc;

use domain::time::Instant;
use engine::Catalog;

use super::{Bench, BenchError, cannot};
use crate::config;
use crate::publish::Publication;

/// The event that every load consists of.
pub(super) const EVENT: &str = "Product Viewed";
/// Size of a mail's body, about.
pub(super) const MAIL_BYTES: usize = 4_096;
/// How long the journey waits.
pub(super) const WAIT_MS: i64 = 3 * domain::time::DAY_MS;

/// Each event ends the enrollment before it and makes a new one: an exit, an entry, a branch by an
/// expression, perhaps a send, a wait. None of the rules stops anything, all of them count.
const JOURNEY: &str = r#"
apiVersion: cadencia/v1
kind: Channel
metadata: {name: sms}
spec: {address: phone, capture: {keep: 10}}
---
apiVersion: cadencia/v1
kind: ContactPolicy
metadata: {name: bench}
spec:
  fallback_zone: UTC
  rules:
    - {name: a-day, frequency_cap: {limit: 2000, window: {calendar: day, zone: customer}}}
    - name: a-week
      frequency_cap: {limit: 5000, window: {rolling: P7D}, scope: {classes: [marketing]}}
    - {name: carts, frequency_cap: {limit: 9000, window: {rolling: P30D}, scope: {topics: [carts]}}}
    - name: nights
      quiet_hours: {windows: [{from: "21:00", to: "08:00"}], scope: {channels: [sms]}}
---
apiVersion: cadencia/v1
kind: Journey
metadata: {name: follow-up}
spec:
  enter: {event: Product Viewed, reentry: after_exit}
  exit: [{event: Product Viewed}]
  steps:
    - branch:
        - when: event.properties.offer == true
          steps:
            - send: {channels: [{email: offer}], class: marketing, topic: carts, valid_for: P1D}
        - else: []
    - wait: {for: P3D}
    - update: {set: {followed_up: true}}
---
apiVersion: cadencia/v1
kind: Template
metadata: {name: offer}
spec:
  subject: "{{ customer.first_name | default: 'Hello' }}, ten per cent for you"
  text: |
    Hello {{ customer.first_name }},
    what you looked at costs {{ event.properties.price }} now.
"#;

/// One of the steps of [`stepping`].
const STEP: &str = r#"
    - wait: {for: P3D, until: {event: Product Viewed}}
    - branch:
        - when: event.properties.offer == true
          steps:
            - send: {channels: [{email: offer}], class: marketing, topic: carts, valid_for: P1D}
        - else: []"#;
/// Events until an enrollment of [`stepping`] has taken all its steps.
const STEPS: usize = 10;

/// Keeps what it is given.
const CAPTURE: &str = r#"---
apiVersion: cadencia/v1
kind: Channel
metadata: {name: email}
spec: {address: email, capture: {keep: 1000}}
"#;

/// Sends them to a server on this machine.
const SMTP: &str = r#"---
apiVersion: cadencia/v1
kind: Channel
metadata: {name: email}
spec:
  address: email
  unsubscribe: {base_url: "https://shop.example"}
  smtp:
    host: 127.0.0.1
    tls: none
    from: Shop <shop@example.com>
    message_id_domain: example.com
"#;

/// The campaign whose mails are kept.
pub(super) fn captured() -> String {
    with_capture(JOURNEY)
}

/// The same, but each event takes one step of a journey that waits for it: out of the wait that it
/// was on, through a branch, perhaps a send, into the next wait. Every tenth one ends an enrollment
/// and begins the next.
pub(super) fn stepping() -> String {
    let (head, rest) = JOURNEY.split_once("  exit: [").unwrap_or((JOURNEY, ""));
    let (_, behind) = rest.split_once("\n---").unwrap_or((rest, ""));
    let steps = STEP.repeat(STEPS);
    with_capture(&format!("{head}  steps:{steps}\n---{behind}"))
}

/// Documents, with the channel that keeps its mails.
pub(super) fn with_capture(documents: &str) -> String {
    format!("{}{CAPTURE}", documents.trim_start())
}

/// The campaign whose mails go to a server on this machine, signed where a key is given.
pub(super) fn sent(port: u16, slots: usize, key_file: Option<&str>) -> String {
    let dkim = key_file.map_or(String::new(), |file| {
        format!("    dkim: {{domain: example.com, selector: bench, key_file: {file}}}\n")
    });
    let line = "    <p>Thank you, {{ customer.first_name }}, for your visit to the shop.</p>\n";
    let html = line.repeat(MAIL_BYTES / (line.len() - 4));
    let journey = JOURNEY.trim();
    format!("{journey}\n  html: |\n{html}{SMTP}    port: {port}\n    slots: {slots}\n{dkim}")
}

/// Writes a campaign where `serve --campaign` finds it.
pub(super) fn write(folder: &Path, text: &str) -> Result<(), BenchError> {
    std::fs::create_dir_all(folder).map_err(cannot("write the campaign"))?;
    std::fs::write(folder.join("campaign.yaml"), text).map_err(cannot("write the campaign"))
}

/// A campaign of a scenario without a server, compiled.
pub(super) fn catalog(bench: &Bench, text: &str) -> Result<Arc<Catalog>, BenchError> {
    let folder = bench.path("campaign");
    write(&folder, text)?;
    Ok(publish(&folder)?.1)
}

/// A campaign, compiled as `serve` compiles it.
pub(super) fn publish(folder: &Path) -> Result<(Publication, Arc<Catalog>), BenchError> {
    let loaded = config::load_directory(folder);
    let Some(definitions) = loaded.definitions else {
        return Err(BenchError::new("publish the campaign", loaded.report.render(false)));
    };
    let mut publication = Publication::default().applied(&definitions, Instant::MIN);
    let built = publication.build().map_err(cannot("publish the campaign"))?;
    Ok((publication, built.catalog))
}
