//! `simulate` against the oracle, send by send, on the committed set and on the real file.

use std::path::Path;
use std::sync::Arc;

use cadencia::config::load_directory;
use cadencia::import::{Input, Item, Mapping, Options, Reader};
use cadencia::publish::Publication;
use cadencia::simulate::{Plan, simulate, write};
use domain::event::Event;
use domain::time::Instant;

use super::compare::compare;
use super::tests::example;
use super::{lines, log, oracle};
use crate::environment::real_data;

/// The campaign of the example, as `apply` compiles it.
fn catalog() -> Arc<engine::Catalog> {
    let loaded = load_directory(&example());
    let definitions =
        loaded.definitions.unwrap_or_else(|| panic!("{}", loaded.report.render(false)));
    let mut publication = Publication::default().applied(&definitions);
    publication.build().expect("it compiles").catalog
}

fn events(mapping: &Mapping, path: &Path, undated: Instant) -> Vec<Event> {
    let input = Input::open(path).expect("readable");
    let reader = Reader::new(mapping, input, Options::recorded(undated)).expect("a header");
    let event = |item| match item {
        Ok(Item::Event(event)) => event,
        other => panic!("{other:?}"),
    };
    reader.map(event).collect()
}

/// What `simulate` writes as `sends.ndjson`, and its horizon.
fn sends(events: Vec<Event>, threads: usize) -> (String, i64) {
    let last = events.iter().map(|event| event.occurred_at).max().expect("events");
    let until = last.plus_ms(120 * 24 * 3_600_000);
    let plan = Plan { catalog: catalog(), until, threads };
    let results = simulate(&plan, events).expect("no schedules");
    let folder = tempfile::tempdir().expect("a folder");
    write(&results, folder.path()).expect("writable");
    let sends = std::fs::read_to_string(folder.path().join("sends.ndjson")).expect("written");
    (sends, until.0)
}

fn agree(log: &[log::Entry], sends: &str, until: i64) {
    let expected = oracle::expected(log, Some(until));
    let report = compare(&expected, sends).expect("lines");
    println!("{report}");
    assert!(report.differ == 0 && report.agree == expected.len(), "{report}");
}

#[test]
fn simulate_agrees_with_the_oracle_on_the_committed_set() {
    let segment = Mapping::segment("online-retail");
    let path = |name: &str| example().join(format!("{name}.ndjson.gz"));
    let dated = events(&segment, &path("events"), Instant(0));
    let first = dated.iter().map(|event| event.occurred_at).min().expect("events");
    let mut all = events(&segment, &path("customers"), first);
    all.extend(dated);
    let (written, until) = sends(all.clone(), 1);
    assert!(written == sends(all, 2).0, "one and two threads differ");
    let log = log::read(Some(&path("customers")), &path("events")).expect("readable");
    agree(&log, &written, until);
}

#[test]
fn simulate_agrees_with_the_oracle_on_the_real_file() {
    let Some(folder) = real_data() else { return };
    let path = folder.join("online-retail/online_retail_2009-12_2010-12.cut.csv.gz");
    let text = std::fs::read_to_string(example().join("mapping.yaml")).expect("readable");
    let mapping = Mapping::parse(&text, &example()).unwrap_or_else(|error| panic!("{error}"));
    let (written, until) = sends(events(&mapping, &path, Instant(0)), 2);
    let invoices = lines::invoices(&path).expect("readable");
    let log = lines::log(&invoices, &example().join("countries.csv")).expect("readable");
    agree(&log, &written, until);
}
