//! The import library: what each kind of file becomes, what is rejected and why, and that no
//! file makes it panic.

mod cases;
mod limits;
mod mappings;
mod properties;
mod real;

use std::io::Write as _;
use std::sync::LazyLock;

use cadencia::import::{Input, Item, Mapping, Options, Reader, replay_order};
use domain::event::{Event, EventBody, Recorded};
use domain::time::Instant;

/// Events in the order in which a replay processes them.
fn in_replay_order(events: Vec<Event>) -> Vec<Event> {
    let all = replay_order(events.into_iter().map(Recorded::Event).collect());
    let event = |one| match one {
        Recorded::Event(event) => event,
        Recorded::Alias(alias) => panic!("nobody spoke of {alias:?}"),
    };
    all.into_iter().map(event).collect()
}

/// When everything is received.
fn now() -> Instant {
    Instant::parse("2026-01-01T00:00:00Z").expect("a time")
}

/// One of every kind of record. Built once: tests try thousands of files.
pub(crate) static SHOP: LazyLock<Mapping> = LazyLock::new(|| mapping(RECORDS));

const RECORDS: &str = "
    - customer:
        distinct: [U]
        id: {column: U}
        zone: {column: Z, optional: true}
    - event:
        name: {literal: E}
        customer: {column: U}
        at: {column: T}
        row_key: [K]
    - event:
        name: {literal: G}
        group: {by: [G], within: 5}
        customer: {column: U}
        at: {column: T}
        properties: {sum: {sum: {product: [A, B]}}, n: {count: {}}}
";

/// A mapping of CSV with these records.
fn mapping(records: &str) -> Mapping {
    mapping_of("csv: {}", records)
}

fn mapping_of(format: &str, records: &str) -> Mapping {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("zones.csv"), "country,zone\nSpain,Europe/Madrid\n")
        .expect("a table");
    let text = format!(
        "apiVersion: cadencia/v1\nkind: ImportMapping\nmetadata: {{name: shop}}\nspec:\n  \
         format: {{{format}}}\n  tables:\n    zones: {{file: zones.csv, key: country, value: zone}}\
         \n  records:\n{records}"
    );
    Mapping::parse(&text, folder.path()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Everything that a file makes, as text: events as `customer name at properties id`, rejects as
/// `line N: reason`. An error that ends the reading is the last element.
pub(crate) fn read(mapping: &Mapping, file: &[u8]) -> Vec<String> {
    read_with(mapping, Options::at(now()), file)
}

fn read_with(mapping: &Mapping, options: Options, file: &[u8]) -> Vec<String> {
    let input = Input::stream(std::io::Cursor::new(file.to_vec())).expect("memory is readable");
    let reader = match Reader::new(mapping, input, options) {
        Ok(reader) => reader,
        Err(error) => return vec![format!("error: {error}")],
    };
    let show = |item| match item {
        Ok(Item::Event(event)) => show(&event),
        Ok(Item::Alias(alias)) => format!("{} {} is {}", alias.previous, alias.at, alias.into),
        Ok(Item::Reject(reject)) => format!("line {}: {}", reject.line, reject.reason),
        Err(error) => format!("error: {error}"),
    };
    reader.map(show).collect()
}

fn show(event: &Event) -> String {
    let body = match &event.body {
        EventBody::Track { name, properties } => {
            format!("{name} {}", domain::value::to_json_map(properties))
        }
        EventBody::Identify { traits } => domain::value::to_json_map(traits).to_string(),
        EventBody::Consent(change) => format!("{change:?}"),
        EventBody::StopsLifted(channel) => format!("stops lifted on {channel}"),
    };
    format!("{} {} {body} {}", event.customer, event.occurred_at, event.message_id)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).expect("memory is writable");
    packer.finish().expect("memory is writable")
}
