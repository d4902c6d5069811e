//! What the store does when its backend fails, hangs or is slow: with backends made for it.

use super::subject::{Heard, PARTITIONS, PATIENCE, PEOPLE, ear, settings};
use std::{
    sync::{
        Arc, Barrier, Mutex,
        mpsc::{self, Receiver, Sender},
    },
    time::Duration,
};
use store::{
    Backend, Limit, Page, QUEUE_BYTES_MAX, QUEUE_TRANSACTIONS_MAX, Range, Read, ReadError, Reason,
    Row, Store, Table, Transaction, Usage, Visit, Write,
    memory::{self, MemoryBackend},
};

/// What a backend does with a commit beside storing it.
type Fault = Box<dyn Fn(u64) -> Result<(), String> + Send + Sync>;

/// The memory backend with a fault before each commit.
struct Faulty {
    inner: MemoryBackend,
    fault: Fault,
}

impl Read for Faulty {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        self.inner.get(table, key)
    }

    fn scan(&self, table: Table, range: &Range, limit: Limit) -> Result<Page, ReadError> {
        self.inner.scan(table, range, limit)
    }

    fn last(&self, table: Table, range: &Range) -> Result<Option<Row>, ReadError> {
        self.inner.last(table, range)
    }
}

impl Backend for Faulty {
    fn commit(&self, commit: u64, writes: Vec<Write>) -> Result<(), String> {
        (self.fault)(commit)?;
        self.inner.commit(commit, writes)
    }

    fn all_rows(&self, visit: &mut Visit<'_>) -> Result<(), ReadError> {
        self.inner.all_rows(visit)
    }

    fn usage(&self) -> Usage {
        self.inner.usage()
    }
}

fn open(stall_limit: Duration, fault: Fault) -> (Store, Receiver<Heard>) {
    let (sink, heard) = ear();
    let mut settings = settings();
    settings.stall_limit = stall_limit;
    let backend = Arc::new(Faulty { inner: MemoryBackend::new(4), fault });
    let (store, _) = memory::open_on(backend, &settings, sink).expect("opens");
    (store, heard)
}

/// A fault that holds every commit after the first (which creates the store) until the test lets
/// it go; the test learns which commit waits.
fn gate() -> (Fault, Receiver<u64>, Sender<()>) {
    let (arrived, arrivals) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let fault = move |commit| {
        if commit > 0 {
            // The test has gone when either end is closed: then nothing is held any more.
            let _ = arrived.send(commit);
            let _ = released.lock().expect("whole").recv();
        }
        Ok(())
    };
    (Box::new(fault), arrivals, release)
}

fn one(partition: u16, seq: u64) -> Transaction {
    let key = [&partition.to_be_bytes()[..], &seq.to_be_bytes()].concat();
    Transaction { partition, seq, writes: vec![Write::put(PEOPLE, key, "v")], note: vec![] }
}

fn hear(heard: &Receiver<Heard>) -> Heard {
    heard.recv_timeout(PATIENCE).expect("the store says something")
}

#[test]
fn a_failed_barrier_is_told_once_and_ends_everything() {
    let fault = |commit| {
        if commit == 3 { Err("the disk is gone".to_owned()) } else { Ok(()) }
    };
    let (store, heard) = open(PATIENCE, Box::new(fault));
    for seq in 1..=2 {
        store.submit(vec![one(0, seq)]).expect("taken");
        assert!(matches!(hear(&heard), Heard::Durable(group) if group.partitions == [(0, seq)]));
    }
    store.submit(vec![one(0, 3)]).expect("taken");
    let Heard::Failed(error) = hear(&heard) else { panic!("a failure is reported") };
    assert_eq!(error.to_string(), "commit 3 failed: the disk is gone");
    let refused = store.submit(vec![one(0, 4)]).expect_err("refused from now on");
    assert_eq!(refused.reason, Reason::Failed(error));
    assert_eq!(refused.transactions, [one(0, 4)]);
    store.close();
    assert!(store.get(PEOPLE, b"x").is_ok(), "reads still work");
    drop(store);
    assert_eq!(heard.try_iter().count(), 0, "nothing is reported after the failure");
}

#[test]
fn a_panicking_backend_fails_the_store() {
    let fault = |commit| {
        if commit == 1 { panic!("the engine has a bug") } else { Ok(()) }
    };
    let (store, _heard) = open(PATIENCE, Box::new(fault));
    store.submit(vec![one(0, 1)]).expect("taken");
    store.close();
    let refused = store.submit(vec![one(0, 2)]).expect_err("refused");
    assert!(matches!(refused.reason, Reason::Failed(_)), "{:?}", refused.reason);
}

#[test]
fn a_stalled_commit_is_reported_once_and_may_still_end_well() {
    let (fault, arrivals, release) = gate();
    let limit = Duration::from_millis(20);
    let (store, heard) = open(limit, fault);
    store.submit(vec![one(0, 1)]).expect("taken");
    assert_eq!(arrivals.recv_timeout(PATIENCE), Ok(1));
    let Heard::Stalled(stall) = hear(&heard) else { panic!("the stall is reported") };
    assert_eq!((stall.commit, stall.longer_than), (1, limit));
    assert_eq!(store.stats().stalls, 1);
    release.send(()).expect("the commit waits");
    assert!(matches!(hear(&heard), Heard::Durable(group) if group.commit == 1));
}

#[test]
fn what_arrives_during_a_barrier_is_one_group() {
    let (fault, arrivals, release) = gate();
    let (store, heard) = open(PATIENCE, fault);
    store.submit(vec![one(0, 1)]).expect("taken");
    assert_eq!(arrivals.recv_timeout(PATIENCE), Ok(1));
    for seq in 1..=20 {
        store.submit(vec![one(1, seq), one(2, seq)]).expect("taken");
    }
    assert_eq!(store.stats().queued_transactions, 40);
    assert_eq!(store.get(PEOPLE, &[0, 1, 0, 0, 0, 0, 0, 0, 0, 1]), Ok(None), "not yet durable");
    drop(release);
    assert!(matches!(hear(&heard), Heard::Durable(group) if group.transactions == 1));
    let Heard::Durable(group) = hear(&heard) else { panic!("a group") };
    assert_eq!((group.commit, group.transactions), (2, 40));
    assert_eq!(group.partitions, [(1, 20), (2, 20)]);
}

#[test]
fn the_queue_is_bounded_by_count_and_by_bytes() {
    let large = vec![7; 4 * 1024 * 1024];
    let sized = |seq: u64, value: &[u8]| Transaction {
        writes: vec![Write::put(PEOPLE, seq.to_be_bytes(), value)],
        ..one(1, seq)
    };
    let by_bytes = (QUEUE_BYTES_MAX / large.len()) as u64 - 1;
    for (value, fits) in [(&large[..], by_bytes), (b"", QUEUE_TRANSACTIONS_MAX as u64)] {
        let (fault, arrivals, release) = gate();
        let (store, heard) = open(PATIENCE, fault);
        store.submit(vec![one(0, 1)]).expect("taken");
        assert_eq!(arrivals.recv_timeout(PATIENCE), Ok(1), "the committer is busy");
        let batch: Vec<_> = (1..=fits).map(|seq| sized(seq, value)).collect();
        store.submit(batch).expect("fits");
        let refused = store.submit(vec![sized(fits + 1, value)]).expect_err("full");
        assert!(matches!(refused.reason, Reason::Full { .. }), "{}", refused.reason);
        assert_eq!(store.stats().refused_full, 1);
        drop(release);
        let mut durable = 0;
        while durable < fits + 1 {
            let Heard::Durable(group) = hear(&heard) else { panic!("only groups") };
            durable += group.transactions as u64;
        }
        store.submit(refused.transactions).expect("there is room again");
    }
}

#[test]
fn close_commits_what_waits() {
    let (store, heard) = open(PATIENCE, Box::new(|_| Ok(())));
    let batch: Vec<_> = (1..=2000).map(|seq| one(0, seq)).collect();
    store.submit(batch).expect("taken");
    store.close();
    let transactions = |heard: Heard| match heard {
        Heard::Durable(group) => group.transactions,
        other => panic!("unexpected {other:?}"),
    };
    assert_eq!(heard.try_iter().map(transactions).sum::<usize>(), 2000);
    let refused = store.submit(vec![one(0, 2001)]).expect_err("closed");
    assert_eq!(refused.reason, Reason::Closed);
    store.close();
}

#[test]
fn partitions_submit_at_once_and_each_stays_in_order() {
    let (store, heard) = open(PATIENCE, Box::new(|_| Ok(())));
    let start = Barrier::new(usize::from(PARTITIONS));
    std::thread::scope(|scope| {
        for partition in 0..PARTITIONS {
            let (store, start) = (&store, &start);
            scope.spawn(move || {
                start.wait();
                for seq in 1..=500 {
                    store.submit(vec![one(partition, seq)]).expect("taken");
                }
            });
        }
    });
    store.close();
    let mut last = vec![0; usize::from(PARTITIONS)];
    let mut commit = 0;
    for heard in heard.try_iter() {
        let Heard::Durable(group) = heard else { panic!("only groups") };
        assert_eq!(group.commit, commit + 1);
        commit = group.commit;
        for (partition, seq) in group.partitions {
            let last = &mut last[usize::from(partition)];
            assert!(seq > *last, "partition {partition} went back");
            *last = seq;
        }
    }
    assert_eq!(last, vec![500; usize::from(PARTITIONS)]);
}
