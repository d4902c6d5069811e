//! `validity`: a message may go at `t` if and only if `t < valid_until`. Always runs, for every
//! class. A hold that would end later is turned into a refusal by the gate, in this rule's name.

use domain::time::Instant;
use domain::verdict::Reason;

use super::{Finding, Outcome};
use crate::request::Request;

pub(crate) fn judge(request: &Request<'_>, now: Instant) -> Finding {
    if now < request.valid_until {
        Finding::allow(Reason::ValidUntil(request.valid_until), now)
    } else {
        Finding::never(Outcome::Refuse, Reason::Expired(request.valid_until))
    }
}
