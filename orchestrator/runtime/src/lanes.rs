//! Which owner's turn it is: keys with pending inputs, in weighted lanes.
//!
//! Owned by a partition actor. One key is at most once runnable at a time and its inputs stay in
//! the order in which they came, whatever their lanes; a key waits in the best lane among its
//! pending inputs. Within a lane it is first in, first out; between lanes weights decide, so that
//! none starves: while a lane has something to do, keys of other lanes run between two of its own
//! at most twice the sum of their weights, and once that sum on average. A limit per key bounds
//! what waits for one.
//! All operations are O(1). Nothing here knows what an input is.

use std::collections::VecDeque;

use slab::Slab;
use thiserror::Error;

use crate::credits::PARTITION_CREDITS;
use crate::key::{Key, KeyMap};

/// How many lanes there are.
pub const LANES: usize = 4;

/// Scheduling classes, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Somebody waits for the result now.
    Transactional,
    /// What just happened.
    Live,
    /// Large volumes that were planned.
    Broadcast,
    /// Work that only has to be done some time.
    Recompute,
}

impl Lane {
    /// Every lane, best first.
    pub const ALL: [Self; LANES] =
        [Self::Transactional, Self::Live, Self::Broadcast, Self::Recompute];

    fn index(self) -> usize {
        self as usize
    }
}

/// The named limits of a queue.
#[derive(Clone, Copy, Debug)]
pub struct LaneLimits {
    /// Inputs that may wait for one key; further ones are refused, except by
    /// [`Lanes::push_always`].
    pub per_key: u32,
    /// Inputs that may wait in all; further ones are refused, with the same exception.
    pub total: u32,
    /// Keys that each lane may run per round, best lane first; 0 counts as 1.
    pub weights: [u32; LANES],
}

impl Default for LaneLimits {
    /// As many per key as credits admit in all: what is let in at the door must not be refused
    /// behind it, however much of it is one key's. The total is above what the credits of both
    /// doors admit: both only bound the damage of a defect. The weights give broadcasts a tenth and
    /// recomputation a twentieth of a saturated partition.
    fn default() -> Self {
        Self { per_key: PARTITION_CREDITS, total: 2 * PARTITION_CREDITS, weights: [10, 7, 2, 1] }
    }
}

/// Why an input was not queued.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum LaneFull {
    /// This key has too much pending.
    #[error("the owner has {limit} inputs waiting, no more are taken")]
    Key {
        /// The limit per key.
        limit: u32,
    },
    /// The queue is full.
    #[error("{limit} inputs are waiting, no more are taken")]
    Queue {
        /// The limit in all.
        limit: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In the queue of this lane, under this ticket; tokens with other tickets are stale.
    Queued(Lane, u32),
    /// Handed out by `take`, until `finish`.
    Running,
}

#[derive(Debug)]
struct Owner {
    key: Key,
    state: State,
    /// First and last pending input, as numbers of nodes.
    ends: Option<(u32, u32)>,
    /// Pending inputs per lane.
    counts: [u32; LANES],
}

impl Owner {
    fn pending(&self) -> u32 {
        self.counts.iter().sum()
    }

    fn best_lane(&self) -> Option<Lane> {
        Lane::ALL.into_iter().find(|lane| self.counts[lane.index()] > 0)
    }
}

#[derive(Debug)]
struct Node<T> {
    input: T,
    lane: Lane,
    next: Option<u32>,
}

/// The key whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The key; [`Lanes::finish`] must follow.
    pub key: Key,
    /// The lane it waited in.
    pub lane: Lane,
}

/// The queue of one partition.
#[derive(Debug)]
pub struct Lanes<T> {
    limits: LaneLimits,
    by_key: KeyMap<u32>,
    owners: Slab<Owner>,
    nodes: Slab<Node<T>>,
    queues: [VecDeque<(u32, u32)>; LANES],
    /// Keys queued per lane; the queues also hold stale tokens.
    queued: [u32; LANES],
    /// What is left of each lane's weight in this round.
    left: [u32; LANES],
    tickets: u32,
}

impl<T> Lanes<T> {
    /// An empty queue.
    #[must_use]
    pub fn new(mut limits: LaneLimits) -> Self {
        limits.weights = limits.weights.map(|weight| weight.max(1));
        Self {
            limits,
            by_key: KeyMap::default(),
            owners: Slab::new(),
            nodes: Slab::new(),
            queues: Default::default(),
            queued: [0; LANES],
            left: limits.weights,
            tickets: 0,
        }
    }

    /// Queues `input` behind what is pending for `key`.
    ///
    /// # Errors
    /// [`LaneFull`], with the input.
    pub fn push(&mut self, lane: Lane, key: Key, input: T) -> Result<(), (LaneFull, T)> {
        if self.nodes.len() >= self.limits.total as usize {
            return Err((LaneFull::Queue { limit: self.limits.total }, input));
        }
        let known = self.by_key.get(&key).copied();
        if known.is_some_and(|id| self.owners[id as usize].pending() >= self.limits.per_key) {
            return Err((LaneFull::Key { limit: self.limits.per_key }, input));
        }
        self.push_always(lane, key, input);
        Ok(())
    }

    /// Queues `input` behind what is pending for `key`, however much that is: for what nobody would
    /// repeat, if something else bounds it. Refused and offered again later it could be overtaken.
    pub fn push_always(&mut self, lane: Lane, key: Key, input: T) {
        let known = self.by_key.get(&key).copied();
        let node = number(self.nodes.insert(Node { input, lane, next: None }));
        let id = known.unwrap_or_else(|| self.admit(key));
        let owner = &mut self.owners[id as usize];
        let first = owner.ends.map_or(node, |(first, _)| first);
        if let Some((_, last)) = owner.ends {
            self.nodes[last as usize].next = Some(node);
        }
        owner.ends = Some((first, node));
        owner.counts[lane.index()] += 1;
        match owner.state {
            State::Queued(current, _) if known.is_some() && current <= lane => {}
            State::Queued(current, _) => {
                if known.is_some() {
                    // Its token in the worse lane is stale from here and skipped when met.
                    self.queued[current.index()] -= 1;
                }
                self.enqueue(id, lane);
            }
            State::Running => {}
        }
    }

    /// Hands out the next key with up to `max` (at least 1) of its pending inputs, appended to
    /// `into` in order. The key does not come again before [`Self::finish`].
    pub fn take(&mut self, max: usize, into: &mut Vec<T>) -> Option<Taken> {
        let lane = self.choose()?;
        let id = self.dequeue(lane);
        for _ in 0..max.max(1) {
            let Some(input) = self.pop_input(id) else {
                break;
            };
            into.push(input);
        }
        let owner = &mut self.owners[id as usize];
        owner.state = State::Running;
        Some(Taken { key: owner.key, lane })
    }

    /// The turn of `key` is over; with inputs still pending it queues up again, at the end.
    ///
    /// # Panics
    /// If `key` is not running: two turns of one key would overlap.
    pub fn finish(&mut self, key: &Key) {
        let id = *self.by_key.get(key).expect("a key that was taken");
        let owner = &self.owners[id as usize];
        assert_eq!(owner.state, State::Running, "a key finished that was not taken");
        match owner.best_lane() {
            Some(lane) => self.enqueue(id, lane),
            None => {
                self.by_key.remove(key);
                self.owners.remove(id as usize);
            }
        }
    }

    /// Inputs that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether no input waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Keys that [`Self::take`] would hand out from `lane`.
    #[must_use]
    pub fn runnable(&self, lane: Lane) -> u32 {
        self.queued[lane.index()]
    }

    /// Keys handed out and not finished.
    #[must_use]
    pub fn running(&self) -> usize {
        self.owners.len() - self.queued.iter().sum::<u32>() as usize
    }

    /// How many more inputs of `key` would be taken now.
    #[must_use]
    pub fn room(&self, key: &Key) -> u32 {
        let pending = self.by_key.get(key).map_or(0, |id| self.owners[*id as usize].pending());
        let total = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let left = self.limits.total.saturating_sub(total);
        self.limits.per_key.saturating_sub(pending).min(left)
    }

    /// Empties the queue (the partition was given up) and answers what waited, in no set order.
    pub fn abandon(&mut self) -> Vec<T> {
        let limits = self.limits;
        std::mem::replace(self, Self::new(limits)).nodes.into_iter().map(|(_, n)| n.input).collect()
    }

    /// A new owner, marked as queued without a token; the caller enqueues it.
    fn admit(&mut self, key: Key) -> u32 {
        let state = State::Queued(Lane::Recompute, 0);
        let id = number(self.owners.insert(Owner { key, state, ends: None, counts: [0; LANES] }));
        self.by_key.insert(key, id);
        id
    }

    fn enqueue(&mut self, id: u32, lane: Lane) {
        // A wrapped ticket meets a stale token only if that has waited for 4 G others.
        self.tickets = self.tickets.wrapping_add(1);
        self.owners[id as usize].state = State::Queued(lane, self.tickets);
        self.queues[lane.index()].push_back((id, self.tickets));
        self.queued[lane.index()] += 1;
    }

    /// The lane whose key runs next: the best one with something queued and weight left.
    fn choose(&mut self) -> Option<Lane> {
        let queued = self.queued;
        let with_work = || Lane::ALL.into_iter().filter(|lane| queued[lane.index()] > 0);
        let lane = match with_work().find(|lane| self.left[lane.index()] > 0) {
            Some(lane) => lane,
            None => {
                let first = with_work().next()?;
                self.left = self.limits.weights;
                first
            }
        };
        self.left[lane.index()] -= 1;
        Some(lane)
    }

    /// The first key of a lane that has one.
    fn dequeue(&mut self, lane: Lane) -> u32 {
        loop {
            let queue = &mut self.queues[lane.index()];
            let (id, ticket) = queue.pop_front().expect("a token per queued key");
            let state = self.owners.get(id as usize).map(|owner| owner.state);
            if state == Some(State::Queued(lane, ticket)) {
                self.queued[lane.index()] -= 1;
                return id;
            }
        }
    }

    fn pop_input(&mut self, id: u32) -> Option<T> {
        let owner = &mut self.owners[id as usize];
        let (first, last) = owner.ends?;
        let node = self.nodes.remove(first as usize);
        owner.ends = node.next.map(|next| (next, last));
        owner.counts[node.lane.index()] -= 1;
        Some(node.input)
    }
}

/// Numbers of owners and nodes fit in 32 bits because the limits do.
fn number(index: usize) -> u32 {
    u32::try_from(index).expect("bounded by the limits")
}

#[cfg(test)]
mod tests;
