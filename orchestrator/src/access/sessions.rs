//! Logins and logouts: sessions begin and end, each with its audit row.

use super::audit::Change;
use super::principal::{Principal, Who};
use super::register::{Edit, Known};
use super::secret::{self, SecretHash};
use super::session::{Holder, Limits, SESSIONS_MAX, SESSIONS_PER_USER_MAX, Session};
use super::{Access, refuse};
use crate::admin::Refusal;
use crate::error::ErrorCode;

impl Access {
    /// Begins a session and gives back what its cookie holds. A session that the browser had before
    /// ends: nobody goes on with a cookie that somebody else may have planted. A user must stand as
    /// when she proved who she is, by her epoch: her password may have been changed meanwhile.
    pub async fn begin_session(
        &self,
        holder: Holder,
        epoch: u32,
        before: Option<SecretHash>,
        limits: Limits,
        by: &Principal,
    ) -> Result<String, Refusal> {
        let _one_at_a_time = self.writing.lock().await;
        let now = self.now();
        let cookie = secret::fresh();
        let key = SecretHash::of(&cookie);
        let mut edits = {
            let known = self.register.known();
            if let Holder::User(name) = &holder
                && known.users.get(name).is_none_or(|user| user.epoch != epoch)
            {
                return refuse(ErrorCode::LoginRefused, "the user was changed just now");
            }
            ended(&known, &holder, before, |live| live.is_over(now, limits))
        };
        let who = match &holder {
            Holder::User(name) => format!("user {name}"),
            Holder::Link => Who::Link.to_string(),
        };
        edits.push(Edit::Session(key, Session { holder, epoch, created: now, seen: now }));
        let change = Change::made("session.begin", who, format!("session {}", short(&key)));
        self.change(by, edits, change).await?;
        Ok(cookie)
    }

    /// Ends a session.
    pub async fn end_session(&self, key: SecretHash, by: &Principal) -> Result<(), Refusal> {
        let _one_at_a_time = self.writing.lock().await;
        if !self.register.known().sessions.contains_key(&key) {
            return Ok(());
        }
        let change = Change {
            what: "session.end",
            target: by.who.to_string(),
            before: Some(format!("session {}", short(&key))),
            after: None,
        };
        self.change(by, vec![Edit::SessionEnd(key)], change).await
    }

    /// Ends of all sessions of a user.
    pub(super) fn ends_of(&self, name: &str) -> Vec<Edit> {
        let holder = Holder::User(name.to_owned());
        let known = self.register.known();
        let of_user = known.sessions.iter().filter(|(_, live)| live.session.holder == holder);
        of_user.map(|(key, _)| Edit::SessionEnd(*key)).collect()
    }
}

/// A session as the log names it: enough to tell sessions apart, nothing to log in with.
fn short(key: &SecretHash) -> String {
    secret::hex(&key.bytes()[..8])
}

/// What ends when a session of `holder` begins: the one before it, those that are over, and the
/// oldest ones beyond the limits.
fn ended(
    known: &Known,
    holder: &Holder,
    before: Option<SecretHash>,
    is_over: impl Fn(&super::session::Live) -> bool,
) -> Vec<Edit> {
    let (mut own, mut others, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    for (key, live) in &known.sessions {
        if before == Some(*key) || is_over(live) {
            ends.push(*key);
        } else if live.session.holder == *holder {
            own.push((live.session.created, *key));
        } else {
            others.push((live.session.created, *key));
        }
    }
    own.sort_unstable();
    let extra = (own.len() + 1).saturating_sub(SESSIONS_PER_USER_MAX);
    ends.extend(own.drain(..extra).map(|(_, key)| key));
    let extra = (own.len() + others.len() + 1).saturating_sub(SESSIONS_MAX);
    others.sort_unstable();
    ends.extend(others.drain(..extra.min(others.len())).map(|(_, key)| key));
    ends.into_iter().map(Edit::SessionEnd).collect()
}
