//! Many counters that are raised together: bit `i` of a word raises counter `i`.
//!
//! Raising them one bit at a time would cost a step per cap and row. Here bit `i` of several planes
//! is counter `i` in binary, so that a few operations on words raise all counters. Eight words at a
//! time go through a tree of adders, of which only one in eight reaches the upper planes.

use super::CAPS_MAX;

/// Words that the tree of adders takes at once.
const BATCH: usize = 8;
/// Batches that are added before eight planes could overflow.
const BATCHES_MAX: u32 = 31;

/// Counters on their way.
pub(super) struct Lanes {
    /// Words that wait until a batch is full.
    waiting: [u64; BATCH],
    used: usize,
    batches: u32,
    /// The counters' bits, lowest first.
    planes: [u64; 8],
}

impl Lanes {
    /// All at zero.
    pub(super) fn new() -> Self {
        Self { waiting: [0; BATCH], used: 0, batches: 0, planes: [0; 8] }
    }

    /// Raises the counters of the bits of each word; `counters` takes over what does not fit.
    #[inline]
    pub(super) fn add(&mut self, words: impl Iterator<Item = u64>, counters: &mut [u32; CAPS_MAX]) {
        for word in words {
            self.waiting[self.used % BATCH] = word;
            self.used += 1;
            if self.used == BATCH {
                self.used = 0;
                self.add_batch(self.waiting);
                if self.batches == BATCHES_MAX {
                    self.flush(counters);
                }
            }
        }
    }

    /// Adds what was raised to the counters.
    pub(super) fn finish(mut self, counters: &mut [u32; CAPS_MAX]) {
        self.waiting[self.used..].fill(0);
        self.add_batch(self.waiting);
        self.flush(counters);
    }

    fn add_batch(&mut self, words: [u64; BATCH]) {
        let [ones, twos, fours, ..] = self.planes;
        let (ones, two_a) = sum(ones, words[0], words[1]);
        let (ones, two_b) = sum(ones, words[2], words[3]);
        let (twos, four_a) = sum(twos, two_a, two_b);
        let (ones, two_a) = sum(ones, words[4], words[5]);
        let (ones, two_b) = sum(ones, words[6], words[7]);
        let (twos, four_b) = sum(twos, two_a, two_b);
        let (fours, mut carry) = sum(fours, four_a, four_b);
        self.planes[..3].copy_from_slice(&[ones, twos, fours]);
        for plane in &mut self.planes[3..] {
            (*plane, carry) = (*plane ^ carry, *plane & carry);
        }
        self.batches += 1;
    }

    fn flush(&mut self, counters: &mut [u32; CAPS_MAX]) {
        let used = self.planes.into_iter().fold(0, |all, plane| all | plane);
        for (lane, counters) in counters.chunks_exact_mut(8).enumerate() {
            if used >> (8 * lane) == 0 {
                break;
            }
            let rows = self.planes.map(|plane| plane.to_le_bytes()[lane]);
            let counts = transposed(u64::from_le_bytes(rows)).to_le_bytes();
            for (counter, count) in counters.iter_mut().zip(counts) {
                *counter += u32::from(count);
            }
        }
        self.planes = [0; 8];
        self.batches = 0;
    }
}

/// Adds three bits in each place: the bits of the sum, and those of the carry.
fn sum(a: u64, b: u64, c: u64) -> (u64, u64) {
    let half = a ^ b;
    (half ^ c, (a & b) | (half & c))
}

/// Turns eight rows of eight bits into eight columns (Hacker's Delight, 7-3).
fn transposed(rows: u64) -> u64 {
    let mut bits = rows;
    for (shift, mask) in
        [(7, 0x00AA_00AA_00AA_00AA), (14, 0x0000_CCCC_0000_CCCC), (28, 0x0000_0000_F0F0_F0F0)]
    {
        let swapped = (bits ^ (bits >> shift)) & mask;
        bits = bits ^ swapped ^ (swapped << shift);
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::{CAPS_MAX, Lanes};

    #[test]
    fn counters_agree_with_counting_one_by_one() {
        for used in [1, 8, 9, 16, 20, 24, 31, 32, 33, 64] {
            for length in [0, 1, 7, 8, 9, 247, 248, 249, 1_000] {
                let below = if used == 64 { u64::MAX } else { (1 << used) - 1 };
                let words: Vec<u64> =
                    (0..length).map(|at| domain::hash::text(&at.to_string()) & below | 1).collect();
                let mut counters = [7; CAPS_MAX];
                let mut lanes = Lanes::new();
                for part in words.chunks(100) {
                    lanes.add(part.iter().copied(), &mut counters);
                }
                lanes.finish(&mut counters);
                for (bit, counter) in counters.into_iter().enumerate() {
                    let expected = words.iter().filter(|word| *word >> bit & 1 == 1).count();
                    assert_eq!(counter as usize, 7 + expected, "bit {bit} of {used}, {length}");
                }
            }
        }
    }
}
