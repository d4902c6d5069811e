//! Secrets that we make: 256 bits of the system's randomness, kept only as their hash.

use serde::{Deserialize, Serialize};

/// Bytes of a secret: beyond guessing, whoever may try however often.
const SECRET_BYTES: usize = 32;

/// So many bytes of the system's randomness.
///
/// # Panics
/// Where the system has none: nothing that this module makes would be safe.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    bytes
}

/// A new secret, as lower-case hexadecimal digits.
pub fn fresh() -> String {
    hex(&random::<SECRET_BYTES>())
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// What is kept of a secret.
///
/// One round of a fast hash is enough: what is hashed has 256 bits. Passwords, which people choose,
/// are another matter (see `user`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Of a secret.
    pub fn of(secret: &str) -> Self {
        Self(*blake3::hash(secret.as_bytes()).as_bytes())
    }

    /// Whether it is that of this secret. The time taken says nothing of how much is alike.
    pub fn matches(&self, secret: &str) -> bool {
        // `blake3::Hash` compares in constant time.
        blake3::Hash::from_bytes(self.0) == blake3::hash(secret.as_bytes())
    }

    /// From its bytes, if there are as many as it has.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

/// Another value that only who has the secret can compute; `purpose` keeps them apart.
pub fn derived(purpose: &str, secret: &str) -> String {
    hex(&blake3::derive_key(purpose, secret.as_bytes()))
}

/// Whether two texts are the same; the time taken says nothing of how much is alike.
pub fn same(a: &str, b: &str) -> bool {
    blake3::hash(a.as_bytes()) == blake3::hash(b.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_long_differ_and_match_only_themselves() {
        let (one, two) = (fresh(), fresh());
        assert_eq!(one.len(), 64);
        assert_ne!(one, two);
        let hash = SecretHash::of(&one);
        assert!(hash.matches(&one) && !hash.matches(&two) && !hash.matches(""));
        assert!(!format!("{hash:?}").contains(&hex(hash.bytes())));
    }

    #[test]
    fn what_is_derived_depends_on_purpose_and_secret() {
        assert_ne!(derived("a", "s"), derived("b", "s"));
        assert_ne!(derived("a", "s"), derived("a", "t"));
        assert!(same("x", "x") && !same("x", "y"));
    }
}
