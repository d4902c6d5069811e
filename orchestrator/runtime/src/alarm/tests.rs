//! Tests of `alarm`.

use std::sync::{Arc, Mutex};

use actix_rt::System;

use super::*;
use crate::clock::SimulatedClock;

type Log = Arc<Mutex<Vec<(&'static str, i64)>>>;
type Script = fn(&mut Sleeper, &mut Context<Sleeper>);

/// Notes what rang and when; what it sets is the script of the test.
struct Sleeper {
    clock: Clock,
    alarm: Alarm,
    log: Log,
    script: Script,
}

impl Sleeper {
    fn note(&mut self, what: &'static str) {
        self.log.lock().expect("lock").push((what, self.clock.now_ms()));
    }

    fn set(&mut self, ctx: &mut Context<Self>, due_ms: i64, what: &'static str) {
        self.alarm.set(ctx, due_ms, move |sleeper: &mut Self, _| {
            sleeper.alarm.rang();
            sleeper.note(what);
        });
    }
}

impl Actor for Sleeper {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        (self.script)(self, ctx);
    }
}

/// What rings until 1,000 ms when the script sets the alarm at 0.
fn check(script: Script, expected: &[(&'static str, i64)]) {
    let log = Log::default();
    let simulated = SimulatedClock::new(0);
    System::new().block_on(async {
        let (clock, log) = (simulated.clock(), Arc::clone(&log));
        let alarm = Alarm::new(clock.clone());
        let _sleeper = Sleeper { clock, alarm, log, script }.start();
        let settle = async || {
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
        };
        simulated.run_to(1_000, settle).await;
    });
    assert_eq!(*log.lock().expect("lock"), expected);
}

#[test]
fn it_rings_once_at_the_instant_it_was_set_to_last() {
    check(|s, ctx| s.set(ctx, 300, "a"), &[("a", 300)]);
    check(
        |s, ctx| {
            s.set(ctx, 300, "a");
            s.set(ctx, 500, "b");
        },
        &[("b", 500)],
    );
    check(
        |s, ctx| {
            s.set(ctx, 300, "a");
            s.alarm.cancel(ctx);
        },
        &[],
    );
    check(|s, ctx| s.set(ctx, -5, "past"), &[("past", 0)]);
}

#[test]
fn it_is_only_moved_to_an_earlier_instant_when_that_is_asked() {
    fn earlier(s: &mut Sleeper, ctx: &mut Context<Sleeper>, due_ms: i64, what: &'static str) {
        s.alarm.set_earlier(ctx, due_ms, move |s: &mut Sleeper, _| {
            s.alarm.rang();
            s.note(what);
        });
    }
    check(
        |s, ctx| {
            earlier(s, ctx, 300, "a");
            earlier(s, ctx, 500, "later");
            earlier(s, ctx, 200, "b");
            assert_eq!(s.alarm.due_ms(), Some(200));
        },
        &[("b", 200)],
    );
}

#[test]
fn it_may_be_set_again_when_it_rings() {
    fn ring(s: &mut Sleeper, ctx: &mut Context<Sleeper>) {
        s.alarm.rang();
        s.note("ring");
        let next_ms = s.clock.now_ms() + 400;
        s.alarm.set(ctx, next_ms, ring);
    }
    check(|s, ctx| s.alarm.set(ctx, 100, ring), &[("ring", 100), ("ring", 500), ("ring", 900)]);
}

#[test]
fn every_so_often_until_it_is_cancelled() {
    check(
        |s, ctx| {
            let mut left = 3;
            let handle = Arc::new(Mutex::new(None));
            let own = Arc::clone(&handle);
            let ticking = every(ctx, &s.clock.clone(), 200, move |s: &mut Sleeper, ctx| {
                s.note("tick");
                left -= 1;
                if left == 0 {
                    ctx.cancel_future(own.lock().expect("lock").take().expect("set below"));
                }
            });
            *handle.lock().expect("lock") = Some(ticking);
        },
        &[("tick", 200), ("tick", 400), ("tick", 600)],
    );
}
