//! The store in files: one directory, one process, no other server.
//!
//! The directory holds the engine's files (`data/`) and four files of our own: the lock, the
//! format marker, the side file with the last durable commit, and, only while a store is being
//! created, a note of that. Opening refuses everything that it does not understand.

mod engine;
mod lock;
mod marker;
mod replaced;
mod side_file;
mod tuning;
mod write_out;

pub use tuning::Memory;

use crate::{
    backend::Backend,
    error::OpenError,
    open::Settings,
    recovery::{self, Recovered},
    sink::DurableSink,
    store::Store,
    table::{Table, TableSpec},
    transaction::Write,
};
use engine::Engine;
use lock::{DirectoryLock, LOCK_FILE};
use marker::Marker;
use side_file::SideFile;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    time::Duration,
};

/// Longest time that opening may take. A gigabyte of journals is replayed in seconds; the engine
/// has been seen to hang for ever on a damaged one.
pub const OPEN_LIMIT: Duration = Duration::from_secs(120);

/// Present while a store is being created: what lies beside it is not yet a store.
const CREATING_FILE: &str = "store.creating";

/// Rows of one commit while a store is restored: a megabyte or so.
const RESTORE_ROWS: usize = 2_000;

/// The engine's files.
const DATA_DIRECTORY: &str = "data";

/// Where and how the files are kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// The store's directory; created if missing, and must be empty for a new store.
    pub directory: PathBuf,
    /// Memory for buffers and cache.
    pub memory: Memory,
    /// Longest time that opening may take.
    pub open_limit: Duration,
    /// Open a store that lost durable commits (see [`OpenError::Truncated`]) as it is. Only for
    /// an operator who knows what is lost.
    pub accept_lost_commits: bool,
}

impl Options {
    /// The standard options for a directory.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Options {
            directory: directory.into(),
            memory: Memory::default(),
            open_limit: OPEN_LIMIT,
            accept_lost_commits: false,
        }
    }
}

/// Opens the store in a directory, or creates it there.
pub fn open(
    options: &Options,
    settings: &Settings,
    sink: Arc<dyn DurableSink>,
) -> Result<(Store, Recovered), OpenError> {
    settings.checked()?;
    let (sender, receiver) = mpsc::channel();
    let (given, fixed) = (options.clone(), settings.clone());
    // On a thread of its own, because a hanging engine can't be interrupted, only left behind.
    std::thread::Builder::new()
        .name("store-open".to_owned())
        .spawn(move || sender.send(open_backend(&given, &fixed)).is_ok())
        .map_err(OpenError::io("start a thread"))?;
    let (engine, recovered) = match receiver.recv_timeout(options.open_limit) {
        Ok(result) => result?,
        Err(mpsc::RecvTimeoutError::Timeout) => {
            return Err(OpenError::Stalled { limit: options.open_limit });
        }
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            return Err(OpenError::Corrupt("the storage engine gave up on its files".to_owned()));
        }
    };
    let store = Store::start(Arc::new(engine), settings, &recovered, sink)?;
    Ok((store, recovered))
}

/// The last durable commit that the side file of a closed store names: for diagnosis and tests.
pub fn noted_commit(directory: &Path) -> Result<u64, OpenError> {
    SideFile::open(directory).map(|(_, commit)| commit)
}

fn open_backend(options: &Options, settings: &Settings) -> Result<(Engine, Recovered), OpenError> {
    let directory = &options.directory;
    let tables = settings.checked()?;
    fs::create_dir_all(directory)
        .map_err(OpenError::io(format!("create {}", directory.display())))?;
    refuse_foreign(directory)?;
    let lock = DirectoryLock::acquire(directory)?;
    let marker = Marker::of(settings, &tables);
    let created = !Marker::exists(directory)?;
    if created {
        create(options, &tables, &marker, |engine| {
            recovery::create(engine, tables.len(), settings.partitions)
        })?;
    } else {
        marker.check(directory)?;
        remove_if_there(&directory.join(CREATING_FILE))?;
    }
    let (side_file, noted) = SideFile::open(directory)?;
    let data = directory.join(DATA_DIRECTORY);
    if !data.is_dir() {
        return Err(OpenError::Corrupt(format!("{DATA_DIRECTORY} is missing")));
    }
    let engine = Engine::open(&data, &tables, &options.memory, side_file, lock)?;
    let mut recovered = recovery::recover(&engine, settings.partitions)?;
    recovered.created = created;
    let found = recovered.last_commit;
    if noted > found {
        if !options.accept_lost_commits {
            return Err(OpenError::Truncated { expected: noted, found });
        }
        tracing::warn!(noted, found, "lost commits were accepted");
    }
    if noted != found {
        // Also upwards: a kill between barrier and note must not leave the guard behind.
        engine.side_file().reset(found).map_err(OpenError::io("write the side file"))?;
    }
    Ok((engine, recovered))
}

/// Refuses a directory that holds something else than a store.
fn refuse_foreign(directory: &Path) -> Result<(), OpenError> {
    if Marker::exists(directory)? || directory.join(CREATING_FILE).exists() {
        return Ok(());
    }
    let io = || OpenError::io(format!("list {}", directory.display()));
    for entry in fs::read_dir(directory).map_err(io())? {
        if entry.map_err(io())?.file_name() != LOCK_FILE {
            return Err(OpenError::NotAStore { directory: directory.to_owned() });
        }
    }
    Ok(())
}

/// Makes a store of the rows of another one ([`Store::all_rows`]), with its settings. The
/// directory must be empty or not exist. A store that was cut short, or whose rows do not belong
/// together, is none: it can be made again.
pub fn restore(
    options: &Options,
    settings: &Settings,
    rows: impl Iterator<Item = Result<(Table, Vec<u8>, Vec<u8>), OpenError>>,
) -> Result<Recovered, OpenError> {
    let directory = &options.directory;
    let tables = settings.checked()?;
    fs::create_dir_all(directory)
        .map_err(OpenError::io(format!("create {}", directory.display())))?;
    if Marker::exists(directory)? {
        return Err(OpenError::NotEmpty { directory: directory.clone() });
    }
    refuse_foreign(directory)?;
    let _lock = DirectoryLock::acquire(directory)?;
    let marker = Marker::of(settings, &tables);
    create(options, &tables, &marker, |engine| {
        let mut group = Vec::new();
        for row in rows {
            let (table, key, value) = row?;
            if table.index() >= tables.len() {
                return Err(OpenError::Corrupt(format!("a row of unknown table {}", table.0)));
            }
            group.push(Write::put(table, key, value));
            if group.len() == RESTORE_ROWS {
                engine.commit(0, std::mem::take(&mut group)).map_err(OpenError::Engine)?;
            }
        }
        engine.commit(0, group).map_err(OpenError::Engine)?;
        let recovered = recovery::recover(engine, settings.partitions)?;
        let last = recovered.last_commit;
        engine.side_file().reset(last).map_err(OpenError::io("write the side file"))?;
        engine.close().map_err(OpenError::Engine)?;
        Ok(recovered)
    })
}

/// Creates the files and fills them. The marker comes last: a store whose creation was cut short
/// has none, and is created anew.
fn create<T>(
    options: &Options,
    tables: &[TableSpec],
    marker: &Marker,
    fill: impl FnOnce(&Engine) -> Result<T, OpenError>,
) -> Result<T, OpenError> {
    let directory = &options.directory;
    let note = directory.join(CREATING_FILE);
    fs::write(&note, b"").map_err(OpenError::io(format!("write {}", note.display())))?;
    marker::sync_directory(directory)?;
    let data = directory.join(DATA_DIRECTORY);
    if data.exists() {
        fs::remove_dir_all(&data).map_err(OpenError::io(format!("clear {}", data.display())))?;
    }
    SideFile::create(directory)?;
    let (side_file, _) = SideFile::open(directory)?;
    let engine = Engine::create(&data, tables, &options.memory, side_file)?;
    let filled = fill(&engine)?;
    drop(engine);
    marker.write(directory)?;
    remove_if_there(&note)?;
    Ok(filled)
}

fn remove_if_there(path: &Path) -> Result<(), OpenError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(OpenError::io(format!("remove {}", path.display()))(error))
        }
        _ => Ok(()),
    }
}
