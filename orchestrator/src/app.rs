//! The one composition root: opens the store, recovers the partitions, starts the actors, and ends
//! them in order.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use actix::{Addr, AsyncContext};
use channels::Channel;
use domain::ids::ChannelName;
use domain::time::Instant;
use engine::Catalog;
use engine::partition::Snapshot;
use runtime::credits::{Credits, Target};
use runtime::{Arbiters, Clock, Handle, Returns, Slots, Timers};
use store::{CommitError, Durable, DurableSink, OpenError, Read, Stall, Store};
use tokio::sync::watch;

use crate::actors::channel::{ChannelActor, Render};
use crate::actors::contact_policy::ContactPolicyActor;
use crate::actors::core::{Ack, Core};
use crate::actors::ingest::{Directory, LateDirectory, Partition as Doors};
use crate::actors::partition::{PartitionActor, Wiring};
use crate::actors::scheduler::SchedulerActor;
use crate::actors::walker::{NextWalk, Walker};
use crate::actors::{ChannelDoor, PartitionMsg, Published};
use crate::publish::{self, Publication};
use crate::recovery::{self, RecoverError, Recovered};
use crate::rows;
use crate::telemetry::metrics::Metrics;

/// Name of the hash that places customers in partitions, kept with the store.
pub const PARTITION_HASH: &str = "xxh3-128";
/// Work that may wait in front of one partition: at 64 partitions 65,536 events in all, about two
/// seconds of what the store can take.
const WORK_CREDITS: u32 = 1_024;
/// Control messages that may wait in front of one partition: one per slot and group commit.
const CONTROL_CREDITS: u32 = 8_192;
/// Group commits between two snapshots. A restart replays at most about twice as many notes.
const SNAPSHOT_COMMITS: u64 = 4_096;
/// A machine's clock that was set back by no more than this while the process was down is slewed
/// (an hour: a wrong daylight-saving setting); beyond it the newest instant in the store is wrong.
const CLOCK_SLEW_MS_MAX: i64 = 3_600_000;
/// Longest time that stopping waits for what is under way.
pub const DRAIN_LIMIT_MS: u64 = 20_000;

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

/// A publication could not be made durable: the process is ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the publication could not be made durable")]
pub struct PublishError;

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
    sink: Arc<Sink>,
    late: LateDirectory,
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

/// Tells each partition what has become durable.
#[derive(Debug)]
struct Sink {
    durable: Vec<Arc<AtomicU64>>,
    last_commit: AtomicU64,
    directory: OnceLock<Directory>,
    metrics: Arc<Metrics>,
}

impl DurableSink for Sink {
    fn durable(&self, group: &Durable) {
        self.metrics.commit.observe(group.took.as_secs_f64());
        self.metrics.commit_transactions.observe(group.transactions as f64);
        let directory = self.directory.get();
        for (partition, seq) in &group.partitions {
            let at = usize::from(*partition);
            self.durable[at].fetch_max(*seq, Ordering::AcqRel);
            if let Some(directory) = directory {
                // Refused only if thousands of such messages wait already: each of them will
                // read the newest sequence.
                drop(directory.all()[at].control.tell(PartitionMsg::Durable, 1));
            }
        }
        self.last_commit.store(group.commit, Ordering::Release);
        if let Some(directory) = directory {
            // One partition after the other writes a snapshot, spread evenly over the commits.
            let every = (SNAPSHOT_COMMITS / u64::from(directory.count())).max(1);
            if group.commit.is_multiple_of(every) {
                let turn = (group.commit / every) % u64::from(directory.count());
                let door = &directory.all()[turn as usize].control;
                drop(door.tell(PartitionMsg::Snapshot(group.commit), 1));
            }
        }
    }

    fn failed(&self, error: &CommitError) {
        crate::fatal::commit_failed(error);
    }

    fn stalled(&self, stall: &Stall) {
        tracing::warn!(commit = stall.commit, longer_than = ?stall.longer_than, "commit is slow");
    }
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
    })
}

impl Opened {
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

impl App {
    /// Recovers every partition and starts the actors.
    pub fn start(
        opened: Opened,
        catalog: &Arc<Catalog>,
        channels: &HashMap<ChannelName, ChannelParts>,
    ) -> Result<Self, StartError> {
        let Opened { store, found, memories, sink, settings, clock, metrics, .. } = opened;
        let recovered = recovery::recover(&store, &found, memories, catalog, &clock)?;
        for (partition, one) in recovered.iter().enumerate() {
            sink.durable[partition].store(one.durable, Ordering::Release);
        }
        let counts = RecoveredCounts {
            timers: recovered.iter().map(|one| one.timers.len()).sum(),
            in_flight: recovered.iter().map(|one| one.in_flight).sum(),
        };
        metrics.sends_unknown.inc_by(counts.in_flight as u64);
        let arbiters = Arbiters::start(settings.arbiters)?;
        let parts = Parts { store: store.clone(), clock: clock.clone(), metrics: metrics.clone() };
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
                    active_max,
                };
                parts.partition(&arbiters, number as u16, start)
            })
            .collect();
        let all = Directory::new(doors);
        let _ = late.set(all.clone());
        let _ = sink.directory.set(all.clone());
        for partition in all.all() {
            // Effects of the recovery itself, and whatever became durable before this.
            drop(partition.control.tell(PartitionMsg::Durable, 1));
        }
        let directory = all;
        let recovered = counts;
        let running = Mutex::new(Some(Running { arbiters, published }));
        Ok(Self { directory, store, clock, metrics, recovered, sink, late, running })
    }

    /// Makes a publication durable. Partition 0 keeps it.
    pub async fn keep(&self, publication: &Publication) -> Result<(), PublishError> {
        let (asker, answer) = runtime::reply::reply();
        let write = engine::Write {
            table: engine::Table::Meta,
            key: publish::publication_key(),
            value: Some(engine::codec::encode(publication)),
        };
        let message = PartitionMsg::Put(vec![write], Ack::new(1, asker));
        let door = &self.directory.all()[0].control;
        door.tell(message, 1).map_err(|_| PublishError)?;
        answer.await.map_err(|_| PublishError)
    }

    /// Replaces what is published, in every partition. Channels that are still the same go on
    /// with their connections.
    pub async fn publish(
        &self,
        catalog: &Arc<Catalog>,
        channels: &HashMap<ChannelName, ChannelParts>,
    ) {
        let (store, clock) = (self.store.clone(), self.clock.clone());
        let parts = Parts { store, clock, metrics: self.metrics.clone() };
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

/// What every actor gets.
struct Parts {
    store: Store,
    clock: Clock,
    metrics: Arc<Metrics>,
}

/// What one partition is started with.
struct Start {
    recovered: Recovered,
    published: Arc<Published>,
    watch: watch::Receiver<Arc<Published>>,
    arbiter: usize,
    directory: LateDirectory,
    durable: Arc<AtomicU64>,
    active_max: usize,
}

impl Parts {
    /// The doors of channels; those whose provider runs already keep its slots and actors.
    fn channels(
        &self,
        arbiters: &Arbiters,
        channels: &HashMap<ChannelName, ChannelParts>,
        directory: &LateDirectory,
        known: Option<&Published>,
    ) -> HashMap<ChannelName, ChannelDoor> {
        let door = |(name, parts): (&ChannelName, &ChannelParts)| {
            let running = known.and_then(|known| known.channels.get(name));
            let door = match running.filter(|door| Arc::ptr_eq(&door.provider, &parts.channel)) {
                Some(door) => ChannelDoor { render: parts.render.clone(), ..door.clone() },
                None => self.channel(arbiters, parts, directory),
            };
            (name.clone(), door)
        };
        channels.iter().map(door).collect()
    }

    /// One actor of a channel per arbiter.
    fn channel(
        &self,
        arbiters: &Arbiters,
        parts: &ChannelParts,
        directory: &LateDirectory,
    ) -> ChannelDoor {
        let slots = parts.channel.slots();
        let handle = |arbiter: usize| {
            let (directory, clock) = (directory.clone(), self.clock.clone());
            let metrics = self.metrics.clone();
            let actor = ChannelActor::new(parts.channel.clone(), directory, clock, metrics);
            let addr = arbiters.start_actor(arbiter as u32, move |_| actor);
            let target = Target { kind: "channel", index: arbiter as u32 };
            Handle::new(addr, Credits::new(target, slots as u32, self.clock.clone()))
        };
        ChannelDoor {
            provider: parts.channel.clone(),
            slots: Slots::new(slots),
            handles: (0..arbiters.count()).map(handle).collect(),
            render: parts.render.clone(),
        }
    }

    /// The actors of one partition, on its arbiter.
    fn partition(&self, arbiters: &Arbiters, number: u16, start: Start) -> Doors {
        let target = Target { kind: "partition", index: u32::from(number) };
        let work = Credits::new(target, WORK_CREDITS, self.clock.clone());
        let control = Credits::new(target, CONTROL_CREDITS, self.clock.clone());
        let (store, clock) = (self.store.clone(), self.clock.clone());
        let metrics = self.metrics.clone();
        let credits = (work.clone(), control.clone());
        let addr: Addr<PartitionActor> =
            arbiters.start_actor(u32::from(number), move |ctx: &mut actix::Context<_>| {
                let this: Addr<PartitionActor> = ctx.address();
                let doors = Doors {
                    work: Handle::new(this.clone(), credits.0),
                    control: Handle::new(this.clone(), credits.1),
                };
                let Start { recovered, published, watch, arbiter, directory, durable, active_max } =
                    start;
                let core = Core::new(recovered.partition, store.clone(), clock.clone(), &published);
                let core = Rc::new(RefCell::new(core));
                core.borrow_mut().undelivered = recovered.transactions;
                let timers: Rc<RefCell<Timers>> = Rc::new(RefCell::new(recovered.timers));
                let scheduler_context = actix::Context::<SchedulerActor>::new();
                let armed = Returns::new(scheduler_context.address());
                scheduler_context.run(SchedulerActor::new(
                    timers.clone(),
                    armed.clone(),
                    doors.work.clone(),
                    clock.clone(),
                    metrics.clone(),
                ));
                let policy_context = actix::Context::<ContactPolicyActor>::new();
                let policy_addr = policy_context.address();
                let looks = Returns::new(policy_addr);
                let policy = ContactPolicyActor::new(
                    core.clone(),
                    looks.clone(),
                    doors.control.clone(),
                    clock.clone(),
                );
                policy_context.run(policy);
                let next_walk = NextWalk::new(Cell::new(Instant::MIN));
                let walker = Walker {
                    number,
                    published: watch,
                    store: store.clone(),
                    doors,
                    clock: clock.clone(),
                    next: next_walk.clone(),
                };
                actix_rt::spawn(walker.run());
                let wiring = Wiring {
                    core,
                    store,
                    clock,
                    timers,
                    armed,
                    looks,
                    published,
                    arbiter,
                    next_walk,
                    directory,
                    durable,
                    metrics,
                    active_max,
                };
                PartitionActor::new(wiring, Returns::new(this))
            });
        Doors { work: Handle::new(addr.clone(), work), control: Handle::new(addr, control) }
    }
}
