//! What a turn's customer needs of the store besides its record: ledger rows, whole sends, dedupe
//! memory. Plain reads on the partition's arbiter, before the turn or between its parts.

use engine::codec::{self, DecodeError};
use engine::{Loaded, Partition, ledger};
use store::{Limit, Range, Read, ReadError, Store};

use crate::rows;

/// Most ledger rows loaded for one customer: the newest ones. A cap window never holds more: a
/// hundred sends a day for four months.
const LEDGER_ROWS_MAX: usize = 12_000;

/// Rows of dedupe memory read at a time.
const SPILLED_ROWS: usize = 1_024;
/// Loading a customer failed.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The store cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A row makes no sense.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// Adds all spilled dedupe rows of a customer.
pub fn load_spilled(store: &Store, partition: u16, loaded: &mut Loaded) -> Result<(), LoadError> {
    let mut range = Range::prefix(codec::spill_prefix(partition, loaded.customer.key()));
    loop {
        let page =
            store.scan(rows::table(engine::Table::Meta), &range, Limit::rows(SPILLED_ROWS))?;
        for (_, value) in &page.rows {
            loaded.add_spilled(&codec::decode("dedupe row", value)?);
        }
        match page.next {
            Some(next) => range = range.resume(next),
            None => break,
        }
    }
    loaded.spilled_loaded = true;
    Ok(())
}

/// What counts of a customer's sends, oldest first.
pub(super) fn load_ledger(
    store: &Store,
    partition: &Partition,
    loaded: &Loaded,
) -> Result<Vec<policies::LedgerRow>, LoadError> {
    let rows = load_sends(store, partition, loaded, LEDGER_ROWS_MAX)?;
    let rows = rows.iter().map(|row| ledger::decode_ledger(row));
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A customer's rows of sends, the newest ones, those that are not durable yet included.
pub(super) fn load_sends(
    store: &Store,
    partition: &Partition,
    loaded: &Loaded,
    rows_max: usize,
) -> Result<Vec<Vec<u8>>, LoadError> {
    let key = loaded.customer.key();
    let mut range = Range::prefix(codec::sends_prefix(partition.id(), key));
    let mut found = Vec::new();
    loop {
        let limit = Limit::rows(LEDGER_ROWS_MAX);
        let page = store.scan(rows::table(engine::Table::Sends), &range, limit)?;
        found.extend(page.rows);
        let excess = found.len().saturating_sub(rows_max);
        found.drain(..excess);
        match page.next {
            Some(next) => range = range.resume(next),
            None => break,
        }
    }
    let rows = partition.with_fresh_sends(key, found);
    Ok(rows.into_values().collect())
}
