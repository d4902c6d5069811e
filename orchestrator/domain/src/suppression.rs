//! Stops on addresses.

use serde::{Deserialize, Serialize};

use crate::ids::ChannelName;
use crate::time::Instant;

/// A stop on one address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// The channel of the address.
    pub channel: ChannelName,
    /// Hash of the address that is stopped: a new address is free again.
    pub address: u64,
    /// Why: the word of a [`StopReason`].
    pub reason: String,
    /// Since when.
    pub since: Instant,
}

/// Why nothing may go to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// Nobody is there, or it takes no messages of the kind.
    HardBounce,
    /// Whoever is there told the carrier to stop us: a text of `STOP`.
    OptedOut,
}

impl StopReason {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HardBounce => "hard_bounce",
            Self::OptedOut => "opted_out",
        }
    }
}
