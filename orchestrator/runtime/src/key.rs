//! The 16-byte key that names an owner (for the layer above: a customer) and a fast map over it.
//!
//! Used by every queue and index of this crate. Keys are expected to be digests, so the hasher only
//! folds them; it is seeded per map all the same, because a digest that is not keyed can be chosen.
//! No code may depend on the order in which such a map is walked.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hasher, RandomState};

/// Names an owner: 16 bytes, usually a digest.
pub type Key = [u8; 16];

/// A map from [`Key`] with the folding hasher.
pub type KeyMap<V> = HashMap<Key, V, FoldSeed>;

/// A set of values that begin with a [`Key`], with the folding hasher.
pub(crate) type FoldSet<T> = HashSet<T, FoldSeed>;

/// An odd constant with well spread bits (the golden ratio), the multiplier of the fold.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// Builds [`Fold`] hashers with one random seed per map.
#[derive(Clone, Debug)]
pub struct FoldSeed(u64);

impl Default for FoldSeed {
    fn default() -> Self {
        Self(RandomState::new().hash_one(SPREAD) | 1)
    }
}

impl BuildHasher for FoldSeed {
    type Hasher = Fold;

    fn build_hasher(&self) -> Fold {
        Fold(self.0)
    }
}

/// Folded multiplication of 8-byte words: a few cycles for a 16-byte key.
#[derive(Clone, Debug)]
pub struct Fold(u64);

impl Fold {
    fn word(&mut self, word: u64) {
        let wide = u128::from(self.0 ^ word) * u128::from(SPREAD);
        self.0 = (wide as u64) ^ ((wide >> 64) as u64);
    }
}

impl Hasher for Fold {
    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            self.word(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.word(value);
    }

    fn write_i64(&mut self, value: i64) {
        self.word(value.cast_unsigned());
    }

    /// The length of a fixed-size key says nothing.
    fn write_usize(&mut self, value: usize) {
        self.word(value as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_differ_in_one_bit_spread_over_the_table() {
        let seed = FoldSeed(12345);
        let mut low = HashSet::new();
        let mut high = HashSet::new();
        for n in 0..1024_u128 {
            for shift in [0, 54, 64, 118] {
                let hash = seed.hash_one((n << shift).to_le_bytes());
                low.insert(hash & 0xFFFF);
                high.insert(hash >> 57);
            }
        }
        // 4,093 different keys into 65,536 cells: about 3,970 distinct when spread evenly.
        assert!(low.len() > 3_500, "only {} of the low cells used", low.len());
        assert_eq!(high.len(), 128, "the tag bits of the table must all occur");
    }
}
