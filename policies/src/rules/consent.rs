//! `consent`: recorded permission for the channel and topic, as the message class needs it. Always
//! runs. Absent consent refuses a marketing message and lets a transactional one go (semantics 17).
//!
//! ```yaml
//! fallback_zone: Europe/Madrid
//! on_no_consent: next_channel   # or refuse, the default
//! classes:
//!   survey: {consent: unless_denied}
//! ```

use domain::consent::Permission;
use domain::time::Instant;
use domain::verdict::Reason;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Finding, Outcome};
use crate::request::Request;

/// What a message class needs of the customer's consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConsentNeed {
    /// It must have been granted.
    Required,
    /// It must not have been denied.
    UnlessDenied,
    /// It is not asked: for what must be sent by law.
    Ignored,
}

pub(crate) fn judge(
    request: &Request<'_>,
    need: ConsentNeed,
    outcome: Outcome,
    now: Instant,
) -> Finding {
    if need == ConsentNeed::Ignored {
        return Finding::allow(Reason::ConsentIgnored, now);
    }
    match request.subject.consent.permission(request.channel, request.topic) {
        Some(Permission::Granted) => Finding::allow(Reason::ConsentGranted, now),
        Some(Permission::Denied) => Finding::never(outcome, Reason::ConsentDenied),
        None if need == ConsentNeed::UnlessDenied => Finding::allow(Reason::ConsentAbsent, now),
        None => Finding::never(outcome, Reason::ConsentAbsent),
    }
}
