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

/// Up to this many bytes of parts are hashed in one go, without the state of a stream.
const SHORT_BYTES: usize = 256;

/// 128-bit hash over parts. Each part is prefixed with its length, so that
/// `["ab", "c"]` and `["a", "bc"]` differ.
pub fn parts(parts: &[&[u8]]) -> u128 {
    let bytes: usize = parts.iter().map(|part| size_of::<u64>() + part.len()).sum();
    if bytes <= SHORT_BYTES {
        let mut all = [0; SHORT_BYTES];
        let mut rest = &mut all[..];
        for part in parts {
            for bytes in [&(part.len() as u64).to_le_bytes(), *part] {
                let (next, behind) = rest.split_at_mut(bytes.len());
                next.copy_from_slice(bytes);
                rest = behind;
            }
        }
        return xxh3_128(&all[..bytes]);
    }
    streamed(parts)
}

fn streamed(parts: &[&[u8]]) -> u128 {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_short_parts_have_the_same_hash() {
        for length in [0, 1, 100, SHORT_BYTES - 17, SHORT_BYTES - 16, SHORT_BYTES] {
            let text = vec![b'x'; length];
            assert_eq!(parts(&[&text, b"a"]), streamed(&[&text, b"a"]), "{length}");
        }
    }
}
