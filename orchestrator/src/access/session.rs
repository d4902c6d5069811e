//! Sessions of people who logged in. The cookie holds a secret of 256 bits; the store holds its
//! hash.

use std::sync::atomic::{AtomicI64, Ordering};

use domain::time::Instant;
use serde::{Deserialize, Serialize};

use super::secret;

/// How long a change of "last seen" may be kept in memory only: a crash then ends a session so much
/// earlier, and a request a second does not write a row a second.
pub const SEEN_UNSAVED_MS: i64 = 60_000;
/// Sessions of one user at the same time: beyond it the oldest one ends.
pub const SESSIONS_PER_USER_MAX: usize = 20;
/// Sessions in all: at a row of about 100 bytes a few MB. Beyond it the oldest one ends.
pub const SESSIONS_MAX: usize = 20_000;

/// How long sessions live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest time without a request, in milliseconds.
    pub idle_ms: i64,
    /// Longest time in all, in milliseconds.
    pub absolute_ms: i64,
}

/// Whose session it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Holder {
    /// A user, by her name.
    User(String),
    /// Whoever opened the one-time link.
    Link,
}

/// A session, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Whose it is.
    pub holder: Holder,
    /// The user's epoch at the login.
    pub epoch: u32,
    /// When it began.
    pub created: Instant,
    /// When it was last used, as far as that is saved.
    pub seen: Instant,
}

/// A session in memory.
#[derive(Debug)]
pub struct Live {
    /// What is kept of it.
    pub session: Session,
    seen_ms: AtomicI64,
}

impl Live {
    /// As it was saved.
    pub fn new(session: Session) -> Self {
        let seen_ms = AtomicI64::new(session.seen.0);
        Self { session, seen_ms }
    }

    /// Whether it has ended by itself.
    pub fn is_over(&self, now: Instant, limits: Limits) -> bool {
        let seen = Instant(self.seen_ms.load(Ordering::Relaxed));
        now.ms_since(seen) >= limits.idle_ms
            || now.ms_since(self.session.created) >= limits.absolute_ms
    }

    /// It is used now. Gives back what is to be saved, if it is time.
    pub fn touch(&self, now: Instant) -> Option<Session> {
        self.seen_ms.fetch_max(now.0, Ordering::Relaxed);
        let due = now.ms_since(self.session.seen) >= SEEN_UNSAVED_MS;
        due.then(|| Session { seen: now, ..self.session.clone() })
    }
}

/// The token that writes of a session must carry: only a page of ours knows it, and it need not be
/// kept.
pub fn csrf_token(cookie: &str) -> String {
    secret::derived("cadencia 2026 csrf token of a session", cookie)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { idle_ms: 100, absolute_ms: 250 };

    fn live() -> Live {
        let (created, seen) = (Instant(0), Instant(0));
        Live::new(Session { holder: Holder::Link, epoch: 0, created, seen })
    }

    #[test]
    fn a_session_ends_when_it_is_idle_and_when_it_is_old() {
        let live = live();
        assert!(!live.is_over(Instant(99), LIMITS));
        assert!(live.is_over(Instant(100), LIMITS));
        live.touch(Instant(99));
        live.touch(Instant(190));
        assert!(!live.is_over(Instant(249), LIMITS));
        assert!(live.is_over(Instant(250), LIMITS), "no use makes it younger");
    }

    #[test]
    fn last_seen_is_saved_once_in_a_while() {
        let live = live();
        assert_eq!(live.touch(Instant(SEEN_UNSAVED_MS - 1)), None);
        let saved = live.touch(Instant(SEEN_UNSAVED_MS)).expect("it is time");
        assert_eq!(saved.seen, Instant(SEEN_UNSAVED_MS));
    }
}
