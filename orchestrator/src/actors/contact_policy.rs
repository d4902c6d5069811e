//! The contact-policy actor of one partition: stands in line for connection slots on behalf of
//! messages that the policy has let through, and wakes what is to be tried again.
//!
//! The decision itself is a plain call inside the customer's turn; this actor only sees to it that
//! the customer gets its turn.

use actix::{Actor, Context, Handler};
use domain::ids::ChannelName;
use domain::time::Instant;
use runtime::handle::Refused;
use runtime::returns::Collect;
use runtime::{Alarm, Clock, Handle, Lane, Returns};

use super::core::SharedCore;
use super::{Addressed, PartitionMsg, Work};

/// Pause before a full partition is offered its retries again.
const BUSY_PAUSE_MS: i64 = 50;

/// Retries handed over at once. After an outage, or a restart, there may be more of them due than
/// a mailbox ever takes: as one message it would be refused for ever.
pub(crate) const RETRIES_BATCH_MAX: usize = 256;

/// What the partition tells this actor; it is woken once for all of it.
#[derive(Clone, Debug)]
pub enum Look {
    /// A message had no slot of this channel.
    Starved(ChannelName),
    /// A send is to be tried again some time.
    Retries,
}

/// The actor.
#[derive(Debug)]
pub struct ContactPolicyActor {
    core: SharedCore,
    looks: Returns<Look>,
    partition: Handle<PartitionMsg>,
    clock: Clock,
    alarm: Alarm,
    /// Rings in real time, for a partition that was full.
    busy: Alarm,
    /// Retries that a full partition refused.
    refused: Vec<Addressed>,
}

impl ContactPolicyActor {
    /// For a partition on the same arbiter.
    pub fn new(
        core: SharedCore,
        looks: Returns<Look>,
        partition: Handle<PartitionMsg>,
        clock: Clock,
    ) -> Self {
        let (alarm, busy) = (Alarm::new(clock.clone()), Alarm::new(Clock::system()));
        Self { core, looks, partition, clock, alarm, busy, refused: Vec::new() }
    }

    fn stand_in_line(&self, channel: &ChannelName) {
        let (number, slots) = {
            let core = self.core.borrow();
            (core.partition.id(), core.slots_of(channel))
        };
        let Some(slots) = slots else {
            return;
        };
        let (partition, name) = (self.partition.clone(), channel.clone());
        let granted = slots.acquire_or_wait(u32::from(number), move |permit| {
            // A partition that has stopped, or is full, passes the permit on by dropping it.
            drop(partition.tell(PartitionMsg::Permit(name, permit), 1));
        });
        if let Some(permit) = granted {
            drop(self.partition.tell(PartitionMsg::Permit(channel.clone(), permit), 1));
        }
    }

    fn retry(&mut self, ctx: &mut Context<Self>) {
        let now = Instant(self.clock.now_ms());
        let due = self.core.borrow_mut().partition.due_retries(now);
        let mut works = std::mem::take(&mut self.refused);
        works.extend(due.into_iter().map(|(key, send)| Addressed {
            key,
            id: None,
            lane: Lane::Live,
            work: Work::Retry(send),
        }));
        self.refused = in_batches(works, |batch| {
            let cost = batch.len() as u32;
            match self.partition.tell(PartitionMsg::Work(batch), cost) {
                Err(Refused::Busy { msg: PartitionMsg::Work(batch), .. }) => Err(batch),
                _ => Ok(()),
            }
        });
        self.set_alarm(ctx);
    }

    fn set_alarm(&mut self, ctx: &mut Context<Self>) {
        let next = self.core.borrow().partition.next_retry();
        if !self.refused.is_empty() {
            // Whatever happens meanwhile: it must not be put off.
            if self.busy.due_ms().is_none() {
                self.busy.set_after(ctx, BUSY_PAUSE_MS, |actor, ctx| {
                    actor.busy.rang();
                    actor.retry(ctx);
                });
            }
        } else if next != Instant::MAX {
            self.alarm.set(ctx, next.0, |actor, ctx| {
                actor.alarm.rang();
                actor.retry(ctx);
            });
        }
    }
}

/// Hands over in batches until one is refused; gives back that one and what is behind it.
fn in_batches<T>(all: Vec<T>, mut tell: impl FnMut(Vec<T>) -> Result<(), Vec<T>>) -> Vec<T> {
    let mut all = all.into_iter();
    loop {
        let batch: Vec<T> = all.by_ref().take(RETRIES_BATCH_MAX).collect();
        if batch.is_empty() {
            return batch;
        }
        if let Err(mut refused) = tell(batch) {
            refused.extend(all);
            return refused;
        }
    }
}

impl Actor for ContactPolicyActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.set_alarm(ctx);
    }
}

impl Handler<Collect> for ContactPolicyActor {
    type Result = ();

    fn handle(&mut self, _: Collect, ctx: &mut Context<Self>) {
        let mut looks = Vec::new();
        self.looks.collect(&mut looks);
        let mut channels: Vec<ChannelName> = Vec::new();
        for look in looks {
            match look {
                Look::Starved(channel) if !channels.contains(&channel) => channels.push(channel),
                Look::Starved(_) | Look::Retries => {}
            }
        }
        for channel in channels {
            self.stand_in_line(&channel);
        }
        self.set_alarm(ctx);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_a_mailbox_takes_is_handed_over_in_order_and_what_is_refused_comes_back() {
        let mut taken = Vec::new();
        let all: Vec<usize> = (0..3 * RETRIES_BATCH_MAX + 1).collect();
        let rest = in_batches(all.clone(), |batch| {
            assert!(batch.len() <= RETRIES_BATCH_MAX);
            if taken.len() == 2 * RETRIES_BATCH_MAX {
                return Err(batch);
            }
            taken.extend(batch);
            Ok(())
        });
        assert_eq!(rest.len(), RETRIES_BATCH_MAX + 1);
        assert_eq!([taken, rest].concat(), all);
        assert!(in_batches(all, |_| Ok(())).is_empty());
    }
}
