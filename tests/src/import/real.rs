//! The mapping of the online-retail example on the real file, against an independent reading.

use std::path::{Path, PathBuf};

use cadencia::import::{Input, Item, Mapping, Options, Reader, to_segment_json};
use domain::event::{Event, EventBody};
use domain::time::Instant;
use domain::value::Value;

use super::in_replay_order;
use crate::environment::real_data;
use crate::online_retail::{lines, log, oracle};

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../orchestrator/examples/online-retail")
}

fn events(mapping: &Mapping, path: &Path) -> Vec<Event> {
    let input = Input::open(path).expect("readable");
    let reader = Reader::new(mapping, input, Options::recorded(Instant(0))).expect("a header");
    let event = |item| match item {
        Ok(Item::Event(event)) => event,
        other => panic!("{other:?}"),
    };
    reader.map(event).collect()
}

fn example_mapping() -> Mapping {
    let text = std::fs::read_to_string(example().join("mapping.yaml")).expect("readable");
    Mapping::parse(&text, &example()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_committed_set_is_read_without_rejects() {
    let segment = Mapping::segment("online-retail");
    for name in ["customers", "events"] {
        let path = example().join(format!("{name}.ndjson.gz"));
        let lines = log::text(&path).expect("readable").lines().count();
        assert!(events(&segment, &path).len() >= lines, "{name}");
    }
}

#[test]
fn order_lines_become_the_orders_that_they_are() {
    let Some(folder) = real_data() else { return };
    let path = folder.join("online-retail/online_retail_2009-12_2010-12.cut.csv.gz");
    let invoices = lines::invoices(&path).expect("readable");
    let events = events(&example_mapping(), &path);
    let mut orders = Vec::new();
    for event in &events {
        if let EventBody::Track { name, properties } = &event.body {
            let Some(Value::Float(total)) = properties.get("total") else { panic!("{event:?}") };
            let number = properties.get("order_id").and_then(Value::as_text).expect("an id");
            let lines = properties.get("lines").cloned();
            let pence = (total * 100.0).round() as i64;
            assert_eq!(name.as_str() == "Order Cancelled", number.starts_with('C'));
            let at = event.occurred_at.0;
            orders.push((number.to_owned(), event.customer.to_string(), at, lines, pence));
        }
    }
    let want: Vec<_> = invoices
        .iter()
        .map(|invoice| {
            let lines = Some(Value::Int(invoice.lines));
            let pence = invoice.pence();
            (invoice.number.clone(), invoice.customer.clone(), invoice.at, lines, pence)
        })
        .collect();
    assert_eq!(orders.len(), 4_276 + 1_040);
    assert!(orders == want, "the orders differ");
    // What the product hands to `simulate` makes the oracle say what its own reading does.
    let text: String = in_replay_order(events)
        .iter()
        .map(|event| format!("{}\n", to_segment_json(event)))
        .collect();
    let ours = oracle::expected(&log::entries(&text, 0).expect("readable"), None);
    let own = lines::log(&invoices, &example().join("countries.csv")).expect("readable");
    assert!(ours == oracle::expected(&own, None), "the messages differ");
}
