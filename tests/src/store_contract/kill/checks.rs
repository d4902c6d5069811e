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
        ensure!(
            last >= told,
            "partition {partition}: {told} was reported, {last} is the last"
        );
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
    each_row(
        store,
        HISTORY,
        &Range::prefix(partition.to_be_bytes()),
        |(key, content)| {
            ensure!(
                key == row_key(partition, expected),
                "history {partition}/{expected} is missing"
            );
            let whole = content == value(partition, expected, HISTORY);
            ensure!(whole, "history {partition}/{expected} is torn");
            expected += 1;
            Ok(())
        },
    )?;
    ensure!(
        expected == last + 1,
        "history of {partition} ends at {} of {last}",
        expected - 1
    );
    Ok(())
}

/// Each record is of the last transaction that wrote it.
fn records(store: &Store, partition: u16, last: u64) -> Result<()> {
    let mut count = 0;
    each_row(
        store,
        RECORDS,
        &Range::prefix(partition.to_be_bytes()),
        |_| {
            count += 1;
            Ok(())
        },
    )?;
    ensure!(
        count == last.min(RECORDS_PER_PARTITION),
        "{count} records in {partition} at {last}"
    );
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
    each_row(
        store,
        OPEN,
        &Range::prefix(partition.to_be_bytes()),
        |(key, content)| {
            ensure!(
                key == row_key(partition, expected),
                "open row {partition}/{expected} is wrong"
            );
            ensure!(
                content == value(partition, expected, OPEN),
                "an open row is torn"
            );
            expected += 1;
            Ok(())
        },
    )?;
    ensure!(
        expected == last + 1,
        "open rows of {partition} end before {last}"
    );
    Ok(())
}

/// Group rows follow each other up to the last commit, with every note and sequence.
fn groups(store: &Store, recovered: &Recovered) -> Result<()> {
    let mut commit = recovered.oldest_group;
    let mut last: Vec<Option<u64>> = vec![None; usize::from(PARTITIONS)];
    each_row(store, Table::GROUPS, &Range::all(), |(key, content)| {
        ensure!(
            key == group_key(commit),
            "the row of commit {commit} is missing"
        );
        for entry in GroupRow::decode(&content)? {
            ensure!(
                entry.note == note(entry.partition, entry.seq),
                "a wrong note in {commit}"
            );
            let last = last
                .get_mut(usize::from(entry.partition))
                .context("a partition")?;
            let follows = last.is_none_or(|last| entry.seq == last + 1);
            ensure!(follows, "a gap in the notes of commit {commit}");
            *last = Some(entry.seq);
        }
        commit += 1;
        Ok(())
    })?;
    ensure!(
        commit == recovered.last_commit + 1,
        "group rows end before the last commit"
    );
    let ends = last.iter().zip(&recovered.sequences);
    let right = ends
        .into_iter()
        .all(|(last, seq)| last.is_none_or(|last| last == *seq));
    ensure!(right, "the last notes are not those of the last sequences");
    Ok(())
}
