//! Who asks, and what she may do.

use std::net::IpAddr;
use std::sync::Arc;

use super::scope::{Scope, Scopes};
use super::secret::SecretHash;

/// Who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Whoever may open the control socket, by the number of the system's user where it is known.
    Owner(Option<u32>),
    /// The server itself, at its start.
    Server,
    /// A user, by name.
    User(Arc<str>),
    /// Whoever opened the one-time link.
    Link,
    /// A program with an API token.
    Token {
        /// Its id.
        id: Arc<str>,
        /// Its name.
        name: Arc<str>,
    },
    /// A sender of events, by the source of its write key.
    Sender(Arc<str>),
    /// Nobody in particular.
    Nobody,
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Owner(Some(uid)) => write!(f, "control socket (uid {uid})"),
            Self::Owner(None) => f.write_str("control socket"),
            Self::Server => f.write_str("start of the server"),
            Self::User(name) => write!(f, "user {name}"),
            Self::Link => f.write_str("one-time link"),
            Self::Token { id, name } => write!(f, "token {id} ({name})"),
            Self::Sender(source) => write!(f, "source {source}"),
            Self::Nobody => f.write_str("nobody"),
        }
    }
}

/// The session that a request came with.
#[derive(Clone, Debug)]
pub struct InSession {
    /// Its key in the register.
    pub key: SecretHash,
    /// What its writes must carry.
    pub csrf: String,
}

/// Who asks, what she may do, and where from.
#[derive(Clone, Debug)]
pub struct Principal {
    /// Who it is.
    pub who: Who,
    /// What she may do.
    pub scopes: Scopes,
    /// The address that the request came from, where there is one.
    pub from: Option<IpAddr>,
    /// The session, if it came with one.
    pub session: Option<InSession>,
}

impl Principal {
    fn with_all(who: Who) -> Self {
        Self { who, scopes: Scopes::of(&Scope::ALL), from: None, session: None }
    }

    /// Whoever may open the control socket: she owns the data already.
    pub fn owner(uid: Option<u32>) -> Self {
        Self::with_all(Who::Owner(uid))
    }

    /// The server itself.
    pub fn server() -> Self {
        Self::with_all(Who::Server)
    }

    /// Nobody in particular, who may do nothing.
    pub fn nobody(from: Option<IpAddr>) -> Self {
        Self { who: Who::Nobody, scopes: Scopes::default(), from, session: None }
    }

    /// The source of the events that she sends, if she may send any.
    pub fn source(&self) -> Option<&str> {
        match &self.who {
            _ if !self.may(Scope::Ingest) => None,
            Who::Sender(source) => Some(source),
            Who::Token { name, .. } => Some(name),
            _ => None,
        }
    }

    /// Whether she may do this.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.has(scope)
    }
}
