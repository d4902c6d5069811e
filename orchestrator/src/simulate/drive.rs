//! Runs all lives, on one or more threads, and puts what they left behind in order.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use domain::event::{Alias, Event};
use domain::ids::{CustomerId, VersionNo};
use domain::journey::definition::{Entry, Schedule};
use domain::time::Instant;
use engine::counters::Counters;
use engine::{Catalog, Partition};

use super::family::{self, Family};
use super::life::{Life, SendRecord};
use super::summary::{Counted, Results, Summary};

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
/// keep theirs. Receipt is set to occurrence (semantics 3).
pub fn simulate(
    plan: &Plan,
    events: Vec<Event>,
    aliases: Vec<Alias>,
) -> Result<Results, TooManyTicks> {
    let first = events.iter().map(|event| event.occurred_at).min().unwrap_or(plan.until);
    let ticks = ticks(plan, first)?;
    let mut customers = by_customer(events);
    let known = customers.len();
    let families = family::families(&mut customers, aliases);
    let (next, next_family) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        let mut part = run_lives(plan, &customers, &ticks, &next);
        run_families(plan, &families, &ticks, &next_family, &mut part);
        part
    };
    let parts: Vec<Part> = if plan.threads <= 1 {
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
    Ok(gather(plan, parts, known))
}

/// What one thread did.
struct Part {
    sends: Vec<SendRecord>,
    counters: Counters,
    handled: u64,
    merged: u64,
}

/// Customers in the order of their ids, with their events in the order of receipt.
pub(super) type Customers = Vec<(CustomerId, Mutex<Vec<Event>>)>;

fn by_customer(mut events: Vec<Event>) -> Customers {
    for event in &mut events {
        event.received_at = event.occurred_at;
    }
    // Stable: events of one instant keep their order.
    events.sort_by(|a, b| a.customer.cmp(&b.customer).then(a.received_at.cmp(&b.received_at)));
    let counts = events.chunk_by(|one, next| one.customer == next.customer).map(<[Event]>::len);
    let counts: Vec<usize> = counts.collect();
    let mut events = events.into_iter();
    let own = |count: usize| {
        // No more room than it takes: there are as many such lists as customers.
        let own: Vec<Event> = events.by_ref().take(count).collect();
        Some((own.first()?.customer.clone(), Mutex::new(own)))
    };
    counts.into_iter().filter_map(own).collect()
}

fn run_lives(
    plan: &Plan,
    customers: &Customers,
    ticks: &[(Instant, VersionNo)],
    next: &AtomicUsize,
) -> Part {
    let mut partition = Partition::new(0, plan.catalog.clone(), 0);
    let mut part = Part { sends: Vec::new(), counters: Counters::default(), handled: 0, merged: 0 };
    loop {
        let from = next.fetch_add(CUSTOMERS_PER_TAKE, Ordering::Relaxed);
        if from >= customers.len() {
            break;
        }
        let to = customers.len().min(from + CUSTOMERS_PER_TAKE);
        for (customer, events) in &customers[from..to] {
            let events =
                std::mem::take(&mut *events.lock().expect("a worker only panics on a defect"));
            let life = Life::run(&mut partition, customer, events, ticks, plan.until);
            part.handled += life.handled;
            part.sends.extend(life.sends);
        }
    }
    part.counters = partition.counters().clone();
    part
}

fn run_families(
    plan: &Plan,
    families: &[Mutex<Option<Family>>],
    ticks: &[(Instant, VersionNo)],
    next: &AtomicUsize,
    part: &mut Part,
) {
    while let Some(family) = families.get(next.fetch_add(1, Ordering::Relaxed)) {
        let taken = family.lock().expect("a worker only panics on a defect").take();
        let Some(family) = taken else { continue };
        let (life, counters) = family.run(&plan.catalog, ticks, plan.until);
        part.counters.merge(&counters);
        part.handled += life.handled;
        part.merged += life.merged;
        part.sends.extend(life.sends);
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
    let mut counters = Counters::default();
    let mut sends = Vec::new();
    let (mut handled, mut merged) = (0, 0);
    for part in parts {
        counters.merge(&part.counters);
        handled += part.handled;
        merged += part.merged;
        sends.extend(part.sends);
    }
    sends.sort_by(|a, b| {
        let key = |send: &SendRecord| (send.created_at, send.customer.clone(), send.send);
        key(a).cmp(&key(b))
    });
    let counted = Counted { customers, merged, inputs: handled };
    let summary = Summary::new(&plan.catalog, &counters, &sends, counted, plan.until);
    Results { sends, summary }
}
