//! What every store must do, whatever it is kept in.

use super::subject::{LOG, OPEN, PARTITIONS, PEOPLE, Subject, on_each};
use store::{
    GROUP_BYTES_MAX, GROUP_TRANSACTIONS_MAX, GroupRow, HEARTBEAT_COMMITS, Limit, Range, Read,
    Reason, TRANSACTION_BYTES_MAX, Table, Transaction, Write, group_key,
};

/// A transaction of partition 0 with these writes, noted by its sequence.
fn of(seq: u64, writes: Vec<Write>) -> Transaction {
    Transaction { partition: 0, seq, writes, note: seq.to_string().into_bytes() }
}

fn put(key: &str, value: &str) -> Write {
    Write::put(PEOPLE, key, value)
}

/// The keys of a page, joined, and where it goes on.
fn keys(read: &dyn Read, range: Range, limit: Limit) -> String {
    let page = read.scan(PEOPLE, &range, limit).expect("readable");
    let keys: Vec<_> = page.rows.iter().map(|(key, _)| String::from_utf8_lossy(key)).collect();
    let next = page.next.map(|key| format!(" then {}", String::from_utf8_lossy(&key)));
    keys.join(" ") + &next.unwrap_or_default()
}

fn fill(subject: &mut dyn Subject) {
    let rows = ["a", "b1", "b2", "b3", "c", "\u{7f}z"];
    let writes = rows.iter().map(|key| put(key, key)).collect();
    subject.submit(vec![of(1, writes)]).expect("taken");
    subject.settle();
}

#[test]
fn rows_are_read_back_after_they_are_durable() {
    on_each(|subject| {
        fill(subject);
        let read = subject.read();
        assert_eq!(read.get(PEOPLE, b"b2"), Ok(Some(b"b2".to_vec())));
        assert_eq!(read.get(PEOPLE, b"b"), Ok(None));
        assert_eq!(read.get(LOG, b"b2"), Ok(None));
        let many = read.get_many(PEOPLE, &[b"c", b"x", b"a"]).expect("readable");
        assert_eq!(many, [Some(b"c".to_vec()), None, Some(b"a".to_vec())]);
        assert!(read.get(Table(9), b"a").is_err());
    });
}

#[test]
fn pages_follow_the_keys() {
    let until = |from: &str, until: &str| Range {
        from: from.as_bytes().to_vec(),
        until: Some(until.as_bytes().to_vec()),
    };
    let cases = [
        (Range::all(), 10, usize::MAX, "a b1 b2 b3 c \u{7f}z"),
        (Range::all(), 2, usize::MAX, "a b1 then b2"),
        (Range::all(), 0, usize::MAX, "a then b1"),
        (Range::all(), 10, 0, "a then b1"),
        (Range::all(), 10, 4, "a b1 then b2"),
        (Range::prefix("b"), 10, usize::MAX, "b1 b2 b3"),
        (Range::prefix("b"), 3, usize::MAX, "b1 b2 b3"),
        (Range::prefix("x"), 10, usize::MAX, ""),
        (Range::from("b3"), 10, usize::MAX, "b3 c \u{7f}z"),
        (until("b1", "b3"), 10, usize::MAX, "b1 b2"),
        (until("b1", "b1"), 10, usize::MAX, ""),
        (until("c", "a"), 10, usize::MAX, ""),
        (Range::from([0xff; 20]), 10, usize::MAX, ""),
        (Range::prefix([0xff, 0xff]), 10, usize::MAX, ""),
    ];
    on_each(|subject| {
        fill(subject);
        for (range, rows, bytes, expected) in &cases {
            let found = keys(subject.read(), range.clone(), Limit { rows: *rows, bytes: *bytes });
            assert_eq!(found, *expected, "{range:?} {rows} {bytes}");
        }
        let page = subject.read().scan(PEOPLE, &Range::all(), Limit::rows(2)).expect("readable");
        let rest = Range::all().resume(page.next.expect("more"));
        assert_eq!(keys(subject.read(), rest, Limit::rows(9)), "b2 b3 c \u{7f}z");
    });
}

#[test]
fn the_last_row_of_a_range_is_found() {
    let cases = [
        (Range::all(), Some("\u{7f}z")),
        (Range::prefix("b"), Some("b3")),
        (Range::prefix("x"), None),
        (Range { from: b"a".to_vec(), until: Some(b"b3".to_vec()) }, Some("b2")),
        (Range::from([0xff; 20]), None),
    ];
    on_each(|subject| {
        fill(subject);
        for (range, expected) in &cases {
            let last = subject.read().last(PEOPLE, range).expect("readable");
            let key = last.map(|(key, _)| String::from_utf8_lossy(&key).into_owned());
            assert_eq!(key.as_deref(), *expected, "{range:?}");
        }
    });
}

#[test]
fn the_last_write_to_a_key_holds() {
    on_each(|subject| {
        let first = of(1, vec![put("k", "1"), put("k", "2"), put("gone", "x"), put("back", "x")]);
        let delete = |key: &str| Write::delete(PEOPLE, key);
        let second = of(2, vec![put("k", "3"), delete("gone"), delete("back"), delete("never")]);
        let third = of(3, vec![put("back", "y"), Write::put(OPEN, "k", "other table")]);
        subject.submit(vec![first, second, third]).expect("taken");
        subject.settle();
        let read = subject.read();
        assert_eq!(read.get(PEOPLE, b"k"), Ok(Some(b"3".to_vec())));
        assert_eq!(read.get(PEOPLE, b"gone"), Ok(None));
        assert_eq!(read.get(PEOPLE, b"back"), Ok(Some(b"y".to_vec())));
        assert_eq!(read.get(OPEN, b"k"), Ok(Some(b"other table".to_vec())));
        assert_eq!(keys(read, Range::all(), Limit::rows(9)), "back k");
    });
}

#[test]
fn each_group_leaves_one_row_with_the_notes_of_its_transactions() {
    on_each(|subject| {
        let noted = |partition, seq, note: &str| Transaction {
            partition,
            seq,
            writes: vec![put(&seq.to_string(), note)],
            note: note.as_bytes().to_vec(),
        };
        subject.submit(vec![noted(3, 1, "x"), noted(0, 1, "y"), noted(3, 2, "")]).expect("taken");
        let mut heard = subject.settle();
        subject.submit(vec![noted(3, 3, "z")]).expect("taken");
        heard.extend(subject.settle());

        let rows = subject.read().scan(Table::GROUPS, &Range::all(), Limit::rows(100));
        let rows = rows.expect("readable").rows;
        assert_eq!(rows.len(), heard.len());
        let mut entries = Vec::new();
        for (at, ((key, value), group)) in rows.iter().zip(&heard).enumerate() {
            assert_eq!(group.commit, at as u64 + 1);
            assert_eq!(key[..], group_key(group.commit));
            let found = GroupRow::decode(value).expect("decodes");
            assert_eq!(found.len(), group.transactions);
            entries.extend(found.iter().map(|e| (e.partition, e.seq, e.note.to_vec())));
        }
        let expected = [(3, 1, "x"), (0, 1, "y"), (3, 2, ""), (3, 3, "z")];
        let expected = expected.map(|(p, seq, note): (u16, u64, &str)| (p, seq, note.into()));
        assert_eq!(entries, expected);
        assert_eq!(heard.last().expect("a group").partitions, [(3, 3)]);
    });
}

#[test]
fn what_cannot_be_taken_is_handed_back_whole() {
    let good = || of(1, vec![put("k", "v")]);
    let with = |write: Write| of(2, vec![write]);
    let big = vec![0; TRANSACTION_BYTES_MAX];
    let out = |partition, expected, got| Reason::OutOfSequence { partition, expected, got };
    let cases: Vec<(Vec<Transaction>, Reason)> = vec![
        (vec![of(2, vec![])], out(0, 1, 2)),
        (vec![good(), of(1, vec![])], out(0, 2, 1)),
        (vec![good(), of(3, vec![])], out(0, 2, 3)),
        (
            vec![good(), Transaction { partition: PARTITIONS, ..of(1, vec![]) }],
            Reason::UnknownPartition(PARTITIONS),
        ),
        (vec![good(), with(Write::put(Table(4), "k", "v"))], Reason::UnknownTable(4)),
        (vec![good(), with(Write::put(Table::GROUPS, "k", "v"))], Reason::UnknownTable(0)),
        (vec![good(), with(Write::put(PEOPLE, "", "v"))], Reason::BadKey(0)),
        (vec![good(), with(Write::put(PEOPLE, [0xff; 17], "v"))], Reason::BadKey(17)),
        (vec![good(), with(Write::delete(PEOPLE, [0; 1025]))], Reason::BadKey(1025)),
        (
            vec![good(), with(Write::put(PEOPLE, "k", big))],
            // Two overheads, the key, and the note that `of` gives.
            Reason::TooLarge {
                bytes: TRANSACTION_BYTES_MAX + 16 + 16 + 1 + 1,
                limit: TRANSACTION_BYTES_MAX,
            },
        ),
    ];
    on_each(|subject| {
        for (batch, reason) in &cases {
            let refused = subject.submit(batch.clone()).expect_err("refused");
            assert_eq!(&refused.reason, reason);
            assert_eq!(&refused.transactions, batch);
        }
        // Nothing of the refused batches counts: the first sequence is still 1.
        subject.submit(vec![good()]).expect("taken");
        assert_eq!(subject.settle().len(), 1);
        assert_eq!(keys(subject.read(), Range::all(), Limit::rows(9)), "k");
    });
}

#[test]
fn groups_stay_within_their_limits() {
    on_each(|subject| {
        let small = GROUP_TRANSACTIONS_MAX as u64 * 2 + 100;
        let mut batch: Vec<_> = (1..=small).map(|seq| of(seq, vec![])).collect();
        let large = GROUP_BYTES_MAX / 3;
        batch.extend(
            (small + 1..small + 9)
                .map(|seq| of(seq, vec![Write::put(LOG, seq.to_be_bytes(), vec![1; large])])),
        );
        let huge = vec![2; GROUP_BYTES_MAX * 3];
        batch.push(of(small + 9, vec![Write::put(LOG, "huge", huge.clone())]));
        let all = batch.len();
        subject.submit(batch).expect("taken");
        let groups = subject.settle();
        assert_eq!(groups.iter().map(|group| group.transactions).sum::<usize>(), all);
        for group in &groups {
            assert!(group.transactions <= GROUP_TRANSACTIONS_MAX, "{group:?}");
            let alone = group.transactions == 1;
            // The group's own row comes on top of what the limit counts.
            assert!(alone || group.bytes <= GROUP_BYTES_MAX + 16 * 1024, "{group:?}");
        }
        assert_eq!(subject.read().get(LOG, b"huge"), Ok(Some(huge)));
    });
}

#[test]
fn what_was_durable_is_there_after_a_restart() {
    on_each(|subject| {
        fill(subject);
        let other = |seq| Transaction { partition: 5, ..of(seq, vec![put("five", "5")]) };
        subject.submit(vec![other(1), other(2)]).expect("taken");
        subject.settle();
        let before = keys(subject.read(), Range::all(), Limit::rows(99));
        let Some(recovered) = subject.restart() else {
            return;
        };
        assert!(!recovered.created);
        assert_eq!(recovered.sequences, [1, 0, 0, 0, 0, 2, 0, 0]);
        assert_eq!(recovered.oldest_group, 1);
        assert_eq!(keys(subject.read(), Range::all(), Limit::rows(99)), before);

        let refused = subject.submit(vec![of(1, vec![])]).expect_err("an old sequence");
        assert_eq!(refused.reason, Reason::OutOfSequence { partition: 0, expected: 2, got: 1 });
        subject.submit(vec![of(2, vec![put("more", "m")])]).expect("taken");
        assert_eq!(subject.settle()[0].commit, recovered.last_commit + 1);
    });
}

#[test]
fn heartbeats_carry_the_sequences_over_trimmed_groups() {
    on_each(|subject| {
        let commits = HEARTBEAT_COMMITS + 10;
        for seq in 1..=commits {
            subject.submit(vec![of(seq, vec![])]).expect("taken");
            subject.settle();
        }
        subject.trim(commits - 5);
        let mut seq = commits;
        // Trimming takes a few rows with each commit.
        for _ in 0..40 {
            seq += 1;
            subject.submit(vec![of(seq, vec![])]).expect("taken");
            subject.settle();
        }
        let first = subject.read().scan(Table::GROUPS, &Range::all(), Limit::rows(1));
        assert_eq!(first.expect("readable").rows[0].0[..], group_key(commits - 5));
        let Some(recovered) = subject.restart() else {
            return;
        };
        assert_eq!(recovered.sequences[0], seq);
        assert_eq!(recovered.last_commit, seq);
        assert_eq!(recovered.oldest_group, commits - 5);
        assert_eq!(keys(subject.read(), Range::all(), Limit::rows(9)), "", "heartbeats are hidden");
    });
}

#[test]
fn trimming_everything_keeps_the_last_group_row() {
    on_each(|subject| {
        for seq in 1..=5 {
            subject.trim(u64::MAX);
            subject.submit(vec![of(seq, vec![])]).expect("taken");
            subject.settle();
        }
        let rows = subject.read().scan(Table::GROUPS, &Range::all(), Limit::rows(9));
        let rows = rows.expect("readable").rows;
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].0[..], group_key(5));
        let Some(recovered) = subject.restart() else {
            return;
        };
        assert_eq!((recovered.last_commit, recovered.sequences[0]), (5, 5));
    });
}
