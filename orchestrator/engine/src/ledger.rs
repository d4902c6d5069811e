//! Open sends: from the commit that hands one over until its outcome is known.
//!
//! A send has one row: the ledger row of the policy, followed by what its next attempt needs while
//! it is open. It is written twice in the everyday case: in flight, and with its outcome.

use domain::customer::Customer;
use domain::hash;
use domain::ids::{
    ChannelName, ClassName, CustomerId, CustomerKey, EnrollmentId, JourneyName, SendId, StepId,
    TemplateName, Topic, VersionNo,
};
use domain::journey::definition::NodeIndex;
use domain::journey::enrollment::Trigger;
use domain::journey::steps::{Delivery, Kind};
use domain::suppression::{StopReason, Suppression};
use domain::time::Instant;
use domain::value::Text;
use policies::{CountState, LedgerRow, LedgerRowError};
use serde::{Deserialize, Serialize};

use crate::codec::{self, DecodeError};
use crate::partition::Attempt;
use crate::redrive;

/// Most attempts of one message. With the doubling pause below the last one is about an hour after
/// the first: longer outages are for the next message, not for this one.
pub const ATTEMPTS_MAX: u16 = 8;
/// Pause before the second attempt; it doubles with each further one.
pub const RETRY_PAUSE_MS: i64 = 30_000;
/// The pause doubles no more often: a webhook is tried about once an hour for as long as it is
/// valid.
const RETRY_DOUBLINGS_MAX: u32 = 7;
/// Longest text kept of a provider's reply.
pub const REPLY_MAX_BYTES: usize = 300;

/// What a channel says of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The provider took it.
    Accepted {
        /// Its reply.
        reply: String,
        /// In how many parts it goes: segments of a text message, else 1.
        parts: u16,
    },
    /// The provider will never take it.
    Rejected {
        /// Its reply.
        reply: String,
        /// Why no further message may go to the address, if so.
        suppress: Option<StopReason>,
    },
    /// It certainly did not go; it may be tried again.
    NotSent {
        /// What happened.
        reason: String,
        /// The provider's wish for a pause, in milliseconds.
        retry_after_ms: Option<i64>,
    },
    /// Nobody can say whether it went.
    Unknown {
        /// What happened.
        reason: String,
    },
}

/// What is known of a message whose hand-over the end of the process interrupted.
pub(crate) const INTERRUPTED: &str = "the process ended while the message was being handed over";

/// A send's row: how it counts, and what it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "Vec<u8>", try_from = "Vec<u8>")]
pub struct SendRow {
    /// How it counts.
    pub ledger: LedgerRow,
    /// What it was.
    pub info: SendInfo,
}

/// What a send was, and, while it is open, what its next attempt needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SendInfo {
    /// The journey.
    pub journey: JourneyName,
    /// Its version.
    pub version: VersionNo,
    /// The step's place in that version.
    pub node: NodeIndex,
    /// The enrollment.
    pub enrollment: EnrollmentId,
    /// Whom it is for.
    pub kind: Kind,
    /// The channel.
    pub channel: ChannelName,
    /// The template; empty where there is none.
    pub template: TemplateName,
    /// Attempts begun.
    pub attempts: u16,
    /// The last reply, cut to [`REPLY_MAX_BYTES`].
    pub reply: String,
    /// When the outcome came; [`Instant::MIN`] while there is none.
    pub settled_at: Instant,
    /// What the next attempt needs; `None` once the outcome is final.
    pub open: Option<OpenInfo>,
    /// The same of a send that ended without having been accepted: what a redrive needs.
    pub kept: Option<OpenInfo>,
}

impl SendInfo {
    /// The outcome is final.
    pub(crate) fn close(&mut self, state: CountState, now: Instant) {
        self.settled_at = now;
        let ended = self.open.take().filter(|_| redrive::is_for(state));
        self.kept = ended.map(|open| OpenInfo { retry_at: None, ..open });
    }
}

/// What an attempt needs besides the customer's traits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenInfo {
    /// The address, as at the decision.
    pub address: Text,
    /// The step's id.
    pub step: StepId,
    /// Message class.
    pub class: ClassName,
    /// Topic of consent.
    pub topic: Option<Topic>,
    /// No attempt begins at or after this instant.
    pub valid_until: Instant,
    /// The guarantee.
    pub delivery: Delivery,
    /// What enrolled the customer, for the template.
    pub trigger: Trigger,
    /// When the next attempt is due; `None` while one is in flight.
    pub retry_at: Option<Instant>,
    /// An earlier attempt may have arrived: whatever becomes of later ones, the place in the caps
    /// is not given back (semantics 18).
    pub maybe_sent: bool,
}

impl SendRow {
    /// The bytes of the row.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = self.ledger.encode().to_vec();
        bytes.extend_from_slice(&codec::encode(&self.info));
        bytes
    }

    /// A row from its bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (ledger, rest) = front(bytes)?;
        let info = codec::decode("send", rest)?;
        Ok(Self { ledger, info })
    }
}

impl From<SendRow> for Vec<u8> {
    fn from(row: SendRow) -> Self {
        row.encode()
    }
}

impl TryFrom<Vec<u8>> for SendRow {
    type Error = DecodeError;

    fn try_from(bytes: Vec<u8>) -> Result<Self, DecodeError> {
        Self::decode(&bytes)
    }
}

/// Only the part of a row that counts.
pub fn decode_ledger(bytes: &[u8]) -> Result<LedgerRow, DecodeError> {
    front(bytes).map(|(row, _)| row)
}

fn front(bytes: &[u8]) -> Result<(LedgerRow, &[u8]), DecodeError> {
    let damaged =
        |error: LedgerRowError| DecodeError::Damaged { what: "send", detail: error.to_string() };
    LedgerRow::decode_front(bytes).map_err(damaged)
}

/// A send whose outcome is not known yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Open {
    /// Whose it is.
    pub customer: CustomerKey,
    /// Its row.
    pub row: SendRow,
    /// When it is looked at again, while it waits: not always what its row says.
    wake: Option<Instant>,
}

impl Open {
    /// An open send as its row says.
    pub(crate) fn new(customer: CustomerKey, row: SendRow) -> Self {
        let wake = row.info.open.as_ref().and_then(|info| info.retry_at);
        Self { customer, row, wake }
    }

    pub(crate) fn wake(&self) -> Option<Instant> {
        self.wake
    }

    pub(crate) fn set_wake(&mut self, wake: Option<Instant>) {
        self.wake = wake;
    }

    /// Takes the final state that the last attempt means, given what earlier ones may have done.
    pub(crate) fn settle(&mut self, state: CountState) -> CountState {
        let maybe_sent = self.row.info.open.as_ref().is_some_and(|open| open.maybe_sent);
        let arrived = matches!(state, CountState::Accepted | CountState::Delivered);
        let keeps = maybe_sent && !arrived;
        self.row.ledger.state = if keeps { CountState::Unknown } else { state };
        self.row.ledger.state
    }
}

/// What an outcome does to an open send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// Its final state.
    Final(CountState),
    /// It is tried again.
    RetryAt(Instant),
}

/// Whether no further message may go to the address.
pub fn stops_address(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Rejected { suppress: Some(_), .. })
}

/// What an outcome means, by attempts, validity and guarantee.
pub(crate) fn settle(info: &SendInfo, outcome: &Outcome, now: Instant) -> Settled {
    let retry = |wish: Option<i64>| {
        let open = info.open.as_ref()?;
        let doublings = u32::from(info.attempts.saturating_sub(1)).min(RETRY_DOUBLINGS_MAX);
        let pause = (RETRY_PAUSE_MS << doublings).max(wish.unwrap_or(0));
        let at = now.plus_ms(pause);
        let may = info.kind == Kind::Webhook || info.attempts < ATTEMPTS_MAX;
        (may && at < open.valid_until).then_some(at)
    };
    match outcome {
        Outcome::Accepted { .. } => Settled::Final(CountState::Accepted),
        Outcome::Rejected { .. } => Settled::Final(CountState::Rejected),
        Outcome::NotSent { retry_after_ms, .. } => {
            retry(*retry_after_ms).map_or(Settled::Final(CountState::Released), Settled::RetryAt)
        }
        Outcome::Unknown { .. } => {
            let again = info
                .open
                .as_ref()
                .filter(|open| open.delivery == Delivery::AtLeastOnce)
                .and_then(|_| retry(None));
            again.map_or(Settled::Final(CountState::Unknown), Settled::RetryAt)
        }
    }
}

/// Settles a row whose attempt was in flight when the process ended.
pub(crate) fn interrupt(row: &mut SendRow, now: Instant) {
    if row.info.open.as_ref().is_none_or(|open| open.retry_at.is_some()) {
        return;
    }
    let outcome = Outcome::Unknown { reason: INTERRUPTED.to_owned() };
    row.info.reply = reply_text(&outcome);
    match (settle(&row.info, &outcome, now), &mut row.info.open) {
        (Settled::RetryAt(at), Some(open)) => {
            open.retry_at = Some(at);
            open.maybe_sent = true;
        }
        (Settled::Final(state), _) => {
            row.ledger.state = state;
            row.info.close(state, now);
        }
        (Settled::RetryAt(_), None) => {}
    }
}

pub(crate) fn reply_text(outcome: &Outcome) -> String {
    let text = match outcome {
        Outcome::Accepted { reply, .. } | Outcome::Rejected { reply, .. } => reply,
        Outcome::NotSent { reason, .. } | Outcome::Unknown { reason } => reason,
    };
    cut(text)
}

/// At most [`REPLY_MAX_BYTES`] of a text.
pub(crate) fn cut(text: &str) -> String {
    let mut end = text.len().min(REPLY_MAX_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// Stops an address of a customer.
pub(crate) fn suppress(
    customer: &mut Customer,
    channel: &ChannelName,
    address: &str,
    reason: StopReason,
    now: Instant,
) {
    if customer.suppressed(channel, address).is_none() {
        customer.suppressions.push(Suppression {
            channel: channel.clone(),
            address: hash::text(address),
            reason: reason.as_str().to_owned(),
            since: now,
        });
    }
}

/// The attempt that an open send makes now.
pub(crate) fn attempt(customer: &Customer, row: &SendRow) -> Option<Attempt> {
    let open = row.info.open.as_ref()?;
    Some(Attempt {
        send: row.ledger.send,
        number: row.info.attempts,
        customer: CustomerId::from(customer.id.as_str()),
        channel: row.info.channel.clone(),
        template: row.info.template.clone(),
        journey: row.info.journey.clone(),
        step: open.step.clone(),
        enrollment: row.info.enrollment,
        class: open.class.clone(),
        topic: open.topic.clone(),
        address: open.address.clone(),
        valid_until: open.valid_until,
        trigger: open.trigger.clone(),
        traits: customer.traits.clone(),
    })
}

/// Replaces the cached row of a send.
pub(crate) fn update_cached(rows: &mut [LedgerRow], send: SendId, state: CountState) {
    if let Some(row) = rows.iter_mut().rev().find(|row| row.send == send) {
        row.state = state;
    }
}
