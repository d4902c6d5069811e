//! What a turn's customer needs of the store besides its record: ledger rows, whole sends, dedupe
//! memory. Plain reads on the partition's arbiter, before the turn or between its parts.

use std::collections::{BTreeMap, HashSet};

use domain::customer::CHAIN_MAX;
use domain::ids::{CustomerId, CustomerKey, SendId};
use engine::codec::{self, DecodeError};
use engine::withdraw::TRANSACTION_BYTES_MAX;
use engine::{Loaded, Partition, ledger};
use store::{Limit, Range, Read, ReadError, Store};

use crate::error::ErrorCode;
use crate::rows::{self, Rows};

/// Most ledger rows loaded for one customer: the newest ones. A cap window never holds more: a
/// hundred sends a day for four months.
const LEDGER_ROWS_MAX: usize = 12_000;

/// Rows of dedupe memory read at a time.
const SPILLED_ROWS: usize = 1_024;

/// A record from which on turns may not fit into a transaction, in bytes. Limits of what is in it
/// keep it below; only words that are never dropped (permissions) lead there.
const RECORD_FULL_BYTES: usize = 3 * 1024 * 1024;

/// A customer could not be loaded, or its turn not be made.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The store cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A row makes no sense.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// What the turn decided does not fit.
    #[error("a transaction of {bytes} bytes, at most {TRANSACTION_BYTES_MAX} can be written")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
}

/// Why nothing can be taken in for a customer.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// A row of it makes no sense.
    #[error(transparent)]
    Damaged(#[from] DecodeError),
    /// Its record has grown too large.
    #[error("its record has {bytes} bytes, from {RECORD_FULL_BYTES} on turns may not fit")]
    Full {
        /// Its size.
        bytes: usize,
    },
}

impl Unfit {
    /// The public error.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Damaged(_) => ErrorCode::StoreCorrupt,
            Self::Full { .. } => ErrorCode::CustomerTooLarge,
        }
    }
}

/// A customer as it is durable, or the one that it became part of, with the partition of that one.
pub fn load_who_goes_on(
    store: &Store,
    partitions: u16,
    id: &CustomerId,
) -> Result<Option<(u16, Loaded)>, LoadError> {
    let mut key = id.key();
    for _ in 0..=CHAIN_MAX {
        let partition = key.partition(partitions);
        let Some(record) = Rows(store).customers(partition, &[key])?.pop().flatten() else {
            break;
        };
        let loaded = Loaded::from_record(codec::decode_customer(key, &record)?);
        let Some(tombstone) = &loaded.customer.tombstone else {
            return Ok(Some((partition, loaded)));
        };
        key = tombstone.into.key();
    }
    Ok(None)
}

/// The first of these customers of whom a row cannot be read, or whose record is too large:
/// whatever is for it is dropped each time. One that a merge made part of another stands for that
/// one too.
pub fn first_unfit<'a>(
    store: &Store,
    partitions: u16,
    ids: impl IntoIterator<Item = &'a CustomerId>,
) -> Option<(&'a CustomerId, Unfit)> {
    let distinct: HashSet<&CustomerId> = ids.into_iter().collect();
    distinct.into_iter().find_map(|id| Some((id, unfit(store, partitions, id)?)))
}

fn unfit(store: &Store, partitions: u16, id: &CustomerId) -> Option<Unfit> {
    let looked = load_who_goes_on(store, partitions, id).and_then(|found| {
        let Some((partition, mut loaded)) = found else { return Ok(None) };
        let key = loaded.customer.key();
        let record = Rows(store).customers(partition, &[key])?.pop().flatten();
        let bytes = record.map_or(0, |record| record.len());
        if bytes >= RECORD_FULL_BYTES {
            return Ok(Some(Unfit::Full { bytes }));
        }
        load_spilled(store, partition, &mut loaded)?;
        all_sends_can_be_read(store, partition, key).map(|()| None)
    });
    match looked {
        Ok(unfit) => unfit,
        Err(LoadError::Decode(error)) => Some(Unfit::Damaged(error)),
        Err(LoadError::Read(error)) => crate::fatal::store_failed(&error),
        Err(LoadError::TooLarge { bytes }) => Some(Unfit::Full { bytes }),
    }
}

fn all_sends_can_be_read(store: &Store, partition: u16, key: CustomerKey) -> Result<(), LoadError> {
    let mut range = Range::prefix(codec::sends_prefix(partition, key));
    loop {
        let limit = Limit::rows(LEDGER_ROWS_MAX);
        let page = store.scan(rows::table(engine::Table::Sends), &range, limit)?;
        for (_, row) in &page.rows {
            ledger::SendRow::decode(row)?;
        }
        match page.next {
            Some(next) => range = range.resume(next),
            None => return Ok(()),
        }
    }
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

/// Some sends of a customer: only these are read whole, however many there are.
pub(super) fn load_some_sends(
    store: &Store,
    partition: &Partition,
    loaded: &Loaded,
    wanted: &[SendId],
) -> Result<Vec<ledger::SendRow>, LoadError> {
    let is_wanted = |key: &[u8]| {
        let send = key.last_chunk().map(|id| SendId(u128::from_be_bytes(*id)));
        send.is_some_and(|send| wanted.contains(&send))
    };
    let rows = load_rows(store, partition, loaded, usize::MAX)?;
    let rows = rows.iter().filter(|(key, _)| is_wanted(key));
    Ok(rows.map(|(_, row)| ledger::SendRow::decode(row)).collect::<Result<_, _>>()?)
}

/// A customer's rows of sends, the newest ones, those that are not durable yet included.
pub(super) fn load_sends(
    store: &Store,
    partition: &Partition,
    loaded: &Loaded,
    rows_max: usize,
) -> Result<Vec<Vec<u8>>, LoadError> {
    Ok(load_rows(store, partition, loaded, rows_max)?.into_values().collect())
}

fn load_rows(
    store: &Store,
    partition: &Partition,
    loaded: &Loaded,
    rows_max: usize,
) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, LoadError> {
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
    Ok(partition.with_fresh_sends(key, found))
}
