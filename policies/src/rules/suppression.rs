//! `suppression`: a stop on the address, whatever the consent. Always runs, for every class.
//!
//! ```yaml
//! fallback_zone: Europe/Madrid
//! on_suppressed: next_channel   # or refuse, the default
//! ```

use domain::time::Instant;
use domain::verdict::Reason;

use super::{Finding, Outcome};
use crate::request::Request;

pub(crate) fn judge(request: &Request<'_>, outcome: Outcome, now: Instant) -> Finding {
    match request.subject.suppressed {
        None => Finding::allow(Reason::AddressClear, now),
        Some(reason) => Finding::never(outcome, Reason::Suppressed(reason.to_owned())),
    }
}
