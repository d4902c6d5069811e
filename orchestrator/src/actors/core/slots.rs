//! Connection slots as one partition sees them: what its turns were offered, and what they took.

use std::collections::HashMap;

use domain::ids::ChannelName;
use engine::partition::Grant;
use runtime::{Permit, Slots};

use crate::actors::Published;

/// The slots of all channels.
#[derive(Default)]
pub(super) struct PartitionSlots(HashMap<ChannelName, ChannelSlots>);

struct ChannelSlots {
    shared: Slots,
    /// Permits that the turn at hand was given, or that one before it had no use for.
    offered: Vec<Permit>,
    /// Permits of turns whose attempts are not durable yet.
    taken: Vec<Permit>,
}

impl PartitionSlots {
    /// Takes over the channels' slots. Attempts that are under way keep those that they have.
    pub(super) fn connect(&mut self, published: &Published) {
        for (name, door) in &published.channels {
            let shared = door.slots.clone();
            match self.0.get_mut(name) {
                Some(slots) => slots.shared = shared,
                None => {
                    let slots = ChannelSlots { shared, offered: Vec::new(), taken: Vec::new() };
                    self.0.insert(name.clone(), slots);
                }
            }
        }
    }

    /// For the turn at hand.
    pub(super) fn offer(&mut self, channel: &ChannelName, permit: Permit) {
        if let Some(slots) = self.0.get_mut(channel) {
            slots.offered.push(permit);
        }
    }

    /// The permit of an attempt that is durable.
    pub(super) fn taken(&mut self, channel: &ChannelName) -> Option<Permit> {
        self.0.get_mut(channel)?.taken.pop()
    }

    /// Permits that the turns they were offered to had no use for.
    pub(super) fn unused(&mut self) -> Vec<(ChannelName, Permit)> {
        let mut unused = Vec::new();
        for (channel, slots) in &mut self.0 {
            unused.extend(slots.offered.drain(..).map(|permit| (channel.clone(), permit)));
        }
        unused
    }

    /// Every channel.
    pub(super) fn channels(&self) -> impl Iterator<Item = &ChannelName> {
        self.0.keys()
    }

    /// What a channel's partitions share.
    pub(super) fn shared(&self, channel: &ChannelName) -> Option<Slots> {
        self.0.get(channel).map(|slots| slots.shared.clone())
    }
}

/// The slots that one turn can take.
pub(super) struct TurnSlots<'a> {
    pub(super) slots: &'a mut PartitionSlots,
    /// Channels of which there was none.
    pub(super) starved: &'a mut Vec<ChannelName>,
    /// Nothing new is sent.
    pub(super) closing: bool,
}

impl engine::partition::Slots for TurnSlots<'_> {
    fn take(&mut self, channel: &ChannelName) -> Grant {
        if self.closing {
            return Grant::None;
        }
        let Some(slots) = self.slots.0.get_mut(channel) else {
            return Grant::None;
        };
        match slots.offered.pop().or_else(|| slots.shared.try_acquire()) {
            Some(permit) => {
                slots.taken.push(permit);
                Grant::Slot
            }
            None => {
                self.starved.push(channel.clone());
                Grant::None
            }
        }
    }
}
