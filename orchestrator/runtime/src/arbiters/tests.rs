//! Tests of `arbiters`.

use std::thread::ThreadId;

use actix::Handler;

use super::*;
use crate::clock::SimulatedClock;
use crate::credits::{Credits, Target};
use crate::handle::{Delivery, Handle};
use crate::reply::Reply;

/// Answers on which thread it lives; not `Send`, as a partition's state is not.
struct Where(std::rc::Rc<u32>);

impl Actor for Where {
    type Context = Context<Self>;
}

impl Handler<Delivery<Reply<(u32, ThreadId)>>> for Where {
    type Result = ();

    fn handle(&mut self, ask: Delivery<Reply<(u32, ThreadId)>>, _: &mut Self::Context) {
        ask.into_msg().send((*self.0, thread::current().id()));
    }
}

async fn threads_of(arbiters: &Arbiters, partitions: u32) -> Vec<ThreadId> {
    let mut threads = Vec::new();
    for partition in 0..partitions {
        let addr = arbiters.start_actor(partition, move |_| Where(std::rc::Rc::new(partition)));
        let target = Target { kind: "where", index: partition };
        let credits = Credits::new(target, 1, SimulatedClock::new(0).clock());
        let (found, thread) = Handle::new(addr, credits).ask(1, |r| r).await.expect("an answer");
        assert_eq!(found, partition);
        threads.push(thread);
    }
    threads
}

fn two() -> NonZeroUsize {
    NonZeroUsize::new(2).expect("two")
}

fn check(threads: &[ThreadId]) {
    assert_eq!((threads[0], threads[1]), (threads[2], threads[3]));
    assert_ne!(threads[0], threads[1]);
    assert!(!threads.contains(&thread::current().id()));
}

#[test]
fn partitions_go_round_robin_with_a_system_of_their_own() {
    let arbiters = Arbiters::start(two()).expect("threads");
    assert_eq!((arbiters.count(), arbiters.index_of(5)), (2, 1));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    check(&runtime.block_on(threads_of(&arbiters, 4)));
    arbiters.join().expect("a good end");
}

#[test]
fn or_in_the_system_of_the_caller() {
    let system = System::new();
    let arbiters = system.block_on(async { Arbiters::start(two()) }).expect("threads");
    check(&system.block_on(threads_of(&arbiters, 4)));
    arbiters.join().expect("a good end");
}
