//! Login by an identity provider: OpenID Connect's authorisation code flow with PKCE.
//!
//! What a login under way must remember is one secret in a cookie of the browser; state, nonce and
//! verifier are derived from it. So it needs no memory here and survives a restart.

mod claims;
mod provider;

use std::sync::Arc;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use self::provider::Provider;
use super::Access;
use super::principal::{Principal, Who};
use super::scope::Role;
use super::secret::{self, SecretHash};
use super::session::{Holder, Limits};
use super::user::PROVIDER_PREFIX;
use crate::admin::Refusal;
use crate::config::settings;
use crate::error::{ErrorCode, Problem};

pub use claims::Identity;

/// For how long a login may be under way: to find one's second factor.
pub const LOGIN_MINUTES: i64 = 10;

/// Why an identity provider cannot be used as it is set.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A setting that is needed is missing.
    #[error("settings: `{0}` is needed for the login by an identity provider")]
    Missing(&'static str),
    /// An address that must be safe is not.
    #[error("settings: `{0}` must begin with https:// (or name this machine)")]
    Unsafe(String),
    /// The address under which browsers reach this server cannot be used.
    #[error("settings: `public_url` is no address such as https://events.shop.example")]
    PublicUrl,
    /// The file with the secret cannot be read.
    #[error("settings: `oidc.client_secret_file`: {0}")]
    Secret(std::io::Error),
    /// There is no HTTP client.
    #[error("settings: `oidc`: {0}")]
    Client(reqwest::Error),
}

/// Why nobody was let in.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// The provider cannot be used now.
    #[error("{0}")]
    Provider(String),
    /// What it said is not good enough.
    #[error("{0}")]
    Identity(String),
}

impl OidcError {
    /// As a public error.
    pub fn problem(&self) -> Problem {
        let code = match self {
            Self::Provider(_) => ErrorCode::ProviderUnavailable,
            Self::Identity(_) => ErrorCode::IdentityRefused,
        };
        Problem::new(code, self.to_string())
    }
}

/// What this server is to the provider, and what the provider's words mean here.
#[derive(Clone, Debug)]
struct Client {
    issuer: String,
    id: String,
    secret: Option<String>,
    redirect_uri: String,
    scopes: String,
    role_claim: String,
    roles: Vec<(Role, Vec<String>)>,
}

/// An identity provider.
#[derive(Debug)]
pub struct Oidc {
    client: Client,
    provider: Provider,
}

/// What the browser comes back with.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct Callback {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

/// What is derived from the secret of a login under way.
struct Derived {
    state: String,
    nonce: String,
    verifier: String,
}

impl Derived {
    fn of(seed: &str) -> Self {
        Self {
            state: secret::derived("cadencia 2026 oidc state", seed),
            nonce: secret::derived("cadencia 2026 oidc nonce", seed),
            verifier: secret::derived("cadencia 2026 oidc pkce verifier", seed),
        }
    }

    /// The challenge of PKCE's method S256.
    fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, self.verifier.as_bytes()))
    }
}

impl Oidc {
    /// As it is set; none if it is not.
    pub fn new(
        settings: &settings::Oidc,
        public_url: Option<&str>,
    ) -> Result<Option<Self>, SettingsError> {
        let Some(issuer) = settings.issuer.clone() else { return Ok(None) };
        if !provider::is_safe(&issuer) {
            return Err(SettingsError::Unsafe("oidc.issuer".to_owned()));
        }
        let public_url = public_url.ok_or(SettingsError::Missing("public_url"))?;
        let id = settings.client_id.clone().ok_or(SettingsError::Missing("oidc.client_id"))?;
        let secret = match &settings.client_secret_file {
            None => None,
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(SettingsError::Secret)?;
                Some(text.trim().to_owned())
            }
        };
        let roles = &settings.roles;
        let client = Client {
            issuer,
            id,
            secret,
            redirect_uri: format!("{}/login/sso/callback", public_url.trim_end_matches('/')),
            scopes: settings.scopes.join(" "),
            role_claim: settings.role_claim.clone(),
            roles: vec![
                (Role::Admin, roles.admin.clone()),
                (Role::Operator, roles.operator.clone()),
                (Role::Marketer, roles.marketer.clone()),
                (Role::Viewer, roles.viewer.clone()),
            ],
        };
        let provider = Provider::new().map_err(SettingsError::Client)?;
        Ok(Some(Self { client, provider }))
    }

    /// Where the browser is to go, and the secret that it is to keep.
    pub async fn begin(&self) -> Result<(String, String), OidcError> {
        let metadata = self.provider.metadata(&self.client.issuer).await?;
        let seed = secret::fresh();
        let derived = Derived::of(&seed);
        let mut url = metadata.authorization_endpoint.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client.id)
            .append_pair("redirect_uri", &self.client.redirect_uri)
            .append_pair("scope", &self.client.scopes)
            .append_pair("state", &derived.state)
            .append_pair("nonce", &derived.nonce)
            .append_pair("code_challenge", &derived.challenge())
            .append_pair("code_challenge_method", "S256");
        Ok((url.to_string(), seed))
    }

    /// Who it is that came back.
    pub async fn end(&self, seed: &str, callback: Callback) -> Result<Identity, OidcError> {
        let derived = Derived::of(seed);
        let refused = |what: &str| Err(OidcError::Identity(what.to_owned()));
        if !callback.state.is_some_and(|state| secret::same(&state, &derived.state)) {
            return refused("this login was not begun by this browser");
        }
        if callback.error.is_some() {
            return refused("the identity provider refused the login");
        }
        let metadata = self.provider.metadata(&self.client.issuer).await?;
        let says_who = metadata.authorization_response_iss_parameter_supported;
        if callback.iss.map_or(says_who, |iss| iss != self.client.issuer) {
            return refused("the answer names another issuer");
        }
        let Some(code) = callback.code else { return refused("the answer has no code") };
        let token = self.provider.id_token(&metadata, &self.client, &code, &derived.verifier);
        let token = token.await?;
        let claims = self.provider.verified(&metadata, &token).await?;
        let now_s = self.provider.now_s();
        claims::check(claims, &self.client, &derived.nonce, now_s).map_err(OidcError::Identity)
    }
}

impl Access {
    /// Lets in whom a provider vouches for, and gives back what her cookie holds.
    pub async fn log_in_identity(
        self: &Arc<Self>,
        identity: Identity,
        before: Option<SecretHash>,
        limits: Limits,
        by: &Principal,
    ) -> Result<String, Refusal> {
        let name = format!("{PROVIDER_PREFIX}{}", identity.subject);
        let by = Principal { who: Who::User(Arc::from(name.as_str())), ..by.clone() };
        let epoch = self.welcome(&name, identity.label, identity.role, &by).await?;
        self.begin_session(Holder::User(name), epoch, before, limits, &by).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_rfc_7636() {
        // Appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned();
        let derived = Derived { state: String::new(), nonce: String::new(), verifier };
        assert_eq!(derived.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn state_nonce_and_verifier_say_nothing_of_each_other() {
        let derived = Derived::of(&secret::fresh());
        assert_ne!(derived.state, derived.nonce);
        assert_ne!(derived.nonce, derived.verifier);
        // RFC 7636 asks for 43 to 128 characters.
        assert_eq!(derived.verifier.len(), 64);
    }
}
