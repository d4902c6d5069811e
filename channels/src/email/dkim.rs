//! DKIM signatures by mail-auth. Keys are parsed once; no key ever shows up in a log or an error.

use std::fmt;

use mail_auth::common::crypto::{DkimKey, Ed25519Key, RsaKey, Sha256};
use mail_auth::common::headers::HeaderWriter;
use mail_auth::dkim::{DkimSigner, Done};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer};

/// The headers that a signature covers, where they are there. Among them those of one-click
/// unsubscription: RFC 8058 asks for it.
const SIGNED_HEADERS: [&str; 10] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "MIME-Version",
    "Content-Type",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
];

/// Signs the mails of one domain.
pub struct Signer {
    signer: DkimSigner<DkimKey, Done>,
    name: String,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signer").field(&self.name).finish()
    }
}

/// A key that cannot sign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No private key in PEM.
    #[error(
        "{source_name}: no private key in PEM (want `BEGIN PRIVATE KEY` or `BEGIN RSA PRIVATE KEY`)"
    )]
    NoKey {
        /// Where the key came from: a file name, typically.
        source_name: String,
    },
    /// A private key, but neither RSA of at least 2048 bits nor Ed25519.
    #[error("{source_name}: neither an RSA key of 2048 bits or more nor an Ed25519 key: {reason}")]
    Unusable {
        /// Where the key came from.
        source_name: String,
        /// What the library says.
        reason: String,
    },
    /// The selector or the domain is not a domain name.
    #[error("not a domain name: `{0}`")]
    Name(String),
}

/// The signature could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SignError(String);

impl Signer {
    /// A signer from a private key in PEM (PKCS #8, or PKCS #1 for RSA). `source_name` says in
    /// errors where the key came from.
    ///
    /// # Errors
    /// Where the key or the names cannot be used.
    pub fn from_pem(
        domain: &str,
        selector: &str,
        pem: &str,
        source_name: &str,
    ) -> Result<Self, KeyError> {
        for name in [domain, selector] {
            check_name(name)?;
        }
        let key = read_key(pem, source_name)?;
        let signer = DkimSigner::from_key(key)
            .domain(domain)
            .selector(selector)
            .headers(SIGNED_HEADERS)
            .header_canonicalization(mail_auth::dkim::Canonicalization::Relaxed)
            .body_canonicalization(mail_auth::dkim::Canonicalization::Relaxed);
        Ok(Self { signer, name: format!("{selector}._domainkey.{domain}") })
    }

    /// Where the public key must be published in the DNS.
    pub fn record_name(&self) -> &str {
        &self.name
    }

    /// The whole `DKIM-Signature` header of a message, to be put in front of it.
    ///
    /// # Errors
    /// Where the library cannot sign.
    pub fn sign(&self, message: &[u8]) -> Result<String, SignError> {
        let signature = self.signer.sign(message).map_err(|error| SignError(error.to_string()))?;
        Ok(signature.to_header())
    }
}

fn check_name(name: &str) -> Result<(), KeyError> {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    if name.len() <= 253 && name.split('.').all(label) {
        Ok(())
    } else {
        Err(KeyError::Name(name.escape_default().to_string()))
    }
}

fn read_key(pem: &str, source_name: &str) -> Result<DkimKey, KeyError> {
    let unusable =
        |reason: String| KeyError::Unusable { source_name: source_name.to_owned(), reason };
    if let Ok(key) = PrivatePkcs1KeyDer::from_pem_slice(pem.as_bytes()) {
        return RsaKey::<Sha256>::from_key_der(PrivateKeyDer::Pkcs1(key))
            .map(DkimKey::Rsa)
            .map_err(|error| unusable(error.to_string()));
    }
    let key = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes())
        .map_err(|_| KeyError::NoKey { source_name: source_name.to_owned() })?;
    // `openssl genpkey` writes Ed25519 keys without the public half, which is fine.
    if let Ok(key) = Ed25519Key::from_pkcs8_maybe_unchecked_der(key.secret_pkcs8_der()) {
        return Ok(DkimKey::Ed25519(key));
    }
    RsaKey::<Sha256>::from_key_der(PrivateKeyDer::Pkcs8(key))
        .map(DkimKey::Rsa)
        .map_err(|error| unusable(error.to_string()))
}

#[cfg(test)]
mod tests;
