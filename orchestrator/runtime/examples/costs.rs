//! What the runtime costs on this machine: bytes per active actor, messages per second, and what
//! ten million timers take. Run it with `--release`; the argument is the number of actors.
//!
//! The actors do next to nothing (208 B of state, a sum), so the figures are the runtime's own.

use std::num::NonZeroUsize;

use actix::{Actor, AsyncContext, Context, Handler};
use cadencia_runtime as runtime;
use runtime::arbiters::Arbiters;
use runtime::credits::PARTITION_CREDITS;
use runtime::lanes::LaneLimits;
use runtime::timers::Loader;
use runtime::{
    Active, Clock, Collect, Credit, Credits, Delivery, Flight, Handle, Key, Lane, Lanes, Local,
    Reply, Returns, Target, Timers, Turn,
};

/// Inputs per message to the partition.
const BATCH: usize = 128;
/// Keys that are handed out before the partition lets its actors run.
const ROUND: usize = 512;
const TIMERS: u64 = 10_000_000;
const PARTITIONS: u64 = 64;
const MONTH_MS: u64 = 30 * 24 * 3_600 * 1_000;

/// An active owner.
struct Owner {
    state: [u64; 26],
    returns: Returns<Flight>,
}

impl Actor for Owner {
    type Context = Context<Self>;
}

impl Handler<Turn<u64>> for Owner {
    type Result = ();

    fn handle(&mut self, turn: Turn<u64>, _: &mut Self::Context) {
        self.state[0] = self.state[0].wrapping_add(turn.msg);
        self.returns.push(turn.flight);
    }
}

enum Ask {
    Batch(Vec<(Key, u64)>),
    /// Answered with the number of inputs done, once nothing waits.
    Drained(Reply<u64>),
}

/// The smallest partition actor that uses all parts as they are meant to be used.
struct Partition {
    lanes: Lanes<u64>,
    active: Active<Local<Owner>>,
    returns: Returns<Flight>,
    results: Vec<Flight>,
    inputs: Vec<u64>,
    clock: Clock,
    /// The credits of all inputs in the lanes.
    held: Option<Credit>,
    done: u64,
    asked: Option<Reply<u64>>,
}

impl Actor for Partition {
    type Context = Context<Self>;
}

impl Partition {
    fn new(ctx: &mut Context<Self>, clock: Clock) -> Self {
        Self {
            lanes: Lanes::new(LaneLimits::default()),
            active: Active::new(),
            returns: Returns::new(ctx.address()),
            results: Vec::new(),
            inputs: Vec::new(),
            clock,
            held: None,
            done: 0,
            asked: None,
        }
    }

    fn dispatch(&mut self) {
        let now_ms = self.clock.now_ms();
        let mut dispatched = 0;
        for _ in self.active.in_flight()..ROUND {
            let Some(taken) = self.lanes.take(8, &mut self.inputs) else { break };
            let slot = self.active.find(&taken.key).unwrap_or_else(|| {
                let owner = Owner { state: [0; 26], returns: self.returns.clone() };
                self.active.activate(taken.key, Local::start(owner), now_ms, 0)
            });
            let flight = self.active.begin(slot, now_ms).expect("a key runs once at a time");
            let count = u32::try_from(self.inputs.len()).expect("at most 8");
            dispatched += count;
            let msg = self.inputs.drain(..).sum();
            self.active.value(slot).send(Turn { flight, msg });
        }
        // Once per round: each time credits come back, a sender that waits for them wakes up.
        self.held.iter_mut().for_each(|held| held.give_back(dispatched));
        self.done += u64::from(dispatched);
        if self.lanes.is_empty() && self.active.in_flight() == 0 {
            self.asked.take().into_iter().for_each(|reply| reply.send(self.done));
        }
    }
}

impl Handler<Delivery<Ask>> for Partition {
    type Result = ();

    fn handle(&mut self, ask: Delivery<Ask>, _: &mut Self::Context) {
        let (ask, credit) = ask.into_parts();
        match ask {
            Ask::Batch(batch) => {
                match &mut self.held {
                    Some(held) => held.absorb(credit),
                    None => self.held = Some(credit),
                }
                for (key, input) in batch {
                    // Only a key that occurs far too often is refused, which these do not.
                    self.lanes.push(Lane::Live, key, input).expect("room");
                }
            }
            Ask::Drained(reply) => self.asked = Some(reply),
        }
        self.dispatch();
    }
}

impl Handler<Collect> for Partition {
    type Result = ();

    fn handle(&mut self, _: Collect, _: &mut Self::Context) {
        let mut results = std::mem::take(&mut self.results);
        self.returns.collect(&mut results);
        for flight in results.drain(..) {
            let key = self.active.end(flight, 0);
            self.lanes.finish(&key);
        }
        self.results = results;
        self.dispatch();
    }
}

/// A stream of numbers that is the same in every run.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB)
}

fn key(n: u64) -> Key {
    let mut state = n;
    (u128::from(random(&mut state)) << 64 | u128::from(random(&mut state))).to_le_bytes()
}

/// Bytes of memory that the process holds now; 0 where the system does not tell.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * 4_096
}

/// Processor time that the process has used, in microseconds; 0 where the system does not tell.
fn cpu_us() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program may hold blanks; the counters follow its closing bracket.
    let counters = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = counters.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    ticks * 10_000
}

/// Measures one step: wall time, and processor time, which a busy machine does not blur.
struct Step<'a> {
    clock: &'a Clock,
    wall_us: u64,
    cpu_us: u64,
}

impl<'a> Step<'a> {
    fn begin(clock: &'a Clock) -> Self {
        Self { clock, wall_us: clock.monotonic_us(), cpu_us: cpu_us() }
    }

    fn end(self, name: &str, count: u64) {
        let wall_us = self.clock.monotonic_us() - self.wall_us;
        let cpu_us = cpu_us() - self.cpu_us;
        let rate = |us: u64| count as f64 / us.max(1) as f64;
        println!("{name:<32}{:6.2} M/s, {:6.2} M per CPU second", rate(wall_us), rate(cpu_us));
    }
}

async fn feed(handles: &[Handle<Ask>], keys: impl Iterator<Item = u64>) -> u64 {
    let mut parts: Vec<Vec<(Key, u64)>> = handles.iter().map(|_| Vec::new()).collect();
    let mut fed = 0;
    for n in keys {
        let at = usize::try_from(n).expect("64 bits") % handles.len();
        parts[at].push((key(n), n));
        fed += 1;
        if parts[at].len() == BATCH {
            send(&handles[at], &mut parts[at]).await;
        }
    }
    for (handle, part) in handles.iter().zip(&mut parts) {
        send(handle, part).await;
        handle.ask(1, Ask::Drained).await.expect("the partition runs");
    }
    fed
}

async fn send(handle: &Handle<Ask>, part: &mut Vec<(Key, u64)>) {
    let count = u32::try_from(part.len()).expect("a batch");
    let credit = handle.credits().take(count).await.expect("less than the limit");
    let batch = Ask::Batch(std::mem::take(part));
    handle.tell_reserved(batch, credit).expect("the partition runs");
}

async fn actors(count: u64, clock: &Clock) {
    let arbiters = Arbiters::start(NonZeroUsize::new(2).expect("two")).expect("threads");
    let handles: Vec<_> = (0..8)
        .map(|index| {
            let for_actor = clock.clone();
            let addr = arbiters.start_actor(index, move |ctx| Partition::new(ctx, for_actor));
            let target = Target { kind: "partition inputs", index };
            Handle::new(addr, Credits::new(target, PARTITION_CREDITS / 2, clock.clone()))
        })
        .collect();
    let before = resident_bytes();
    let step = Step::begin(clock);
    feed(&handles, 0..count).await;
    step.end("activate and first message", count);
    let each = resident_bytes().saturating_sub(before) / count;
    println!("{each} B per active actor");

    for (name, spread) in [("messages to any actor", count), ("messages to 1,000 actors", 1_000)] {
        let mut state = 7;
        let keys = (0..2 * count).map(move |_| random(&mut state) % spread);
        let step = Step::begin(clock);
        let fed = feed(&handles, keys).await;
        step.end(name, fed);
    }
    let each = resident_bytes().saturating_sub(before) / count;
    println!("{each} B per active actor after traffic");
    drop(handles);
    arbiters.join().expect("a good end");
}

fn timers(clock: &Clock) {
    let before = resident_bytes();
    let mut state = 3;
    let step = Step::begin(clock);
    let mut partitions: Vec<_> = (0..PARTITIONS).map(|_| Timers::new()).collect();
    for n in 0..TIMERS {
        let due_ms = (random(&mut state) % MONTH_MS).cast_signed();
        partitions[(n % PARTITIONS) as usize].insert(key(n), due_ms);
    }
    step.end("timers: insert", TIMERS);
    let resident = resident_bytes().saturating_sub(before) as f64 / TIMERS as f64;
    let allocated: usize = partitions.iter().map(Timers::allocated_bytes).sum();
    let allocated = allocated as f64 / TIMERS as f64;
    println!("timers: {resident:.1} B resident, {allocated:.1} B allocated per timer");

    let step = Step::begin(clock);
    let chunks = partitions.iter_mut().map(|timers| {
        timers.begin_snapshot();
        std::iter::from_fn(|| timers.next_chunk()).collect::<Vec<_>>()
    });
    let snapshots: Vec<_> = chunks.collect();
    step.end("timers: write a snapshot", TIMERS);
    drop(partitions);
    let step = Step::begin(clock);
    let restored = snapshots.iter().map(|chunks| {
        let mut loader = Loader::new();
        chunks.iter().for_each(|chunk| loader.chunk(chunk).expect("whole"));
        loader.finish().expect("whole")
    });
    let mut partitions: Vec<_> = restored.collect();
    step.end("timers: read it back", TIMERS);
    drop(snapshots);

    let step = Step::begin(clock);
    let mut fired = 0_u64;
    // A tick of a minute at a time, as nobody can wait for a month here.
    for now_ms in (0..=MONTH_MS.cast_signed()).step_by(60_000) {
        for timers in &mut partitions {
            while let Some(due) = timers.pop(now_ms) {
                timers.settle(&due);
                fired += 1;
            }
        }
    }
    assert_eq!(fired, TIMERS);
    step.end("timers: take and settle", TIMERS);
}

fn main() {
    let count = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(1_000_000);
    let clock = Clock::system();
    println!("{count} actors on 2 arbiters; {TIMERS} timers over 30 days, {PARTITIONS} partitions");
    actix_rt::System::new().block_on(actors(count, &clock));
    timers(&clock);
}
