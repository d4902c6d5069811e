//! What an import says, in the program's own encoding: checked as the same in JSON is. Its sender
//! is this program, but nobody else is kept from writing such bytes.

use domain::event::{Alias, EVENT_BYTES_MAX, Event, EventBody, IMPORTED, Recorded};
use domain::ids::{CUSTOMER_ID_MAX_BYTES, CustomerId};
use domain::time::Instant;

use super::tracking::Bad;
use crate::error::ErrorCode;

/// Longest message id of an import, in bytes: source, record, customer and key each have their own
/// limit.
const MESSAGE_ID_MAX_BYTES: usize = 1_024;
/// What stands before the id of a visitor without `userId`.
const ANONYMOUS: &str = "anon:";
/// From the year 1 to the year 9999: what RFC 3339 can say.
const YEARS_MS: std::ops::RangeInclusive<i64> = -62_135_596_800_000..=253_402_300_799_999;

/// Whether it can be taken in; if not, the code and the detail.
pub(super) fn check(one: &Recorded) -> Result<(), Bad> {
    match one {
        Recorded::Event(event) => check_event(event),
        Recorded::Alias(Alias { previous, into, at }) => {
            check_id(previous)?;
            check_id(into)?;
            check_instant(*at)
        }
    }
}

fn check_event(event: &Event) -> Result<(), Bad> {
    check_id(&event.customer)?;
    check_instant(event.occurred_at)?;
    check_instant(event.received_at)?;
    let id = &event.message_id;
    if id.is_empty() || id.len() > MESSAGE_ID_MAX_BYTES || id.starts_with(IMPORTED) {
        let detail = format!(
            "a message id has 1 to {MESSAGE_ID_MAX_BYTES} bytes, and `{IMPORTED}` is not its begin"
        );
        return Err((ErrorCode::BadMessageId, detail));
    }
    if matches!(&event.body, EventBody::Track { name, .. } if name.as_str().is_empty()) {
        return Err((ErrorCode::MissingEventName, "the name of an event is empty".to_owned()));
    }
    if matches!(&event.body, EventBody::StopsLifted(_)) {
        let detail = "only an operator of this server lifts stops on addresses".to_owned();
        return Err((ErrorCode::UnknownEventType, detail));
    }
    match event.bytes() {
        0..=EVENT_BYTES_MAX => Ok(()),
        bytes => {
            let detail = format!("{bytes} bytes, at most {EVENT_BYTES_MAX}");
            Err((ErrorCode::EventTooLarge, detail))
        }
    }
}

fn check_id(id: &CustomerId) -> Result<(), Bad> {
    let id = id.as_str();
    let own = id.strip_prefix(ANONYMOUS).unwrap_or(id);
    if own.is_empty() || own.len() > CUSTOMER_ID_MAX_BYTES {
        let detail = format!("a customer's id has 1 to {CUSTOMER_ID_MAX_BYTES} bytes");
        return Err((ErrorCode::MissingIdentity, detail));
    }
    Ok(())
}

fn check_instant(at: Instant) -> Result<(), Bad> {
    if YEARS_MS.contains(&at.0) {
        return Ok(());
    }
    Err((ErrorCode::BadTimestamp, "a time outside of the years 1 to 9999".to_owned()))
}
