//! Signatures of Standard Webhooks: secrets, and what is signed with them.
//!
//! Source: the specification of Standard Webhooks, "Signature scheme" (v1, symmetric).

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::ids::SendId;
use domain::time::Instant;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

/// What the text of a secret begins with.
const PREFIX: &str = "whsec_";
/// Shortest and longest secret, in bytes, as the specification asks for.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A secret that both sides know.
#[derive(Clone)]
pub struct Secret(hmac::Key);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// A text that is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It is not base64.
    #[error("a secret is `whsec_` and base64")]
    NotBase64,
    /// It is too short or too long.
    #[error("a secret has 24 to 64 bytes, this one has {0}")]
    Length(usize),
}

impl Secret {
    /// From `whsec_` and base64; what stands around it is left out.
    ///
    /// # Errors
    /// Where it is no base64, or has not 24 to 64 bytes.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let text = text.trim();
        let bytes = STANDARD
            .decode(text.strip_prefix(PREFIX).ok_or(SecretError::NotBase64)?)
            .map_err(|_| SecretError::NotBase64)?;
        if !SECRET_BYTES.contains(&bytes.len()) {
            return Err(SecretError::Length(bytes.len()));
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    fn sign(&self, text: &str) -> String {
        format!("v1,{}", STANDARD.encode(hmac::sign(&self.0, text.as_bytes())))
    }
}

/// The headers of one delivery. The id is the same in every attempt; the receiver knows a repeat by
/// it. The time is that of the attempt: receivers refuse old ones.
pub(super) fn headers(send: SendId, now: Instant, body: &str, secrets: &[Secret]) -> HeaderMap {
    let (id, seconds) = (send.to_string(), now.0.div_euclid(1_000));
    let signed = format!("{id}.{seconds}.{body}");
    let signatures: Vec<_> = secrets.iter().map(|secret| secret.sign(&signed)).collect();
    let value = |text: &str| {
        HeaderValue::from_str(text).expect("ids, numbers and base64 are visible ASCII")
    };
    HeaderMap::from_iter([
        (HeaderName::from_static("webhook-id"), value(&id)),
        (HeaderName::from_static("webhook-timestamp"), value(&seconds.to_string())),
        (HeaderName::from_static("webhook-signature"), value(&signatures.join(" "))),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_have_a_prefix_and_a_length() {
        let text = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
        assert!(Secret::parse(&format!("{}\n", text(24))).is_ok());
        assert!(Secret::parse(&text(64)).is_ok());
        assert_eq!(Secret::parse(&text(23)).map(drop), Err(SecretError::Length(23)));
        assert_eq!(Secret::parse(&text(65)).map(drop), Err(SecretError::Length(65)));
        for bad in ["", "whsec_", "whsec_a", "AAAA", "whsec_ÄÖÜ"] {
            assert!(Secret::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_example_of_the_specification_has_its_signature() {
        // The specification's own worked example, made for an id that is no send of ours.
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
        let body = r#"{"test": 2432232314}"#;
        let signed = format!("msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{body}");
        assert_eq!(secret.sign(&signed), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
