//! The way to an identity provider: its metadata, its keys, its token endpoint. Every answer is
//! bounded in size and time, no redirect is followed.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::jwk::{Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use reqwest::Url;
use runtime::Clock;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};

use super::claims::Claims;
use super::{Client, OidcError};

/// Longest time of one exchange, in seconds: a person waits in front of it.
const EXCHANGE_SECONDS: u64 = 10;
/// Largest answer in bytes: metadata and keys of large providers have 10 KB.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// For how long metadata and keys are kept: providers announce new keys a day ahead.
const KEPT_MS: u64 = 3_600_000;
/// How soon keys may be asked for again if one is missing: tokens with made-up key ids make no
/// storm.
const ASK_AGAIN_MS: u64 = 60_000;
/// The algorithms that are believed.
const ALGORITHMS: [Algorithm; 2] = [Algorithm::RS256, Algorithm::ES256];

/// What a provider says of itself.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    #[serde(deserialize_with = "url")]
    pub(super) authorization_endpoint: Url,
    #[serde(deserialize_with = "url")]
    token_endpoint: Url,
    #[serde(deserialize_with = "url")]
    jwks_uri: Url,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
}

#[derive(Debug, Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
struct Tokens {
    id_token: String,
}

/// Something that was fetched, and when.
type Kept<T> = Option<(u64, Arc<T>)>;

#[derive(Debug)]
pub(super) struct Provider {
    http: reqwest::Client,
    real: Clock,
    metadata: tokio::sync::Mutex<Kept<Metadata>>,
    keys: tokio::sync::Mutex<Kept<Vec<Jwk>>>,
}

/// Whether nobody between us and this address can read or change what is said.
pub(super) fn is_safe(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let this_machine =
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    url.scheme() == "https" || url.scheme() == "http" && this_machine
}

fn url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    let text = String::deserialize(deserializer)?;
    Url::parse(&text).map_err(D::Error::custom)
}

fn provider(what: impl std::fmt::Display) -> OidcError {
    OidcError::Provider(what.to_string())
}

impl Provider {
    pub(super) fn new() -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(EXCHANGE_SECONDS))
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("cadencia/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            http,
            real: Clock::system(),
            metadata: tokio::sync::Mutex::default(),
            keys: tokio::sync::Mutex::default(),
        })
    }

    /// Real time in seconds since the epoch: the provider's tokens go by it.
    pub(super) fn now_s(&self) -> i64 {
        self.real.now_ms() / 1_000
    }

    /// What the provider says of itself.
    pub(super) async fn metadata(&self, issuer: &str) -> Result<Arc<Metadata>, OidcError> {
        let mut kept = self.metadata.lock().await;
        let now_ms = self.real.monotonic_ms();
        if let Some((at, metadata)) = &*kept
            && now_ms - at < KEPT_MS
        {
            return Ok(metadata.clone());
        }
        let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let metadata: Metadata = self.answer(self.http.get(address)).await?;
        if metadata.issuer != issuer {
            return Err(provider("the provider's metadata name another issuer"));
        }
        let Metadata { authorization_endpoint, token_endpoint, jwks_uri, .. } = &metadata;
        for endpoint in [authorization_endpoint, token_endpoint, jwks_uri] {
            if !is_safe(endpoint.as_str()) {
                return Err(provider("an endpoint of the provider is not https"));
            }
        }
        let metadata = Arc::new(metadata);
        *kept = Some((now_ms, metadata.clone()));
        Ok(metadata)
    }

    /// Exchanges the code for an ID token.
    pub(super) async fn id_token(
        &self,
        metadata: &Metadata,
        client: &Client,
        code: &str,
        verifier: &str,
    ) -> Result<String, OidcError> {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &client.redirect_uri),
            ("code_verifier", verifier),
        ];
        let mut request = self.http.post(metadata.token_endpoint.clone());
        let methods = metadata.token_endpoint_auth_methods_supported.as_deref();
        let has = |name: &str| methods.is_some_and(|all| all.iter().any(|one| one == name));
        match &client.secret {
            None => form.push(("client_id", &client.id)),
            Some(secret) if has("client_secret_post") && !has("client_secret_basic") => {
                form.extend([("client_id", client.id.as_str()), ("client_secret", secret)]);
            }
            Some(secret) => {
                // RFC 6749, 2.3.1: both parts are form-encoded first.
                request = request.basic_auth(encoded(&client.id), Some(encoded(secret)));
            }
        }
        let tokens: Tokens = self.answer(request.form(&form)).await?;
        Ok(tokens.id_token)
    }

    /// The claims of a token, if the provider has signed it.
    pub(super) async fn verified(
        &self,
        metadata: &Metadata,
        token: &str,
    ) -> Result<Claims, OidcError> {
        let refused = |what: &str| OidcError::Identity(format!("the identity token {what}"));
        let header = jsonwebtoken::decode_header(token).map_err(|_| refused("cannot be read"))?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(refused("is signed by an algorithm that is not accepted"));
        }
        let key = self.key(metadata, header.kid.as_deref(), header.alg).await?;
        let key = key.ok_or_else(|| refused("is signed by a key that is not the provider's"))?;
        let key = DecodingKey::from_jwk(&key)
            .map_err(|_| refused("is signed by a key that cannot be used"))?;
        let mut validation = Validation::new(header.alg);
        // Claims are checked by `claims`, by the clock that we have.
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        jsonwebtoken::decode::<Claims>(token, &key, &validation)
            .map(|data| data.claims)
            .map_err(|_| refused("is not signed by the provider, or lacks a claim"))
    }

    async fn key(
        &self,
        metadata: &Metadata,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Option<Jwk>, OidcError> {
        let mut kept = self.keys.lock().await;
        let now_ms = self.real.monotonic_ms();
        if let Some((at, keys)) = &*kept {
            let age_ms = now_ms - at;
            match find(keys, id, algorithm) {
                Some(key) if age_ms < KEPT_MS => return Ok(Some(key)),
                None if age_ms < ASK_AGAIN_MS => return Ok(None),
                _ => {}
            }
        }
        let set: KeySet = self.answer(self.http.get(metadata.jwks_uri.clone())).await?;
        // Keys of kinds that are not known here are none of ours.
        let known = |key| serde_json::from_value(key).ok();
        let keys: Vec<Jwk> = set.keys.into_iter().filter_map(known).collect();
        let found = find(&keys, id, algorithm);
        *kept = Some((now_ms, Arc::new(keys)));
        Ok(found)
    }

    /// What a request is answered with, as JSON.
    async fn answer<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<T, OidcError> {
        let lost = |error: reqwest::Error| provider(format!("no answer: {}", error.without_url()));
        let mut response = request.send().await.map_err(lost)?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(provider(format!("an answer is larger than {ANSWER_BYTES_MAX} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        if !status.is_success() {
            return Err(provider(format!("it answered with status {status}")));
        }
        serde_json::from_slice(&body)
            .map_err(|error| provider(format!("its answer cannot be read: {error}")))
    }
}

/// The key of an id that signs by this algorithm. A token without an id is taken if one key fits.
fn find(keys: &[Jwk], id: Option<&str>, algorithm: Algorithm) -> Option<Jwk> {
    let wanted = match algorithm {
        Algorithm::RS256 => KeyAlgorithm::RS256,
        Algorithm::ES256 => KeyAlgorithm::ES256,
        _ => return None,
    };
    let mut fitting = keys.iter().filter(|key| {
        let common = &key.common;
        let signs = common.public_key_use.as_ref().is_none_or(|it| *it == PublicKeyUse::Signature);
        let of_algorithm = match common.key_algorithm {
            Some(said) => said == wanted,
            None => fits(key, algorithm),
        };
        signs && of_algorithm && id.is_none_or(|id| common.key_id.as_deref() == Some(id))
    });
    let found = fitting.next()?;
    (id.is_some() || fitting.next().is_none()).then(|| found.clone())
}

/// Whether a key that names no algorithm can be one of this.
fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    use jsonwebtoken::jwk::AlgorithmParameters;
    match &key.algorithm {
        AlgorithmParameters::RSA(_) => algorithm == Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(_) => algorithm == Algorithm::ES256,
        _ => false,
    }
}

fn encoded(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-._*".contains(&byte);
    text.bytes()
        .map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_safe_addresses_are_used() {
        for address in
            ["https://id.example.com", "http://127.0.0.1:9", "http://localhost/", "http://[::1]/x"]
        {
            assert!(is_safe(address), "{address}");
        }
        for address in ["http://id.example.com", "ftp://localhost", "localhost", "http://10.0.0.1"]
        {
            assert!(!is_safe(address), "{address}");
        }
    }
}
