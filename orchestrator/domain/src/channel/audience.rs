//! Channels that are retargeting audiences, for the step `audience`: who joins is mirrored to
//! advertising platforms by hashed identifiers.
//!
//! ```yaml
//! apiVersion: cadencia/v1
//! kind: Channel
//! metadata: {name: cart-abandoners}
//! spec:
//!   audience:
//!     folder: /srv/audiences/cart-abandoners   # one folder per audience
//!     format: csv                              # or ndjson
//!     identifiers: {email: email, phone: phone}   # what is exported, and the trait with it
//!     every: PT1H                              # how often changes are exported
//! ```

use std::collections::BTreeMap;
use std::path::{Component, Path as FilePath};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::is_e164;
use crate::check::Check;
use crate::problem::{Path, Problem};

/// Period of exports, if an audience does not say (`PT1H`): platforms take up to a day to follow.
pub const EVERY_DEFAULT: &str = "PT1H";
/// Shortest period of exports: each reads all members.
pub const EVERY_MIN_MS: i64 = 60_000;
/// Longest period of exports: who leaves must not be advertised to for longer than a week.
pub const EVERY_MAX_MS: i64 = 7 * 24 * 3_600_000;
/// Versions whose files are kept, if an audience does not say.
pub const KEEP_DEFAULT: u16 = 3;
/// Most versions whose files are kept: they name people who have left since.
pub const KEEP_MAX: u16 = 100;

/// A retargeting audience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audience {
    /// Where its files are written; beside the data directory's own if it is relative.
    pub folder: String,
    /// Format of the files.
    pub format: Format,
    /// What is exported of a member, and the trait that holds it; at least one.
    pub identifiers: Vec<(Identifier, String)>,
    /// How often changes are exported, in milliseconds.
    pub every_ms: i64,
    /// Versions whose files are kept.
    pub keep: u16,
}

/// Format of an audience's files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Comma-separated values with a header.
    #[default]
    Csv,
    /// One JSON object per line.
    Ndjson,
}

/// What advertising platforms know a person by.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Identifier {
    /// An e-mail address.
    Email,
    /// A telephone number with its country.
    Phone,
}

impl Identifier {
    /// Its word in definitions and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
        }
    }

    /// Whether a text can be one: what cannot is nothing that a platform would know.
    pub fn fits(self, text: &str) -> bool {
        match self {
            Self::Email => text.trim().split_once('@').is_some_and(|(name, host)| {
                !name.is_empty()
                    && !host.is_empty()
                    && !host.contains('@')
                    && !text.trim().contains(|char: char| char.is_whitespace() || char.is_control())
            }),
            Self::Phone => is_e164(text.trim()),
        }
    }
}

/// A retargeting audience, for the step `audience`.
#[derive(Clone, Debug, Deserialize, JsonSchema, garde::Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct RawAudience {
    /// Where its files are written; a relative one lies in the folder `audiences` of the data
    /// directory.
    pub folder: String,
    /// Format of the files. Default: `csv`.
    pub format: Option<Format>,
    /// What is exported of a member, hashed, and the trait that holds it. Default:
    /// `{email: email}`.
    pub identifiers: Option<BTreeMap<Identifier, String>>,
    /// How often changes are exported, elapsed time of `PT1M` to `PT168H`. Default: `PT1H`.
    pub every: Option<String>,
    /// Versions whose files are kept. Default: 3.
    #[garde(range(min = 1, max = KEEP_MAX))]
    pub keep: Option<u16>,
}

/// Validates an audience whose settings stand at `path`.
pub(super) fn audience(raw: &RawAudience, path: &Path, check: &mut Check<'_>) -> Option<Audience> {
    check.limits(raw, path);
    if let Some(why) = unfit(&raw.folder) {
        check.wrong(&path.key("folder"), why);
    }
    let identifiers: Vec<_> = match &raw.identifiers {
        None => vec![(Identifier::Email, super::ADDRESS_DEFAULT.to_owned())],
        Some(map) => map.iter().map(|(kind, name)| (*kind, name.clone())).collect(),
    };
    let identifiers_path = path.key("identifiers");
    if identifiers.is_empty() {
        let problem = Problem::new(identifiers_path.clone(), "nothing is exported of a member");
        check.problem(problem.suggest("write `{email: email}`, for example"));
    }
    for (kind, _) in identifiers.iter().filter(|(_, name)| name.is_empty()) {
        check.wrong(&identifiers_path.key(kind.as_str()), "the name of the trait is empty");
    }
    Some(Audience {
        folder: raw.folder.clone(),
        format: raw.format.unwrap_or_default(),
        identifiers,
        every_ms: every(raw.every.as_deref().unwrap_or(EVERY_DEFAULT), &path.key("every"), check)?,
        keep: raw.keep.unwrap_or(KEEP_DEFAULT),
    })
}

fn unfit(folder: &str) -> Option<&'static str> {
    if folder.is_empty() || folder.contains('\0') {
        return Some("not the name of a folder");
    }
    let up = FilePath::new(folder).components().any(|part| part == Component::ParentDir);
    up.then_some("the name of a folder must not contain `..`")
}

fn every(text: &str, path: &Path, check: &mut Check<'_>) -> Option<i64> {
    let span = check.span(text, path)?;
    let ms = span.elapsed_ms();
    if !span.is_elapsed() || !(EVERY_MIN_MS..=EVERY_MAX_MS).contains(&ms) {
        let problem = Problem::new(path.clone(), "expected elapsed time of PT1M to PT168H");
        check.problem(problem.suggest("write `PT1H`, for example"));
        return None;
    }
    Some(ms)
}
