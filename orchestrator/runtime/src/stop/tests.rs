//! Tests of `stop`.

use std::sync::{Arc, Mutex};

use actix::{Actor, Context};
use actix_rt::System;

use super::*;
use crate::clock::SimulatedClock;

/// Answers the request to stop at once, when told later, or never.
struct Worker {
    name: &'static str,
    log: Arc<Mutex<Vec<&'static str>>>,
    after: Option<u64>,
    clock: Clock,
}

impl Actor for Worker {
    type Context = Context<Self>;
}

impl Handler<Stop> for Worker {
    type Result = ();

    fn handle(&mut self, stop: Stop, _: &mut Context<Self>) {
        let (log, name) = (Arc::clone(&self.log), self.name);
        log.lock().expect("lock").push(name);
        let sleep = self.after.map(|after_ms| self.clock.sleep(after_ms));
        actix_rt::spawn(async move {
            match sleep {
                Some(sleep) => sleep.await,
                None => std::future::pending().await,
            }
            stop.0.send(());
        });
    }
}

#[test]
fn each_phase_waits_for_the_one_before_but_not_for_ever() {
    let simulated = SimulatedClock::new(0);
    let log = Arc::new(Mutex::new(Vec::new()));
    System::new().block_on(async {
        let mut order = StopOrder::new(simulated.clock());
        let workers = [
            (2, "commit", Some(0)),
            (1, "partition a", Some(50)),
            (1, "partition b", None),
            (0, "ingest", Some(100)),
        ];
        for (phase, name, after) in workers {
            let (log, clock) = (Arc::clone(&log), simulated.clock());
            order.add(phase, name, Worker { name, log, after, clock }.start());
        }
        let running = actix_rt::spawn(order.run(1_000));
        let settle = async || {
            for _ in 0..16 {
                tokio::task::yield_now().await;
            }
        };
        for (now_ms, expected) in [(99, 1), (100, 3), (1_099, 3), (1_100, 4)] {
            simulated.run_to(now_ms, settle).await;
            assert_eq!(log.lock().expect("lock").len(), expected, "at {now_ms} ms");
        }
        assert_eq!(running.await.expect("no panic"), ["partition b"]);
    });
    let seen = log.lock().expect("lock").clone();
    assert_eq!(seen, ["ingest", "partition a", "partition b", "commit"]);
}
