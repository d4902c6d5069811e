//! The orderly end of actors: phase by phase, each actor asked to finish, its answer awaited.
//!
//! Filled by the composition root (who takes in work stops first, who commits it last); run once,
//! before [`Arbiters::join`](crate::arbiters::Arbiters::join).

use std::collections::BTreeMap;
use std::fmt;

use actix::dev::ToEnvelope;
use actix::{Addr, Handler, Message};

use crate::clock::Clock;
use crate::handle::Wake;
use crate::reply::{Answer, Reply, reply};

/// "Finish what you have, take nothing new, then answer." The actor keeps the reply until it is
/// done; it must go on handling messages meanwhile.
#[derive(Debug)]
pub struct Stop(pub Reply<()>);

impl Message for Stop {
    type Result = ();
}

/// Who stops when.
pub struct StopOrder {
    clock: Clock,
    phases: BTreeMap<u8, Vec<(String, Wake<Stop>)>>,
}

impl StopOrder {
    /// Nobody to stop yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, phases: BTreeMap::new() }
    }

    /// `actor` is stopped in `phase`, lower ones first, together with the others of that phase.
    pub fn add<A>(&mut self, phase: u8, name: impl Into<String>, actor: Addr<A>)
    where
        A: Handler<Stop>,
        A::Context: ToEnvelope<A, Stop>,
    {
        let stop = Wake::new(actor.recipient());
        self.phases.entry(phase).or_default().push((name.into(), stop));
    }

    /// Stops everybody; each phase may take `phase_ms`. Answers the names of those that had not
    /// finished by then (an actor that had ended already counts as finished).
    pub async fn run(self, phase_ms: u64) -> Vec<String> {
        let mut unfinished = Vec::new();
        for actors in self.phases.into_values() {
            let deadline_ms = self.clock.monotonic_ms().saturating_add(phase_ms);
            let asked: Vec<_> = actors.into_iter().map(|(name, stop)| (name, ask(&stop))).collect();
            for (name, answer) in asked {
                let left_ms = deadline_ms.saturating_sub(self.clock.monotonic_ms());
                if self.clock.timeout(left_ms, answer).await.is_err() {
                    tracing::warn!(actor = name, "did not finish in time");
                    unfinished.push(name);
                }
            }
        }
        unfinished
    }
}

impl fmt::Debug for StopOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |(phase, actors): (&u8, &Vec<(String, _)>)| {
            (*phase, actors.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>())
        };
        f.debug_map().entries(self.phases.iter().map(names)).finish()
    }
}

fn ask(stop: &Wake<Stop>) -> Answer<()> {
    let (asker, answer) = reply();
    stop.send(Stop(asker));
    answer
}

#[cfg(test)]
mod tests;
