//! `advance`: turns of the engine on one core, from an event to an encoded transaction; one turn in
//! ten passes a send through four rules. Once with one step in each turn (out of a wait, through a
//! branch by an expression, into the next wait), once with a whole enrollment (an exit, an entry, a
//! branch, a wait).

use domain::time::Instant;
use engine::Loaded;
use store::bench::procfs::thread_core_ns;

use super::known::{PARTITIONS, customer, made, viewed};
use super::report::{Report, rounded};
use super::{Bench, BenchError, campaign, median, replay};

/// Customers that take turns: more than the caches of a core hold.
const CUSTOMERS: u64 = 20_000;
/// Events made at once, outside the measured time: few enough to be still at hand when their turn
/// comes, as those are that a server has just read; many enough for the core's clock.
const EVENTS_AT_ONCE: u64 = 8_000;
/// Runs, of which the middle one counts.
const RUNS: usize = 5;
/// A minute between two turns of one customer.
const STEP_MS: i64 = 60_000;

/// Turns per second, by the time of the core and by the wall's.
struct Rates {
    core: f64,
    wall: f64,
}

pub(super) fn run(bench: &Bench) -> Result<Report, BenchError> {
    let mut report = Report::new("advance");
    let customers = bench.customers(1_000, CUSTOMERS);
    let turns = bench.pick(2_000, 400_000) as u64;
    let steps = rates(bench, &campaign::stepping(), customers, turns)?;
    let enrollments = rates(bench, &campaign::captured(), customers, turns)?;
    report.figure("decisions_per_s_per_core", steps.core);
    report.figure("enrollments_per_s_per_core", enrollments.core);
    report.set("wall_decisions_per_s", rounded(steps.wall));
    report.set("wall_enrollments_per_s", rounded(enrollments.wall));
    report.set("turns", turns);
    report.set("runs", RUNS);
    report.set("customers", customers);
    report.set("gated_in_ten", 1);
    report.set("rules", 4);
    Ok(report)
}

fn rates(bench: &Bench, campaign: &str, customers: u64, turns: u64) -> Result<Rates, BenchError> {
    let catalog = campaign::catalog(bench, campaign)?;
    let mut partitions: Vec<engine::Partition> =
        (0..PARTITIONS).map(|id| engine::Partition::new(id, catalog.clone(), 0)).collect();
    let mut now = Instant(bench.clock.now_ms());
    let mut all: Vec<(usize, Loaded)> = (0..customers)
        .map(|number| {
            let at = usize::from(customer(number).key().partition(PARTITIONS));
            let (mut loaded, _) = made(&mut partitions, number, now, now);
            loaded.ledger = Some(Vec::new());
            (at, loaded)
        })
        .collect();
    let (mut by_core, mut by_wall, mut number) = (Vec::new(), Vec::new(), 0);
    for _ in 0..RUNS {
        let (mut core_s, mut wall_s) = (0.0, 0.0);
        let until = number + turns;
        while number < until {
            let part = number..until.min(number + EVENTS_AT_ONCE);
            number = part.end;
            let mut events = Vec::with_capacity(EVENTS_AT_ONCE as usize);
            for at in part {
                let whose = at % customers;
                now = if whose == 0 { now.plus_ms(STEP_MS) } else { now };
                let message = format!("advance-{at:x}");
                // Other customers get the sends of each round, so that all have some.
                let offer = (at + at / customers).is_multiple_of(10);
                events.push((whose as usize, viewed(&customer(whose), message, now, offer), now));
            }
            let (core_ns, began) = (thread_core_ns(), bench.now_s());
            for (whose, event, now) in events {
                let (partition, loaded) = &mut all[whose];
                let partition = &mut partitions[*partition];
                std::hint::black_box(replay::turn(partition, loaded, event, now));
            }
            let wall = bench.now_s() - began;
            let core = core_ns.zip(thread_core_ns()).map(|(from, to)| (to - from) as f64 / 1e9);
            core_s += core.unwrap_or(wall);
            wall_s += wall;
        }
        by_core.push(turns as f64 / core_s.max(1e-9));
        by_wall.push(turns as f64 / wall_s.max(1e-9));
    }
    Ok(Rates { core: median(by_core), wall: median(by_wall) })
}
