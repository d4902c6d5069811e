//! Tokens, users and sessions in memory and in the store. What is durable first becomes visible
//! second; what is read holds a lock for the length of a look.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use engine::codec;
use serde::de::DeserializeOwned;
use store::{Limit, Range, Read, Store};

use super::secret::SecretHash;
use super::session::{Live, Session};
use super::token::{Kind, Token};
use super::user::User;
use crate::recovery::RecoverError;
use crate::rows;

/// What keys of rows begin with: no partition's number does, they are at most 4,096.
const TOKENS: &[u8] = b"At";
const USERS: &[u8] = b"Au";
const SESSIONS: &[u8] = b"As";
/// Rows read at a time.
const SCAN_ROWS: usize = 1_000;

/// What is known, as it stands.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// By id.
    pub(super) tokens: HashMap<String, Arc<Token>>,
    /// By name.
    pub(super) users: HashMap<String, Arc<User>>,
    /// By the hash of the cookie.
    pub(super) sessions: HashMap<SecretHash, Arc<Live>>,
    /// How many tokens are write keys, also revoked ones.
    pub(super) write_keys: usize,
}

/// One change of what is known.
#[derive(Clone, Debug)]
pub(super) enum Edit {
    Token(Token),
    User(User),
    UserEnd(String),
    Session(SecretHash, Session),
    SessionEnd(SecretHash),
}

impl Edit {
    /// As a row of the store.
    pub(super) fn write(&self) -> engine::Write {
        let (key, value) = match self {
            Self::Token(token) => {
                ([TOKENS, token.id.as_bytes()].concat(), Some(codec::encode(token)))
            }
            Self::User(user) => ([USERS, user.name.as_bytes()].concat(), Some(codec::encode(user))),
            Self::UserEnd(name) => ([USERS, name.as_bytes()].concat(), None),
            Self::Session(key, session) => {
                ([SESSIONS, key.bytes()].concat(), Some(codec::encode(session)))
            }
            Self::SessionEnd(key) => ([SESSIONS, key.bytes()].concat(), None),
        };
        engine::Write { table: engine::Table::Meta, key, value }
    }
}

/// What is known.
#[derive(Debug)]
pub(super) struct Register(RwLock<Known>);

impl Register {
    /// As a store has it.
    pub(super) fn open(store: &Store) -> Result<Self, RecoverError> {
        let mut known = Known::default();
        scan(store, TOKENS, "token", |_, token| known.edit(Edit::Token(token)))?;
        scan(store, USERS, "user", |_, user| known.edit(Edit::User(user)))?;
        scan(store, SESSIONS, "session", |key: &[u8], session: Session| {
            if let Some(key) = SecretHash::from_bytes(key) {
                known.edit(Edit::Session(key, session));
            }
        })?;
        Ok(Self(RwLock::new(known)))
    }

    /// What is known now.
    pub(super) fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes that are durable become visible, all at once.
    pub(super) fn edit(&self, edits: Vec<Edit>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for edit in edits {
            known.edit(edit);
        }
    }
}

impl Known {
    fn edit(&mut self, edit: Edit) {
        match edit {
            Edit::Token(token) => {
                let is_key = token.kind == Kind::WriteKey;
                let old = self.tokens.insert(token.id.clone(), Arc::new(token));
                self.write_keys += usize::from(is_key && old.is_none());
            }
            Edit::User(user) => {
                self.users.insert(user.name.clone(), Arc::new(user));
            }
            Edit::UserEnd(name) => {
                self.users.remove(&name);
            }
            Edit::Session(key, session) => {
                self.sessions.insert(key, Arc::new(Live::new(session)));
            }
            Edit::SessionEnd(key) => {
                self.sessions.remove(&key);
            }
        }
    }
}

/// Reads all rows of a prefix; the key is handed over without it.
fn scan<T: DeserializeOwned>(
    store: &Store,
    prefix: &[u8],
    what: &'static str,
    mut take: impl FnMut(&[u8], T),
) -> Result<(), RecoverError> {
    let table = rows::table(engine::Table::Meta);
    let mut range = Range::prefix(prefix);
    loop {
        let page = store.scan(table, &range, Limit::rows(SCAN_ROWS))?;
        for (key, value) in &page.rows {
            take(&key[prefix.len()..], codec::decode(what, value)?);
        }
        match page.next {
            Some(key) => range = range.resume(key),
            None => return Ok(()),
        }
    }
}
