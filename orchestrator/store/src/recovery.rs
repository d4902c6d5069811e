//! What a store knows about itself when it opens: the last commit and every partition's sequence.
//!
//! Every [`HEARTBEAT_COMMITS`] commits each table without a write since the last time gets a
//! heartbeat row, so that none stays idle for long (an idle one would pin the engine's journals).
//! The groups table always gets one: it is also a checkpoint of all sequences. Group rows after
//! it complete the picture and must follow each other without a gap.
//!
//! [`HEARTBEAT_COMMITS`]: crate::HEARTBEAT_COMMITS

use crate::{
    backend::Backend,
    error::{OpenError, ReadError},
    group::{GroupRow, group_key},
    read::{Limit, Range},
    table::{HEARTBEAT_KEY, Table},
    transaction::Write,
};

/// What was found at open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// Whether the store is new.
    pub created: bool,
    /// Sequence of the last group commit, 0 when there is none.
    pub last_commit: u64,
    /// Last sequence of each partition, 0 when it has none.
    pub sequences: Vec<u64>,
    /// The oldest group row that exists; one after the last commit when there is none.
    pub oldest_group: u64,
    /// The commit of the last heartbeat: group rows above it were read to complete `sequences`.
    pub checkpoint: u64,
}

/// Version of the heartbeat row's layout.
const CHECKPOINT_VERSION: u8 = 1;

/// The heartbeat row of the groups table: version (1 byte), commit (u64), then one u64 per
/// partition; all big-endian. The other tables' rows end after the commit.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    commit: u64,
    sequences: Vec<u64>,
}

impl Checkpoint {
    /// The heartbeat rows of the groups table and of all tables whose bit in `busy` is not set.
    pub(crate) fn rows(tables: u8, busy: u8, commit: u64, sequences: &[u64]) -> Vec<Write> {
        let mut value = vec![CHECKPOINT_VERSION];
        value.extend_from_slice(&commit.to_be_bytes());
        let beat = value.clone();
        for seq in sequences {
            value.extend_from_slice(&seq.to_be_bytes());
        }
        let others = (1..tables)
            .filter(|table| busy & (1 << table) == 0)
            .map(|table| Write::put(Table(table), HEARTBEAT_KEY, beat.clone()));
        std::iter::once(Write::put(Table::GROUPS, HEARTBEAT_KEY, value)).chain(others).collect()
    }

    fn decode(value: &[u8], partitions: u16) -> Result<Self, OpenError> {
        let bad = || OpenError::Corrupt("the heartbeat row is damaged".to_owned());
        if value.first() != Some(&CHECKPOINT_VERSION)
            || value.len() != 9 + 8 * usize::from(partitions)
        {
            return Err(bad());
        }
        let word = |at: usize| -> Result<u64, OpenError> {
            let bytes = value.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
            bytes.map(u64::from_be_bytes).ok_or_else(bad)
        };
        let sequences =
            (0..usize::from(partitions)).map(|p| word(9 + 8 * p)).collect::<Result<_, _>>()?;
        Ok(Checkpoint { commit: word(1)?, sequences })
    }
}

/// Writes the first heartbeat rows of a new store.
pub(crate) fn create(
    backend: &dyn Backend,
    tables: usize,
    partitions: u16,
) -> Result<Recovered, OpenError> {
    let sequences = vec![0; usize::from(partitions)];
    backend
        .commit(0, Checkpoint::rows(tables as u8, 0, 0, &sequences))
        .map_err(OpenError::Engine)?;
    Ok(Recovered { created: true, last_commit: 0, sequences, oldest_group: 1, checkpoint: 0 })
}

/// Reads what an existing store knows about itself.
pub(crate) fn recover(backend: &dyn Backend, partitions: u16) -> Result<Recovered, OpenError> {
    let read = |error: ReadError| OpenError::Engine(error.0);
    let beat = backend.get(Table::GROUPS, &HEARTBEAT_KEY).map_err(read)?;
    let beat = beat.ok_or_else(|| OpenError::Corrupt("the heartbeat row is missing".to_owned()))?;
    let Checkpoint { commit: checkpoint, mut sequences } = Checkpoint::decode(&beat, partitions)?;
    let mut last_commit = checkpoint;
    let all = Range::from(group_key(checkpoint + 1));
    let mut rest = Some(all.from.clone());
    while let Some(from) = rest {
        let page =
            backend.scan(Table::GROUPS, &all.resume(from), Limit::rows(256)).map_err(read)?;
        for (key, value) in &page.rows {
            if key[..] != group_key(last_commit + 1) {
                return Err(OpenError::Corrupt(format!(
                    "the group row of commit {} is missing",
                    last_commit + 1
                )));
            }
            last_commit += 1;
            apply(value, last_commit, &mut sequences)?;
        }
        rest = page.next;
    }
    let first = backend.scan(Table::GROUPS, &Range::all(), Limit::rows(1)).map_err(read)?;
    let oldest_group = match first.rows.first() {
        Some((key, _)) => <[u8; 8]>::try_from(&key[..])
            .map(u64::from_be_bytes)
            .map_err(|_| OpenError::Corrupt("a group row has a bad key".to_owned()))?,
        None => last_commit + 1,
    };
    Ok(Recovered { created: false, last_commit, sequences, oldest_group, checkpoint })
}

/// Takes one group row into the sequences, which must go up by one each time.
fn apply(value: &[u8], commit: u64, sequences: &mut [u64]) -> Result<(), OpenError> {
    let corrupt = |what: String| OpenError::Corrupt(format!("commit {commit}: {what}"));
    for entry in GroupRow::decode(value).map_err(|error| corrupt(error.0))? {
        let last = sequences
            .get_mut(usize::from(entry.partition))
            .ok_or_else(|| corrupt(format!("unknown partition {}", entry.partition)))?;
        if entry.seq != *last + 1 {
            return Err(corrupt(format!(
                "partition {} has sequence {} after {}",
                entry.partition, entry.seq, last
            )));
        }
        *last = entry.seq;
    }
    Ok(())
}
