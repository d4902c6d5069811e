//! The stores under test behind one small face, so that each case is written once.

use std::{
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
    time::Duration,
};
use store::{
    Access, CommitError, Durable, DurableSink, Read, Recovered, Refused, Settings, Stall, Store,
    Table, TableSpec, Transaction, embedded,
    memory::{self, Disk, SteppedStore},
};

/// The first table of the tests: random access.
pub(crate) const PEOPLE: Table = Table(1);
/// The second: append only.
pub(crate) const LOG: Table = Table(2);
/// The third: short-lived rows.
pub(crate) const OPEN: Table = Table(3);

/// How long a test waits for another thread before it fails. Never reached when all is well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Partitions of the stores under test.
pub(crate) const PARTITIONS: u16 = 8;

/// Settings as the tests use them, with a clock that stands still: nothing may depend on it.
pub(crate) fn settings() -> Settings {
    let table = |name, access| TableSpec { name, access };
    let tables = vec![
        table("people", Access::Random),
        table("log", Access::Append),
        table("open", Access::Small),
    ];
    Settings::new(PARTITIONS, "xxh3-64", tables, Arc::new(|| Duration::ZERO))
}

/// What a sink hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Durable(Durable),
    Failed(CommitError),
    Stalled(Stall),
}

/// A sink that passes everything on to the test.
pub(crate) struct Ear(pub(crate) Sender<Heard>);

impl DurableSink for Ear {
    fn durable(&self, group: &Durable) {
        // The test may have ended its side: then nobody needs to know.
        let _ = self.0.send(Heard::Durable(group.clone()));
    }

    fn failed(&self, error: &CommitError) {
        let _ = self.0.send(Heard::Failed(error.clone()));
    }

    fn stalled(&self, stall: &Stall) {
        let _ = self.0.send(Heard::Stalled(*stall));
    }
}

/// A sink and the end at which it is heard.
pub(crate) fn ear() -> (Arc<Ear>, Receiver<Heard>) {
    let (sender, receiver) = mpsc::channel();
    (Arc::new(Ear(sender)), receiver)
}

/// A store under test.
pub(crate) trait Subject {
    fn submit(&mut self, transactions: Vec<Transaction>) -> Result<(), Refused>;
    /// Waits until everything submitted is durable; what the sink heard since the last time.
    fn settle(&mut self) -> Vec<Durable>;
    fn read(&self) -> &dyn Read;
    fn trim(&mut self, below: u64);
    /// Closes and opens again; `None` where nothing survives that.
    fn restart(&mut self) -> Option<Recovered>;
}

/// A store with its committer thread.
struct Threaded {
    store: Option<Store>,
    heard: Receiver<Heard>,
    pending: usize,
    /// The directory of an embedded store, removed at the end.
    directory: Option<tempfile::TempDir>,
}

impl Threaded {
    fn store(&self) -> &Store {
        self.store.as_ref().expect("open between restarts")
    }
}

impl Subject for Threaded {
    fn submit(&mut self, transactions: Vec<Transaction>) -> Result<(), Refused> {
        let count = transactions.len();
        self.store().submit(transactions)?;
        self.pending += count;
        Ok(())
    }

    fn settle(&mut self) -> Vec<Durable> {
        let mut groups = Vec::new();
        while self.pending > 0 {
            match self.heard.recv_timeout(PATIENCE).expect("the committer goes on") {
                Heard::Durable(group) => {
                    self.pending -= group.transactions;
                    groups.push(group);
                }
                other => panic!("unexpected {other:?}"),
            }
        }
        groups
    }

    fn read(&self) -> &dyn Read {
        self.store()
    }

    fn trim(&mut self, below: u64) {
        self.store().trim_groups(below);
    }

    fn restart(&mut self) -> Option<Recovered> {
        let options = embedded::Options::new(self.directory.as_ref()?.path());
        self.store.take()?.close();
        let (sink, heard) = ear();
        let (store, recovered) = embedded::open(&options, &settings(), sink).expect("reopens");
        self.store = Some(store);
        (self.heard, self.pending) = (heard, 0);
        Some(recovered)
    }
}

/// A store that is stepped by hand.
struct Stepped(Option<SteppedStore>);

impl Subject for Stepped {
    fn submit(&mut self, transactions: Vec<Transaction>) -> Result<(), Refused> {
        self.0.as_mut().expect("open").submit(transactions)
    }

    fn settle(&mut self) -> Vec<Durable> {
        let store = self.0.as_mut().expect("open");
        std::iter::from_fn(|| store.commit_next_group()).collect()
    }

    fn read(&self) -> &dyn Read {
        self.0.as_ref().expect("open")
    }

    fn trim(&mut self, below: u64) {
        self.0.as_mut().expect("open").trim_groups(below);
    }

    fn restart(&mut self) -> Option<Recovered> {
        let disk = self.0.take()?.crash(0);
        let (store, recovered) = SteppedStore::open(disk, &settings()).expect("reopens");
        self.0 = Some(store);
        Some(recovered)
    }
}

/// The three kinds of store, each new and empty.
pub(crate) fn subjects() -> Vec<(&'static str, Box<dyn Subject>)> {
    let (sink, heard) = ear();
    let (store, _) = memory::open(&settings(), sink).expect("opens");
    let in_memory = Threaded { store: Some(store), heard, pending: 0, directory: None };

    let directory = tempfile::tempdir().expect("a temporary directory");
    let (sink, heard) = ear();
    let options = embedded::Options::new(directory.path());
    let (store, _) = embedded::open(&options, &settings(), sink).expect("opens");
    let on_disk = Threaded { store: Some(store), heard, pending: 0, directory: Some(directory) };

    let disk = Disk::new(&settings()).expect("good settings");
    let (stepped, _) = SteppedStore::open(disk, &settings()).expect("opens");
    vec![
        ("memory", Box::new(in_memory)),
        ("embedded", Box::new(on_disk)),
        ("stepped", Box::new(Stepped(Some(stepped)))),
    ]
}

/// Runs a case over each kind of store, naming it when it fails.
pub(crate) fn on_each(case: impl Fn(&mut dyn Subject)) {
    for (name, mut subject) in subjects() {
        // Shown by the test runner only when the case fails.
        println!("store: {name}");
        case(&mut *subject);
    }
}
