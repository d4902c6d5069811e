//! The line for connection slots: messages that the policy let through while no slot was free.
//!
//! Part of the partition's memory; a restart makes it again from the customers' records.

use domain::ids::{ChannelName, CustomerKey};
use domain::journey::enrollment::{Phase, Sending, State};
use domain::journey::steps::Step;
use domain::time::Instant;

use crate::partition::Partition;
use crate::turn::Loaded;

/// A message that waits for a connection slot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Waiting {
    channel: ChannelName,
    /// Highest priority first, then the one reached earliest.
    order: (u8, Instant),
    customer: CustomerKey,
}

impl Waiting {
    pub(crate) fn new(
        channel: &ChannelName,
        priority: u8,
        sending: &Sending,
        customer: CustomerKey,
    ) -> Self {
        let order = (u8::MAX - priority, sending.created_at);
        Self { channel: channel.clone(), order, customer }
    }
}

impl Waiting {
    /// An attempt of a send that was reserved at an instant.
    pub(crate) fn again(
        channel: &ChannelName,
        priority: u8,
        counted_at: Instant,
        customer: CustomerKey,
    ) -> Self {
        Self { channel: channel.clone(), order: (u8::MAX - priority, counted_at), customer }
    }
}

impl Partition {
    /// Whether messages wait for a slot of this channel.
    pub fn others_wait(&self, channel: &ChannelName) -> bool {
        self.waiting_for(channel).next().is_some()
    }

    fn waiting_for<'a>(&'a self, channel: &'a ChannelName) -> impl Iterator<Item = &'a Waiting> {
        let first = Waiting {
            channel: channel.clone(),
            order: (0, Instant::MIN),
            customer: CustomerKey([0; 16]),
        };
        self.waiting.range(first..).take_while(move |waiting| waiting.channel == *channel)
    }

    pub(crate) fn wait(&mut self, waiting: Waiting) {
        self.waiting.insert(waiting);
    }

    /// The customer that has waited longest, by priority, for a slot of this channel. The driver
    /// gives it [`Input::Slot`] when one is free.
    pub fn next_waiting(&mut self, channel: &ChannelName) -> Option<CustomerKey> {
        let next = self.waiting_for(channel).next()?.clone();
        self.waiting.remove(&next);
        Some(next.customer)
    }

    /// After a restart: takes in one customer's planned messages again.
    pub fn recover_planned(&mut self, loaded: &Loaded) {
        for enrollment in &loaded.customer.enrollments {
            let State::Sending(sending) = &enrollment.state else {
                continue;
            };
            let Some(journey) = self.catalog.version(enrollment.version) else {
                continue;
            };
            let Step::Send(step) = &journey.nodes[usize::from(enrollment.at)].step else {
                continue;
            };
            if sending.phase == Phase::Planned
                && let Some((channel, _)) = step.channels.get(usize::from(sending.channel))
            {
                let key = loaded.customer.key();
                let waiting = Waiting::new(channel, step.priority, sending, key);
                self.waiting.insert(waiting);
            }
        }
    }
}

pub(crate) fn is_planned(loaded: &Loaded) -> bool {
    loaded.customer.enrollments.iter().any(|enrollment| {
        matches!(&enrollment.state, State::Sending(sending) if sending.phase == Phase::Planned)
    })
}
