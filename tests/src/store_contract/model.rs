//! Random work against a model: ordered maps that apply the same transactions.

use super::subject::{LOG, OPEN, PARTITIONS, PEOPLE, Subject, on_each, settings};
use proptest::{collection::vec, prelude::*};
use std::collections::BTreeMap;
use store::{
    Limit, Range, Read, Table, Transaction, Write,
    memory::{Disk, SteppedStore},
};

const TABLES: [Table; 3] = [PEOPLE, LOG, OPEN];

/// All rows, by table and key.
type Model = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

/// One transaction of a script, without its sequence.
type Draft = (u16, Vec<(usize, u8, Option<Vec<u8>>)>, Vec<u8>);

fn draft() -> impl Strategy<Value = Draft> {
    let value = prop_oneof![3 => vec(any::<u8>(), 0..40).prop_map(Some), 1 => Just(None)];
    (0..PARTITIONS, vec((0..TABLES.len(), 0..12u8, value), 0..6), vec(any::<u8>(), 0..20))
}

/// Numbers the drafts of a script as their partitions would.
fn number(drafts: Vec<Draft>, sequences: &mut [u64]) -> Vec<Transaction> {
    let numbered = drafts.into_iter().map(|(partition, writes, note)| {
        let last = &mut sequences[usize::from(partition)];
        *last += 1;
        let write = |(table, key, value): (usize, u8, Option<Vec<u8>>)| Write {
            table: TABLES[table],
            key: vec![b'k', key],
            value,
        };
        let writes = writes.into_iter().map(write).collect();
        Transaction { partition, seq: *last, writes, note }
    });
    numbered.collect()
}

fn apply(model: &mut Model, transactions: &[Transaction]) {
    for write in transactions.iter().flat_map(|transaction| &transaction.writes) {
        let place = (write.table, write.key.clone());
        match &write.value {
            Some(value) => model.insert(place, value.clone()),
            None => model.remove(&place),
        };
    }
}

/// All rows of a store, read in small pages.
fn rows(read: &dyn Read) -> Model {
    let mut found = Model::new();
    for table in TABLES {
        let mut range = Some(Range::all());
        while let Some(current) = range {
            let page = read.scan(table, &current, Limit::rows(3)).expect("readable");
            found.extend(page.rows.into_iter().map(|(key, value)| ((table, key), value)));
            range = page.next.map(|key| current.resume(key));
        }
    }
    found
}

fn work(subject: &mut dyn Subject, script: &[(Vec<Draft>, bool)]) {
    let mut model = Model::new();
    let mut sequences = vec![0; usize::from(PARTITIONS)];
    for (drafts, restart) in script {
        let transactions = number(drafts.clone(), &mut sequences);
        apply(&mut model, &transactions);
        subject.submit(transactions).expect("taken");
        subject.settle();
        if *restart && let Some(recovered) = subject.restart() {
            assert_eq!(recovered.sequences, sequences);
        }
        assert_eq!(rows(subject.read()), model);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        failure_persistence: None,
            ..Default::default()
    })]

    #[test]
    fn every_store_holds_what_the_model_holds(
        script in vec((vec(draft(), 0..12), prop::bool::weighted(0.2)), 1..8),
    ) {
        on_each(|subject| work(subject, &script));
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 512,
        failure_persistence: None,
            ..Default::default()
    })]

    /// After a crash the rows are those of a prefix of the groups: at least all with a finished
    /// barrier, at most all that were staged, and never a part of one.
    #[test]
    fn a_crash_keeps_a_prefix_of_the_groups(
        script in vec((vec(draft(), 1..6), 0..4usize, 1..4usize), 1..10),
        seed in any::<u64>(),
    ) {
        let disk = Disk::new(&settings()).expect("good settings");
        let (mut store, _) = SteppedStore::open(disk, &settings()).expect("opens");
        let mut sequences = vec![0; usize::from(PARTITIONS)];
        let mut waiting = Vec::new();
        // The model after each staged group, the first one before any.
        let mut history = vec![Model::new()];
        let mut durable = 0;
        for (drafts, barriers, size) in script {
            let transactions = number(drafts, &mut sequences);
            waiting.extend(transactions.clone());
            store.submit(transactions).expect("taken");
            if store.stage_next_group(size).is_some() {
                let group: Vec<_> = waiting.drain(..size.min(waiting.len())).collect();
                let mut next = history.last().expect("never empty").clone();
                apply(&mut next, &group);
                history.push(next);
            }
            for _ in 0..barriers {
                durable += usize::from(store.barrier().is_some());
            }
            prop_assert_eq!(&rows(&store), &history[durable]);
        }
        let (store, recovered) = SteppedStore::open(store.crash(seed), &settings()).expect("opens");
        let kept = recovered.last_commit as usize;
        prop_assert!(kept >= durable && kept < history.len());
        prop_assert_eq!(&rows(&store), &history[kept]);
    }
}
