//! How spans and logs name a customer: by a keyed hash of its id. Without the server's secret
//! nobody can tell from a list of ids which one it is.

use std::fmt;
use std::sync::OnceLock;

use domain::ids::CustomerKey;

/// Separates this use of the server's secret from all others.
const CONTEXT: &str = "cadencia 2026-11-24 telemetry";

static KEY: OnceLock<[u8; 32]> = OnceLock::new();

/// The key of telemetry, from the secret that signs links.
pub fn derive_key(secret: &[u8]) -> [u8; 32] {
    blake3::derive_key(CONTEXT, secret)
}

/// Sets the key of this process; the first one stays. A process without a secret, as in a test,
/// hashes with a key that is known.
pub fn set_key(secret: &[u8]) {
    let _ = KEY.set(derive_key(secret));
}

/// The key of this process.
pub(super) fn key() -> [u8; 32] {
    KEY.get().copied().unwrap_or_default()
}

/// A customer, as telemetry names it: 32 hexadecimal digits.
#[derive(Clone, Copy)]
pub struct CustomerHash(pub CustomerKey);

impl CustomerHash {
    /// The hash by a key that was derived from a server's secret.
    pub fn by(&self, key: &[u8; 32]) -> String {
        blake3::keyed_hash(key, &self.0.0).to_hex()[..32].to_owned()
    }
}

impl fmt::Display for CustomerHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.by(&key()))
    }
}

impl fmt::Debug for CustomerHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
