//! Bringing in recorded events: without consequences, as if they happened now, or with the clock
//! driven by them.

use std::sync::Arc;

use domain::event::{Alias, Event, IMPORTED, Recorded};
use domain::ids::CustomerId;
use domain::time::Instant;
use runtime::reply::Answer;
use runtime::{Busy, Clock, Lane, SimulatedClock};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Admin, Refusal, refuse};
use crate::access::audit::Change;
use crate::access::principal::Principal;
use crate::actors::PartitionMsg;
use crate::actors::load::first_unfit;
use crate::error::ErrorCode;

/// Most events and aliases of one import request.
pub const IMPORT_EVENTS_MAX: usize = 2_000;
/// Longest time, real, that one step of a replay may take until all is quiet: a mail server that
/// does not answer is given up by then.
const QUIET_LIMIT_MS: u64 = 600_000;
/// Pause before events that found no room are offered again.
const BUSY_PAUSE_MS: u64 = 20;
/// How often they are offered: for about a minute. Longer than that no queue stays full.
const OFFERS_MAX: u32 = 3_000;

/// What recorded events set off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// Nothing: they are remembered and counted.
    #[default]
    None,
    /// What they would if they happened now.
    Live,
    /// What they did: the clock goes from event to event, and to whatever is due in between.
    Replay,
}

impl Trigger {
    /// Its stable word.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Live => "live",
            Self::Replay => "replay",
        }
    }
}

/// What an import request did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Imported {
    /// Events taken in; repeats among them changed nothing.
    pub events: u64,
    /// What was new, aliases too, and lay behind the clock of a replay: too late to change what
    /// was.
    pub behind: u64,
    /// Where the clock stands, in milliseconds since the epoch.
    pub now_ms: i64,
}

/// What becomes of a customer who is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// It is remembered and counted, and sets off nothing.
    Recorded,
    /// It sets off what it would if it happened now.
    Happens,
}

/// As if it happened now; what lies in the future is clamped to it (semantics 3).
fn happened_by(now: Instant, mut one: Recorded) -> Recorded {
    match &mut one {
        Recorded::Event(event) => {
            event.received_at = now;
            event.occurred_at = event.occurred_at.min(now);
        }
        Recorded::Alias(alias) => alias.at = alias.at.min(now),
    }
    one
}

impl Admin {
    /// Takes in recorded events and aliases, in their order. Returns when all is durable; in a
    /// replay, when everything that they and the clock set off has settled as well.
    pub async fn import(
        &self,
        trigger: Trigger,
        mut all: Vec<Recorded>,
        until: Option<Instant>,
        by: &Principal,
    ) -> Result<Imported, Refusal> {
        let count = all.iter().filter(|one| matches!(one, Recorded::Event(_))).count() as u64;
        let change = Change::made("events.import", trigger.word(), format!("{count} events"));
        // What is refused is not announced.
        let announced = self.access.announce(by, change);
        let mut behind = 0;
        for one in &mut all {
            if let Recorded::Event(event) = one {
                event.message_id.insert_str(0, IMPORTED);
            }
        }
        match (trigger, &self.time) {
            (Trigger::None, _) => {
                announced.await?;
                self.one_by_one(all, Manner::Recorded).await?;
            }
            (Trigger::Live, None) => {
                announced.await?;
                let now = self.now();
                let live = |one| happened_by(now, one);
                self.one_by_one(all.into_iter().map(live).collect(), Manner::Happens).await?;
            }
            (Trigger::Live, Some(_)) => {
                let detail = "this server's clock is driven by a replay: there is no now";
                return refuse(ErrorCode::StateConflict, detail);
            }
            (Trigger::Replay, None) => {
                let detail = "this server goes by the machine's clock: start it with --replay";
                return refuse(ErrorCode::StateConflict, detail);
            }
            (Trigger::Replay, Some(time)) => {
                announced.await?;
                behind = self.replay(time, all, until).await?;
            }
        }
        Ok(Imported { events: count, behind, now_ms: self.now().0 })
    }

    /// Takes in what is recorded, in its order: an alias when what is before it is durable.
    async fn one_by_one(&self, all: Vec<Recorded>, manner: Manner) -> Result<(), Refusal> {
        let mut events = Vec::new();
        for one in all {
            match one {
                Recorded::Event(event) => events.push(event),
                Recorded::Alias(alias) => {
                    self.take_in(std::mem::take(&mut events), manner).await?;
                    self.unite(&alias, manner).await?;
                }
            }
        }
        self.take_in(events, manner).await
    }

    async fn take_in(&self, events: Vec<Event>, manner: Manner) -> Result<(), Refusal> {
        let directory = &self.app.directory;
        for events in directory.pieces(events.into_iter().map(Arc::new).collect()) {
            let whose = events.iter().map(|event| event.customer.clone());
            let whose: Vec<CustomerId> = whose.collect();
            // A part that was dropped is offered again with the rest, which is known by then.
            self.offer(&whose, || match manner {
                Manner::Recorded => directory.record(events.clone(), Lane::Recompute),
                Manner::Happens => directory.ingest(events.clone(), Lane::Live),
            })
            .await?;
        }
        Ok(())
    }

    async fn unite(&self, alias: &Alias, manner: Manner) -> Result<(), Refusal> {
        let directory = &self.app.directory;
        self.offer(&alias.ids(), || {
            let Alias { previous, into, at } = alias.clone();
            match manner {
                Manner::Recorded => directory.record_alias(previous, into, at),
                Manner::Happens => directory.alias(previous, into, at),
            }
        })
        .await
    }

    /// Hands something over until it is durable.
    async fn offer(
        &self,
        whose: &[CustomerId],
        hand_over: impl Fn() -> Result<Answer<()>, Busy>,
    ) -> Result<(), Refusal> {
        let real = Clock::system();
        let mut looked = false;
        for _ in 0..OFFERS_MAX {
            match hand_over() {
                Ok(answer) => {
                    if answer.await.is_ok() {
                        return Ok(());
                    }
                    if !std::mem::replace(&mut looked, true) {
                        self.all_can_be_read(whose)?;
                    }
                }
                Err(busy @ Busy::TooLarge { .. }) => {
                    return refuse(ErrorCode::TooManyEvents, busy);
                }
                Err(Busy::Full { .. }) => {}
            }
            real.sleep(BUSY_PAUSE_MS).await;
        }
        refuse(ErrorCode::StoreUnavailable, "not all events could be made durable; see the log")
    }

    /// Refuses what is for a customer whose record cannot be read: it would be dropped each time.
    fn all_can_be_read(&self, whose: &[CustomerId]) -> Result<(), Refusal> {
        match first_unfit(&self.app.store, self.app.directory.count(), whose) {
            Some((id, error)) => refuse(error.code(), format!("customer {id}: {error}")),
            None => Ok(()),
        }
    }

    /// Everything of one instant is handed over while the clock stands at it, before anybody who
    /// is due then wakes: events come before timers (semantics 2). Aliases come behind both, as in
    /// a simulation.
    async fn replay(
        &self,
        time: &SimulatedClock,
        all: Vec<Recorded>,
        until: Option<Instant>,
    ) -> Result<u64, Refusal> {
        // Two at once would move the clock under each other's events.
        let _alone = self.replaying.lock().await;
        let mut all = all.into_iter().peekable();
        // What is behind the clock is too late to change what was; repeats are not counted.
        let mut past = Vec::new();
        let now = self.now();
        while let Some(mut one) = all.next_if(|one| one.at() < now) {
            if let Recorded::Event(event) = &mut one {
                event.received_at = event.occurred_at;
            }
            past.push(one);
        }
        let behind = self.new_among(&past);
        self.one_by_one(past, Manner::Happens).await?;
        while let Some(at) = all.peek().map(Recorded::at) {
            self.go_to(time, at).await?;
            let (mut events, mut aliases) = (Vec::new(), Vec::new());
            while let Some(one) = all.next_if(|one| one.at() == at) {
                match one {
                    Recorded::Event(mut event) => {
                        // Receipt is occurrence (semantics 3).
                        event.received_at = at;
                        events.push(event);
                    }
                    Recorded::Alias(alias) => aliases.push(alias),
                }
            }
            self.take_in(events, Manner::Happens).await?;
            time.advance_to(at.0);
            for alias in aliases {
                self.quiet().await?;
                self.unite(&alias, Manner::Happens).await?;
            }
        }
        if let Some(until) = until {
            self.go_to(time, until).await?;
            time.advance_to(until.0);
        }
        self.quiet().await?;
        Ok(behind)
    }

    /// Moves the clock on, stopping wherever something is due before that.
    async fn go_to(&self, time: &SimulatedClock, to: Instant) -> Result<(), Refusal> {
        self.quiet().await?;
        while let Some(next) = time.next_wake().filter(|next| *next < to.0) {
            time.advance_to(next);
            self.quiet().await?;
        }
        time.stand_at(to.0);
        Ok(())
    }

    /// Until nothing is due, under way or on its way to the disk. Asked twice: the first answers
    /// may have crossed a message between two partitions or actors.
    async fn quiet(&self) -> Result<(), Refusal> {
        let real = Clock::system();
        let mut before = None;
        loop {
            let mut answers = Vec::new();
            for partition in self.app.directory.all() {
                let Ok(credit) = partition.control.credits().take(1).await else { continue };
                let (asker, answer) = runtime::reply::reply();
                // A partition that has stopped drops the question, and the answer says so.
                drop(partition.control.tell_reserved(PartitionMsg::Quiet(asker), credit));
                answers.push(answer);
            }
            for answer in answers {
                match real.timeout(QUIET_LIMIT_MS, answer).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return refuse(ErrorCode::ShuttingDown, "the server is stopping"),
                    Err(error) => return refuse(ErrorCode::StateConflict, error),
                }
            }
            let now = self.app.last_sequences();
            if before.as_ref() == Some(&now) {
                return Ok(());
            }
            before = Some(now);
        }
    }
}
