//! After the faults: everything must drain within bounded steps, and the end must be right.

use domain::time::Instant;
use engine::catalog::Control;
use engine::codec;
use store::Range;

use super::faults::{Crashed, Deaths, Planted};
use super::part::{rows, table};
use super::world::{Plan, World};

/// Rounds of work without a move of the clock that are more than enough for any backlog.
const ROUNDS_MAX: usize = 2_000;
/// Moves of the clock that are more than enough for all journeys to end.
const MOVES_MAX: usize = 2_000;

/// Runs a plan to its end.
pub(crate) fn run(plan: &Plan) -> World {
    let mut world = World::new(plan);
    for _ in 0..plan.steps {
        if world.is_late() {
            break;
        }
        world.step();
    }
    world.settle(matches!(plan.deaths, Deaths::At(_)));
    super::check::all(&mut world);
    world
}

impl World {
    /// Ends the faults (but for the one death that is still to come, if any) and drains.
    fn settle(&mut self, dies_once: bool) {
        self.sink.reliable = true;
        self.calm = true;
        if !dies_once {
            self.boundaries.deaths = Deaths::Never;
        }
        self.control(Control::Running);
        for _ in 0..MOVES_MAX {
            if !self.drain() {
                self.problem("work does not end though there are no faults");
                return;
            }
            let open: Vec<usize> = (0..self.client.events.len())
                .filter(|number| !self.client.events[*number].acknowledged)
                .collect();
            if !open.is_empty() {
                for number in open {
                    self.post_event(number);
                }
                continue;
            }
            self.expect_no_stranded();
            let next = self.next_due();
            if next == Instant::MAX {
                return;
            }
            self.now = self.now.max(next);
            if self.fire().is_err() {
                self.crash();
            }
        }
        self.problem("journeys do not end though there are no faults");
    }

    fn next_due(&self) -> Instant {
        let parts = self.parts.iter();
        parts
            .flat_map(|part| part.timers.values().copied().chain([part.partition.next_retry()]))
            .min()
            .unwrap_or(Instant::MAX)
    }

    /// Works until nothing is left to do at this instant. False if it does not end.
    fn drain(&mut self) -> bool {
        for _ in 0..ROUNDS_MAX {
            match self.round() {
                Ok(false) => return true,
                Ok(true) => {}
                Err(Crashed) => self.crash(),
            }
        }
        false
    }

    fn round(&mut self) -> Result<bool, Crashed> {
        let mut worked = false;
        for at in 0..self.parts.len() {
            while let Some(key) = self.parts[at].queue.keys().next().copied() {
                worked = true;
                if self.parts[at].active.len() > 2 {
                    let announced = self.parts[at].announced;
                    self.parts[at].active.retain(|_, active| active.seq > announced);
                }
                self.turn(at, key)?;
            }
            worked |= !self.parts[at].undelivered.is_empty();
            self.submit(at)?;
        }
        while self.store.queued() > 0 || self.store.staged() > 0 {
            worked = true;
            self.stage()?;
            self.barrier()?;
        }
        for at in 0..self.parts.len() {
            self.release(at)?;
        }
        while !self.outgoing.is_empty() {
            worked = true;
            self.attempt(0)?;
        }
        while !self.outcomes.is_empty() {
            worked = true;
            self.outcome(0)?;
        }
        for at in 0..self.parts.len() {
            if self.free > 0 && self.parts[at].in_line {
                self.grant(at);
                worked |= !self.parts[at].queue.is_empty();
            }
        }
        Ok(worked)
    }

    /// No message waits for a slot while slots are free and nothing is left to do.
    fn expect_no_stranded(&mut self) {
        if self.free < super::world::SLOTS {
            let free = self.free;
            self.problem(format!("only {free} slots are free though nothing is on its way"));
            self.free = super::world::SLOTS;
        }
        let found = rows(&self.store, table(engine::Table::Customers), Range::all());
        let planned = found.iter().any(|(_, value)| {
            codec::decode_customer_header(value).expect("a sound header").planned
        });
        if planned && self.planted != Planted::SlotsWithoutEnd {
            self.problem("a message waits for a slot though slots are free");
        }
    }
}
