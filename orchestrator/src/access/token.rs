//! Tokens: what programs present. An API token may do what its scopes say, whatever becomes of who
//! made it; a write key sends events of one source.
//!
//! A token reads `cad_ID_SECRET`: the id is public and finds the row, the secret has 256 bits. All
//! of it is hexadecimal digits, so that scanners of leaked secrets find it by one pattern.

use domain::time::Instant;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::scope::{Scope, Scopes};
use super::secret::{self, SecretHash};

/// What every token begins with.
pub const PREFIX: &str = "cad_";
/// Bytes of an id: a million tokens share none.
const ID_BYTES: usize = 8;
/// Secrets of one token that are good at the same time: the one that goes and the one that comes.
pub const SECRETS_MAX: usize = 2;
/// How long an API token is good for if nobody says otherwise: a quarter, so that one that was
/// forgotten ends by itself.
pub const API_TOKEN_DAYS: i64 = 90;
/// How long any token may be good for: ten years. Write keys that stand in applications in the
/// field need years.
pub const EXPIRY_DAYS_MAX: i64 = 3_650;
/// For how long the old secret stays good after a rotation if nobody says otherwise: a day is
/// enough to roll out the new one.
pub const OVERLAP_SECONDS: i64 = 86_400;
/// Longest such time: a month. More than that is no rotation.
pub const OVERLAP_SECONDS_MAX: i64 = 31 * 86_400;
/// Longest name of a token or of a source, in bytes.
pub const NAME_BYTES_MAX: usize = 128;

/// What a token is for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "TokenKind")]
pub enum Kind {
    /// For programs that use the API.
    Api,
    /// For senders of events of one source.
    WriteKey,
}

/// A secret of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveSecret {
    /// What is kept of it.
    pub hash: SecretHash,
    /// When it was made.
    pub created: Instant,
    /// Since when it is good no more, where a rotation says so.
    pub until: Option<Instant>,
}

/// A token, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// The public part.
    pub id: String,
    /// What it is for.
    pub kind: Kind,
    /// What people call it.
    pub name: String,
    /// Where the events come from that a write key sends.
    pub source: Option<String>,
    /// What it may do.
    pub scopes: Scopes,
    /// When it was made.
    pub created: Instant,
    /// By whom.
    pub created_by: String,
    /// Since when it is good no more.
    pub expires: Option<Instant>,
    /// When it was revoked.
    pub revoked: Option<Instant>,
    /// Its secrets, the newest last.
    pub secrets: Vec<LiveSecret>,
}

/// How a token that was presented stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is good.
    Good,
    /// The secret is none of this token's, or was replaced.
    Wrong,
    /// It has expired.
    Expired,
    /// It was revoked.
    Revoked,
}

/// The id in a token's text, if it is written as one.
pub fn id_of(text: &str) -> Option<&str> {
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    (id.len() == 2 * ID_BYTES && digits(id) && digits(secret)).then_some(id)
}

/// An id for a new token.
pub fn fresh_id() -> String {
    secret::hex(&secret::random::<ID_BYTES>())
}

impl Token {
    /// Gives it one more secret and says what it reads; earlier ones are good until
    /// `overlap_until`. At most [`SECRETS_MAX`] stay.
    pub fn mint(&mut self, now: Instant, overlap_until: Instant) -> String {
        for old in &mut self.secrets {
            old.until = Some(old.until.map_or(overlap_until, |until| until.min(overlap_until)));
        }
        self.secrets.retain(|old| old.until.is_none_or(|until| until > now));
        let text = format!("{PREFIX}{}_{}", self.id, secret::fresh());
        self.secrets.push(LiveSecret { hash: SecretHash::of(&text), created: now, until: None });
        let extra = self.secrets.len().saturating_sub(SECRETS_MAX);
        self.secrets.drain(..extra);
        text
    }

    /// How this text stands, presented now. Only who knows the secret hears more than that it is
    /// wrong.
    pub fn standing(&self, text: &str, now: Instant) -> Standing {
        let known = |one: &LiveSecret| one.hash.matches(text);
        let Some(found) = self.secrets.iter().find(|one| known(one)) else {
            return Standing::Wrong;
        };
        if self.revoked.is_some() {
            Standing::Revoked
        } else if [self.expires, found.until].into_iter().flatten().any(|at| at <= now) {
            Standing::Expired
        } else {
            Standing::Good
        }
    }

    /// The scopes that a kind has if nobody says otherwise.
    pub fn scopes_default(kind: Kind) -> Scopes {
        match kind {
            Kind::Api => Scopes::of(&[Scope::Read]),
            Kind::WriteKey => Scopes::of(&[Scope::Ingest]),
        }
    }

    /// What is told of it in the audit log: no secret.
    pub fn summary(&self) -> String {
        let kind = match self.kind {
            Kind::Api => "api",
            Kind::WriteKey => "write_key",
        };
        let when = |at: Option<Instant>| at.map_or_else(|| "never".to_owned(), |at| at.to_string());
        format!(
            "{kind} `{}`, scopes {}, source {}, expires {}, {} secrets{}",
            self.name,
            self.scopes,
            self.source.as_deref().unwrap_or("none"),
            when(self.expires),
            self.secrets.len(),
            if self.revoked.is_some() { ", revoked" } else { "" }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Token {
        Token {
            id: fresh_id(),
            kind: Kind::Api,
            name: "deploy".to_owned(),
            source: None,
            scopes: Token::scopes_default(Kind::Api),
            created: Instant(0),
            created_by: "user ann".to_owned(),
            expires: Some(Instant(1_000)),
            revoked: None,
            secrets: Vec::new(),
        }
    }

    #[test]
    fn a_token_is_good_until_it_expires_or_is_revoked() {
        let mut token = token();
        let text = token.mint(Instant(0), Instant(0));
        assert_eq!(id_of(&text), Some(token.id.as_str()));
        assert_eq!(token.standing(&text, Instant(999)), Standing::Good);
        assert_eq!(token.standing(&text, Instant(1_000)), Standing::Expired);
        let near = format!("{}0", &text[..text.len() - 1]);
        let near = if near == text { format!("{}1", &text[..text.len() - 1]) } else { near };
        assert_eq!(token.standing(&near, Instant(0)), Standing::Wrong);
        token.revoked = Some(Instant(5));
        assert_eq!(token.standing(&text, Instant(6)), Standing::Revoked);
    }

    #[test]
    fn a_rotation_lets_two_secrets_live_and_never_three() {
        let mut token = token();
        let first = token.mint(Instant(0), Instant(0));
        let second = token.mint(Instant(10), Instant(100));
        assert_eq!(token.standing(&first, Instant(99)), Standing::Good);
        assert_eq!(token.standing(&first, Instant(100)), Standing::Expired);
        assert_eq!(token.standing(&second, Instant(100)), Standing::Good);
        let third = token.mint(Instant(20), Instant(200));
        assert_eq!(token.standing(&first, Instant(20)), Standing::Wrong);
        assert_eq!(token.standing(&second, Instant(199)), Standing::Good);
        assert_eq!(token.standing(&third, Instant(199)), Standing::Good);
        assert_eq!(token.secrets.len(), SECRETS_MAX);
        // Without an overlap the old ones end at once.
        let fourth = token.mint(Instant(30), Instant(30));
        assert_eq!(token.standing(&third, Instant(30)), Standing::Wrong);
        assert_eq!(token.standing(&fourth, Instant(30)), Standing::Good);
    }

    #[test]
    fn only_what_is_written_as_a_token_has_an_id() {
        for text in ["", "cad_", "cad_12_34", "k-123", "cad_0123456789abcdeg_00", "xad_"] {
            assert_eq!(id_of(text), None, "{text}");
        }
    }
}
