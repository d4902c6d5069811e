//! `reachability`: the customer has an address on the channel, in the form that the channel needs;
//! else the next channel is tried.
//! Always runs. Without a next channel the engine refuses the send with this reason.

use domain::channel::{AddressForm, is_e164};
use domain::time::Instant;
use domain::verdict::Reason;

use super::{Finding, Outcome};
use crate::request::Request;

pub(crate) fn judge(request: &Request<'_>, now: Instant) -> Finding {
    match request.subject.address {
        Some(address) if !address.is_empty() => {
            let form = request.subject.address_form;
            if form == AddressForm::E164 && !is_e164(address) {
                return Finding::never(Outcome::NextChannel, Reason::NotE164);
            }
            Finding::allow(Reason::Reachable, now)
        }
        _ => Finding::never(Outcome::NextChannel, Reason::NoAddress),
    }
}
