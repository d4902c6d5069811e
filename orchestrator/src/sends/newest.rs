//! History rows newest first, over all partitions or over the chains of one customer. The rows of a
//! partition lie in the order of their sequences, and time does not run backwards within one.

use std::collections::BinaryHeap;

use domain::time::Instant;
use engine::codec;
use engine::history::HistoryRow;
use serde::{Deserialize, Serialize};
use store::{Limit, Range, Read};

use crate::recovery::RecoverError;
use crate::rows;

/// Sequences that the first look at a partition goes back over.
const WINDOW_FIRST: u64 = 8;
/// Most of them, while rows lie close together: what is read and then not wanted stays small.
const WINDOW_DENSE_MAX: u64 = 256;
/// Most of them, where most sequences have no row: outcomes have none.
const WINDOW_MAX: u64 = 4_096;

/// A place in the order of all rows: what comes behind it is older. Within its own row the items
/// before `item` do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    at: Instant,
    partition: u16,
    seq: u64,
    item: u16,
}

impl Place {
    /// Behind everything that happened at an instant or later.
    pub fn at(at: Instant) -> Self {
        Self { at, partition: 0, seq: 0, item: 0 }
    }

    /// When what stands here happened.
    pub fn instant(&self) -> Instant {
        self.at
    }
}

/// A row that is looked at.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) partition: u16,
    pub(super) seq: u64,
    pub(super) row: HistoryRow,
    /// How many of its items are to be looked at, the first ones.
    pub(super) items: usize,
}

impl Visit {
    pub(super) fn place(&self, item: usize) -> Place {
        let item = u16::try_from(item).unwrap_or(u16::MAX);
        Place { at: self.row.at, partition: self.partition, seq: self.seq, item }
    }
}

/// The chain of a customer: its partition and the newest row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chain {
    pub(super) partition: u16,
    pub(super) head: u64,
}

/// Where rows come from, one after the other.
#[derive(Debug)]
enum Source {
    Partition { below: u64, window: u64, rows: Vec<(u64, HistoryRow)> },
    Chain { next: u64 },
}

/// The newest row of a source: the order of the heap.
type Head = (Instant, u16, u64, usize);

/// Rows newest first.
#[derive(Debug)]
pub(super) struct Newest<'a, S> {
    store: &'a S,
    sources: Vec<(u16, Source, Option<HistoryRow>)>,
    heap: BinaryHeap<Head>,
    before: Option<Place>,
    /// Rows read.
    pub(super) cost: usize,
}

impl<'a, S: Read> Newest<'a, S> {
    /// Of all partitions, behind a place.
    pub(super) fn of_all(
        store: &'a S,
        partitions: u16,
        before: Option<Place>,
    ) -> Result<Self, RecoverError> {
        let mut sources = Vec::new();
        for partition in 0..partitions {
            let below = below(store, partition, before)?;
            let source = Source::Partition { below, window: WINDOW_FIRST, rows: Vec::new() };
            sources.push((partition, source, None));
        }
        Self::begun(store, sources, before)
    }

    /// Of chains, behind a place. To come there costs a read for each newer row.
    pub(super) fn of_chains(
        store: &'a S,
        chains: Vec<Chain>,
        before: Option<Place>,
    ) -> Result<Self, RecoverError> {
        let mut sources = Vec::new();
        for Chain { partition, head } in chains {
            let mut next = head;
            while let (true, Some(before)) = (next != 0, before) {
                let Some(bytes) = row(store, partition, next)? else {
                    next = 0;
                    break;
                };
                let (previous, at) = codec::decode_history_head(&bytes)?;
                if (Place { at, partition, seq: next, item: 0 }) < before {
                    break;
                }
                next = previous;
            }
            sources.push((partition, Source::Chain { next }, None));
        }
        Self::begun(store, sources, before)
    }

    fn begun(
        store: &'a S,
        sources: Vec<(u16, Source, Option<HistoryRow>)>,
        before: Option<Place>,
    ) -> Result<Self, RecoverError> {
        let heap = BinaryHeap::with_capacity(sources.len());
        let mut newest = Self { store, sources, heap, before, cost: 0 };
        for at in 0..newest.sources.len() {
            newest.pull(at)?;
        }
        Ok(newest)
    }

    /// The next row.
    pub(super) fn next(&mut self) -> Result<Option<Visit>, RecoverError> {
        let Some((_, partition, seq, source)) = self.heap.pop() else {
            return Ok(None);
        };
        let Some(row) = self.sources[source].2.take() else {
            return Ok(None);
        };
        self.pull(source)?;
        let all = row.items.len();
        let items = match self.before {
            Some(before) if (before.partition, before.seq) == (partition, seq) => {
                usize::from(before.item).min(all)
            }
            _ => all,
        };
        Ok(Some(Visit { partition, seq, row, items }))
    }

    /// Puts the next row of a source into the heap.
    fn pull(&mut self, at: usize) -> Result<(), RecoverError> {
        let (partition, source, held) = &mut self.sources[at];
        let next = match source {
            Source::Chain { next: 0 } => None,
            Source::Chain { next } => {
                self.cost += 1;
                let seq = *next;
                let found = row(self.store, *partition, seq)?;
                let found = found.map(|bytes| codec::decode::<HistoryRow>("history row", &bytes));
                let found = found.transpose()?;
                *next = found.as_ref().map_or(0, |row| row.previous);
                found.map(|row| (seq, row))
            }
            Source::Partition { below, window, rows } => {
                while rows.is_empty() && *below > 1 {
                    let from = below.saturating_sub(*window).max(1);
                    *rows = read(self.store, *partition, from, *below)?;
                    self.cost += 1 + rows.len();
                    *below = from;
                    let dense = rows.len() as u64 * 4 > *window;
                    let most = if dense { WINDOW_DENSE_MAX } else { WINDOW_MAX };
                    *window = (*window * 2).min(most);
                }
                rows.pop()
            }
        };
        if let Some((seq, row)) = next {
            self.heap.push((row.at, *partition, seq, at));
            *held = Some(row);
        }
        Ok(())
    }
}

fn row(store: &impl Read, partition: u16, seq: u64) -> Result<Option<Vec<u8>>, RecoverError> {
    let table = rows::table(engine::Table::History);
    Ok(store.get(table, &codec::history_key(partition, seq))?)
}

/// The rows of a stretch of sequences, oldest first.
fn read(
    store: &impl Read,
    partition: u16,
    from: u64,
    below: u64,
) -> Result<Vec<(u64, HistoryRow)>, RecoverError> {
    let table = rows::table(engine::Table::History);
    let until = Some(codec::history_key(partition, below));
    let mut range = Range { from: codec::history_key(partition, from), until };
    let mut found = Vec::new();
    loop {
        let page = store.scan(table, &range, Limit::rows(WINDOW_MAX as usize))?;
        for (key, value) in &page.rows {
            let seq = codec::seq_of(key).unwrap_or_default();
            found.push((seq, codec::decode("history row", value)?));
        }
        match page.next {
            Some(next) => range = range.resume(next),
            None => return Ok(found),
        }
    }
}

/// The first sequence of a partition that is not behind a place, by halving.
fn below(store: &impl Read, partition: u16, before: Option<Place>) -> Result<u64, RecoverError> {
    let table = rows::table(engine::Table::History);
    let whole = Range {
        from: codec::history_key(partition, 0),
        until: Some(codec::history_key(partition, u64::MAX)),
    };
    let Some((key, _)) = store.last(table, &whole)? else {
        return Ok(0);
    };
    let mut high = codec::seq_of(&key).unwrap_or_default() + 1;
    let Some(before) = before else {
        return Ok(high);
    };
    let mut low = 0;
    while low < high {
        let middle = low + (high - low) / 2;
        let range = Range {
            from: codec::history_key(partition, middle),
            until: Some(codec::history_key(partition, high)),
        };
        let page = store.scan(table, &range, Limit::rows(1))?;
        let Some((key, value)) = page.rows.first() else {
            high = middle;
            continue;
        };
        let seq = codec::seq_of(key).unwrap_or_default();
        let (_, at) = codec::decode_history_head(value)?;
        if (Place { at, partition, seq, item: 0 }) < before {
            low = seq + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}
