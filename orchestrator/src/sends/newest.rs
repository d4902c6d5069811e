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

/// Most chains that a place remembers. Who has more, by merges that all go on behind the place, is
/// walked through from the newest row again: some 20 bytes each would make a cursor too long.
const CHAINS_MAX: usize = 64;

/// A spot in the order of all rows: what comes behind it is older. Within its own row the items
/// before `item` do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Spot {
    at: Instant,
    partition: u16,
    seq: u64,
    item: u16,
}

impl Spot {
    /// Behind everything that happened at an instant or later.
    pub(super) fn at(at: Instant) -> Self {
        Self { at, partition: 0, seq: 0, item: 0 }
    }
}

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub(super) spot: Spot,
    /// How far back the chains of a customer were gone, so that nobody goes there again.
    pub(super) chains: Option<Vec<Chain>>,
}

impl Place {
    /// When what stands here happened.
    pub fn instant(&self) -> Instant {
        self.spot.at
    }
}

/// A row that is looked at.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(super) partition: u16,
    pub(super) seq: u64,
    pub(crate) row: HistoryRow,
    /// How many of its items are to be looked at, the first ones.
    pub(super) items: usize,
    source: usize,
}

/// The chain of a customer: its partition and the newest row that is wanted of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Chain {
    pub(crate) partition: u16,
    pub(crate) head: u64,
}

/// How going back to a spot went.
#[derive(Debug)]
pub(super) enum Way<'a, S> {
    /// It is reached.
    There(Newest<'a, S>),
    /// It is further than one page may go: the next one goes on from here.
    Far(Place),
}

/// Where rows come from, one after the other.
#[derive(Debug)]
enum Source {
    Partition { below: u64, window: u64, rows: Vec<(u64, HistoryRow)> },
    Chain { next: u64 },
}

/// A partition, where its rows come from, and the one that is next with its sequence.
type Lane = (u16, Source, Option<(u64, HistoryRow)>);

/// The newest row of a source: the order of the heap.
type Head = (Instant, u16, u64, usize);

/// Rows newest first.
#[derive(Debug)]
pub(crate) struct Newest<'a, S> {
    store: &'a S,
    sources: Vec<Lane>,
    heap: BinaryHeap<Head>,
    before: Option<Spot>,
    /// Rows read.
    pub(super) cost: usize,
}

impl<'a, S: Read> Newest<'a, S> {
    /// Of all partitions, behind a spot.
    pub(super) fn of_all(
        store: &'a S,
        partitions: u16,
        before: Option<Spot>,
    ) -> Result<Self, RecoverError> {
        let mut sources = Vec::new();
        for partition in 0..partitions {
            let below = below(store, partition, before)?;
            let source = Source::Partition { below, window: WINDOW_FIRST, rows: Vec::new() };
            sources.push((partition, source, None));
        }
        Self::begun(store, sources, before)
    }

    /// Of chains.
    pub(crate) fn of_chains(store: &'a S, chains: Vec<Chain>) -> Result<Self, RecoverError> {
        let source = |Chain { partition, head }| (partition, Source::Chain { next: head }, None);
        Self::begun(store, chains.into_iter().map(source).collect(), None)
    }

    /// Goes back to a spot, as far as one page may cost. To come there costs a read for each newer
    /// row.
    pub(super) fn down_to(
        mut self,
        spot: Option<Spot>,
        cost_max: usize,
    ) -> Result<Way<'a, S>, RecoverError> {
        let Some(spot) = spot else { return Ok(Way::There(self)) };
        self.before = Some(spot);
        while let Some(&(at, partition, seq, source)) = self.heap.peek() {
            if (Spot { at, partition, seq, item: 0 }) < spot {
                break;
            }
            if self.cost >= cost_max
                && let chains @ Some(_) = self.chains(None)
            {
                return Ok(Way::Far(Place { spot, chains }));
            }
            self.heap.pop();
            self.sources[source].2 = None;
            self.pull(source)?;
        }
        Ok(Way::There(self))
    }

    /// The place at an item of a row that was looked at.
    pub(super) fn place(&self, visit: &Visit, item: usize) -> Place {
        let item = u16::try_from(item).unwrap_or(u16::MAX);
        let spot = Spot { at: visit.row.at, partition: visit.partition, seq: visit.seq, item };
        Place { spot, chains: self.chains(Some(visit)) }
    }

    /// Where the chains are now, with the row that is looked at; `None` if these are none, or too
    /// many to remember.
    fn chains(&self, visit: Option<&Visit>) -> Option<Vec<Chain>> {
        let mut chains = Vec::new();
        for (at, (partition, source, held)) in self.sources.iter().enumerate() {
            let Source::Chain { next } = source else { return None };
            let head = match (visit, held) {
                (Some(visit), _) if visit.source == at => visit.seq,
                (_, Some((seq, _))) => *seq,
                (_, None) => *next,
            };
            if head != 0 {
                chains.push(Chain { partition: *partition, head });
            }
        }
        (chains.len() <= CHAINS_MAX).then_some(chains)
    }

    fn begun(store: &'a S, sources: Vec<Lane>, before: Option<Spot>) -> Result<Self, RecoverError> {
        let heap = BinaryHeap::with_capacity(sources.len());
        let mut newest = Self { store, sources, heap, before, cost: 0 };
        for at in 0..newest.sources.len() {
            newest.pull(at)?;
        }
        Ok(newest)
    }

    /// The next row.
    pub(crate) fn next(&mut self) -> Result<Option<Visit>, RecoverError> {
        let Some((_, partition, seq, source)) = self.heap.pop() else {
            return Ok(None);
        };
        let Some((_, row)) = self.sources[source].2.take() else {
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
        Ok(Some(Visit { partition, seq, row, items, source }))
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
            *held = Some((seq, row));
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

/// The first sequence of a partition that is not behind a spot, by halving.
fn below(store: &impl Read, partition: u16, before: Option<Spot>) -> Result<u64, RecoverError> {
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
        if (Spot { at, partition, seq, item: 0 }) < before {
            low = seq + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}
