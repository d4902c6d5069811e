//! Many counters that are raised together: bit `i` of a word raises counter `i`.
//!
//! Raising them one bit at a time would cost a step per cap and row. Here eight counters stand in
//! the eight bytes of a word, and eight bits of the input raise them with one addition.

use super::CAPS_MAX;

/// Words that are added before a byte could overflow.
pub(super) const BLOCK_MAX: usize = 255;

/// For every byte: a word with a 1 in byte `k` where bit `k` is set.
static SPREAD: [u64; 256] = spread();

const fn spread() -> [u64; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut bit = 0;
        while bit < 8 {
            if byte & (1 << bit) != 0 {
                table[byte] |= 1 << (8 * bit);
            }
            bit += 1;
        }
        byte += 1;
    }
    table
}

/// Adds, for each bit of a word, the number of words in which it is set to its counter.
///
/// `words` yields at most [`BLOCK_MAX`]; only the first `used` counters are touched.
pub(super) fn add_block(
    counters: &mut [u32; CAPS_MAX],
    used: usize,
    words: impl Iterator<Item = u64>,
) {
    match used {
        0..=8 => add::<1>(counters, words),
        9..=16 => add::<2>(counters, words),
        17..=24 => add::<3>(counters, words),
        25..=32 => add::<4>(counters, words),
        _ => add::<8>(counters, words),
    }
}

fn add<const LANES: usize>(counters: &mut [u32; CAPS_MAX], words: impl Iterator<Item = u64>) {
    let mut lanes = [0_u64; LANES];
    for word in words {
        let bytes = word.to_le_bytes();
        for (lane, byte) in lanes.iter_mut().zip(bytes) {
            *lane += SPREAD[usize::from(byte)];
        }
    }
    for (lane, counters) in lanes.iter().zip(counters.chunks_exact_mut(8)) {
        for (count, counter) in lane.to_le_bytes().into_iter().zip(counters) {
            *counter += u32::from(count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BLOCK_MAX, CAPS_MAX, add_block};

    #[test]
    fn counters_agree_with_counting_one_by_one() {
        for used in [1, 8, 9, 16, 20, 24, 31, 32, 33, 64] {
            let below = if used == 64 { u64::MAX } else { (1 << used) - 1 };
            let words: Vec<u64> = (0..BLOCK_MAX as u64)
                .map(|at| domain::hash::text(&at.to_string()) & below | 1)
                .collect();
            let mut counters = [7; CAPS_MAX];
            add_block(&mut counters, used, words.iter().copied());
            for (bit, counter) in counters.into_iter().enumerate() {
                let expected = words.iter().filter(|word| *word >> bit & 1 == 1).count();
                assert_eq!(counter as usize, 7 + expected, "bit {bit} of {used}");
            }
        }
    }
}
