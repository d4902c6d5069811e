//! Signed tokens for unsubscribe links: short, unforgeable, and good for exactly one choice.
//!
//! Made when a message is rendered, checked by the web layer, which gives the same answer for
//! every bad token. A token names the customer by id, never by address.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::ids::{ChannelName, ClassName, CustomerId, SendId, Topic};

/// Layout of a token, before its MAC: version, key id, send id, then the texts, each behind its
/// length.
const VERSION: u8 = 1;

/// 128 bits: forging one takes 2^127 requests.
const MAC_BYTES: usize = 16;

/// Longest token that is looked at; longer ones are bad without further work.
pub const TOKEN_BYTES_MAX: usize = 2_048;

/// Longest text in a token, in bytes: a customer id, or a name. What is longer gets no link.
pub const FIELD_BYTES_MAX: usize = 256;

/// Context of the key derivation: a key that is used for something else signs nothing here.
const PURPOSE: &str = "cadencia 2026 unsubscribe token";

/// What a link withdraws.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Whose consent.
    pub customer: CustomerId,
    /// The message that the link was in.
    pub send: SendId,
    /// The channel.
    pub channel: ChannelName,
    /// The topic; `None` for all.
    pub topic: Option<Topic>,
    /// The class of the message.
    pub class: ClassName,
}

/// Why a token is bad. For counters and logs only: callers from outside all get one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not the text of a token, or of another version.
    #[error("not a token")]
    Malformed,
    /// Signed by a key that we do not have (any more).
    #[error("signed by an unknown key")]
    UnknownKey,
    /// The signature does not fit.
    #[error("the signature does not fit")]
    Forged,
}

/// Why no token can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// A text is longer than [`FIELD_BYTES_MAX`].
    #[error("{0}: longer than {FIELD_BYTES_MAX} bytes")]
    TooLong(&'static str),
}

/// Why a set of keys cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// No key at all.
    #[error("no key for unsubscribe links")]
    None,
    /// A secret is shorter than 16 bytes.
    #[error("key {0}: the secret is shorter than 16 bytes")]
    Short(u8),
    /// Two keys have the same id.
    #[error("key {0} is given twice")]
    Twice(u8),
}

/// The keys: the first one signs, all of them verify. To rotate, put a new one in front; drop an
/// old one when no mail with its links matters any more.
pub struct Keys(Vec<(u8, [u8; 32])>);

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(id, _)| id)).finish()
    }
}

impl Keys {
    /// From secrets with their ids, the signing one first.
    ///
    /// # Errors
    /// Where there is none, one is too short, or an id stands twice.
    pub fn new<'a>(secrets: impl IntoIterator<Item = (u8, &'a [u8])>) -> Result<Self, KeysError> {
        let mut keys: Vec<(u8, [u8; 32])> = Vec::new();
        for (id, secret) in secrets {
            if secret.len() < 16 {
                return Err(KeysError::Short(id));
            }
            if keys.iter().any(|(known, _)| *known == id) {
                return Err(KeysError::Twice(id));
            }
            keys.push((id, blake3::derive_key(PURPOSE, secret)));
        }
        if keys.is_empty() { Err(KeysError::None) } else { Ok(Self(keys)) }
    }

    /// The token for a claim: URL-safe, without padding.
    ///
    /// # Errors
    /// Where an id or a name is too long for a link.
    pub fn issue(&self, claim: &Claim) -> Result<String, IssueError> {
        let (id, key) = &self.0[0];
        let mut token = vec![VERSION, *id];
        token.extend(claim.send.0.to_be_bytes());
        for (name, text) in [
            ("customer", claim.customer.as_str()),
            ("channel", claim.channel.as_str()),
            ("topic", claim.topic.as_ref().map_or("", Topic::as_str)),
            ("class", claim.class.as_str()),
        ] {
            if text.len() > FIELD_BYTES_MAX {
                return Err(IssueError::TooLong(name));
            }
            token.extend((text.len() as u16).to_be_bytes());
            token.extend(text.as_bytes());
        }
        let mac = mac(key, &token);
        token.extend(mac);
        Ok(URL_SAFE_NO_PAD.encode(token))
    }

    /// What a token claims, if one of the keys signed it.
    ///
    /// # Errors
    /// Where it is none, or not ours.
    pub fn verify(&self, token: &str) -> Result<Claim, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Malformed);
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| TokenError::Malformed)?;
        let (signed, given) = bytes.split_last_chunk::<MAC_BYTES>().ok_or(TokenError::Malformed)?;
        let [VERSION, id, ..] = signed else { return Err(TokenError::Malformed) };
        let (_, key) =
            self.0.iter().find(|(known, _)| known == id).ok_or(TokenError::UnknownKey)?;
        if !equal(key, &mac(key, signed), given) {
            return Err(TokenError::Forged);
        }
        read(signed).ok_or(TokenError::Malformed)
    }
}

fn mac(key: &[u8; 32], bytes: &[u8]) -> [u8; MAC_BYTES] {
    let mut mac = [0; MAC_BYTES];
    mac.copy_from_slice(&blake3::keyed_hash(key, bytes).as_bytes()[..MAC_BYTES]);
    mac
}

/// In constant time: hashes compare so, and what is compared here says nothing about the MAC.
fn equal(key: &[u8; 32], expected: &[u8], given: &[u8]) -> bool {
    blake3::keyed_hash(key, expected) == blake3::keyed_hash(key, given)
}

fn read(signed: &[u8]) -> Option<Claim> {
    let (send, mut rest) = signed.get(2..)?.split_first_chunk::<16>()?;
    let mut field = || {
        let (length, behind) = rest.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (text, behind) = behind.split_at_checked(length)?;
        rest = behind;
        std::str::from_utf8(text).ok()
    };
    let (customer, channel, topic, class) = (field()?, field()?, field()?, field()?);
    Some(Claim {
        customer: CustomerId::from(customer),
        send: SendId(u128::from_be_bytes(*send)),
        channel: ChannelName::from(channel),
        topic: (!topic.is_empty()).then(|| Topic::from(topic)),
        class: ClassName::from(class),
    })
}

#[cfg(test)]
mod tests;
