//! The parts of the running process: the actors of channels and partitions, each on its arbiter.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use actix::{Addr, AsyncContext};
use domain::ids::ChannelName;
use domain::time::Instant;
use runtime::credits::{Credits, Target};
use runtime::{Arbiters, Clock, Handle, Returns, Slots};
use store::Store;
use tokio::sync::watch;

use super::{CONTROL_CREDITS, ChannelParts, WORK_CREDITS};
use crate::actors::channel::ChannelActor;
use crate::actors::contact_policy::{ContactPolicyActor, Look};
use crate::actors::core::{Core, SharedCore};
use crate::actors::ingest::{LateDirectory, Partition as Doors};
use crate::actors::partition::{PartitionActor, Snapshots, Wiring};
use crate::actors::scheduler::{SchedulerActor, SharedTimers};
use crate::actors::walker::{NextWalk, Walker};
use crate::actors::{ChannelDoor, Published};
use crate::recovery::Recovered;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::trace::Tracer;

/// What every actor gets.
pub(super) struct Parts {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
    pub(super) tracer: Option<Tracer>,
}

/// What one partition is started with.
pub(super) struct Start {
    pub(super) recovered: Recovered,
    pub(super) published: Arc<Published>,
    pub(super) watch: watch::Receiver<Arc<Published>>,
    pub(super) arbiter: usize,
    pub(super) directory: LateDirectory,
    pub(super) durable: Arc<AtomicU64>,
    pub(super) snapshots: Arc<Snapshots>,
    pub(super) active_max: usize,
}

impl Parts {
    /// The doors of channels; those whose provider runs already keep its slots and actors.
    pub(super) fn channels(
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
            let (channel, tracer) = (parts.channel.clone(), self.tracer.clone());
            let actor = ChannelActor::new(channel, directory, clock, metrics, tracer);
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
    pub(super) fn partition(&self, arbiters: &Arbiters, number: u16, start: Start) -> Doors {
        let target = Target { kind: "partition", index: u32::from(number) };
        let work = Credits::new(target, WORK_CREDITS, self.clock.clone());
        let control = Credits::new(target, CONTROL_CREDITS, self.clock.clone());
        let (store, clock) = (self.store.clone(), self.clock.clone());
        let (metrics, tracer) = (self.metrics.clone(), self.tracer.clone());
        let credits = (work.clone(), control.clone());
        let addr: Addr<PartitionActor> =
            arbiters.start_actor(u32::from(number), move |ctx: &mut actix::Context<_>| {
                let this: Addr<PartitionActor> = ctx.address();
                let doors = Doors {
                    work: Handle::new(this.clone(), credits.0),
                    control: Handle::new(this.clone(), credits.1),
                };
                let Start {
                    recovered,
                    published,
                    watch,
                    arbiter,
                    directory,
                    durable,
                    snapshots,
                    active_max,
                } = start;
                let core = Core::new(recovered.partition, store.clone(), clock.clone(), &published);
                let core = Rc::new(RefCell::new(core));
                core.borrow_mut().undelivered = recovered.transactions;
                if let Some(tracer) = tracer {
                    core.borrow_mut().trace(tracer);
                }
                let timers: SharedTimers = Rc::new(RefCell::new(recovered.timers));
                let armed = scheduler(&timers, &doors, &clock, &metrics);
                let looks = contact_policy(&core, &doors, &clock);
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
                    snapshots,
                    metrics,
                    active_max,
                };
                PartitionActor::new(wiring, Returns::new(this))
            });
        Doors { work: Handle::new(addr.clone(), work), control: Handle::new(addr, control) }
    }
}

/// The scheduler of a partition, on this arbiter; what wakes it.
fn scheduler(
    timers: &SharedTimers,
    doors: &Doors,
    clock: &Clock,
    metrics: &Arc<Metrics>,
) -> Returns<()> {
    let context = actix::Context::<SchedulerActor>::new();
    let armed = Returns::new(context.address());
    let (timers, work) = (timers.clone(), doors.work.clone());
    let (clock, metrics) = (clock.clone(), metrics.clone());
    context.run(SchedulerActor::new(timers, armed.clone(), work, clock, metrics));
    armed
}

/// The contact-policy actor of a partition, on this arbiter; what wakes it.
fn contact_policy(core: &SharedCore, doors: &Doors, clock: &Clock) -> Returns<Look> {
    let context = actix::Context::<ContactPolicyActor>::new();
    let looks = Returns::new(context.address());
    let (core, control) = (core.clone(), doors.control.clone());
    context.run(ContactPolicyActor::new(core, looks.clone(), control, clock.clone()));
    looks
}
