//! Runs all lives, on one or more threads, and puts what they left behind in order.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use domain::event::Alias;
use domain::ids::VersionNo;
use domain::journey::definition::{Entry, Schedule};
use domain::time::Instant;
use engine::counters::Counters;
use engine::{Catalog, Partition};

use super::family::{self, Family};
use super::life::{Life, Ticks};
use super::recording::{Customers, Recording, Sorted};
use super::sends::Sends;
use super::summary::{Counted, Results, Summary};
use super::tally::Tally;

/// Customers that a thread takes at a time: small enough to share out evenly, large enough that
/// taking them costs nothing.
const CUSTOMERS_PER_TAKE: usize = 256;
/// Most ticks of all schedules within the horizon: a cron pattern that ticks each second for a
/// year would otherwise fill the memory.
pub(super) const TICKS_MAX: usize = 1_000_000;

/// What to simulate.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The campaign.
    pub catalog: Arc<Catalog>,
    /// The horizon: nothing after it is handled.
    pub until: Instant,
    /// Worker threads, at least one.
    pub threads: usize,
}

/// A schedule that ticks more often within the horizon than is sensible.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("journey {journey} would tick more than {TICKS_MAX} times until {until}")]
pub struct TooManyTicks {
    /// The journey.
    pub journey: String,
    /// The horizon.
    pub until: Instant,
}

/// Runs the campaign over events and aliases, which may come in any order; those of one instant
/// keep theirs.
pub fn simulate(
    plan: &Plan,
    events: Recording,
    aliases: Vec<Alias>,
) -> Result<Results, TooManyTicks> {
    let ticks = ticks(plan, events.first().unwrap_or(plan.until))?;
    let (parts, customers) = run(plan, &events.in_order(), aliases, &ticks);
    Ok(gather(plan, parts, customers))
}

/// Runs everybody. Gives what the threads did, and how many customers there are.
fn run(plan: &Plan, recorded: &Sorted, aliases: Vec<Alias>, ticks: &Ticks) -> (Vec<Part>, usize) {
    let mut customers = recorded.customers();
    let known = customers.len();
    let families = family::families(&mut customers, aliases);
    let (next, next_family) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        let mut part = run_lives(plan, recorded, &customers, ticks, &next);
        run_families(plan, recorded, &families, ticks, &next_family, &mut part);
        part
    };
    let parts = if plan.threads <= 1 {
        vec![work()]
    } else {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..plan.threads).map(|_| scope.spawn(work)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("a worker only panics on a defect"))
                .collect()
        })
    };
    (parts, known)
}

/// What one thread did.
#[derive(Default)]
struct Part {
    sends: Sends,
    tally: Tally,
    counters: Counters,
    handled: u64,
    merged: u64,
}

impl Part {
    fn add(&mut self, life: Life) {
        self.handled += life.handled;
        self.merged += life.merged;
        for send in life.sends {
            self.tally.add(&send);
            self.sends.add(send);
        }
    }

    fn append(&mut self, other: Self) {
        self.sends.append(other.sends);
        self.tally.merge(other.tally);
        self.counters.merge(&other.counters);
        self.handled += other.handled;
        self.merged += other.merged;
    }
}

fn run_lives(
    plan: &Plan,
    recorded: &Sorted,
    customers: &Customers<'_>,
    ticks: &Ticks,
    next: &AtomicUsize,
) -> Part {
    let mut partition = Partition::new(0, plan.catalog.clone(), 0);
    let mut part = Part::default();
    loop {
        let from = next.fetch_add(CUSTOMERS_PER_TAKE, Ordering::Relaxed);
        if from >= customers.len() {
            break;
        }
        let to = customers.len().min(from + CUSTOMERS_PER_TAKE);
        for (customer, own) in &customers[from..to] {
            let events = recorded.events(own);
            part.add(Life::run(&mut partition, customer, events, ticks, plan.until));
        }
    }
    part.counters = partition.counters().clone();
    part
}

fn run_families(
    plan: &Plan,
    recorded: &Sorted,
    families: &[Mutex<Option<Family<'_>>>],
    ticks: &Ticks,
    next: &AtomicUsize,
    part: &mut Part,
) {
    while let Some(family) = families.get(next.fetch_add(1, Ordering::Relaxed)) {
        let taken = family.lock().expect("a worker only panics on a defect").take();
        let Some(family) = taken else { continue };
        let (life, counters) = family.run(recorded, &plan.catalog, ticks, plan.until);
        part.counters.merge(&counters);
        part.add(life);
    }
}

/// All ticks of all schedules from the first event to the horizon.
fn ticks(plan: &Plan, from: Instant) -> Result<Vec<(Instant, VersionNo)>, TooManyTicks> {
    let mut ticks = Vec::new();
    for version in plan.catalog.parts().current.values() {
        let Some(journey) = plan.catalog.version(*version) else {
            continue;
        };
        let Entry::Schedule { schedule, .. } = &journey.entry else {
            continue;
        };
        match schedule {
            Schedule::Once(at) => ticks.push((*at, *version)),
            Schedule::Cron { cron, zone } => {
                let mut after = from.plus_ms(-1);
                while let Some(at) = cron.next_after(after, zone).filter(|at| *at <= plan.until) {
                    ticks.push((at, *version));
                    after = at;
                    if ticks.len() > TICKS_MAX {
                        let journey = journey.name.to_string();
                        return Err(TooManyTicks { journey, until: plan.until });
                    }
                }
            }
        }
    }
    // At one instant in the order of journey names, as versions are listed above.
    ticks.sort_by_key(|(at, _)| *at);
    Ok(ticks)
}

fn gather(plan: &Plan, parts: Vec<Part>, customers: usize) -> Results {
    let mut all = Part::default();
    parts.into_iter().for_each(|part| all.append(part));
    let Part { mut sends, tally, counters, handled, merged } = all;
    sends.sort();
    let counted = Counted { customers, merged, inputs: handled };
    let summary = Summary::new(&plan.catalog, &counters, tally, counted, plan.until);
    Results { sends, summary }
}
