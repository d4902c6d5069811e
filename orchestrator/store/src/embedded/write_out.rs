//! Hands full write buffers to the engine's background, on a thread of its own.
//!
//! The engine would ask its background threads for this with every commit; while one of them
//! merges, the questions fill its queue of 1,000, and the thread that then wants to add to its
//! own queue waits for ever: nothing is written out any more, buffers and journals grow without
//! end. So we ask, once for each full buffer. The call cleans up besides, for which no commit
//! should wait: see [`Replaced`].

use super::replaced::Replaced;
use fjall::{AbstractTree, Keyspace};
use std::{
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread::JoinHandle,
    time::Duration,
};

/// How often the thread looks what the engine is about to replace, while there are commits.
const LOOK: Duration = Duration::from_millis(100);
/// So many looks after the last commit it lets everything go and sleeps: five seconds, in which
/// the merges that the last commits caused have mostly ended.
const IDLE_LOOKS: u32 = 50;

/// A table's write buffer, and when it is full.
struct Buffer {
    keyspace: Keyspace,
    bytes_max: u64,
    /// It was asked for and is not handed over yet.
    asked: AtomicBool,
}

/// What the committer and the thread share.
struct Shared {
    data: PathBuf,
    buffers: Vec<Buffer>,
    /// There was a commit since the last look.
    committed: AtomicBool,
    failed: OnceLock<fjall::Error>,
}

/// The committer tells the thread.
enum Told {
    /// The buffer with this index is full.
    Full(usize),
    /// There are commits again.
    Wake,
}

/// The thread. It ends when this is dropped.
pub(super) struct WriteOut {
    shared: Arc<Shared>,
    asleep: Arc<AtomicBool>,
    sender: Option<mpsc::Sender<Told>>,
    thread: Option<JoinHandle<()>>,
}

impl WriteOut {
    /// Starts it for tables and the sizes at which their buffers are full, in bytes. `data` is
    /// where the engine has its journals.
    pub(super) fn start(data: PathBuf, tables: Vec<(Keyspace, u64)>) -> std::io::Result<Self> {
        let buffer = |(keyspace, bytes_max)| Buffer { keyspace, bytes_max, asked: false.into() };
        let buffers = tables.into_iter().map(buffer).collect();
        let (committed, failed) = (AtomicBool::default(), OnceLock::new());
        let shared = Arc::new(Shared { data, buffers, committed, failed });
        let asleep = Arc::new(AtomicBool::new(false));
        let (sender, receiver) = mpsc::channel();
        let (given, sleeps) = (shared.clone(), asleep.clone());
        let thread = std::thread::Builder::new()
            .name("store-write-out".to_owned())
            .spawn(move || run(&given, &sleeps, &receiver))?;
        Ok(WriteOut { shared, asleep, sender: Some(sender), thread: Some(thread) })
    }

    /// After a commit: asks for those of the tables that it touched, given as bits, which are
    /// full now. An error is that of an earlier request.
    pub(super) fn committed(&self, tables: u8) -> Result<(), &fjall::Error> {
        self.shared.committed.store(true, Ordering::Release);
        if self.asleep.swap(false, Ordering::AcqRel) {
            self.tell(Told::Wake);
        }
        for (table, buffer) in self.shared.buffers.iter().enumerate() {
            let touched = tables & (1 << table) != 0;
            let full = || buffer.keyspace.tree.active_memtable().size() > buffer.bytes_max;
            if touched && full() && !buffer.asked.swap(true, Ordering::AcqRel) {
                self.tell(Told::Full(table));
            }
        }
        self.shared.failed.get().map_or(Ok(()), Err)
    }

    fn tell(&self, told: Told) {
        // A thread that has ended has left its reason.
        let _ended = self.sender.as_ref().map(|sender| sender.send(told));
    }
}

fn run(shared: &Shared, asleep: &AtomicBool, receiver: &mpsc::Receiver<Told>) {
    let mut replaced = Replaced::new(&shared.data);
    let mut idle = 0;
    loop {
        let told = if idle < IDLE_LOOKS {
            receiver.recv_timeout(LOOK)
        } else {
            replaced.let_go();
            asleep.store(true, Ordering::Release);
            receiver.recv().map_err(RecvTimeoutError::from)
        };
        idle = if shared.committed.swap(false, Ordering::AcqRel) { 0 } else { idle + 1 };
        let full = match told {
            Ok(Told::Full(table)) => shared.buffers.get(table),
            Ok(Told::Wake) | Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        replaced.look(shared.buffers.iter().map(|buffer| &buffer.keyspace));
        let Some(buffer) = full else { continue };
        if let Err(error) = buffer.keyspace.rotate_memtable() {
            // Only this thread sets it, and ends.
            drop(shared.failed.set(error));
            return;
        }
        buffer.asked.store(false, Ordering::Release);
        replaced.tidied();
    }
}

impl Drop for WriteOut {
    fn drop(&mut self) {
        drop(self.sender.take());
        if let Some(thread) = self.thread.take() {
            // Only a panic inside the engine ends it otherwise, and ends the process.
            drop(thread.join());
        }
    }
}
