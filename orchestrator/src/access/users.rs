//! Managing users: every change is durable with its audit row before it is answered, and ends the
//! sessions that it concerns.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::audit::Change;
use super::principal::Principal;
use super::register::Edit;
use super::scope::Role;
use super::secret;
use super::user::{self, PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN, User};
use super::{Access, covered, refuse};
use crate::admin::Refusal;
use crate::error::ErrorCode;

/// Users of one server: all are kept in memory.
const USERS_MAX: usize = 10_000;

/// A local user who is wanted.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// The name that she logs in with.
    #[schemars(regex(pattern = "^[a-z0-9._@-]{1,64}$"))]
    pub name: String,
    /// Her role.
    pub role: Role,
    /// Her password; without one the server chooses it.
    #[serde(default)]
    #[schemars(length(min = PASSWORD_CHARS_MIN, max = PASSWORD_BYTES_MAX / 4))]
    pub password: Option<String>,
}

/// How a user stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserState {
    /// The name that she logs in with.
    pub name: String,
    /// What an identity provider calls her.
    pub label: Option<String>,
    /// Her role.
    pub role: Role,
    /// `password` or `identity_provider`.
    pub logs_in_by: String,
    /// Whether she may not log in.
    pub disabled: bool,
    /// When she was made known, RFC 3339.
    pub created: String,
}

/// A user with the password that the server chose: the only time that it is shown.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShownPassword {
    /// The password; none if it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// How she stands.
    #[serde(flatten)]
    pub user: UserState,
}

impl Access {
    /// Makes a local user. The one-time link is good no more: there is somebody who can log in.
    pub async fn create_user(
        &self,
        wanted: NewUser,
        by: &Principal,
    ) -> Result<ShownPassword, Refusal> {
        let NewUser { name, role, password } = wanted;
        user::check_name(&name).or_else(|error| refuse(ErrorCode::BadParameter, error))?;
        covered(by, role.scopes())?;
        let (hash, chosen) = self.hashed(password).await?;
        let _one_at_a_time = self.writing.lock().await;
        {
            let known = self.register.known();
            if known.users.contains_key(&name) {
                return refuse(ErrorCode::StateConflict, format!("`{name}` is a user already"));
            }
            if known.users.len() >= USERS_MAX {
                return refuse(ErrorCode::StateConflict, format!("there are {USERS_MAX} users"));
            }
        }
        let created = self.now();
        let password = Some(hash);
        // Somebody of this name may have been deleted while she logged in.
        let epoch = u32::from(u16::from_le_bytes(secret::random()));
        let user = User { name, label: None, role, password, disabled: false, epoch, created };
        let change = Change::made("user.create", &user.name, user.summary());
        let state = UserState::of(&user);
        self.change(by, vec![Edit::User(user)], change).await?;
        self.one_time.withdraw();
        Ok(ShownPassword { password: chosen, user: state })
    }

    /// Gives a user another role.
    pub async fn set_role(
        &self,
        name: &str,
        role: Role,
        by: &Principal,
    ) -> Result<UserState, Refusal> {
        covered(by, role.scopes())?;
        self.change_user(name, "user.role", by, |user| {
            user.role = role;
            Ok(())
        })
        .await
    }

    /// Gives a local user another password; without one the server chooses it.
    pub async fn set_password(
        &self,
        name: &str,
        password: Option<String>,
        by: &Principal,
    ) -> Result<ShownPassword, Refusal> {
        if self.user(name)?.password.is_none() {
            let detail = format!("`{name}` logs in by an identity provider");
            return refuse(ErrorCode::StateConflict, detail);
        }
        let (hash, chosen) = self.hashed(password).await?;
        let changed = self.change_user(name, "user.password", by, |user| {
            // Whoever knows it can log in.
            covered(by, user.role.scopes())?;
            user.password = Some(hash);
            Ok(())
        });
        Ok(ShownPassword { user: changed.await?, password: chosen })
    }

    /// Lets a user log in no more, or again.
    pub async fn set_disabled(
        &self,
        name: &str,
        disabled: bool,
        by: &Principal,
    ) -> Result<UserState, Refusal> {
        let what = if disabled { "user.disable" } else { "user.enable" };
        self.change_user(name, what, by, |user| {
            if !disabled {
                covered(by, user.role.scopes())?;
            }
            user.disabled = disabled;
            Ok(())
        })
        .await
    }

    /// Forgets a user, and ends her sessions. Rows of the audit log still name her. Whom a provider
    /// vouches for is made known again by her next login: disabling keeps her out.
    pub async fn delete_user(&self, name: &str, by: &Principal) -> Result<UserState, Refusal> {
        let _one_at_a_time = self.writing.lock().await;
        let user = self.user(name)?;
        let before = Some(user.summary());
        let change = Change { what: "user.delete", target: name.to_owned(), before, after: None };
        let mut edits = self.ends_of(name);
        edits.push(Edit::UserEnd(name.to_owned()));
        self.change(by, edits, change).await?;
        Ok(UserState::of(&user))
    }

    /// Makes known whom an identity provider vouches for, with the role that it gives her, and says
    /// her epoch. Refused if she may not log in.
    pub(super) async fn welcome(
        &self,
        name: &str,
        label: Option<String>,
        role: Role,
        by: &Principal,
    ) -> Result<u32, Refusal> {
        let _one_at_a_time = self.writing.lock().await;
        let (known, count) = {
            let known = self.register.known();
            (known.users.get(name).cloned(), known.users.len())
        };
        let (before, user) = match known {
            None if count >= USERS_MAX => {
                return refuse(ErrorCode::StateConflict, format!("there are {USERS_MAX} users"));
            }
            None => {
                let (name, created) = (name.to_owned(), self.now());
                let (password, disabled, epoch) = (None, false, 0);
                (None, User { name, label, role, password, disabled, epoch, created })
            }
            Some(user) if user.disabled => {
                return refuse(ErrorCode::IdentityRefused, "this user may not log in");
            }
            Some(user) if user.role == role => return Ok(user.epoch),
            Some(user) => {
                let before = Some(user.summary());
                (before, User { label, role, epoch: user.epoch + 1, ..User::clone(&user) })
            }
        };
        let epoch = user.epoch;
        let what = if before.is_some() { "user.role" } else { "user.create" };
        let change = Change { what, target: name.to_owned(), before, after: Some(user.summary()) };
        let mut edits = self.ends_of(name);
        edits.push(Edit::User(user));
        self.change(by, edits, change).await?;
        Ok(epoch)
    }

    /// All users, by name.
    pub fn users(&self) -> Vec<UserState> {
        let mut users: Vec<_> = self.register.known().users.values().cloned().collect();
        users.sort_by(|a, b| a.name.cmp(&b.name));
        users.iter().map(|user| UserState::of(user)).collect()
    }

    fn user(&self, name: &str) -> Result<User, Refusal> {
        match self.register.known().users.get(name) {
            Some(user) => Ok(User::clone(user)),
            None => refuse(ErrorCode::PrincipalUnknown, format!("no user is called `{name}`")),
        }
    }

    /// Changes a user and ends her sessions.
    async fn change_user(
        &self,
        name: &str,
        what: &'static str,
        by: &Principal,
        change: impl FnOnce(&mut User) -> Result<(), Refusal>,
    ) -> Result<UserState, Refusal> {
        let _one_at_a_time = self.writing.lock().await;
        let mut user = self.user(name)?;
        let before = user.summary();
        change(&mut user)?;
        user.epoch += 1;
        let said = Change::of(what, name, before, user.summary());
        let state = UserState::of(&user);
        let mut edits = self.ends_of(name);
        edits.push(Edit::User(user));
        self.change(by, edits, said).await?;
        Ok(state)
    }

    /// The hash of a password, and the password if it had to be chosen.
    pub(super) async fn hashed(
        &self,
        given: Option<String>,
    ) -> Result<(String, Option<String>), Refusal> {
        let chosen = given.is_none().then(user::generated_password);
        let Some(password) = given.or_else(|| chosen.clone()) else {
            return refuse(ErrorCode::BadParameter, "no password");
        };
        user::check_password(&password).or_else(|error| refuse(ErrorCode::BadParameter, error))?;
        let Ok(_permit) = self.hashing.acquire().await else {
            return refuse(ErrorCode::ShuttingDown, "");
        };
        match tokio::task::spawn_blocking(move || user::hash(&password)).await {
            Ok(hash) => Ok((hash, chosen)),
            Err(error) => refuse(ErrorCode::Internal, error),
        }
    }
}

impl UserState {
    fn of(user: &User) -> Self {
        let by = if user.password.is_some() { "password" } else { "identity_provider" };
        Self {
            name: user.name.clone(),
            label: user.label.clone(),
            role: user.role,
            logs_in_by: by.to_owned(),
            disabled: user.disabled,
            created: user.created.to_string(),
        }
    }
}
