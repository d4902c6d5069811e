//! Rows of the store: damaged bytes are an error, never a panic and never an endless allocation.

use std::collections::BTreeSet;

use domain::customer::SpilledBlock;
use domain::ids::CustomerKey;
use engine::codec;
use engine::history::HistoryRow;
use engine::ledger::{SendRow, decode_ledger};
use engine::note::Note;
use engine::partition::Snapshot;
use store::GroupRow;

use super::driver::{Target, fuzz};

/// Every decoder on the same bytes: which table they came from is part of what may be damaged.
fn row(input: &[u8]) {
    let _ = codec::decode_customer_header(input);
    let _ = codec::decode_customer(CustomerKey([7; 16]), input);
    let _ = codec::decode::<HistoryRow>("history", input);
    let _ = codec::decode::<SpilledBlock>("dedupe row", input);
    let _ = codec::decode::<Snapshot>("snapshot", input);
    let _ = codec::decode::<Note>("note", input);
    let _ = decode_ledger(input);
    if let Ok(row) = SendRow::decode(input) {
        assert_eq!(SendRow::decode(&row.encode()).as_ref(), Ok(&row));
    }
    if let Ok(entries) = GroupRow::decode(input) {
        for entry in entries {
            let _ = codec::decode::<Note>("note", entry.note);
        }
    }
}

#[test]
fn store_rows() {
    // The shortest and the longest of many are enough to start from.
    let all: BTreeSet<(usize, Vec<u8>)> =
        crate::simulation::durable_rows().into_iter().map(|row| (row.len(), row)).collect();
    let step = (all.len() / 100).max(1);
    let corpus = all.into_iter().step_by(step).map(|(_, row)| row).collect();
    fuzz(&Target { name: "store_rows", inputs: 30_000, corpus, run: row });
}
