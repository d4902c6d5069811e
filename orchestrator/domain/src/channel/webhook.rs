//! Channels that tell other systems, for the step `webhook`.
//!
//! ```yaml
//! apiVersion: cadencia/v1
//! kind: Channel
//! metadata: {name: crm}
//! spec:
//!   webhook:
//!     url: https://crm.shop.example/hooks/cadencia
//!     secret_files: [crm-secret, crm-secret-old]    # each signs, so that they can be changed
//!     fields: [customer.id, customer.traits.tier, event.properties.total]
//! ```

use schemars::JsonSchema;
use serde::Deserialize;

use super::sms::is_web_address;
use super::{SLOTS_DEFAULT, SLOTS_MAX};
use crate::check::Check;
use crate::problem::{Path, Problem, nearest};

/// Most secrets of an endpoint: the one in use, the next one and the last one, and some to spare.
pub const SECRETS_MAX: usize = 5;
/// Most fields of a body.
pub const FIELDS_MAX: usize = 50;
/// What a field may start with, and an example of what stands below it, if anything does.
const FIELD_ROOTS: [(&str, Option<&str>); 5] = [
    ("customer", Some("customer.id")),
    ("event", Some("event.name")),
    ("journey", None),
    ("send", Some("send.id")),
    ("now", None),
];

/// An endpoint of another system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Where it is.
    pub url: String,
    /// Files with the secrets, the newest first.
    pub secret_files: Vec<String>,
    /// What it is told where the step names no template.
    pub fields: Vec<String>,
    /// Requests at the same time.
    pub slots: u16,
}

/// An endpoint of another system, told by Standard Webhooks.
#[derive(Clone, Debug, Deserialize, JsonSchema, garde::Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct RawWebhook {
    /// Where it is.
    pub url: String,
    /// Files with secrets (`whsec_...`), the newest first. Each of them signs.
    #[garde(length(min = 1, max = SECRETS_MAX))]
    pub secret_files: Vec<String>,
    /// What it is told where the step names no template: paths such as `customer.id`,
    /// `customer.traits.tier` and `event.properties.total`. Default: `customer.id`.
    #[garde(length(max = FIELDS_MAX))]
    pub fields: Option<Vec<String>>,
    /// Requests at the same time. Default: 8.
    #[garde(range(min = 1, max = SLOTS_MAX))]
    pub slots: Option<u16>,
}

/// Validates an endpoint whose settings stand at `path`.
pub(super) fn webhook(raw: &RawWebhook, path: &Path, check: &mut Check<'_>) -> Option<Webhook> {
    check.limits(raw, path);
    if !is_web_address(&raw.url) {
        let problem = Problem::new(path.key("url"), "not the address of a web server");
        check.problem(problem.suggest("write it like `https://crm.shop.example/hooks`"));
    }
    let fields = raw.fields.clone().unwrap_or_else(|| vec!["customer.id".to_owned()]);
    for (at, field) in fields.iter().enumerate() {
        if let Some(problem) = field_problem(field, &path.key("fields").index(at)) {
            check.problem(problem);
        }
        if fields[..at].iter().any(|earlier| clash(earlier, field)) {
            let message = format!("`{field}` is there twice, or holds another field");
            check.problem(Problem::new(path.key("fields").index(at), message));
        }
    }
    Some(Webhook {
        url: raw.url.clone(),
        secret_files: raw.secret_files.clone(),
        fields,
        slots: raw.slots.unwrap_or(SLOTS_DEFAULT),
    })
}

fn field_problem(field: &str, path: &Path) -> Option<Problem> {
    let (root, rest) = match field.split_once('.') {
        Some((root, rest)) => (root, Some(rest)),
        None => (field, None),
    };
    let wrong = |message: String| Problem::new(path.clone(), message);
    let Some((_, example)) = FIELD_ROOTS.iter().find(|(known, _)| *known == root) else {
        let roots = FIELD_ROOTS.map(|(root, _)| root);
        let problem = wrong(format!("unknown field `{root}`"));
        return Some(match nearest(root, roots) {
            Some(near) => problem.suggest(format!("did you mean `{near}`?")),
            None => problem.suggest(format!("known here: {}", roots.join(", "))),
        });
    };
    let named = rest.is_some_and(|rest| rest.split('.').all(|part| !part.is_empty()));
    match example {
        Some(example) if !named => {
            let problem = wrong(format!("`{field}` names everything"));
            Some(problem.suggest(format!("name what is needed, such as `{example}`")))
        }
        None if rest.is_some() => Some(wrong(format!("there is nothing below `{root}`"))),
        _ => None,
    }
}

/// Whether one of two paths is the other, or stands below it.
fn clash(one: &str, other: &str) -> bool {
    let below = |outer: &str, inner: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    below(one, other) || below(other, one)
}
