//! `catch_up`: after a wait that ended late (downtime, a pause) in a journey that says `skip`, the
//! next send is refused (semantics 11). Always runs.

use domain::time::Instant;
use domain::verdict::Reason;

use super::{Finding, Outcome};
use crate::request::Request;

pub(crate) fn judge(request: &Request<'_>, now: Instant) -> Finding {
    if request.skip_catch_up {
        Finding::never(Outcome::Refuse, Reason::SkippedCatchUp)
    } else {
        Finding::allow(Reason::InTime, now)
    }
}
