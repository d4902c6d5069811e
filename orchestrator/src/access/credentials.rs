//! What a request presents, and whose it is. Cheap: one look in memory, one or two hashes.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::Access;
use super::principal::{InSession, Principal, Who};
use super::register::Edit;
use super::scope::{Role, Scope, Scopes};
use super::secret::{self, SecretHash};
use super::session::{self, Holder, Limits};
use super::token::{self, Standing};

/// Why what was presented is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Nothing was presented.
    #[error("no credential was sent")]
    Missing,
    /// It is nobody's.
    #[error("the credential is not known")]
    Unknown,
    /// It was good once.
    #[error("the credential has expired")]
    Expired,
    /// It was revoked.
    #[error("the credential was revoked")]
    Revoked,
}

/// Name of the source where no write key is asked for.
const ANYBODY: &str = "open";
/// Bytes of the hash of a key of the settings by which its source is called: enough to tell keys
/// apart. Nothing of the key itself: it may be short.
const NAME_BYTES: usize = 4;

/// Keys of the settings with the names of their sources, as they are kept in memory.
#[derive(Debug, Default)]
pub struct Sender {
    keys: HashMap<SecretHash, Arc<str>>,
}

impl Sender {
    /// Of the settings.
    pub fn new(keys: &[String]) -> Self {
        let named = |key: &String| {
            let hash = SecretHash::of(key);
            let name = secret::hex(&hash.bytes()[..NAME_BYTES]);
            (hash, format!("key-{name}").into())
        };
        Self { keys: keys.iter().map(named).collect() }
    }
}

impl Access {
    /// Whose a token is.
    pub fn by_token(&self, text: &str, from: Option<IpAddr>) -> Result<Principal, Invalid> {
        let id = token::id_of(text).ok_or(Invalid::Unknown)?;
        let found = self.register.known().tokens.get(id).cloned();
        let found = found.ok_or(Invalid::Unknown)?;
        match found.standing(text, self.now()) {
            Standing::Wrong => Err(Invalid::Unknown),
            Standing::Expired => Err(Invalid::Expired),
            Standing::Revoked => Err(Invalid::Revoked),
            Standing::Good => {
                let who = match &found.source {
                    Some(source) => Who::Sender(Arc::from(source.as_str())),
                    None => Who::Token {
                        id: Arc::from(found.id.as_str()),
                        name: Arc::from(found.name.as_str()),
                    },
                };
                Ok(Principal { who, scopes: found.scopes, from, session: None })
            }
        }
    }

    /// Whether everybody's events are taken: no write key was ever made or set. One that was
    /// revoked still counts, so that the end of the last one opens nothing.
    pub fn is_open(&self, settings: &Sender) -> bool {
        settings.keys.is_empty() && self.register.known().write_keys == 0
    }

    /// Whose events these are. As long as no key has ever been made or set, everybody's are taken.
    pub fn by_write_key(
        &self,
        settings: &Sender,
        key: Option<&str>,
        from: Option<IpAddr>,
    ) -> Result<Principal, Invalid> {
        let sender = |source: Arc<str>| Principal {
            who: Who::Sender(source),
            scopes: Scopes::of(&[Scope::Ingest]),
            from,
            session: None,
        };
        let Some(key) = key else {
            let open = self.is_open(settings);
            return if open { Ok(sender(ANYBODY.into())) } else { Err(Invalid::Missing) };
        };
        match self.by_token(key, from) {
            Err(Invalid::Unknown) => {}
            found => return found,
        }
        match settings.keys.get(&SecretHash::of(key)) {
            Some(source) => Ok(sender(source.clone())),
            None if self.is_open(settings) => Ok(sender(ANYBODY.into())),
            None => Err(Invalid::Unknown),
        }
    }

    /// Whose a session is. It counts as used by this.
    pub fn by_session(
        self: &Arc<Self>,
        cookie: &str,
        limits: Limits,
        from: Option<IpAddr>,
    ) -> Result<Principal, Invalid> {
        let key = SecretHash::of(cookie);
        let now = self.now();
        let (live, user) = {
            let known = self.register.known();
            let live = known.sessions.get(&key).cloned().ok_or(Invalid::Unknown)?;
            let user = match &live.session.holder {
                Holder::User(name) => known.users.get(name).cloned(),
                Holder::Link => None,
            };
            (live, user)
        };
        if live.is_over(now, limits) {
            return Err(Invalid::Expired);
        }
        let (who, scopes) = match (&live.session.holder, user) {
            (Holder::Link, _) => (Who::Link, Role::Admin.scopes()),
            (Holder::User(name), Some(user))
                if !user.disabled && user.epoch == live.session.epoch =>
            {
                (Who::User(Arc::from(name.as_str())), user.role.scopes())
            }
            (Holder::User(_), _) => return Err(Invalid::Revoked),
        };
        if let Some(session) = live.touch(now) {
            let access = self.clone();
            // Nobody waits for it: if it is lost, the session ends a minute early.
            tokio::spawn(async move { access.save_seen(key, session).await });
        }
        let session = Some(InSession { key, csrf: session::csrf_token(cookie) });
        Ok(Principal { who, scopes, from, session })
    }

    async fn save_seen(&self, key: SecretHash, session: session::Session) {
        let _one_at_a_time = self.writing.lock().await;
        // It may have ended, or been saved, meanwhile.
        let stale = |live: &session::Live| live.session.seen < session.seen;
        let due = self.register.known().sessions.get(&key).is_some_and(|live| stale(live));
        if due {
            let edit = Edit::Session(key, session);
            if self.put(vec![edit.write()]).await.is_ok() {
                self.register.edit(vec![edit]);
            }
        }
    }
}
