//! Holds what the engine is about to replace, so that it is removed outside of the engine's locks.
//!
//! The engine forgets merged files, written buffers and old journals while it holds the locks that
//! every read and every commit needs. Who forgets last, removes: for a file of 64 MB that takes
//! 20 to 80 ms, for which all would wait. Held here a little longer than by the engine, they are
//! removed by this thread, for which nobody waits.

use fjall::{AbstractTree, Keyspace};
use std::{
    any::Any,
    collections::VecDeque,
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
};

/// What was replaced before so many hand-overs of full buffers is certainly free of the engine:
/// with each of them it forgets what no reader needs.
const HAND_OVERS: u64 = 2;

/// A table's files at one time.
struct Version {
    id: u64,
    /// Hand-overs that there were when it was first seen.
    seen: u64,
    /// Its files are removed with the last holder.
    _files: Box<dyn Any + Send>,
}

pub(super) struct Replaced<'a> {
    data: &'a Path,
    hand_overs: u64,
    /// Of each table, the oldest first; the last one is in use.
    versions: Vec<VecDeque<Version>>,
    /// Write buffers, in use or being written out.
    buffers: Vec<Arc<dyn Any + Send + Sync>>,
    /// Journals. A removed file's space is freed when it is closed.
    journals: Vec<(PathBuf, File)>,
}

impl<'a> Replaced<'a> {
    pub(super) fn new(data: &'a Path) -> Self {
        Replaced {
            data,
            hand_overs: 0,
            versions: Vec::new(),
            buffers: Vec::new(),
            journals: Vec::new(),
        }
    }

    /// A full buffer was handed over.
    pub(super) fn tidied(&mut self) {
        self.hand_overs += 1;
    }

    /// Holds what is in use now, lets go of what the engine has forgotten.
    pub(super) fn look<'k>(&mut self, keyspaces: impl Iterator<Item = &'k Keyspace>) {
        for (at, keyspace) in keyspaces.enumerate() {
            if at == self.versions.len() {
                self.versions.push(VecDeque::new());
            }
            self.look_at_files(at, keyspace);
            let active: Arc<dyn Any + Send + Sync> = keyspace.tree.active_memtable();
            if !self.buffers.iter().any(|held| Arc::ptr_eq(held, &active)) {
                self.buffers.push(active);
            }
        }
        self.buffers.retain(|held| Arc::strong_count(held) > 1);
        self.look_at_journals();
    }

    /// Lets go of all, also of what is in use.
    pub(super) fn let_go(&mut self) {
        self.versions.clear();
        self.buffers.clear();
        self.journals.clear();
    }

    fn look_at_files(&mut self, table: usize, keyspace: &Keyspace) {
        let version = keyspace.tree.current_version();
        let (id, seen, versions) = (version.id(), self.hand_overs, &mut self.versions[table]);
        if versions.back().is_none_or(|last| last.id != id) {
            versions.push_back(Version { id, seen, _files: Box::new(version) });
        }
        // A version was replaced when the next one was seen.
        while versions.get(1).is_some_and(|next| next.seen + HAND_OVERS <= seen) {
            versions.pop_front();
        }
    }

    /// A journal that cannot be listed or opened is removed by the engine, as without us.
    fn look_at_journals(&mut self) {
        self.journals.retain(|(path, _)| path.exists());
        for entry in fs::read_dir(self.data).into_iter().flatten().flatten() {
            let path = entry.path();
            let held = self.journals.iter().any(|(held, _)| *held == path);
            if held || path.extension().is_none_or(|extension| extension != "jnl") {
                continue;
            }
            self.journals.extend(File::open(&path).map(|file| (path, file)));
        }
    }
}
