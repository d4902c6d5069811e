//! The identity of a version is what it says, not how it is written.

use cadencia::config::{load_sources, revive_journey};

use super::{here, journey, lines, load};

fn hash(steps: &str) -> String {
    let loaded = load("journey.yaml", &journey(steps).text);
    assert_eq!(lines(&loaded), [""; 0]);
    let definitions = loaded.definitions.expect("the journey is valid");
    definitions.journeys["test"].hash.clone()
}

#[test]
fn formatting_makes_no_new_version() {
    let one = hash("    - wait: {for: P1D, id: a}\n    - exit: {}\n");
    for same in [
        "    - wait: {id: a, for: P1D}\n    - exit: {}\n",
        "    # a comment\n    - wait:\n        for: \"P1D\"\n        id: 'a'\n    - exit: {}\n",
        "    - {wait: {for: P1D, id: a}}\n\n    - {exit: {}}\n",
    ] {
        assert_eq!(hash(same), one, "{same}");
    }
    assert_ne!(hash("    - wait: {for: P2D, id: a}\n    - exit: {}\n"), one);
}

#[test]
fn a_published_journey_can_be_read_again() {
    let steps = "    - wait: {for: P1D, at: \"10:00\"}\n    - send: {channels: [{push: hello}], \
                 class: marketing, value: 2.5}\n    - update: {set: {a: [1, 2.5, null, \"ü\"]}}\n";
    let loaded = load("journey.yaml", &journey(steps).text);
    let definitions = loaded.definitions.expect("the journey is valid");
    let document = definitions
        .documents
        .iter()
        .find(|document| document.name == "test")
        .expect("the document is published");
    let revived = revive_journey(&document.canonical).expect("the journey can be read again");
    assert_eq!(format!("{revived:?}"), format!("{:?}", definitions.journeys["test"]));
    assert_eq!(revived.hash, document.hash);
    assert!(revive_journey("{}").is_err());
    assert!(revive_journey("not JSON").is_err());
}

#[test]
fn published_documents_are_a_catalog_again() {
    let base = std::fs::read_to_string(here().join("base.yaml")).expect("the base can be read");
    let first = load_sources(&[cadencia::config::Source::new("base.yaml", base)]);
    let first = first.definitions.expect("the base is valid");
    let sources: Vec<_> = first
        .documents
        .iter()
        .map(|document| cadencia::config::Source::new(&document.name, document.canonical.as_str()))
        .collect();
    let again = load_sources(&sources);
    assert!(again.report.is_empty(), "{}", again.report);
    let again = again.definitions.expect("the catalog is valid");
    let hashes = |documents: &[cadencia::config::Document]| -> Vec<String> {
        documents.iter().map(|document| document.hash.clone()).collect()
    };
    assert_eq!(hashes(&first.documents), hashes(&again.documents));
}
