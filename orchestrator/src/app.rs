//! The one composition root: opens the store, recovers the partitions, starts the actors, and ends
//! them in order.

mod parts;
mod sink;

use std::collections::HashMap;
use std::fs::DirBuilder;
use std::io;
use std::num::NonZeroUsize;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use channels::Channel;
use domain::ids::ChannelName;
use domain::time::Instant;
use engine::Catalog;
use engine::partition::Snapshot;
use runtime::credits::PARTITION_CREDITS;
use runtime::{Arbiters, Clock};
use store::{OpenError, Read, Store};
use tokio::sync::{mpsc, watch};

use self::parts::{Parts, Start};
use self::sink::Sink;
use crate::actors::audience::{AudienceActor, EXPORTS_WAITING_MAX, ExportNow};
use crate::actors::channel::Render;
use crate::actors::contact_policy::RETRIES_BATCH_MAX;
use crate::actors::core::Ack;
use crate::actors::ingest::{Directory, LateDirectory};
use crate::actors::partition::Snapshots;
use crate::actors::{PartitionMsg, Published};
use crate::publish::{self, Publication};
use crate::recovery::{self, RecoverError};
use crate::rows;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::trace::Tracer;

/// Name of the hash that places customers in partitions, kept with the store.
pub const PARTITION_HASH: &str = "xxh3-128";
/// Where the store is in a data directory.
pub const STORE: &str = "store";
/// Where audiences are exported to in a data directory, beside the store, unless they say where
/// else.
pub const EXPORTS: &str = "audiences";
/// Work that may wait in front of one partition: at 64 partitions 65,536 events in all, about two
/// seconds of what the store can take.
const WORK_CREDITS: u32 = 1_024;
const _: () = assert!(
    WORK_CREDITS <= PARTITION_CREDITS,
    "what one customer may have waiting is at least what is let in"
);
/// Control messages that may wait in front of one partition: one per slot and group commit.
const CONTROL_CREDITS: u32 = 8_192;
const _: () = assert!(
    RETRIES_BATCH_MAX < CONTROL_CREDITS as usize,
    "a batch of retries that never fits would be refused for ever"
);
/// Group commits between two snapshots. A restart replays at most about twice as many notes.
const SNAPSHOT_COMMITS: u64 = 4_096;
/// A machine's clock that was set back by no more than this while the process was down is slewed
/// (an hour: a wrong daylight-saving setting); beyond it the newest instant in the store is wrong.
const CLOCK_SLEW_MS_MAX: i64 = 3_600_000;
/// Longest time that stopping waits for what is under way.
pub const DRAIN_LIMIT_MS: u64 = 20_000;

/// Makes a data directory. It holds personal data and secrets: only its owner may look inside. One
/// that is there stays as it is.
pub fn make_data_directory(data: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(data)
}

/// What the process is started with.
#[derive(Clone, Debug)]
pub struct AppSettings {
    /// Where the store is, or is to be.
    pub data_dir: PathBuf,
    /// Partitions, fixed when the store is created.
    pub partitions: u16,
    /// Threads for actors.
    pub arbiters: NonZeroUsize,
    /// Active customers kept at most, over all partitions.
    pub active_max: usize,
}

/// A channel with what makes its messages.
#[derive(Clone)]
pub struct ChannelParts {
    /// The provider.
    pub channel: Arc<dyn Channel>,
    /// Makes messages.
    pub render: Render,
}

impl std::fmt::Debug for ChannelParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.channel.fmt(f)
    }
}

/// Why the process cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// What is in it cannot be read.
    #[error(transparent)]
    Recover(#[from] RecoverError),
    /// The threads cannot be started.
    #[error(transparent)]
    Arbiters(#[from] runtime::arbiters::ArbiterError),
}

/// Rows of the whole store could not be made durable: the process is ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it could not be made durable")]
pub struct PublishError;

/// Makes rows durable that belong to the whole store. Partition 0 keeps them.
#[derive(Clone, Debug)]
pub struct Keeper {
    directory: Directory,
}

impl Keeper {
    /// Writes rows of the table `Meta` in one transaction; the answer comes when it is durable.
    pub async fn put(&self, writes: Vec<engine::Write>) -> Result<(), PublishError> {
        let (asker, answer) = runtime::reply::reply();
        let message = PartitionMsg::Put(writes, Ack::new(1, asker));
        let door = &self.directory.all()[0].control;
        door.tell(message, 1).map_err(|_| PublishError)?;
        answer.await.map_err(|_| PublishError)
    }
}

/// An open store, before the actors: what the catalog is read from.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: Store,
    /// The newest instant that the process had seen when it ended; of a new store the first.
    pub latest: Instant,
    found: store::Recovered,
    memories: Vec<Snapshot>,
    sink: Arc<Sink>,
    settings: AppSettings,
    clock: Clock,
    metrics: Arc<Metrics>,
    tracer: Option<Tracer>,
}

/// The running process.
#[derive(Debug)]
pub struct App {
    /// The way in.
    pub directory: Directory,
    /// For reads.
    pub store: Store,
    /// The one clock.
    pub clock: Clock,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// What was found at the start.
    pub recovered: RecoveredCounts,
    /// Asks for exports of audiences.
    pub exports: mpsc::Sender<ExportNow>,
    sink: Arc<Sink>,
    late: LateDirectory,
    tracer: Option<Tracer>,
    running: Mutex<Option<Running>>,
}

/// What runs until the process ends.
#[derive(Debug)]
struct Running {
    arbiters: Arbiters,
    /// Dropped to end the walks.
    published: watch::Sender<Arc<Published>>,
}

/// What a restart found, for the log and the bench.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecoveredCounts {
    /// Customers with a timer.
    pub timers: usize,
    /// Sends that were in flight: their outcome is unknown now, or they are tried again.
    pub in_flight: usize,
}

/// Opens the store, or makes one.
pub fn open(
    settings: &AppSettings,
    clock: &Clock,
    metrics: &Arc<Metrics>,
) -> Result<Opened, StartError> {
    // The watchdog goes by real time, however fast the process's clock runs.
    let monotonic = Clock::system();
    let store_settings = store::Settings::new(
        settings.partitions,
        PARTITION_HASH,
        rows::specs(),
        Arc::new(move || Duration::from_micros(monotonic.monotonic_us())),
    );
    let mut durable = Vec::new();
    durable.resize_with(usize::from(settings.partitions), Arc::default);
    let sink = Arc::new(Sink {
        durable,
        last_commit: AtomicU64::new(0),
        directory: OnceLock::new(),
        metrics: metrics.clone(),
    });
    let options = store::embedded::Options::new(&settings.data_dir);
    let (store, found) = store::embedded::open(&options, &store_settings, sink.clone())?;
    let memories = recovery::memories(&store, &found)?;
    let latest = memories.iter().map(|memory| memory.at).max().unwrap_or_default();
    if !clock.not_before(latest.0, CLOCK_SLEW_MS_MAX) {
        tracing::error!(%latest, "the machine's clock is far behind what is in the store");
    }
    Ok(Opened {
        store,
        latest,
        found,
        memories,
        sink,
        settings: settings.clone(),
        clock: clock.clone(),
        metrics: metrics.clone(),
        tracer: None,
    })
}

impl Opened {
    /// Turns will tell of what they do.
    #[must_use]
    pub fn with_tracer(self, tracer: Option<Tracer>) -> Self {
        Self { tracer, ..self }
    }

    /// The one clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What is published; empty in a new store.
    pub fn publication(&self) -> Result<Publication, RecoverError> {
        let table = rows::table(engine::Table::Meta);
        match self.store.get(table, &publish::publication_key())? {
            Some(bytes) => Ok(engine::codec::decode("publication", &bytes)?),
            None => Ok(Publication::default()),
        }
    }
}

impl RecoveredCounts {
    fn of(partitions: &[recovery::Recovered]) -> Self {
        Self {
            timers: partitions.iter().map(|one| one.timers.len()).sum(),
            in_flight: partitions.iter().map(|one| one.in_flight).sum(),
        }
    }
}

/// From now on partitions and the committer can tell all partitions.
fn known_to_all(all: Directory, late: &LateDirectory, sink: &Sink) -> Directory {
    let _ = late.set(all.clone());
    let _ = sink.directory.set(all.clone());
    for partition in all.all() {
        // Effects of the recovery itself, and whatever became durable before this.
        drop(partition.control.tell(PartitionMsg::Durable, 1));
    }
    all
}

fn audience_actor(
    settings: &AppSettings,
    parts: &Parts,
    published: watch::Receiver<Arc<Published>>,
    asked: mpsc::Receiver<ExportNow>,
    directory: &Directory,
) -> AudienceActor {
    AudienceActor {
        published,
        asked,
        store: parts.store.clone(),
        partitions: settings.partitions,
        keeper: Keeper { directory: directory.clone() },
        clock: parts.clock.clone(),
        real: Clock::system(),
        metrics: parts.metrics.clone(),
        exports: settings.data_dir.with_file_name(EXPORTS),
        leaving: HashMap::new(),
    }
}

impl App {
    /// Recovers every partition and starts the actors.
    pub fn start(
        opened: Opened,
        catalog: &Arc<Catalog>,
        channels: &HashMap<ChannelName, ChannelParts>,
    ) -> Result<Self, StartError> {
        let Opened { store, found, memories, sink, settings, clock, metrics, tracer, .. } = opened;
        let commits = memories.iter().map(|memory| memory.commit);
        let snapshots = Arc::new(Snapshots::new(commits));
        let tracing = tracer.as_ref();
        let recovered = recovery::recover(&store, &found, memories, catalog, &clock, tracing)?;
        for (partition, one) in recovered.iter().enumerate() {
            sink.durable[partition].store(one.durable, Ordering::Release);
        }
        let counts = RecoveredCounts::of(&recovered);
        let arbiters = Arbiters::start(settings.arbiters)?;
        let parts = Parts {
            store: store.clone(),
            clock: clock.clone(),
            metrics: metrics.clone(),
            tracer: tracer.clone(),
        };
        let late = Arc::new(OnceLock::new());
        let doors = parts.channels(&arbiters, channels, &late, None);
        let now = Arc::new(Published { catalog: catalog.clone(), channels: doors });
        let (published, _) = watch::channel(now.clone());
        let active_max = (settings.active_max / usize::from(settings.partitions)).max(16);
        let doors = recovered
            .into_iter()
            .enumerate()
            .map(|(number, one)| {
                let start = Start {
                    recovered: one,
                    published: now.clone(),
                    watch: published.subscribe(),
                    arbiter: arbiters.index_of(number as u32),
                    directory: late.clone(),
                    durable: sink.durable[number].clone(),
                    snapshots: snapshots.clone(),
                    active_max,
                };
                parts.partition(&arbiters, number as u16, start)
            })
            .collect();
        let directory = known_to_all(Directory::new(doors), &late, &sink);
        let (exports, asked) = mpsc::channel(EXPORTS_WAITING_MAX);
        let subscribed = published.subscribe();
        let audiences = audience_actor(&settings, &parts, subscribed, asked, &directory);
        arbiters.spawn(0, || audiences.run());
        let running = Mutex::new(Some(Running { arbiters, published }));
        Ok(Self {
            directory,
            store,
            clock,
            metrics,
            recovered: counts,
            exports,
            sink,
            late,
            tracer,
            running,
        })
    }

    /// The rows of a publication, together with those that say who changed what.
    pub fn kept_rows(
        &self,
        publication: &Publication,
        mut rows: Vec<engine::Write>,
    ) -> Vec<engine::Write> {
        let write = engine::Write {
            table: engine::Table::Meta,
            key: publish::publication_key(),
            value: Some(engine::codec::encode(publication)),
        };
        rows.push(write);
        rows
    }

    /// The way to rows that belong to the whole store.
    pub fn keeper(&self) -> Keeper {
        Keeper { directory: self.directory.clone() }
    }

    /// Replaces what is published, in every partition. Channels that are still the same go on
    /// with their connections.
    pub async fn publish(
        &self,
        catalog: &Arc<Catalog>,
        channels: &HashMap<ChannelName, ChannelParts>,
    ) {
        let (store, clock) = (self.store.clone(), self.clock.clone());
        let (metrics, tracer) = (self.metrics.clone(), self.tracer.clone());
        let parts = Parts { store, clock, metrics, tracer };
        let now = {
            let running = self.running();
            let Some(Running { arbiters, published }) = &*running else { return };
            let known = published.borrow().clone();
            let channels = parts.channels(arbiters, channels, &self.late, Some(&known));
            Arc::new(Published { catalog: catalog.clone(), channels })
        };
        for partition in self.directory.all() {
            // A partition that missed it would go on with the old catalog: it waits for room.
            if let Ok(credit) = partition.control.credits().take(1).await {
                let message = PartitionMsg::Published(now.clone());
                drop(partition.control.tell_reserved(message, credit));
            }
        }
        if let Some(running) = &*self.running() {
            running.published.send_replace(now);
        }
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The durable sequence of every partition.
    pub fn last_sequences(&self) -> Vec<u64> {
        self.sink.durable.iter().map(|durable| durable.load(Ordering::Acquire)).collect()
    }

    /// Ends in order: what was taken in becomes durable, then the committer stops, then the
    /// actors. Whoever feeds the directory must have stopped before.
    pub async fn stop(&self, limit_ms: u64) {
        let Some(Running { arbiters, published }) = self.running().take() else { return };
        // Walks end first: they go on at the next start.
        drop(published);
        // Real time: the limit is meant so, however fast the process's own clock runs.
        let real = Clock::system();
        for partition in self.directory.all() {
            let asked = partition.control.ask(1, PartitionMsg::Drain);
            if real.timeout(limit_ms, asked).await.is_err() {
                tracing::warn!("a partition did not finish in time; the next start takes over");
            }
        }
        let store = self.store.clone();
        let ended = tokio::task::spawn_blocking(move || {
            store.close();
            arbiters.join()
        });
        if let Ok(Err(error)) = ended.await {
            tracing::error!(%error, "the arbiters did not end well");
        }
    }
}
