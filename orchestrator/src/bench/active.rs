//! `active`: what an active customer costs beside its state: its actor, its mailbox, its place
//! among the active ones.

use std::sync::Arc;
use std::{cell::RefCell, collections::HashMap, rc::Rc};

use domain::time::Instant;
use engine::Loaded;
use runtime::{Active, Local, Returns, Turn};
use store::bench::procfs::Process;

use super::known::{Direct, made};
use super::report::Report;
use super::{Bench, BenchError, campaign};
use crate::actors::core::Core;
use crate::actors::customer::{CustomerActor, Returned};
use crate::actors::{Published, Work};

/// Actors that get their turn before their results are collected.
const ROUND: usize = 512;
/// Time in which the allocator gives memory back.
const SETTLE_MS: u64 = 100;

/// Woken by the actors when they have a result, as a partition is; the results are taken below.
struct Collector;

impl actix::Actor for Collector {
    type Context = actix::Context<Self>;
}

impl actix::Handler<runtime::Collect> for Collector {
    type Result = ();

    fn handle(&mut self, _: runtime::Collect, _: &mut Self::Context) {}
}

pub(super) fn run(bench: &Bench) -> Result<Report, BenchError> {
    let mut report = Report::new("active");
    let catalog = campaign::catalog(bench, &campaign::captured())?;
    let count = bench.customers(2_000, 200_000);
    let mut direct = Direct::open(bench, &bench.path("data"), &catalog)?;
    let now = Instant(bench.clock.now_ms());
    let before = Process::own().rss_bytes;
    let all: Vec<Loaded> =
        (0..count).map(|number| made(&mut direct.partitions, number, now, now).0).collect();
    let after_states = Process::own().rss_bytes;
    let core = Core::new(
        engine::Partition::new(0, Arc::clone(&catalog), 0),
        direct.store.clone(),
        bench.clock.clone(),
        &Published { catalog, channels: HashMap::new() },
    );
    let core = Rc::new(RefCell::new(core));
    let (active, after) = actix_rt::System::new().block_on(activate(bench, all, core, now));
    report.figure(
        "bytes_per_active_customer",
        after.saturating_sub(after_states) as f64 / count as f64,
    );
    report.set("active", active);
    let state = after_states.saturating_sub(before) as f64 / count as f64;
    report.set("state_bytes", super::report::rounded(state));
    direct.store.close();
    Ok(report)
}

/// Activates all and lets each take a turn; how many are active, and the memory then.
async fn activate(
    bench: &Bench,
    all: Vec<Loaded>,
    core: Rc<RefCell<Core>>,
    now: Instant,
) -> (usize, u64) {
    let mut active: Active<Local<CustomerActor>> = Active::new();
    let context = actix::Context::<Collector>::new();
    let returns = Returns::new(actix::AsyncContext::address(&context));
    context.run(Collector);
    let mut results = Vec::with_capacity(ROUND);
    for (at, loaded) in all.into_iter().enumerate() {
        let key = loaded.customer.key();
        let actor = CustomerActor::new(loaded, core.clone(), returns.clone());
        let slot = active.activate(key.0, Local::start(actor), now.0, 0);
        if let Some(flight) = active.begin(slot, now.0) {
            // A timer that is not due any more changes nothing, but is a turn.
            active.value(slot).send(Turn { flight, msg: vec![Work::Timer { due: now }] });
        }
        if at % ROUND == ROUND - 1 {
            settle(&mut active, &returns, &mut results).await;
        }
    }
    while active.in_flight() > 0 {
        settle(&mut active, &returns, &mut results).await;
    }
    // The allocator gives back what the states lay in a moment later.
    bench.clock.sleep(SETTLE_MS).await;
    (active.len(), Process::own().rss_bytes)
}

async fn settle(
    active: &mut Active<Local<CustomerActor>>,
    returns: &Returns<Returned>,
    results: &mut Vec<Returned>,
) {
    while results.is_empty() && active.in_flight() > 0 {
        tokio::task::yield_now().await;
        returns.collect(results);
    }
    for returned in results.drain(..) {
        active.end(returned.flight, 0);
    }
}
