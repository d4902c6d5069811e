//! The ledger: what was sent to one customer, as far as caps need to know.
//!
//! Owns the row, its states and its bytes. The engine writes a row in the commit that takes a send
//! to `in_flight` and later only ever changes its state, and settles its cost: channel, class,
//! topic, campaign and policy version stay as they were at the decision (semantics 24), and so does
//! the counted instant (semantics 18). It must never be recomputed from definitions.

use domain::ids::{NameId, SendId};
use domain::time::Instant;

use crate::request::Request;
use crate::set::PolicySet;

/// Bytes of one encoded row.
pub const LEDGER_ROW_BYTES: usize = 47;
/// Layout that this release writes.
const LAYOUT: u8 = 1;

const FLAG_SHADOW: u8 = 1;
const FLAG_COUNTS: u8 = 2;

/// What became of a reserved send.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[repr(u8)]
pub enum CountState {
    /// In flight, or waiting to be tried again: it counts from the first moment on.
    Reserved = 0,
    /// The provider took it.
    Accepted = 1,
    /// The receiver's side has it.
    Delivered = 2,
    /// Taken by the provider, but the receiver's side certainly has it not.
    Bounced = 3,
    /// Handed over, and certainly not taken.
    Rejected = 4,
    /// Given back before anything left: withdrawn, expired, no connection.
    Released = 5,
    /// Nobody can say: it counts until somebody can.
    Unknown = 6,
}

impl CountState {
    /// All states, in the order of their codes.
    pub const ALL: [Self; 7] = [
        Self::Reserved,
        Self::Accepted,
        Self::Delivered,
        Self::Bounced,
        Self::Rejected,
        Self::Released,
        Self::Unknown,
    ];

    /// Whether a row may go from this state to that one.
    ///
    /// What gave back its place never takes it again: another send may have it by now.
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Reserved => next != Self::Reserved,
            Self::Unknown => !matches!(next, Self::Reserved | Self::Unknown),
            Self::Accepted => matches!(next, Self::Delivered | Self::Bounced),
            Self::Delivered => next == Self::Bounced,
            Self::Bounced | Self::Rejected | Self::Released => false,
        }
    }
}

/// What a cap counts. A reservation and an unknown outcome count under every mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Counts {
    /// Everything that was handed over, whatever came of it; only what never left is given back.
    Reserved,
    /// What a provider took, bounced or not.
    #[default]
    Accepted,
    /// What reached the receiver's side, as far as anybody can say.
    Delivered,
}

impl Counts {
    /// Whether a row in this state counts.
    pub fn counts(self, state: CountState) -> bool {
        match state {
            CountState::Reserved
            | CountState::Accepted
            | CountState::Delivered
            | CountState::Unknown => true,
            CountState::Bounced => self != Self::Delivered,
            CountState::Rejected => self == Self::Reserved,
            CountState::Released => false,
        }
    }
}

/// One send, as it counts. 48 bytes in memory, [`LEDGER_ROW_BYTES`] on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerRow {
    /// The send.
    pub send: SendId,
    /// When it was reserved; never moves.
    pub counted_at: Instant,
    /// What it costs, in millionths of the currency's unit: the most that it may while it is under
    /// way, nothing once it certainly did not go.
    pub cost_micros: i64,
    /// Version of the policy that allowed it.
    pub policy: u32,
    /// Its channel.
    pub channel: NameId,
    /// Its message class.
    pub class: NameId,
    /// Its topic, or [`NameId::NONE`].
    pub topic: NameId,
    /// Its campaign, or [`NameId::NONE`].
    pub campaign: NameId,
    /// What became of it.
    pub state: CountState,
    /// Whether its class counted toward caps at the decision.
    pub counts_toward_caps: bool,
    /// Whether it was never meant to leave (holdout): it counts only for others of the kind.
    pub shadow: bool,
}

/// Bytes that are not a ledger row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerRowError {
    /// Written by a newer release.
    #[error("ledger row has layout {0}, this release reads up to {LAYOUT}")]
    Newer(u8),
    /// Cut off, too long, or with a code that no release writes.
    #[error("ledger row is damaged: {0}")]
    Damaged(&'static str),
}

impl LedgerRow {
    /// The row that reserves an allowed request at an instant.
    pub fn reserve(request: &Request<'_>, set: &PolicySet, now: Instant, cost_micros: i64) -> Self {
        Self {
            send: request.send,
            counted_at: now,
            cost_micros,
            policy: set.version(),
            channel: request.channel_id,
            class: request.class_id,
            topic: request.topic_id,
            campaign: request.campaign_id,
            state: CountState::Reserved,
            counts_toward_caps: set.class(request.class_id).counts_toward_caps,
            shadow: request.shadow,
        }
    }

    /// The bytes of this row.
    pub fn encode(&self) -> [u8; LEDGER_ROW_BYTES] {
        let flags = if self.shadow { FLAG_SHADOW } else { 0 }
            | if self.counts_toward_caps { FLAG_COUNTS } else { 0 };
        let mut bytes = [0; LEDGER_ROW_BYTES];
        let mut at = 0;
        let mut put = |part: &[u8]| {
            bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        };
        put(&[LAYOUT, self.state as u8, flags]);
        put(&self.send.0.to_le_bytes());
        put(&self.counted_at.0.to_le_bytes());
        put(&self.cost_micros.to_le_bytes());
        put(&self.policy.to_le_bytes());
        for name in [self.channel, self.class, self.topic, self.campaign] {
            put(&name.0.to_le_bytes());
        }
        bytes
    }

    /// A row from its bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, LedgerRowError> {
        match bytes.first() {
            Some(&LAYOUT) => {}
            Some(&newer) if newer > LAYOUT => return Err(LedgerRowError::Newer(newer)),
            _ => return Err(LedgerRowError::Damaged("no layout")),
        }
        let bytes: &[u8; LEDGER_ROW_BYTES] =
            bytes.try_into().map_err(|_| LedgerRowError::Damaged("wrong length"))?;
        let state = CountState::ALL.get(usize::from(bytes[1]));
        let state = *state.ok_or(LedgerRowError::Damaged("unknown state"))?;
        if bytes[2] & !(FLAG_SHADOW | FLAG_COUNTS) != 0 {
            return Err(LedgerRowError::Damaged("unknown flag"));
        }
        let name = |at: usize| NameId(u16::from_le_bytes(part(bytes, at)));
        Ok(Self {
            send: SendId(u128::from_le_bytes(part(bytes, 3))),
            counted_at: Instant(i64::from_le_bytes(part(bytes, 19))),
            cost_micros: i64::from_le_bytes(part(bytes, 27)),
            policy: u32::from_le_bytes(part(bytes, 35)),
            channel: name(39),
            class: name(41),
            topic: name(43),
            campaign: name(45),
            state,
            counts_toward_caps: bytes[2] & FLAG_COUNTS != 0,
            shadow: bytes[2] & FLAG_SHADOW != 0,
        })
    }
}

fn part<const N: usize>(bytes: &[u8; LEDGER_ROW_BYTES], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

/// The rows of one customer, oldest first, including those reserved earlier in this very round.
#[derive(Clone, Copy, Debug, Default)]
pub struct History<'a> {
    rows: &'a [LedgerRow],
}

impl<'a> History<'a> {
    /// Over rows that are sorted by their counted instant (in which order equal ones stand does
    /// not matter). Rows out of order would be miscounted, so this is checked in debug builds.
    pub fn new(rows: &'a [LedgerRow]) -> Self {
        debug_assert!(rows.is_sorted_by_key(|row| row.counted_at), "ledger rows out of order");
        Self { rows }
    }

    /// The rows, oldest first.
    pub fn rows(&self) -> &'a [LedgerRow] {
        self.rows
    }
}
