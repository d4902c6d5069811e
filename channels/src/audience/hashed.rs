//! Members by hashed identifiers, as Meta, Google and others take them: SHA-256 of the normalised
//! text, in lower-case hexadecimal digits.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use domain::channel::audience::Identifier;
use serde::{Serialize, Serializer};

/// Bytes of a hash.
const HASH_BYTES: usize = 32;

/// A SHA-256.
pub(super) type Hash = [u8; HASH_BYTES];

/// The identifiers of one member, hashed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hashed {
    pub(super) email: Option<Hash>,
    pub(super) phone: Option<Hash>,
}

impl Hashed {
    /// Hashes what stands in a profile. `None` if nothing is left of it that could be matched.
    ///
    /// Normalised first, as the platforms ask for: an e-mail address without spaces around it and
    /// in lower case; a telephone number as its digits alone, with the country's code and without
    /// the plus in front.
    pub fn of<'a>(identifiers: impl IntoIterator<Item = (Identifier, &'a str)>) -> Option<Self> {
        let mut hashed = Self::default();
        for (kind, text) in identifiers.into_iter().filter(|(kind, text)| kind.fits(text)) {
            match kind {
                Identifier::Email => hashed.email = Some(sha256(&text.trim().to_lowercase())),
                Identifier::Phone => {
                    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
                    hashed.phone = Some(sha256(&digits));
                }
            }
        }
        (hashed != Self::default()).then_some(hashed)
    }

    pub(super) fn get(&self, kind: Identifier) -> Option<&Hash> {
        match kind {
            Identifier::Email => self.email.as_ref(),
            Identifier::Phone => self.phone.as_ref(),
        }
    }

    pub(super) fn set(&mut self, kind: Identifier, hash: Option<Hash>) {
        match kind {
            Identifier::Email => self.email = hash,
            Identifier::Phone => self.phone = hash,
        }
    }
}

fn sha256(text: &str) -> Hash {
    let mut hash = [0; HASH_BYTES];
    hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    hash
}

/// A hash as hexadecimal digits.
pub(super) fn to_hex(hash: &[u8]) -> String {
    hash.iter().fold(String::with_capacity(2 * hash.len()), |mut text, byte| {
        for half in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
        }
        text
    })
}

/// The hash of hexadecimal digits.
pub(super) fn of_hex(text: &str) -> Option<Hash> {
    let digits = text.as_bytes();
    let (pairs, []) = digits.as_chunks::<2>() else {
        return None;
    };
    let value =
        |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let bytes: Option<Vec<u8>> =
        pairs.iter().map(|[high, low]| Some(value(*high)? << 4 | value(*low)?)).collect();
    bytes?.try_into().ok()
}

impl fmt::Debug for Hashed {
    /// Hashes of addresses can be tried out: they reach no log either.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hashed(***)")
    }
}

/// All members of an audience, each once, in the order of their hashes.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Members(pub(super) Arc<[Hashed]>);

impl Members {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Hashed> for Members {
    fn from_iter<T: IntoIterator<Item = Hashed>>(members: T) -> Self {
        let mut sorted: Vec<Hashed> = members.into_iter().collect();
        sorted.sort_unstable();
        sorted.dedup();
        Self(sorted.into())
    }
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{} members", self.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_normalised_and_hashed() {
        // The hashes are what `printf ann@example.org | sha256sum` prints, and so on.
        let hash =
            |kind, text: &str| Hashed::of([(kind, text)])?.get(kind).map(|hash| to_hex(hash));
        let email = |text: &str| hash(Identifier::Email, text);
        let ann = "438c4c7afe600cdf1e455c369bec76dc970fc8ca463447c7b387a347f3c79331";
        assert_eq!(email(" Ann@Example.ORG ").as_deref(), Some(ann));
        let phone = |text: &str| hash(Identifier::Phone, text);
        let number = "14976e7970d2191d37cb8853db2d372d671594e432cae1f6602668060303222a";
        assert_eq!(phone(" +34600123456 ").as_deref(), Some(number));
        assert_eq!(phone("600123456"), None, "without its country it is nobody's");
        assert_eq!(email("no address"), None);
        let hash = of_hex(&to_hex(&[0xab; HASH_BYTES]));
        assert_eq!(hash, Some([0xab; HASH_BYTES]));
        assert_eq!(of_hex("zz"), None);
    }
}
