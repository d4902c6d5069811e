//! The crash simulation: the real engine and the real store format on a virtual clock, with a
//! process that dies, a mail server with moods and a client that repeats. The same seed gives the
//! same world; a failing seed prints the command that shows it again.

mod check;
mod faults;
mod part;
mod recovery;
mod scenario;
mod settle;
mod sink;
mod upheaval;
mod world;

pub(crate) use faults::Rng;
use faults::{Deaths, Planted};
use std::sync::atomic::{AtomicU64, Ordering};
use world::{Plan, World};

/// Seeds of one test run; `CADENCIA_SIMULATION_SEEDS` asks for more.
const SEEDS: u64 = 2_000;

fn plan(seed: u64, planted: Planted) -> Plan {
    // Some worlds are small and crash often, some are busy and crash seldom.
    let customers = 1 + (seed % 5) as usize;
    let events = 8 + (seed / 5 % 40) as usize;
    let deaths = Deaths::OnceIn([20, 60, 200][(seed / 7 % 3) as usize]);
    Plan { seed, deaths, planted, customers, events, steps: 900 }
}

/// All values of all tables of a small world, for tests that read rows.
pub(crate) fn durable_rows() -> Vec<Vec<u8>> {
    let world = settle::run(&plan(29, Planted::Nothing));
    let tables = engine::Table::ALL.iter().map(|table| part::table(*table));
    let tables = tables.chain([store::Table::GROUPS]);
    let rows = tables.flat_map(|table| part::rows(&world.store, table, store::Range::all()));
    rows.map(|(_, value)| value).collect()
}

/// Runs seeds on two threads; the first problem of each failing seed.
fn run(seeds: std::ops::Range<u64>, planted: Planted, enough: usize) -> Vec<(u64, String)> {
    let next = AtomicU64::new(seeds.start);
    let failed = std::sync::Mutex::new(Vec::new());
    let work = || loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= seeds.end || failed.lock().expect("no panic").len() >= enough {
            return;
        }
        let problem = settle::run(&plan(seed, planted)).problems.into_iter().next();
        failed.lock().expect("no panic").extend(problem.map(|problem| (seed, problem)));
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    let mut failed = failed.into_inner().expect("no panic");
    failed.sort_unstable();
    failed
}

#[track_caller]
fn expect_sound(seed: u64, world: &World) {
    assert!(
        world.problems.is_empty(),
        "seed {seed}, {} crashes:\n  {}\nagain: CADENCIA_SIMULATION_SEED={seed} \
         cargo test -p cadencia-tests --lib simulation::one_seed",
        world.crashes,
        world.problems.join("\n  "),
    );
}

#[test]
fn many_seeds_hold_every_promise() {
    let seeds = crate::environment::simulation_seeds().unwrap_or(SEEDS);
    let failed = run(0..seeds, Planted::Nothing, 1);
    if let Some((seed, _)) = failed.first() {
        expect_sound(*seed, &settle::run(&plan(*seed, Planted::Nothing)));
    }
}

/// One seed, chosen by `CADENCIA_SIMULATION_SEED`.
#[test]
fn one_seed() {
    let seed = crate::environment::simulation_seed().unwrap_or(1);
    expect_sound(seed, &settle::run(&plan(seed, Planted::Nothing)));
}

#[test]
fn the_same_seed_gives_the_same_world() {
    for seed in 0..100 {
        let plan = plan(seed, Planted::Nothing);
        assert_eq!(settle::run(&plan).trace, settle::run(&plan).trace, "seed {seed}");
    }
}

#[test]
fn faults_of_every_kind_happen() {
    let worlds: Vec<World> =
        (0..60).map(|seed| settle::run(&plan(seed, Planted::Nothing))).collect();
    let crashes: u64 = worlds.iter().map(|world| world.crashes).sum();
    let unknown = worlds.iter().map(|world| world.unknown_max).max();
    let repeated = worlds
        .iter()
        .filter(|world| world.sink.delivered.values().any(|delivered| delivered.len() > 1));
    assert!(crashes > 100, "{crashes} crashes");
    assert_eq!(unknown, Some(world::SLOTS), "crashes with every slot in use");
    assert!(repeated.count() > 0, "some transactional message was delivered twice");
    let sent_again = worlds.iter().map(check::sent_again).sum::<usize>();
    assert!(sent_again > 10, "{sent_again} messages were sent again and taken");
}

/// Dies at every boundary of some small worlds: before and after each of them.
#[test]
fn a_crash_at_every_point_breaks_nothing() {
    for seed in 11..16 {
        let of = |deaths| Plan {
            seed,
            deaths,
            planted: Planted::Nothing,
            customers: 2,
            events: 14,
            steps: 500,
        };
        let whole = settle::run(&of(Deaths::Never));
        expect_sound(seed, &whole);
        let points = whole.boundaries.passed;
        assert!(points >= 200, "seed {seed}: {points} points");
        for point in 0..points {
            let world = settle::run(&of(Deaths::At(point)));
            assert_eq!(world.crashes, 1, "seed {seed}, point {point}");
            assert!(world.problems.is_empty(), "seed {seed}, point {point}: {:#?}", world.problems);
        }
    }
}

/// Every checker must also fail when it should.
#[test]
fn planted_defects_are_found() {
    for planted in Planted::ALL {
        let found = run(0..SEEDS, planted, 1);
        assert!(!found.is_empty(), "{planted:?} was not found in {SEEDS} seeds");
        println!("{planted:?}: {:?}", found[0]);
    }
}
