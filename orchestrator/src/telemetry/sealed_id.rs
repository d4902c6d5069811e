//! How spans and logs name enrollments, sends and messages.
//!
//! Ids of enrollments and sends begin with half of the unkeyed hash of their customer's id: who has
//! a list of ids could tell from one whose it is. So they are wrapped by a key that follows from
//! the server's secret. Wrapping is the same each time, and can be undone with the key: from a span
//! an operator finds the send.

use std::fmt;

use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrap as _};

use super::customer_hash;

/// Separates this key from the one that hashes.
const CONTEXT: &str = "cadencia 2026-11-24 ids in telemetry";
/// Bytes of a wrapped id: those of an id, and eight by which a wrong one is known (RFC 3394).
const WRAPPED_BYTES: usize = size_of::<u128>() + 8;
/// Hexadecimal digits of an id that is not wrapped.
pub const ID_DIGITS: usize = 2 * size_of::<u128>();
/// Hexadecimal digits of a wrapped one.
pub const WRAPPED_DIGITS: usize = 2 * WRAPPED_BYTES;

/// Wraps ids, and unwraps them.
#[derive(Clone, Copy)]
pub struct Seal([u8; 32]);

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    /// By the key of telemetry.
    pub fn by(key: &[u8; 32]) -> Self {
        Self(blake3::derive_key(CONTEXT, key))
    }

    /// The wrapped form: 48 hexadecimal digits.
    pub fn wrap(&self, id: u128) -> String {
        let mut wrapped = [0; WRAPPED_BYTES];
        let key = AesKek::new(&AES_256, &self.0);
        let done = key.and_then(|key| key.wrap(&id.to_be_bytes(), &mut wrapped).map(drop));
        match done {
            Ok(()) => wrapped.iter().map(|byte| format!("{byte:02x}")).collect(),
            // Keys and ids have the lengths that it takes. An id that is not told is no leak.
            Err(_) => String::new(),
        }
    }

    /// The id of a wrapped form; none if it was not wrapped by this key.
    pub fn unwrap(&self, text: &str) -> Option<u128> {
        let mut wrapped = [0; WRAPPED_BYTES];
        let plain = text.len() == WRAPPED_DIGITS && text.bytes().all(|it| it.is_ascii_hexdigit());
        if !plain {
            return None;
        }
        for (at, byte) in wrapped.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        let mut id = [0; WRAPPED_BYTES];
        let key = AesKek::new(&AES_256, &self.0).ok()?;
        let id = key.unwrap(&wrapped, &mut id).ok()?;
        Some(u128::from_be_bytes(id.try_into().ok()?))
    }
}

/// An id in a log line, wrapped by the key of this process.
#[derive(Clone, Copy)]
pub struct SealedId(pub u128);

impl fmt::Display for SealedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Seal::by(&customer_hash::key()).wrap(self.0))
    }
}

impl fmt::Debug for SealedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The hash of a message id, as its sender said it: 32 hexadecimal digits.
pub fn event_hash(key: &[u8; 32], message_id: &str) -> String {
    // A customer's key has 16 bytes; longer input sets the two uses apart.
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(b"the id of a message: ");
    hasher.update(message_id.as_bytes());
    hasher.finalize().to_hex()[..ID_DIGITS].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_again_with_the_key_alone() {
        let (seal, other) = (Seal::by(&[7; 32]), Seal::by(&[8; 32]));
        let id = 0x0123_4567_89ab_cdef_0011_2233_4455_6677;
        let wrapped = seal.wrap(id);
        assert_eq!((wrapped.len(), seal.wrap(id)), (WRAPPED_DIGITS, wrapped.clone()));
        assert_eq!(seal.unwrap(&wrapped), Some(id));
        assert_eq!(other.unwrap(&wrapped), None);
        assert_ne!(other.wrap(id), wrapped);
        // Ids of one customer begin alike; what is exported of them does not.
        let sibling = seal.wrap(id + 1);
        assert_ne!(wrapped[..16], sibling[..16]);
        for bad in ["", "00", &"0".repeat(WRAPPED_DIGITS), &"é".repeat(WRAPPED_DIGITS / 2)] {
            assert_eq!(seal.unwrap(bad), None, "{bad}");
        }
    }
}
