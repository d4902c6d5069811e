//! People who log in: local ones with a password, others by way of an identity provider.

use argon2::password_hash::PasswordHasher as _;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordVerifier as _, Version};
use domain::time::Instant;
use serde::{Deserialize, Serialize};

use super::scope::Role;
use super::secret;

/// Memory of one hash in KiB, its passes and its lanes: the first choice of OWASP's Password
/// Storage Cheat Sheet for argon2id.
pub const ARGON2_MEMORY_KIB: u32 = 19_456;
/// See [`ARGON2_MEMORY_KIB`].
pub const ARGON2_PASSES: u32 = 2;
/// See [`ARGON2_MEMORY_KIB`].
pub const ARGON2_LANES: u32 = 1;
/// Bytes of salt.
const SALT_BYTES: usize = 16;
/// Shortest password in characters: NIST SP 800-63B-4 asks for 15 where a password is all there is;
/// the rate limit on logins lets 12 do.
pub const PASSWORD_CHARS_MIN: usize = 12;
/// Longest password in bytes: hashing more would be work for nothing.
pub const PASSWORD_BYTES_MAX: usize = 512;
/// Longest name of a user in bytes: the subject of an identity provider has up to 255.
pub const NAME_BYTES_MAX: usize = 300;
/// What names of users of an identity provider begin with; local names must not.
pub const PROVIDER_PREFIX: &str = "sso:";
/// Bytes of a password that we choose.
const GENERATED_BYTES: usize = 16;

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The name that she logs in with; of a user of an identity provider `sso:` and the subject.
    pub name: String,
    /// What she is called on pages, where the provider says it.
    pub label: Option<String>,
    /// Her role.
    pub role: Role,
    /// Argon2id of her password with its parameters and salt (PHC); none if a provider vouches.
    pub password: Option<String>,
    /// Whether she may not log in.
    pub disabled: bool,
    /// One more with each change of password, role or standing: sessions of before end.
    pub epoch: u32,
    /// When she was made known.
    pub created: Instant,
}

impl User {
    /// What is told of her in the audit log: no secret.
    pub fn summary(&self) -> String {
        let standing = if self.disabled { ", disabled" } else { "" };
        let by = if self.password.is_some() { "password" } else { "identity provider" };
        format!("role {}, {by}{standing}", self.role.word())
    }
}

/// Why a password or a name cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// The password is too short or too long.
    #[error(
        "a password has at least {PASSWORD_CHARS_MIN} characters and at most \
         {PASSWORD_BYTES_MAX} bytes"
    )]
    Password,
    /// The name has characters that it must not have.
    #[error("a name has 1 to 64 of: letters a-z, digits, `.`, `_`, `-`, `@`")]
    Name,
}

/// Whether a name can be that of a local user.
pub fn check_name(name: &str) -> Result<(), Unusable> {
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-@".contains(&byte);
    let fits = (1..=64).contains(&name.len()) && name.bytes().all(plain);
    fits.then_some(()).ok_or(Unusable::Name)
}

/// Whether a password is long enough, and not too long.
pub fn check_password(password: &str) -> Result<(), Unusable> {
    let fits =
        password.chars().count() >= PASSWORD_CHARS_MIN && password.len() <= PASSWORD_BYTES_MAX;
    fits.then_some(()).ok_or(Unusable::Password)
}

/// A password that we choose: 128 bits.
pub fn generated_password() -> String {
    secret::hex(&secret::random::<GENERATED_BYTES>())
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(ARGON2_MEMORY_KIB, ARGON2_PASSES, ARGON2_LANES, None)
        .expect("the constants are parameters of argon2");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The hash of a password. Slow on purpose: never on a thread that answers requests.
pub fn hash(password: &str) -> String {
    let salt = secret::random::<SALT_BYTES>();
    let hash: PasswordHash = argon2()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .expect("salt and parameters are of the right size");
    hash.to_string()
}

/// Whether this is the password. Without a hash the same work is done, and the answer is no: the
/// time taken does not say who is known. Slow on purpose: never on a thread that answers requests.
pub fn verify(password: &str, stored: Option<&str>) -> bool {
    let stored = stored.and_then(|text| PasswordHash::new(text).ok());
    match stored {
        Some(stored) => argon2().verify_password(password.as_bytes(), &stored).is_ok(),
        None => {
            std::hint::black_box(hash(password));
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_kept_with_owasps_parameters() {
        let stored = hash("correct horse battery");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_ne!(stored, hash("correct horse battery"), "each has its own salt");
        assert!(verify("correct horse battery", Some(&stored)));
        assert!(!verify("correct horse batter", Some(&stored)));
        assert!(!verify("", None));
        assert!(!verify("x", Some("damaged")));
    }

    #[test]
    fn names_and_passwords_are_checked() {
        for name in ["ann", "a.b-c_d@example.com", "0"] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in ["", "Ann", "sso:1", "a b", "é", &"a".repeat(65)] {
            assert_eq!(check_name(name), Err(Unusable::Name), "{name}");
        }
        assert_eq!(check_password("äöüäöüäöüäöü"), Ok(()));
        assert_eq!(check_password("elevenchars"), Err(Unusable::Password));
        assert_eq!(check_password(&"x".repeat(513)), Err(Unusable::Password));
        assert_eq!(check_password(&generated_password()), Ok(()));
    }
}
