//! What a user changes of herself: her password. It takes the old one, under the limits of logins.

use super::Access;
use super::audit::Change;
use super::login::NotIn;
use super::principal::{Principal, Who};
use super::register::Edit;
use super::secret::{self, SecretHash};
use super::session::{Holder, Session};
use super::user::User;
use crate::error::{ErrorCode, Problem};

fn refused<T>(code: ErrorCode, detail: &str) -> Result<T, NotIn> {
    Err(NotIn::Refused(Box::new(Problem::new(code, detail))))
}

impl Access {
    /// Whoever asks, as a user with a password; none if she logs in otherwise.
    pub fn own(&self, by: &Principal) -> Option<User> {
        let Who::User(name) = &by.who else { return None };
        let user = self.register.known().users.get(&**name).cloned();
        user.filter(|user| user.password.is_some()).map(|user| User::clone(&user))
    }

    /// Gives a user another password, on her own word. All her sessions end; one begins for this
    /// browser, and what its cookie holds is given back.
    ///
    /// # Errors
    /// As a login: too many tries, a wrong old password, one that cannot be used.
    pub async fn change_own_password(
        &self,
        old: String,
        new: String,
        by: &Principal,
    ) -> Result<String, NotIn> {
        let Some(user) = self.own(by) else {
            let detail = "only who logs in by a password of this server has one to change";
            return refused(ErrorCode::StateConflict, detail);
        };
        let name = user.name.clone();
        self.try_login(&name, by.from)?;
        if !self.is_password(Some(&user), old).await {
            tracing::warn!(from = ?by.from, "a change of a password was refused");
            return Err(NotIn::Wrong);
        }
        let (hash, _) = self.hashed(Some(new)).await.map_err(NotIn::Refused)?;
        let _one_at_a_time = self.writing.lock().await;
        // She may have been changed while her password was looked at.
        if self.own(by).is_none_or(|now| now.epoch != user.epoch) {
            return refused(ErrorCode::StateConflict, "the user was changed just now");
        }
        let epoch = user.epoch + 1;
        let changed = User { password: Some(hash), epoch, ..user.clone() };
        let change = Change::of("user.own_password", &*name, user.summary(), changed.summary());
        let (cookie, created) = (secret::fresh(), self.now());
        let holder = Holder::User(name.clone());
        let session = Session { holder, epoch, created, seen: created };
        let mut edits = self.ends_of(&name);
        edits.extend([Edit::User(changed), Edit::Session(SecretHash::of(&cookie), session)]);
        self.change(by, edits, change).await.map_err(NotIn::Refused)?;
        self.forget_tries(&name);
        Ok(cookie)
    }
}
