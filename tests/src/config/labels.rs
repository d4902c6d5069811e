//! Labels from the text of a journey to the cap that is about them.

use cadencia::config::{Definitions, Source, load_sources};
use cadencia::publish::Publication;
use domain::consent::{ConsentChange, Permission};
use domain::customer::Customer;
use domain::ids::{ChannelName, CustomerId, JourneyName, NameId, SendId};
use domain::labels::Labels;
use domain::time::Instant;
use domain::value::{Text, Value};
use domain::verdict::Decision;
use policies::{CountState, LedgerRow, Marks};

use super::lines;

const NOW: Instant = Instant(1_781_092_800_000);

fn text(labels: &str, policy_labels: &str) -> String {
    format!(
        "apiVersion: cadencia/v1
kind: ContactPolicy
metadata: {{name: p, labels: {{{policy_labels}}}}}
spec:
  fallback_zone: UTC
  rules:
    - name: big
      frequency_cap:
        limit: 1
        window: {{rolling: P7D}}
        scope: {{labels: {{team: growth, size: big}}}}
        on_exceeded: refuse
---
apiVersion: cadencia/v1
kind: Channel
metadata: {{name: email}}
spec: {{smtp: {{host: localhost, tls: none, from: shop@shop.example}}}}
---
apiVersion: cadencia/v1
kind: Template
metadata: {{name: hello}}
spec: {{subject: Hello, text: Hello}}
---
apiVersion: cadencia/v1
kind: Journey
metadata: {{name: j, labels: {{{labels}}}}}
spec:
  enter: {{event: Go}}
  steps:
    - send: {{channels: [{{email: hello}}], class: marketing, labels: {{size: big}}}}
    - send: {{channels: [{{email: hello}}], class: marketing, labels: {{team: sales}}}}
"
    )
}

fn campaign(labels: &str, policy_labels: &str) -> Definitions {
    let loaded = load_sources(&[Source::new("labels.yaml", text(labels, policy_labels))]);
    assert!(loaded.report.is_empty(), "{}", loaded.report.render(false));
    loaded.definitions.expect("valid definitions")
}

#[test]
fn labels_of_a_journey_are_part_of_it_and_others_are_not() {
    let hashes = |labels: &str, policy_labels: &str| -> Vec<String> {
        let documents = campaign(labels, policy_labels).documents;
        documents.into_iter().map(|document| document.hash).collect()
    };
    let one = hashes("team: growth", "");
    let changed = |other: &[String]| one.iter().zip(other).filter(|(a, b)| a != b).count();
    assert_eq!(changed(&hashes("team: growth", "owner: ana")), 0);
    assert_eq!(changed(&hashes("team: growth, wave: '2'", "")), 1);
}

#[test]
fn labels_that_no_message_has_are_pointed_out() {
    let text = text("team: service", "");
    let loaded = load_sources(&[Source::new("labels.yaml", text)]);
    assert_eq!(
        lines(&loaded),
        ["11:25: warning: no message has these labels | label a journey (`metadata.labels`) or a \
          step (`labels`)"]
    );
    assert!(loaded.definitions.is_some(), "a warning refuses nothing");
}

#[test]
fn a_cap_sees_the_labels_of_a_journey_and_of_its_steps() {
    let definitions = campaign("team: growth, wave: '2'", "");
    let mut publication = Publication::default().applied(&definitions, NOW);
    let catalog = publication.build().expect("the catalog builds").catalog;
    let number = |pairs: &[(&str, &str)]| catalog.labels(&Labels::of(pairs.iter().copied()));
    let both = number(&[("team", "growth"), ("size", "big"), ("wave", "2")]);
    let sales = number(&[("team", "sales"), ("wave", "2")]);
    assert!(both != NameId::NONE && sales != NameId::NONE && both != sales);
    assert_eq!(number(&[("size", "big")]), NameId::NONE, "nothing has only this label");
    assert_eq!(number(&[]), NameId::NONE);

    let mut customer = Customer::new(CustomerId::from("ana"), NOW);
    customer.traits.insert(Text::from("email"), Value::from("ana@example.com"));
    let granted = ConsentChange {
        channel: None,
        topic: None,
        permission: Permission::Granted,
        source: "test".to_owned(),
    };
    customer.consent.record(granted, Instant(0));
    let (_, journey) = catalog.current(&JourneyName::from("j")).expect("it is published");
    let email = ChannelName::from("email");
    let decision = |node: u16, labels: NameId| {
        let row = LedgerRow {
            send: SendId(1),
            counted_at: NOW.plus_ms(-1_000),
            cost_micros: 0,
            policy: 1,
            channel: catalog.name("email"),
            class: catalog.name("marketing"),
            topic: NameId::NONE,
            campaign: NameId::NONE,
            labels,
            state: CountState::Accepted,
            marks: Marks::new(true, false),
        };
        let asked = (&**journey, node);
        engine::would(&customer, &[row], &catalog, asked, &email, NOW).map(|it| it.decision)
    };
    assert_eq!(decision(0, both), Some(Decision::Refuse));
    assert_eq!(decision(0, sales), Some(Decision::Allow));
    assert_eq!(decision(0, NameId::NONE), Some(Decision::Allow));
    assert_eq!(decision(1, both), Some(Decision::Allow));
}
