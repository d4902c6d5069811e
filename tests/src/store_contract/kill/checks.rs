//! What must hold in a store after a kill.

use super::script::{
    HISTORY, OPEN, OPEN_ROWS, PARTITIONS, RECORDS, RECORDS_PER_PARTITION, note, record_key,
    row_key, value,
};
use anyhow::{Context, Result, ensure};
use store::{GroupRow, Limit, Range, Read, Recovered, Row, Store, Table, group_key};

/// Checks every row: all that was reported is there, no partition has a gap, nothing is torn.
pub(super) fn check(store: &Store, recovered: &Recovered, acked: &[u64]) -> Result<()> {
    for partition in 0..PARTITIONS {
        let last = recovered.sequences[usize::from(partition)];
        let told = acked[usize::from(partition)];
        ensure!(last >= told, "partition {partition}: {told} was reported, {last} is the last");
        history(store, partition, last)?;
        records(store, partition, last)?;
        open_rows(store, partition, last)?;
    }
    groups(store, recovered)
}

/// All rows of a range, page by page.
fn each_row(
    store: &Store,
    table: Table,
    range: &Range,
    mut visit: impl FnMut(Row) -> Result<()>,
) -> Result<()> {
    let mut rest = Some(range.clone());
    while let Some(current) = rest {
        let page = store.scan(table, &current, Limit::rows(4096))?;
        page.rows.into_iter().try_for_each(&mut visit)?;
        rest = page.next.map(|key| range.resume(key));
    }
    Ok(())
}

/// One row for each sequence from 1 to the last, and no other.
fn history(store: &Store, partition: u16, last: u64) -> Result<()> {
    let mut expected = 1;
    each_row(store, HISTORY, &Range::prefix(partition.to_be_bytes()), |(key, content)| {
        ensure!(key == row_key(partition, expected), "history {partition}/{expected} is missing");
        let whole = content == value(partition, expected, HISTORY);
        ensure!(whole, "history {partition}/{expected} is torn");
        expected += 1;
        Ok(())
    })?;
    ensure!(expected == last + 1, "history of {partition} ends at {} of {last}", expected - 1);
    Ok(())
}

/// Each record is of the last transaction that wrote it.
fn records(store: &Store, partition: u16, last: u64) -> Result<()> {
    let mut count = 0;
    each_row(store, RECORDS, &Range::prefix(partition.to_be_bytes()), |_| {
        count += 1;
        Ok(())
    })?;
    ensure!(count == last.min(RECORDS_PER_PARTITION), "{count} records in {partition} at {last}");
    for seq in last.saturating_sub(RECORDS_PER_PARTITION - 1).max(1)..=last {
        let content = store.get(RECORDS, &record_key(partition, seq))?;
        let right = content.as_deref() == Some(&value(partition, seq, RECORDS)[..]);
        ensure!(right, "the record of {partition}/{seq} is not from it");
    }
    Ok(())
}

/// The rows of the last few transactions, and no other.
fn open_rows(store: &Store, partition: u16, last: u64) -> Result<()> {
    let mut expected = last.saturating_sub(OPEN_ROWS - 1).max(1);
    each_row(store, OPEN, &Range::prefix(partition.to_be_bytes()), |(key, content)| {
        ensure!(key == row_key(partition, expected), "open row {partition}/{expected} is wrong");
        ensure!(content == value(partition, expected, OPEN), "an open row is torn");
        expected += 1;
        Ok(())
    })?;
    ensure!(expected == last + 1, "open rows of {partition} end before {last}");
    Ok(())
}

/// Group rows follow each other up to the last commit, with every note and sequence.
fn groups(store: &Store, recovered: &Recovered) -> Result<()> {
    let mut commit = recovered.oldest_group;
    let mut last: Vec<Option<u64>> = vec![None; usize::from(PARTITIONS)];
    each_row(store, Table::GROUPS, &Range::all(), |(key, content)| {
        ensure!(key == group_key(commit), "the row of commit {commit} is missing");
        for entry in GroupRow::decode(&content)? {
            ensure!(entry.note == note(entry.partition, entry.seq), "a wrong note in {commit}");
            let last = last.get_mut(usize::from(entry.partition)).context("a partition")?;
            let follows = last.is_none_or(|last| entry.seq == last + 1);
            ensure!(follows, "a gap in the notes of commit {commit}");
            *last = Some(entry.seq);
        }
        commit += 1;
        Ok(())
    })?;
    ensure!(commit == recovered.last_commit + 1, "group rows end before the last commit");
    let ends = last.iter().zip(&recovered.sequences);
    let right = ends.into_iter().all(|(last, seq)| last.is_none_or(|last| last == *seq));
    ensure!(right, "the last notes are not those of the last sequences");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::script::{Chance, settings, transaction};
    use super::*;
    use std::sync::Arc;
    use store::{CommitError, Durable, DurableSink, Transaction, Write, memory};

    /// A change to a transaction on its way.
    type Spoil = fn(&mut Transaction);

    struct Deaf;

    impl DurableSink for Deaf {
        fn durable(&self, _group: &Durable) {}

        fn failed(&self, _error: &CommitError) {}
    }

    /// What the check says of a store whose transactions were changed on their way.
    fn checked(spoil: Spoil) -> Option<String> {
        let (store, mut recovered) = memory::open(&settings(), Arc::new(Deaf)).expect("opens");
        let mut chance = Chance::new(3);
        for _ in 0..600 {
            let partition = chance.below(u64::from(PARTITIONS)) as u16;
            let last = &mut recovered.sequences[usize::from(partition)];
            *last += 1;
            let mut transaction = transaction(partition, *last);
            if (partition, *last) == (2, 100) {
                spoil(&mut transaction);
            }
            store.submit(vec![transaction]).expect("taken");
        }
        store.close();
        recovered.last_commit = store.stats().last_commit;
        let acked = recovered.sequences.clone();
        check(&store, &recovered, &acked).err().map(|error| error.to_string())
    }

    #[test]
    fn the_check_finds_what_is_wrong() {
        let cases: [(Spoil, Option<&str>); 6] = [
            (|_| {}, None),
            (|t| drop(t.writes.remove(1)), Some("history 2/100 is missing")),
            (|t| t.writes[1].value = Some(vec![1]), Some("history 2/100 is torn")),
            (|t| t.note = vec![], Some("a wrong note in")),
            (|t| drop(t.writes.pop()), Some("open row 2/")),
            (
                |t| t.writes.push(Write::put(RECORDS, vec![0, 2, 9], vec![])),
                Some("51 records in 2 at"),
            ),
        ];
        for (spoil, expected) in cases {
            let found = checked(spoil);
            match (&found, expected) {
                (None, None) => {}
                (Some(found), Some(expected)) if found.contains(expected) => {}
                _ => panic!("expected {expected:?}, found {found:?}"),
            }
        }
    }

    #[test]
    fn the_check_finds_a_lost_report() {
        let (store, mut recovered) = memory::open(&settings(), Arc::new(Deaf)).expect("opens");
        store.submit(vec![transaction(0, 1)]).expect("taken");
        store.close();
        recovered.sequences[0] = 1;
        recovered.last_commit = 1;
        check(&store, &recovered, &[1, 0, 0, 0]).expect("all is there");
        let error = check(&store, &recovered, &[2, 0, 0, 0]).expect_err("one is missing");
        assert!(error.to_string().contains("2 was reported, 1 is the last"), "{error}");
    }
}
