//! Tests of `handle`.

use std::cell::RefCell;
use std::rc::Rc;

use actix_rt::System;

use super::*;
use crate::clock::SimulatedClock;
use crate::credits::{Target, reserve_all};
use crate::returns::{Collect, Returns};
use crate::{Active, Credit};

/// Lets everybody on this arbiter run until nothing happens any more.
async fn settle() {
    for _ in 0..16 {
        tokio::task::yield_now().await;
    }
}

fn run<F: Future>(test: F) -> F::Output {
    System::new().block_on(test)
}

fn credits(limit: u32) -> Credits {
    Credits::new(Target { kind: "keeper", index: 1 }, limit, SimulatedClock::new(0).clock())
}

enum Ask {
    Keep(u32),
    Count(Reply<usize>),
    Ignore(Reply<usize>),
    Free(u32),
    End,
}

/// Keeps what it is told, with the credits.
#[derive(Default)]
struct Keeper(Vec<(u32, Credit)>);

impl Actor for Keeper {
    type Context = Context<Self>;
}

impl Handler<Delivery<Ask>> for Keeper {
    type Result = ();

    fn handle(&mut self, delivery: Delivery<Ask>, ctx: &mut Context<Self>) {
        use actix::ActorContext;
        let (ask, credit) = delivery.into_parts();
        match ask {
            Ask::Keep(n) => self.0.push((n, credit)),
            Ask::Count(reply) => reply.send(self.0.len()),
            Ask::Ignore(reply) => drop(reply),
            Ask::Free(n) => self.0.retain(|(kept, _)| *kept != n),
            Ask::End => ctx.stop(),
        }
    }
}

#[test]
fn a_mailbox_takes_what_its_credits_allow_and_no_more() {
    run(async {
        // Far more than actix's own capacity of 16, and exact.
        let handle = Handle::new(Keeper::default().start(), credits(100));
        for n in 0..100 {
            handle.tell(Ask::Keep(n), 1).expect("room");
        }
        let refused = handle.tell(Ask::Keep(100), 1);
        assert!(matches!(refused, Err(Refused::Busy { msg: Ask::Keep(100), .. })));
        settle().await;
        // Handled, but kept: the credits are still out.
        assert_eq!(handle.credits().used(), 100);
        handle.tell(Ask::Free(7), 0).expect("a cost of none");
        settle().await;
        assert_eq!(handle.ask(1, Ask::Count).await, Ok(99));
        assert_eq!(handle.credits().used(), 99);
    });
}

#[test]
fn a_message_to_a_stopped_actor_comes_back_with_its_credit() {
    run(async {
        let handle = Handle::new(Keeper::default().start(), credits(5));
        handle.tell(Ask::Keep(1), 1).expect("room");
        handle.tell(Ask::End, 1).expect("room");
        assert!(handle.is_running());
        settle().await;
        assert!(!handle.is_running());
        let refused = handle.tell(Ask::Keep(2), 1);
        assert!(matches!(refused, Err(Refused::Stopped { msg: Ask::Keep(2) })));
        assert_eq!(handle.credits().used(), 0, "what the actor held came back too");
    });
}

#[test]
fn a_question_is_answered_or_the_asker_told_why_not() {
    run(async {
        let handle = Handle::new(Keeper::default().start(), credits(1));
        assert_eq!(handle.ask(1, Ask::Count).await, Ok(0));
        assert_eq!(handle.ask(1, Ask::Ignore).await, Err(AskError::Unanswered(Unanswered)));
        let _all = handle.credits().try_take(1).expect("room");
        assert!(matches!(handle.ask(1, Ask::Count).await, Err(AskError::Busy(_))));
    });
}

#[test]
fn a_batch_is_handed_over_in_parts_that_were_reserved_together() {
    run(async {
        let handles = [2, 3].map(|limit| Handle::new(Keeper::default().start(), credits(limit)));
        let pools = [(handles[0].credits(), 2), (handles[1].credits(), 3)];
        let parts = reserve_all(&pools).expect("room in both").into_parts();
        assert!(reserve_all(&[(handles[1].credits(), 1)]).is_err());
        for (handle, credit) in handles.iter().zip(parts) {
            handle.tell_reserved(Ask::Keep(1), credit).expect("running");
        }
        settle().await;
        assert_eq!(handles.map(|handle| handle.credits().used()), [2, 3]);
    });
}

#[test]
#[should_panic(expected = "from another pool")]
fn a_credit_of_another_pool_is_a_defect() {
    run(async {
        let handle = Handle::new(Keeper::default().start(), credits(1));
        let foreign = credits(1).try_take(1).expect("room");
        let _ = handle.tell_reserved(Ask::Keep(1), foreign);
    });
}

/// An owner: answers through the cell, and notes when it ends.
struct Owner {
    returns: Returns<(Flight, u32)>,
    ended: Rc<RefCell<Vec<u32>>>,
    sum: u32,
}

impl Actor for Owner {
    type Context = Context<Self>;

    fn stopped(&mut self, _: &mut Self::Context) {
        self.ended.borrow_mut().push(self.sum);
    }
}

impl Handler<Turn<u32>> for Owner {
    type Result = ();

    fn handle(&mut self, turn: Turn<u32>, _: &mut Self::Context) {
        self.sum += turn.msg;
        self.returns.push((turn.flight, self.sum));
    }
}

/// Collects results; `rounds` has one entry per wake-up.
struct Partition {
    returns: Option<Returns<(Flight, u32)>>,
    results: Vec<(Flight, u32)>,
    active: Rc<RefCell<Active<Local<Owner>>>>,
    rounds: Rc<RefCell<Vec<Vec<u32>>>>,
}

impl Actor for Partition {
    type Context = Context<Self>;
}

impl Handler<Collect> for Partition {
    type Result = ();

    fn handle(&mut self, _: Collect, _: &mut Self::Context) {
        let returns = self.returns.as_ref().expect("set at the start");
        returns.collect(&mut self.results);
        let sums = self.results.iter().map(|(_, sum)| *sum).collect();
        self.rounds.borrow_mut().push(sums);
        for (flight, _) in self.results.drain(..) {
            self.active.borrow_mut().end(flight, 1);
        }
    }
}

#[test]
fn many_results_wake_their_owner_once_and_an_evicted_actor_ends_when_all_is_done() {
    run(async {
        let (active, rounds) = (Rc::new(RefCell::new(Active::new())), Rc::default());
        let ended = Rc::new(RefCell::new(Vec::new()));
        let (seen, kept) = (Rc::clone(&rounds), Rc::clone(&active));
        let mut cell = None;
        let partition = Partition::create(|ctx| {
            use actix::AsyncContext;
            let returns = Returns::new(ctx.address());
            cell = Some(returns.clone());
            Partition { returns: Some(returns), results: Vec::new(), active: kept, rounds: seen }
        });
        let returns = cell.expect("made with the partition");
        for n in 0..3_u8 {
            let owner = Owner { returns: returns.clone(), ended: Rc::clone(&ended), sum: 0 };
            let mut active = active.borrow_mut();
            let slot = active.activate([n; 16], Local::start(owner), 0, 0);
            for msg in [1, 10] {
                let flight = active.begin(slot, 0).expect("room");
                active.value(slot).send(Turn { flight, msg: msg + u32::from(n) });
            }
        }
        assert!(active.borrow_mut().evict(i64::MAX, 9).is_none(), "all are in flight");
        settle().await;
        assert_eq!(*rounds.borrow(), [[1, 11, 2, 13, 3, 15]]);
        assert!(active.borrow_mut().evict(i64::MAX, 0).is_none(), "nothing is durable");

        // A message that is still in the mailbox of a dropped actor is handled.
        let (_, local) = active.borrow_mut().evict(i64::MAX, 1).expect("idle");
        let slot = active.borrow_mut().activate([0; 16], local, 0, 0);
        let flight = active.borrow_mut().begin(slot, 0).expect("room");
        active.borrow().value(slot).send(Turn { flight, msg: 100 });
        let (_, other) = active.borrow_mut().evict(i64::MAX, 1).expect("idle");
        drop(other);
        settle().await;
        assert_eq!(*ended.borrow(), [13]);
        assert_eq!(rounds.borrow().last(), Some(&vec![111]));
        drop(active.borrow_mut().evict_key(&[0; 16], 1).expect("idle").1);
        settle().await;
        assert_eq!(*ended.borrow(), [13, 111]);
        drop(partition);
    });
}
