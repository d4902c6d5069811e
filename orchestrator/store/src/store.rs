//! The handle: submit, read, look at the counters, close.

use crate::{
    backend::{Backend, Usage, Visit},
    committer::{self, Shared},
    error::{OpenError, ReadError, Reason, Refused},
    group::Former,
    open::Settings,
    queue::{Intake, Queue},
    read::{Limit, Page, Range, Read, Row},
    recovery::Recovered,
    sink::DurableSink,
    stats::{Counters, Stats},
    table::Table,
    transaction::Transaction,
    watchdog::{self, Leash},
};
use std::{
    fmt,
    sync::{Arc, Condvar, Mutex, PoisonError, atomic::AtomicU64, atomic::Ordering},
    thread::{Builder, JoinHandle},
};

/// An open store. Clones share it. Dropping the last one closes it as [`Store::close`] does.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    leash: Arc<Leash>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl Store {
    /// Starts the committer and the watchdog over a backend that has been recovered. The sink
    /// must not own a clone of the store.
    pub(crate) fn start(
        backend: Arc<dyn Backend>,
        settings: &Settings,
        recovered: &Recovered,
        sink: Arc<dyn DurableSink>,
    ) -> Result<Self, OpenError> {
        let tables = settings.checked()?.len();
        let shared = Arc::new(Shared {
            backend,
            queue: Mutex::new(Queue::new(tables, recovered.sequences.clone())),
            arrived: Condvar::new(),
            counters: Counters::starting_at(recovered.last_commit),
            trim_below: AtomicU64::new(0),
            under_way: AtomicU64::new(0),
        });
        let leash = Arc::new(Leash::default());
        let former = Former::new(tables, recovered);
        let committer = Builder::new().name("store-committer".to_owned()).spawn({
            let (shared, sink) = (shared.clone(), sink.clone());
            let monotonic = settings.monotonic.clone();
            move || committer::run(&shared, former, &*sink, &monotonic)
        });
        let watchdog = Builder::new().name("store-watchdog".to_owned()).spawn({
            let (shared, leash, limit) = (shared.clone(), leash.clone(), settings.stall_limit);
            move || watchdog::run(&shared, &leash, &*sink, limit)
        });
        let io = || OpenError::io("start the store's threads");
        let threads = Mutex::new(Vec::new());
        let store = Store { inner: Arc::new(Inner { shared, leash, threads }) };
        for thread in [committer, watchdog] {
            let handle = thread.map_err(io())?;
            store.inner.threads.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
        }
        Ok(store)
    }

    /// Hands transactions to the committer, in this order, all or none. Returns at once; the
    /// sink hears when they are durable. Never blocks for longer than a queue operation. A batch
    /// over the queue's own limits can never be taken: hand it over in parts.
    pub fn submit(&self, transactions: Vec<Transaction>) -> Result<(), Refused> {
        if transactions.is_empty() {
            return Ok(());
        }
        let shared = &self.inner.shared;
        let pushed = shared.queue().push(transactions);
        match pushed {
            Ok(()) => {
                shared.arrived.notify_one();
                Ok(())
            }
            Err((reason, transactions)) => {
                if matches!(reason, Reason::Full { .. }) {
                    shared.counters.refused_full();
                }
                Err(Refused { reason, transactions })
            }
        }
    }

    /// Allows the deletion of group rows below `commit`: what they noted is kept elsewhere (a
    /// snapshot) and durable. They go a few at a time with later commits. Never goes back.
    pub fn trim_groups(&self, commit: u64) {
        self.inner.shared.trim_below.fetch_max(commit, Ordering::Relaxed);
    }

    /// Shows every row, the store's own included, as of one commit: what a backup keeps and
    /// [`embedded::restore`](crate::embedded::restore) takes. Commits go on meanwhile.
    pub fn all_rows(&self, visit: &mut Visit<'_>) -> Result<(), ReadError> {
        self.inner.shared.backend.all_rows(visit)
    }

    /// Counters since open.
    pub fn stats(&self) -> Stats {
        let queued = self.inner.shared.queue().depth();
        self.inner.shared.counters.read(queued)
    }

    /// What the store occupies. Walks file tables: for metrics, not for every request.
    pub fn usage(&self) -> Usage {
        self.inner.shared.backend.usage()
    }

    /// Takes nothing more in, commits what waits, tells the sink, and returns when all of it is
    /// done. Later submits are refused; reads still work.
    pub fn close(&self) {
        self.inner.close();
    }
}

impl Inner {
    fn close(&self) {
        {
            let mut queue = self.shared.queue();
            if queue.intake == Intake::Open {
                queue.intake = Intake::Closed;
            }
        }
        self.shared.arrived.notify_all();
        self.leash.end();
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let joined = !threads.is_empty();
        for thread in threads.drain(..) {
            // The sink may hold the last handle: a thread can't wait for itself.
            if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
                tracing::error!("a thread of the store panicked");
            }
        }
        if joined && let Err(reason) = self.shared.backend.close() {
            tracing::error!(%reason, "the store did not close cleanly");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

impl Read for Store {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        self.inner.shared.backend.get(table, key)
    }

    fn get_many(&self, table: Table, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, ReadError> {
        self.inner.shared.backend.get_many(table, keys)
    }

    fn scan(&self, table: Table, range: &Range, limit: Limit) -> Result<Page, ReadError> {
        self.inner.shared.backend.scan(table, range, limit)
    }

    fn last(&self, table: Table, range: &Range) -> Result<Option<Row>, ReadError> {
        self.inner.shared.backend.last(table, range)
    }
}
