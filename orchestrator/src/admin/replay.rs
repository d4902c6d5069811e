//! Bringing in recorded events: without consequences, as if they happened now, or with the clock
//! driven by them.

use std::sync::Arc;

use domain::event::{Event, IMPORTED};
use domain::time::Instant;
use engine::codec;
use runtime::{Clock, Lane, SimulatedClock};
use serde::{Deserialize, Serialize};

use super::{Admin, Refusal, refuse};
use crate::access::audit::Change;
use crate::access::principal::Principal;
use crate::actors::PartitionMsg;
use crate::error::ErrorCode;
use crate::rows::Rows;

/// Most events of one import request.
pub const IMPORT_EVENTS_MAX: usize = 2_000;
/// Longest time, real, that one step of a replay may take until all is quiet: a mail server that
/// does not answer is given up by then.
const QUIET_LIMIT_MS: u64 = 600_000;
/// Pause before events that found no room are offered again.
const BUSY_PAUSE_MS: u64 = 20;
/// How often they are offered: for about a minute. Longer than that no queue stays full.
const OFFERS_MAX: u32 = 3_000;

/// What recorded events set off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Events taken in; repeats among them changed nothing.
    pub events: u64,
    /// New events among them that lay behind the clock of a replay: too late to change what was.
    pub behind: u64,
    /// Where the clock stands, in milliseconds since the epoch.
    pub now_ms: i64,
}

impl Admin {
    /// Takes in recorded events, in their order. Returns when all is durable; in a replay, when
    /// everything that they and the clock set off has settled as well.
    pub async fn import(
        &self,
        trigger: Trigger,
        mut events: Vec<Event>,
        until: Option<Instant>,
        by: &Principal,
    ) -> Result<Imported, Refusal> {
        let count = events.len() as u64;
        let change = Change::made("events.import", trigger.word(), format!("{count} events"));
        self.access.announce(by, change).await?;
        let mut behind = 0;
        for event in &mut events {
            event.message_id.insert_str(0, IMPORTED);
        }
        match (trigger, &self.time) {
            (Trigger::None, _) => self.take_in(events, Lane::Recompute, true).await?,
            (Trigger::Live, None) => {
                let now = self.now();
                let live = |mut event: Event| {
                    event.received_at = now;
                    event.occurred_at = event.occurred_at.min(now);
                    event
                };
                self.take_in(events.into_iter().map(live).collect(), Lane::Live, false).await?;
            }
            (Trigger::Live, Some(_)) => {
                let detail = "this server's clock is driven by a replay: there is no now";
                return refuse(ErrorCode::StateConflict, detail);
            }
            (Trigger::Replay, None) => {
                let detail = "this server goes by the machine's clock: start it with --replay";
                return refuse(ErrorCode::StateConflict, detail);
            }
            (Trigger::Replay, Some(time)) => behind = self.replay(time, events, until).await?,
        }
        Ok(Imported { events: count, behind, now_ms: self.now().0 })
    }

    async fn take_in(&self, events: Vec<Event>, lane: Lane, recorded: bool) -> Result<(), Refusal> {
        let real = Clock::system();
        let events: Vec<Arc<Event>> = events.into_iter().map(Arc::new).collect();
        let mut looked = false;
        for _ in 0..OFFERS_MAX {
            let taken = match recorded {
                true => self.app.directory.record(events.clone(), lane),
                false => self.app.directory.ingest(events.clone(), lane),
            };
            match taken {
                // A part that was dropped is offered again with the rest, which is known by then.
                Ok(answer) => {
                    if answer.await.is_ok() {
                        return Ok(());
                    }
                    if !std::mem::replace(&mut looked, true) {
                        self.all_can_be_read(&events)?;
                    }
                }
                Err(busy @ runtime::Busy::TooLarge { .. }) => {
                    return refuse(ErrorCode::TooManyEvents, busy);
                }
                Err(runtime::Busy::Full { .. }) => {}
            }
            real.sleep(BUSY_PAUSE_MS).await;
        }
        refuse(ErrorCode::StoreUnavailable, "not all events could be made durable; see the log")
    }

    /// Refuses events of a customer whose record cannot be read: they would be dropped each time.
    fn all_can_be_read(&self, events: &[Arc<Event>]) -> Result<(), Refusal> {
        let rows = Rows(&self.app.store);
        for event in events {
            let key = event.customer.key();
            let partition = key.partition(self.app.directory.count());
            let found = match rows.customers(partition, &[key]) {
                Ok(found) => found,
                Err(error) => crate::fatal::store_failed(&error),
            };
            for record in found.into_iter().flatten() {
                let Err(error) = codec::decode_customer(key, &record) else { continue };
                let detail = format!("customer {}: {error}", event.customer);
                return refuse(ErrorCode::StoreCorrupt, detail);
            }
        }
        Ok(())
    }

    /// Everything of one instant is handed over while the clock stands at it, before anybody who
    /// is due then wakes: events come before timers (semantics 2).
    async fn replay(
        &self,
        time: &SimulatedClock,
        events: Vec<Event>,
        until: Option<Instant>,
    ) -> Result<u64, Refusal> {
        // Two at once would move the clock under each other's events.
        let _alone = self.replaying.lock().await;
        let mut events = events.into_iter().peekable();
        // What is behind the clock is too late to change what was; repeats are not counted.
        let mut past = Vec::new();
        let now = self.now();
        while let Some(mut event) = events.next_if(|event| event.occurred_at < now) {
            event.received_at = event.occurred_at;
            past.push(event);
        }
        let behind = self.new_among(&past);
        if !past.is_empty() {
            self.take_in(past, Lane::Live, false).await?;
        }
        while let Some(first) = events.next() {
            let at = first.occurred_at;
            self.go_to(time, at).await?;
            let mut together = vec![first];
            while let Some(event) = events.next_if(|event| event.occurred_at == at) {
                together.push(event);
            }
            for event in &mut together {
                // Receipt is occurrence (semantics 3).
                event.received_at = at;
            }
            self.take_in(together, Lane::Live, false).await?;
            time.advance_to(at.0);
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
