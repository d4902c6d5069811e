//! Logging in with a name and a password: limited, equal in answer and in work for every name.

use std::net::IpAddr;
use std::sync::{Arc, PoisonError};

use super::Access;
use super::principal::Principal;
use super::principal::Who;
use super::secret::SecretHash;
use super::session::{Holder, Limits};
use super::user::{self, PASSWORD_BYTES_MAX, User};
use crate::admin::Refusal;

/// Why nobody was let in.
#[derive(Debug)]
pub enum NotIn {
    /// Too many tried.
    TooMany {
        /// Milliseconds until one may try again.
        retry_after_ms: u64,
    },
    /// Name or password is wrong, or the user may not log in.
    Wrong,
    /// The session could not be begun.
    Refused(Refusal),
}

/// Somebody who wants in.
#[derive(Debug)]
pub struct Attempt {
    /// The name.
    pub name: String,
    /// The password.
    pub password: String,
    /// The address that it comes from.
    pub from: Option<IpAddr>,
    /// The session that the browser has already.
    pub before: Option<SecretHash>,
}

impl Access {
    /// Takes one of the tries of an address.
    ///
    /// # Errors
    /// Milliseconds until there is one again.
    pub fn try_from(&self, from: Option<IpAddr>) -> Result<(), u64> {
        let Some(from) = from else { return Ok(()) };
        let mut logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        logins.by_address.take(super::limit::party(from), self.real.monotonic_ms())
    }

    /// Logs somebody in and gives back what her cookie holds.
    pub async fn log_in(
        self: &Arc<Self>,
        attempt: Attempt,
        limits: Limits,
    ) -> Result<String, NotIn> {
        let Attempt { name, password, from, before } = attempt;
        self.try_login(&name, from)?;
        let user = self.register.known().users.get(&name).cloned();
        if !self.is_password(user.as_deref(), password).await {
            tracing::warn!(from = ?from, "a login was refused");
            return Err(NotIn::Wrong);
        }
        let by = Principal { who: Who::User(Arc::from(name.as_str())), ..Principal::nobody(from) };
        let holder = Holder::User(name.clone());
        let epoch = user.map_or(0, |user| user.epoch);
        let cookie = self.begin_session(holder, epoch, before, limits, &by).await;
        let cookie = cookie.map_err(NotIn::Refused)?;
        self.forget_tries(&name);
        Ok(cookie)
    }

    /// Takes one of the tries of an address, and one of a user.
    pub(super) fn try_login(&self, name: &str, from: Option<IpAddr>) -> Result<(), NotIn> {
        let too_many = |retry_after_ms| NotIn::TooMany { retry_after_ms };
        self.try_from(from).map_err(too_many)?;
        let mut logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        logins.by_user.take(key(name), self.real.monotonic_ms()).map_err(too_many)
    }

    /// A user has proved who she is: she has all her tries again.
    pub(super) fn forget_tries(&self, name: &str) {
        let mut logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        logins.by_user.forget(&key(name));
    }

    /// Whether it is her password, and she may log in. The same work whoever she is.
    pub(super) async fn is_password(&self, user: Option<&User>, password: String) -> bool {
        let stored = user.filter(|user| !user.disabled).and_then(|user| user.password.clone());
        let stored = stored.filter(|_| password.len() <= PASSWORD_BYTES_MAX);
        let Ok(_permit) = self.hashing.acquire().await else { return false };
        let cut = password.len().min(PASSWORD_BYTES_MAX);
        let verified = tokio::task::spawn_blocking(move || {
            let bytes = password.get(..cut).unwrap_or_default();
            user::verify(bytes, stored.as_deref())
        });
        verified.await.unwrap_or(false)
    }
}

/// Of a name of any length, a key of eight bytes.
fn key(name: &str) -> [u8; 8] {
    let hash = blake3::hash(name.as_bytes());
    let mut key = [0; 8];
    key.copy_from_slice(&hash.as_bytes()[..8]);
    key
}
