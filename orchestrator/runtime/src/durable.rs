//! Holds back what nobody may see before the commit it depends on is durable.
//!
//! Acknowledgements, effects, timers and duplicate answers wait here under the sequence of their
//! commit and come out in order. Owned by one actor; no thread, no clock.

use std::collections::VecDeque;

/// Things that wait for a commit sequence.
#[derive(Debug)]
pub struct Durable<T> {
    durable: u64,
    waiting: VecDeque<(u64, T)>,
}

impl<T> Durable<T> {
    /// Nothing waits; everything up to and including `durable` is durable.
    #[must_use]
    pub fn new(durable: u64) -> Self {
        Self { durable, waiting: VecDeque::new() }
    }

    /// The highest sequence known to be durable.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.durable
    }

    /// How many things wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Holds `item` back until `sequence` is durable. It also waits for everything that was held
    /// before it (a duplicate's answer depends on an older commit): the order of release is the
    /// order of this call.
    pub fn hold(&mut self, sequence: u64, item: T) {
        let last = self.waiting.back().map_or(0, |(last, _)| *last);
        self.waiting.push_back((sequence.max(last), item));
    }

    /// Everything up to and including `sequence` is durable now; an older report changes nothing.
    /// Take what it released with [`Self::next_released`].
    pub fn reached(&mut self, sequence: u64) {
        self.durable = self.durable.max(sequence);
    }

    /// The next thing that may be seen, in order.
    pub fn next_released(&mut self) -> Option<T> {
        let released = self.waiting.front().is_some_and(|(sequence, _)| *sequence <= self.durable);
        if released { self.waiting.pop_front().map(|(_, item)| item) } else { None }
    }

    /// Gives up everything that still waits (a barrier failed, the generation ended).
    pub fn abandon(&mut self) -> impl Iterator<Item = T> {
        std::mem::take(&mut self.waiting).into_iter().map(|(_, item)| item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_come_out_in_order_and_not_before_their_commit() {
        let mut held = Durable::new(4);
        for (sequence, item) in [(5, 'a'), (5, 'b'), (3, 'd'), (7, 'c'), (6, 'e')] {
            held.hold(sequence, item);
        }
        let take = |held: &mut Durable<char>| {
            std::iter::from_fn(|| held.next_released()).collect::<String>()
        };
        assert_eq!(take(&mut held), "");
        held.reached(6);
        assert_eq!(take(&mut held), "abd");
        held.reached(2);
        assert_eq!((held.sequence(), held.waiting()), (6, 2));
        assert_eq!(held.abandon().collect::<String>(), "ce");
        assert_eq!(held.waiting(), 0);
    }
}
