//! Deterministic hashing: the only source of "chance" in the pure crates.

use xxhash_rust::xxh3::{Xxh3, xxh3_64, xxh3_128};

/// The 128-bit key under which a customer's rows are stored, from its id.
pub fn customer_key(id: &str) -> [u8; 16] {
    xxh3_128(id.as_bytes()).to_be_bytes()
}

/// 64-bit hash of a text, for dedupe rings and bucket draws.
pub fn text(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}

/// 128-bit hash over parts. Each part is prefixed with its length, so that
/// `["ab", "c"]` and `["a", "bc"]` differ.
pub fn parts(parts: &[&[u8]]) -> u128 {
    let mut hasher = Xxh3::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.digest128()
}

/// A deterministic draw in `0..buckets` for a unit under a salt (splits, holdouts, spreads).
///
/// `buckets` must not be zero.
pub fn bucket(salt: &str, unit: &[u8], buckets: u64) -> u64 {
    debug_assert!(buckets > 0, "a draw needs at least one bucket");
    let draw = parts(&[salt.as_bytes(), unit]) as u64;
    // Multiply-shift keeps the draw uniform without the bias of a modulo.
    ((u128::from(draw) * u128::from(buckets)) >> 64) as u64
}
