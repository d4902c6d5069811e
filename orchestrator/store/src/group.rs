//! Forms groups: which transactions go together, which rows a group writes, and the group row.
//!
//! Shared by the committer's thread and the stepped store, so that both write the same bytes.

use crate::{
    committer::HEARTBEAT_COMMITS,
    error::ReadError,
    recovery::{Checkpoint, Recovered},
    sink::Durable,
    table::{HEARTBEAT_KEY, Table},
    transaction::{Transaction, Write},
};
use std::{collections::HashSet, time::Duration};

/// Most transactions of one group: beyond it throughput gains little and latency grows sevenfold.
pub const GROUP_TRANSACTIONS_MAX: usize = 512;

/// A group ends before the transaction that would take it over this many bytes (a single larger
/// transaction forms a group of its own).
pub const GROUP_BYTES_MAX: usize = 512 * 1024;

/// Group rows deleted with one commit at most, so that trimming never makes a group large.
const TRIM_ROWS_MAX: u64 = 64;

/// Version of the group row's layout.
const GROUP_ROW_VERSION: u8 = 1;

/// The key of a group's row: its commit sequence, big-endian.
pub fn group_key(commit: u64) -> [u8; 8] {
    commit.to_be_bytes()
}

/// One transaction as a group row keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupEntry<'a> {
    /// Its partition.
    pub partition: u16,
    /// Its sequence within the partition.
    pub seq: u64,
    /// Its note.
    pub note: &'a [u8],
}

/// Reads and writes the value of a group row: version (1 byte), count (u32), then for each
/// transaction partition (u16), sequence (u64), length (u32) and note; all big-endian.
#[derive(Clone, Copy, Debug)]
pub struct GroupRow;

impl GroupRow {
    /// The transactions of a row of [`Table::GROUPS`], in commit order. Fails on an unknown
    /// version and on any byte too few or too many.
    pub fn decode(value: &[u8]) -> Result<Vec<GroupEntry<'_>>, ReadError> {
        let bad = |what: &str| ReadError(format!("group row: {what}"));
        let (version, rest) = value.split_first().ok_or_else(|| bad("empty"))?;
        if *version != GROUP_ROW_VERSION {
            return Err(bad(&format!("version {version} is unknown")));
        }
        let (count, mut rest) = rest.split_first_chunk::<4>().ok_or_else(|| bad("no count"))?;
        let count = u32::from_be_bytes(*count) as usize;
        // Each entry takes 14 bytes or more: a wild count must not allocate.
        let mut entries = Vec::with_capacity(count.min(rest.len() / 14 + 1));
        for _ in 0..count {
            let (partition, tail) = rest.split_first_chunk().ok_or_else(|| bad("cut short"))?;
            let (seq, tail) = tail.split_first_chunk().ok_or_else(|| bad("cut short"))?;
            let (length, tail) = tail.split_first_chunk().ok_or_else(|| bad("cut short"))?;
            let length = u32::from_be_bytes(*length) as usize;
            let (note, tail) = tail.split_at_checked(length).ok_or_else(|| bad("cut short"))?;
            entries.push(GroupEntry {
                partition: u16::from_be_bytes(*partition),
                seq: u64::from_be_bytes(*seq),
                note,
            });
            rest = tail;
        }
        if rest.is_empty() { Ok(entries) } else { Err(bad("bytes after the end")) }
    }

    pub(crate) fn encode(transactions: &[Transaction]) -> Vec<u8> {
        let notes: usize = transactions.iter().map(|transaction| transaction.note.len()).sum();
        let mut value = Vec::with_capacity(5 + transactions.len() * 14 + notes);
        value.push(GROUP_ROW_VERSION);
        value.extend_from_slice(&(transactions.len() as u32).to_be_bytes());
        for transaction in transactions {
            value.extend_from_slice(&transaction.partition.to_be_bytes());
            value.extend_from_slice(&transaction.seq.to_be_bytes());
            value.extend_from_slice(&(transaction.note.len() as u32).to_be_bytes());
            value.extend_from_slice(&transaction.note);
        }
        value
    }
}

/// A group ready to be committed: its rows, and what the sink will hear (without the time taken).
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) durable: Durable,
    pub(crate) writes: Vec<Write>,
}

/// Numbers groups and turns transactions into rows.
#[derive(Debug)]
pub(crate) struct Former {
    tables: u8,
    next_commit: u64,
    /// Sequences as of the last formed group, by partition.
    sequences: Vec<u64>,
    /// The commit of the newest heartbeat: recovery reads group rows from there.
    checkpoint: u64,
    /// The oldest group row that still exists.
    oldest: u64,
    /// Tables written since the last heartbeat, one bit each: they need none.
    busy: u8,
}

impl Former {
    pub(crate) fn new(tables: usize, recovered: &Recovered) -> Self {
        Former {
            tables: tables as u8,
            next_commit: recovered.last_commit + 1,
            sequences: recovered.sequences.clone(),
            checkpoint: recovered.checkpoint,
            oldest: recovered.oldest_group,
            busy: 0,
        }
    }

    /// Forms the next group. Group rows below `trim_below` are deleted along with it, a few at
    /// a time; the row of this very group always stays.
    pub(crate) fn form(&mut self, transactions: Vec<Transaction>, trim_below: u64) -> Group {
        let commit = self.next_commit;
        self.next_commit += 1;
        let row = Write::put(Table::GROUPS, group_key(commit), GroupRow::encode(&transactions));
        let count = transactions.len();
        let mut touched = Vec::with_capacity(count);
        for transaction in &transactions {
            self.sequences[usize::from(transaction.partition)] = transaction.seq;
            touched.push(transaction.partition);
        }
        touched.sort_unstable();
        touched.dedup();
        let partitions: Vec<(u16, u64)> = touched
            .into_iter()
            .map(|partition| (partition, self.sequences[usize::from(partition)]))
            .collect();

        let mut writes = coalesce(transactions);
        self.busy = writes.iter().fold(self.busy, |busy, write| busy | 1 << write.table.0);
        writes.push(row);
        let trim_below = trim_below.min(commit);
        if commit - self.checkpoint >= HEARTBEAT_COMMITS || trim_below > self.checkpoint {
            self.checkpoint = commit;
            let busy = std::mem::take(&mut self.busy);
            writes.extend(Checkpoint::rows(self.tables, busy, commit, &self.sequences));
        }
        let trim_until = trim_below.min(self.oldest + TRIM_ROWS_MAX);
        while self.oldest < trim_until {
            writes.push(Write::delete(Table::GROUPS, group_key(self.oldest)));
            self.oldest += 1;
        }
        let durable = Durable {
            commit,
            partitions,
            transactions: count,
            rows: writes.len(),
            bytes: writes
                .iter()
                .map(|write| write.key.len() + write.value.as_ref().map_or(0, Vec::len))
                .sum(),
            took: Duration::ZERO,
        };
        Group { durable, writes }
    }
}

/// All writes of a group with only the last one to each key: the earlier ones would be
/// invisible, and a busy key would be written many times.
fn coalesce(transactions: Vec<Transaction>) -> Vec<Write> {
    let writes: Vec<Write> = transactions.into_iter().flat_map(|t| t.writes).collect();
    let mut seen: HashSet<(Table, &[u8])> = HashSet::with_capacity(writes.len());
    let keep: Vec<bool> =
        writes.iter().rev().map(|write| seen.insert((write.table, &write.key))).collect();
    if seen.len() == writes.len() {
        return writes;
    }
    let mut keep = keep.into_iter().rev();
    writes.into_iter().filter(|_| keep.next().unwrap_or(true)).collect()
}

/// Whether the heartbeat row, and not a caller's, lies under `key`.
pub(crate) fn is_reserved(key: &[u8]) -> bool {
    key.starts_with(&HEARTBEAT_KEY[..16])
}
