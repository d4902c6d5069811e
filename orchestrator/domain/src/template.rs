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

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::channel::smtp::check_address;
use crate::check::Check;
use crate::ids::TemplateName;
use crate::problem::Path;

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
    #[schemars(with = "RawBody")]
    pub text: String,
    /// The HTML form, in Liquid, or a file with it.
    #[schemars(with = "Option<RawBody>")]
    pub html: Option<String>,
    /// Sender (`Shop <hello@shop.example>`), instead of the channel's.
    pub from: Option<String>,
    /// Where answers go.
    pub reply_to: Option<String>,
}

/// A body as it is written: the text itself, or `{file: path}`. Whoever reads the document puts the
/// text of the file in its place, so that a template is complete by itself.
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

/// Validates a template whose `spec` stands at `path`, except for its Liquid.
pub fn template(
    raw: &RawTemplate,
    name: TemplateName,
    hash: String,
    path: &Path,
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
    body(&raw.text, &path.key("text"), check);
    if let Some(html) = &raw.html {
        body(html, &path.key("html"), check);
    }
    let line = |line: &Option<String>| line.as_deref().map(|line| line.trim_end().to_owned());
    Some(Template {
        name,
        subject: line(&raw.subject),
        preheader: line(&raw.preheader),
        text: raw.text.clone(),
        html: raw.html.clone(),
        from: raw.from.clone(),
        reply_to: raw.reply_to.clone(),
        hash,
    })
}

fn body(text: &str, path: &Path, check: &mut Check<'_>) {
    if text.trim().is_empty() {
        check.wrong(path, "the body is empty");
    } else if text.len() > BODY_MAX_BYTES {
        check.wrong(path, format!("the body is longer than {} KiB", BODY_MAX_BYTES / 1024));
    }
}
