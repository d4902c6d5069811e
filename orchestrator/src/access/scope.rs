//! Roles and scopes: a scope is one kind of thing that may be done, a role a set of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One kind of thing that may be done.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Scope {
    /// See what is published, what is counted, and timelines with personal data masked.
    Read,
    /// See personal data as it is.
    Personal,
    /// Plan and apply definitions.
    Define,
    /// Pause, resume and stop journeys, enroll customers, import.
    Operate,
    /// Manage users and tokens, and read the audit log.
    Manage,
    /// Send events.
    Ingest,
}

impl Scope {
    /// All of them, in their order.
    pub const ALL: [Self; 6] =
        [Self::Read, Self::Personal, Self::Define, Self::Operate, Self::Manage, Self::Ingest];

    /// Its stable word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Personal => "personal",
            Self::Define => "define",
            Self::Operate => "operate",
            Self::Manage => "manage",
            Self::Ingest => "ingest",
        }
    }

    /// The scope of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.word() == word)
    }
}

/// A set of scopes. Written as a list of words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Scope>", into = "Vec<Scope>")]
pub struct Scopes(u8);

impl Scopes {
    /// Of these scopes.
    pub const fn of(scopes: &[Scope]) -> Self {
        let (mut bits, mut at) = (0, 0);
        while at < scopes.len() {
            bits |= 1 << scopes[at] as u8;
            at += 1;
        }
        Self(bits)
    }

    /// Whether this one is among them.
    pub fn has(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u8) != 0
    }

    /// Whether all of the other ones are among them.
    pub fn cover(self, others: Self) -> bool {
        others.0 & !self.0 == 0
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl JsonSchema for Scopes {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Scopes".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Vec::<Scope>::json_schema(generator)
    }
}

impl From<Vec<Scope>> for Scopes {
    fn from(scopes: Vec<Scope>) -> Self {
        Self::of(&scopes)
    }
}

impl From<Scopes> for Vec<Scope> {
    fn from(scopes: Scopes) -> Self {
        Scope::ALL.into_iter().filter(|scope| scopes.has(*scope)).collect()
    }
}

impl std::fmt::Display for Scopes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words: Vec<&str> = Vec::from(*self).into_iter().map(Scope::word).collect();
        f.write_str(&words.join(" "))
    }
}

/// What a person is here for. Each role may do what the one before it may.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks on; sees no personal data.
    Viewer,
    /// Changes campaigns as well; sees no personal data.
    Marketer,
    /// Runs them as well, and sees personal data.
    Operator,
    /// Everything, also who may do what.
    Admin,
}

impl Role {
    /// All of them, the least first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Marketer, Self::Operator, Self::Admin];

    /// Its stable word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Marketer => "marketer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// What it may do.
    pub fn scopes(self) -> Scopes {
        use Scope::{Define, Operate, Personal, Read};
        match self {
            Self::Viewer => Scopes::of(&[Read]),
            Self::Marketer => Scopes::of(&[Read, Define]),
            Self::Operator => Scopes::of(&[Read, Personal, Define, Operate]),
            Self::Admin => Scopes::of(&Scope::ALL),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_do_what_the_one_before_it_may() {
        for pair in Role::ALL.windows(2) {
            assert!(pair[1].scopes().cover(pair[0].scopes()), "{pair:?}");
            assert!(!pair[0].scopes().cover(pair[1].scopes()), "{pair:?}");
        }
        assert!(!Role::Marketer.scopes().has(Scope::Personal));
    }

    #[test]
    fn scopes_are_written_as_words() {
        let scopes = Scopes::of(&[Scope::Operate, Scope::Read]);
        let text = serde_json::to_string(&scopes).expect("JSON");
        assert_eq!(text, r#"["read","operate"]"#);
        assert_eq!(serde_json::from_str::<Scopes>(&text).expect("JSON"), scopes);
        assert_eq!(scopes.to_string(), "read operate");
        for scope in Scope::ALL {
            assert_eq!(Scope::of(scope.word()), Some(scope));
        }
    }
}
