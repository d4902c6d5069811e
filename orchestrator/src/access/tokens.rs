//! Managing tokens: every change is durable with its audit row before it is answered.

use domain::time::Instant;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::audit::Change;
use super::principal::Principal;
use super::register::Edit;
use super::scope::{Scope, Scopes};
use super::token::{
    self, API_TOKEN_DAYS, EXPIRY_DAYS_MAX, Kind, NAME_BYTES_MAX, OVERLAP_SECONDS,
    OVERLAP_SECONDS_MAX, Token,
};
use super::{Access, covered, refuse};
use crate::admin::Refusal;
use crate::error::ErrorCode;

/// Tokens of one server, revoked ones included: all are kept in memory.
const TOKENS_MAX: usize = 10_000;
const SECOND_MS: i64 = 1_000;
const DAY_SECONDS: i64 = 86_400;

/// A token that is wanted.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What it is for.
    pub kind: Kind,
    /// What people call it.
    #[schemars(regex(pattern = r"^[!-~]([ -~]{0,126}[!-~])?$"))]
    pub name: String,
    /// Where the events of a write key come from; by default its name.
    #[serde(default)]
    #[schemars(regex(pattern = r"^[!-~]([ -~]{0,126}[!-~])?$"))]
    pub source: Option<String>,
    /// What it may do; by default `read`, of a write key always `ingest`.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub scopes: Option<Vec<Scope>>,
    /// For how long it is good, in seconds; by default 90 days, a write key for ever.
    #[serde(default, deserialize_with = "crate::web::json::whole")]
    #[schemars(with = "Option<i64>", range(min = 1, max = EXPIRY_DAYS_MAX * DAY_SECONDS))]
    pub expires_in_seconds: Option<i64>,
}

/// How a token is rotated.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rotation {
    /// For how long the old secret stays good, in seconds; by default a day.
    #[serde(deserialize_with = "crate::web::json::whole")]
    #[schemars(with = "Option<i64>", range(min = 0, max = OVERLAP_SECONDS_MAX))]
    pub overlap_seconds: Option<i64>,
}

/// How a token stands. Times are RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenState {
    /// The public part.
    pub id: String,
    /// What it is for.
    pub kind: Kind,
    /// What people call it.
    pub name: String,
    /// Where its events come from.
    pub source: Option<String>,
    /// What it may do.
    pub scopes: Scopes,
    /// `good`, `expired` or `revoked`.
    pub state: String,
    /// When it was made.
    pub created: String,
    /// By whom.
    pub created_by: String,
    /// Since when it is good no more.
    pub expires: Option<String>,
    /// Until when the secret before the last rotation is good.
    pub old_secret_until: Option<String>,
}

/// A token with its secret: the only time that it is shown.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ShownToken")]
pub struct Shown {
    /// The token itself.
    pub secret: String,
    /// How it stands.
    #[serde(flatten)]
    pub token: TokenState,
}

impl Access {
    /// Makes a token.
    pub async fn create_token(&self, wanted: NewToken, by: &Principal) -> Result<Shown, Refusal> {
        let now = self.now();
        let mut token = made(wanted, now, by)?;
        let _one_at_a_time = self.writing.lock().await;
        if self.register.known().tokens.len() >= TOKENS_MAX {
            return refuse(ErrorCode::StateConflict, format!("there are {TOKENS_MAX} tokens"));
        }
        let secret = token.mint(now, now);
        let change = Change::made("token.create", &token.id, token.summary());
        let state = TokenState::of(&token, now);
        self.change(by, vec![Edit::Token(token)], change).await?;
        Ok(Shown { secret, token: state })
    }

    /// Gives a token a new secret; the old one is good for the time of the overlap.
    pub async fn rotate_token(
        &self,
        id: &str,
        rotation: Rotation,
        by: &Principal,
    ) -> Result<Shown, Refusal> {
        let overlap = rotation.overlap_seconds.unwrap_or(OVERLAP_SECONDS);
        if !(0..=OVERLAP_SECONDS_MAX).contains(&overlap) {
            let detail = format!("`overlap_seconds` must be 0 to {OVERLAP_SECONDS_MAX}");
            return refuse(ErrorCode::BadParameter, detail);
        }
        let _one_at_a_time = self.writing.lock().await;
        let (now, mut token) = (self.now(), self.token(id)?);
        // Whoever rotates it sees its secret.
        covered(by, token.scopes)?;
        let before = token.summary();
        if token.revoked.is_some() {
            return refuse(ErrorCode::StateConflict, format!("token `{id}` was revoked"));
        }
        let secret = token.mint(now, now.plus_ms(overlap * SECOND_MS));
        let change = Change::of("token.rotate", id, before, token.summary());
        let state = TokenState::of(&token, now);
        self.change(by, vec![Edit::Token(token)], change).await?;
        Ok(Shown { secret, token: state })
    }

    /// Ends a token at once.
    pub async fn revoke_token(&self, id: &str, by: &Principal) -> Result<TokenState, Refusal> {
        let _one_at_a_time = self.writing.lock().await;
        let (now, mut token) = (self.now(), self.token(id)?);
        let before = token.summary();
        if token.revoked.is_none() {
            token.revoked = Some(now);
            let change = Change::of("token.revoke", id, before, token.summary());
            self.change(by, vec![Edit::Token(token.clone())], change).await?;
        }
        Ok(TokenState::of(&token, now))
    }

    /// All tokens, by the time at which they were made.
    pub fn tokens(&self) -> Vec<TokenState> {
        let now = self.now();
        let mut tokens: Vec<_> = self.register.known().tokens.values().cloned().collect();
        tokens.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        tokens.iter().map(|token| TokenState::of(token, now)).collect()
    }

    fn token(&self, id: &str) -> Result<Token, Refusal> {
        match self.register.known().tokens.get(id) {
            Some(token) => Ok(Token::clone(token)),
            None => refuse(ErrorCode::PrincipalUnknown, format!("no token has the id `{id}`")),
        }
    }
}

/// A token as it is wanted, without a secret yet.
fn made(wanted: NewToken, now: Instant, by: &Principal) -> Result<Token, Refusal> {
    let NewToken { kind, name, source, scopes, expires_in_seconds } = wanted;
    let bad = |detail: String| refuse(ErrorCode::BadParameter, detail);
    for (field, text) in [("name", Some(&name)), ("source", source.as_ref())] {
        let fits = |text: &String| (1..=NAME_BYTES_MAX).contains(&text.trim().len());
        if text.is_some_and(|text| !fits(text) || text.chars().any(char::is_control)) {
            return bad(format!("`{field}` must have 1 to {NAME_BYTES_MAX} bytes of text"));
        }
    }
    let scopes = match (kind, scopes) {
        (Kind::WriteKey, Some(_)) => {
            return bad("a write key has the scope `ingest` and no other".to_owned());
        }
        (Kind::Api, Some(scopes)) if scopes.is_empty() => {
            return bad("`scopes` is empty".to_owned());
        }
        (_, Some(scopes)) => Scopes::from(scopes),
        (_, None) => Token::scopes_default(kind),
    };
    covered(by, scopes)?;
    let source = match (kind, source) {
        (Kind::Api, Some(_)) => return bad("only a write key has a source".to_owned()),
        (Kind::Api, None) => None,
        (Kind::WriteKey, source) => Some(source.unwrap_or_else(|| name.clone())),
    };
    let expires = match (kind, expires_in_seconds) {
        (Kind::WriteKey, None) => None,
        (Kind::Api, None) => Some(API_TOKEN_DAYS * DAY_SECONDS),
        (_, Some(seconds)) if (1..=EXPIRY_DAYS_MAX * DAY_SECONDS).contains(&seconds) => {
            Some(seconds)
        }
        (_, Some(_)) => {
            return bad(format!("`expires_in_seconds` must be 1 to {EXPIRY_DAYS_MAX} days"));
        }
    };
    Ok(Token {
        id: token::fresh_id(),
        kind,
        name,
        source,
        scopes,
        created: now,
        created_by: by.who.to_string(),
        expires: expires.map(|seconds| now.plus_ms(seconds * SECOND_MS)),
        revoked: None,
        secrets: Vec::new(),
    })
}

impl TokenState {
    fn of(token: &Token, now: Instant) -> Self {
        let state = if token.revoked.is_some() {
            "revoked"
        } else if token.expires.is_some_and(|at| at <= now) {
            "expired"
        } else {
            "good"
        };
        let old = token.secrets.iter().filter_map(|secret| secret.until).max();
        Self {
            id: token.id.clone(),
            kind: token.kind,
            name: token.name.clone(),
            source: token.source.clone(),
            scopes: token.scopes,
            state: state.to_owned(),
            created: token.created.to_string(),
            created_by: token.created_by.clone(),
            expires: token.expires.map(|at| at.to_string()),
            old_secret_until: old.filter(|at| *at > now).map(|at| at.to_string()),
        }
    }
}
