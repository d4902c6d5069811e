//! Templates: the content of messages before it is rendered.
//!
//! ```yaml
//! apiVersion: cadencia/v1
//! kind: Template
//! metadata: {name: cart-reminder}
//! spec:
//!   subject: "{{ customer.first_name | default: 'Hello' }}, your cart is waiting"
//!   preheader: Still yours until tomorrow
//!   text: |
//!     We kept it for you.
//!   html: {file: cart-reminder.html}   # beside this file; or the text itself
//!   reply_to: help@shop.example
//! ```

use std::fmt;

use schemars::JsonSchema;
use serde::de::{self, Deserializer, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Serialize};

use crate::channel::check_address;
use crate::check::Check;
use crate::ids::TemplateName;
use crate::problem::{Path, Problem};

/// Longest subject line, in bytes of its source.
pub const SUBJECT_MAX_BYTES: usize = 1_000;
/// Longest body, in bytes of its source. Mail clients cut what is longer than about 100 KB.
pub const BODY_MAX_BYTES: usize = 256 * 1024;

/// A template: Liquid sources that `channels` compiles and renders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// Its name.
    pub name: TemplateName,
    /// Subject line; channels of e-mail need one.
    pub subject: Option<String>,
    /// What mail clients show behind the subject.
    pub preheader: Option<String>,
    /// The text, never empty.
    pub text: String,
    /// The HTML form.
    pub html: Option<String>,
    /// Sender, instead of the channel's.
    pub from: Option<String>,
    /// Where answers go.
    pub reply_to: Option<String>,
    /// Hex content hash: the identity of the version.
    pub hash: String,
}

/// The content of a message before it is rendered: Liquid.
#[derive(Clone, Debug, Deserialize, JsonSchema, garde::Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct RawTemplate {
    /// Subject line, one line of Liquid. E-mail needs one.
    #[garde(length(bytes, min = 1, max = SUBJECT_MAX_BYTES))]
    pub subject: Option<String>,
    /// What mail clients show behind the subject, one line of Liquid.
    #[garde(length(bytes, max = SUBJECT_MAX_BYTES))]
    pub preheader: Option<String>,
    /// The text, in Liquid, or a file with it.
    pub text: RawBody,
    /// The HTML form, in Liquid, or a file with it.
    pub html: Option<RawBody>,
    /// Sender (`Shop <hello@shop.example>`), instead of the channel's.
    pub from: Option<String>,
    /// Where answers go.
    pub reply_to: Option<String>,
}

/// A body: the text itself, or `{file: path}`.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum RawBody {
    /// The text.
    Inline(String),
    /// A file with the text.
    File(RawFile),
}

/// A file with a body.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawFile {
    /// Path, relative to the file of this document, inside the campaign directory.
    pub file: String,
}

impl<'de> Deserialize<'de> for RawBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BodyVisitor)
    }
}

struct BodyVisitor;

impl<'de> Visitor<'de> for BodyVisitor {
    type Value = RawBody;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text or `{file: path}`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<RawBody, E> {
        Ok(RawBody::Inline(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawBody, A::Error> {
        RawFile::deserialize(MapAccessDeserializer::new(map)).map(RawBody::File)
    }
}

/// Where the texts of files come from: `None` if the file cannot be had, which is then reported.
pub type Load<'a> = dyn FnMut(&str, &Path, &mut Check<'_>) -> Option<String> + 'a;

/// Validates a template whose `spec` stands at `path`, except for its Liquid.
pub fn template(
    raw: &RawTemplate,
    name: TemplateName,
    hash: &dyn Fn(&[&str]) -> String,
    path: &Path,
    load: &mut Load<'_>,
    check: &mut Check<'_>,
) -> Option<Template> {
    check.limits(raw, path);
    for (line, key) in [(&raw.subject, "subject"), (&raw.preheader, "preheader")] {
        if line.as_ref().is_some_and(|line| line.trim_end().contains(['\n', '\r'])) {
            check.wrong(&path.key(key), format!("the {key} must be one line"));
        }
    }
    for (address, key) in [(&raw.from, "from"), (&raw.reply_to, "reply_to")] {
        if let Some(address) = address {
            check_address(address, &path.key(key), check);
        }
    }
    let text = body(&raw.text, &path.key("text"), load, check);
    let html = match &raw.html {
        Some(html) => Some(body(html, &path.key("html"), load, check)?),
        None => None,
    };
    let text = text?;
    let hash = hash(&[&text, html.as_deref().unwrap_or_default()]);
    let line = |line: &Option<String>| line.as_deref().map(|line| line.trim_end().to_owned());
    Some(Template {
        name,
        subject: line(&raw.subject),
        preheader: line(&raw.preheader),
        text,
        html,
        from: raw.from.clone(),
        reply_to: raw.reply_to.clone(),
        hash,
    })
}

fn body(raw: &RawBody, path: &Path, load: &mut Load<'_>, check: &mut Check<'_>) -> Option<String> {
    let (text, path) = match raw {
        RawBody::Inline(text) => (text.clone(), path.clone()),
        RawBody::File(raw) => {
            let path = path.key("file");
            (load(&raw.file, &path, check)?, path)
        }
    };
    let message = match text.len() {
        _ if text.trim().is_empty() => "the body is empty".to_owned(),
        ..=BODY_MAX_BYTES => return Some(text),
        _ => format!("the body is longer than {} KiB", BODY_MAX_BYTES / 1024),
    };
    check.problem(Problem::new(path, message));
    None
}
