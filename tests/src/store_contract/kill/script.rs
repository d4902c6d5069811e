//! What the child writes and the parent expects: every row follows from partition and sequence.

use std::{path::Path, sync::Arc, time::Duration};
use store::{Access, Settings, Table, TableSpec, Transaction, Write, embedded};

pub(super) const PARTITIONS: u16 = 4;
pub(super) const RECORDS: Table = Table(1);
pub(super) const HISTORY: Table = Table(2);
pub(super) const OPEN: Table = Table(3);

/// Records of one partition: each is overwritten every so many transactions.
pub(super) const RECORDS_PER_PARTITION: u64 = 50;

/// Rows that stay open: each transaction opens one and closes the one so many before.
pub(super) const OPEN_ROWS: u64 = 3;

pub(super) fn settings() -> Settings {
    let table = |name, access| TableSpec { name, access };
    let tables = vec![
        table("records", Access::Random),
        table("history", Access::Append),
        table("open", Access::Small),
    ];
    Settings::new(PARTITIONS, "none", tables, Arc::new(|| Duration::ZERO))
}

/// Small write buffers: flushes, compactions and journal changes happen within a few kills.
pub(super) fn options(directory: &Path) -> embedded::Options {
    let mut options = embedded::Options::new(directory);
    options.memory.write_buffer_bytes = 4 * 1024 * 1024;
    options
}

/// A seeded generator (splitmix64).
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Chance(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// A value of a length and content that only this transaction has.
pub(super) fn value(partition: u16, seq: u64, table: Table) -> Vec<u8> {
    let mut chance = Chance::new(seq ^ u64::from(partition) << 48 ^ u64::from(table.0) << 40);
    let words = 2 + chance.below(60);
    let head = [&partition.to_be_bytes()[..], &seq.to_be_bytes()].concat();
    head.into_iter().chain((0..words).flat_map(|_| chance.next().to_be_bytes())).collect()
}

pub(super) fn record_key(partition: u16, seq: u64) -> Vec<u8> {
    [&partition.to_be_bytes()[..], &(seq % RECORDS_PER_PARTITION).to_be_bytes()].concat()
}

pub(super) fn row_key(partition: u16, seq: u64) -> Vec<u8> {
    [&partition.to_be_bytes()[..], &seq.to_be_bytes()].concat()
}

pub(super) fn note(partition: u16, seq: u64) -> Vec<u8> {
    format!("{partition}/{seq}").into_bytes()
}

/// The transaction of a partition and sequence.
pub(super) fn transaction(partition: u16, seq: u64) -> Transaction {
    let content = |table| value(partition, seq, table);
    let mut writes = vec![
        Write::put(RECORDS, record_key(partition, seq), content(RECORDS)),
        Write::put(HISTORY, row_key(partition, seq), content(HISTORY)),
        Write::put(OPEN, row_key(partition, seq), content(OPEN)),
    ];
    if seq > OPEN_ROWS {
        writes.push(Write::delete(OPEN, row_key(partition, seq - OPEN_ROWS)));
    }
    Transaction { partition, seq, writes, note: note(partition, seq) }
}
