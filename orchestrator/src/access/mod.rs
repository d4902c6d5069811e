//! Who may do what: tokens, users, sessions, roles, and the log of every change.
//!
//! Knows no HTTP: `web::guard` asks it about what a request presents. What it changes goes to the
//! store together with its audit row in one transaction, is visible when that is durable, and is
//! answered then. Owned by [`Admin`](crate::admin::Admin).

pub mod audit;
mod credentials;
pub mod limit;
pub mod login;
pub mod mask;
pub mod oidc;
pub mod one_time;
pub mod operation;
mod own;
pub mod principal;
mod register;
pub mod scope;
pub mod secret;
pub mod session;
mod sessions;
pub mod token;
mod tokens;
pub mod user;
mod users;

use std::net::IpAddr;
use std::sync::Mutex;

use domain::time::Instant;
use runtime::Clock;
use store::Store;

use self::audit::{Audit, AuditRow, Change};
use self::limit::Limiter;
use self::one_time::OneTime;
use self::principal::Principal;
use self::register::{Edit, Register};
use self::scope::Scopes;
use crate::admin::Refusal;
use crate::app::Keeper;
use crate::error::{ErrorCode, Problem};
use crate::recovery::RecoverError;

pub use credentials::{Invalid, Sender};
pub use tokens::{NewToken, Rotation, Shown, TokenState};
pub use users::{NewUser, ShownPassword, UserState};

/// Passwords that are hashed at the same time: each takes 19 MiB and a core for about 20 ms.
const HASHES_AT_ONCE: usize = 2;

/// Who may do what, on one running process.
#[derive(Debug)]
pub struct Access {
    keeper: Keeper,
    store: Store,
    /// By which everything here begins and ends.
    clock: Clock,
    /// Real time, for what protects the machine.
    real: Clock,
    audit: Audit,
    register: Register,
    /// Held by the one change that is under way.
    writing: tokio::sync::Mutex<()>,
    hashing: tokio::sync::Semaphore,
    logins: Mutex<Logins>,
    /// The one-time link.
    pub one_time: OneTime,
}

/// How often somebody may try to log in.
#[derive(Debug)]
struct Logins {
    by_address: Limiter<IpAddr>,
    by_user: Limiter<[u8; 8]>,
}

impl Access {
    /// As the store has it. `clock` is by which sessions and tokens end.
    pub fn open(store: &Store, keeper: Keeper, clock: Clock) -> Result<Self, RecoverError> {
        Ok(Self {
            keeper,
            store: store.clone(),
            clock,
            real: Clock::system(),
            audit: Audit::open(store)?,
            register: Register::open(store)?,
            writing: tokio::sync::Mutex::new(()),
            hashing: tokio::sync::Semaphore::new(HASHES_AT_ONCE),
            logins: Mutex::new(Logins {
                by_address: Limiter::new(limit::LOGINS_PER_ADDRESS),
                by_user: Limiter::new(limit::LOGINS_PER_USER),
            }),
            one_time: OneTime::default(),
        })
    }

    /// Now, by the clock by which everything here ends.
    pub fn now(&self) -> Instant {
        Instant(self.clock.now_ms())
    }

    /// Whether any user is known.
    pub fn has_users(&self) -> bool {
        !self.register.known().users.is_empty()
    }

    /// The audit row of a change that somebody else writes, to be written with it.
    pub fn audit(&self, by: &Principal, change: Change) -> engine::Write {
        self.audit.write(by, self.now(), change)
    }

    /// Makes the audit row of a change durable that is made elsewhere, before it is made.
    pub async fn announce(&self, by: &Principal, change: Change) -> Result<(), Refusal> {
        let mut writes = self.forgotten();
        writes.push(self.audit(by, change));
        self.put(writes).await
    }

    /// Ends of audit rows that are older than they are kept. None where the rows cannot be read:
    /// whoever reads them is told.
    fn forgotten(&self) -> Vec<engine::Write> {
        self.audit.forgotten(&self.store, self.now()).unwrap_or_default()
    }

    /// From now on rows of the audit log are kept for so many days.
    pub fn keep_audit(&self, days: u32) {
        self.audit.keep(days);
    }

    /// The newest audit rows before a number, newest first.
    pub fn audit_rows(&self, before: Option<u64>, count: usize) -> Result<Vec<AuditRow>, Refusal> {
        self.audit
            .read(&self.store, before, count, self.now())
            .map_err(|error| Box::new(Problem::new(ErrorCode::StoreCorrupt, error.to_string())))
    }

    /// Makes changes durable with their audit row, then lets them be seen. The caller holds
    /// `writing`.
    async fn change(
        &self,
        by: &Principal,
        edits: Vec<Edit>,
        change: Change,
    ) -> Result<(), Refusal> {
        let mut writes: Vec<engine::Write> = edits.iter().map(Edit::write).collect();
        writes.extend(self.forgotten());
        writes.push(self.audit(by, change));
        self.put(writes).await?;
        self.register.edit(edits);
        Ok(())
    }

    async fn put(&self, writes: Vec<engine::Write>) -> Result<(), Refusal> {
        self.keeper.put(writes).await.map_err(|_| {
            let detail = "the change is not durable";
            Box::new(Problem::new(ErrorCode::StoreUnavailable, detail))
        })
    }
}

/// Nobody gives what she has not: neither to somebody else nor, by way of another name, to herself.
fn covered(by: &Principal, given: Scopes) -> Result<(), Refusal> {
    match by.scopes.cover(given) {
        true => Ok(()),
        false => {
            let detail = format!("nobody gives more than she has: {}", by.scopes);
            refuse(ErrorCode::Forbidden, detail)
        }
    }
}

fn refuse<T>(code: ErrorCode, detail: impl std::fmt::Display) -> Result<T, Refusal> {
    Err(Box::new(Problem::new(code, detail.to_string())))
}
