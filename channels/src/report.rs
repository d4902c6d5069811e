//! What providers tell of messages that they took: delivered, failed, and by whose word.
//!
//! A provider calls back at an address of ours; whether it was the provider, and what it says, is
//! its file's to find out. Called by the web layer.

use domain::ids::SendId;
use domain::suppression::StopReason;

/// A request that claims to come from a provider.
pub struct Callback<'a> {
    /// The send that the address was made for.
    pub send: SendId,
    /// Its headers, by their names.
    pub header: &'a dyn Fn(&str) -> Option<String>,
    /// Its body.
    pub body: &'a [u8],
}

impl std::fmt::Debug for Callback<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callback").field("send", &self.send).finish_non_exhaustive()
    }
}

/// What is said of a send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The send.
    pub send: SendId,
    /// What is said.
    pub said: Said,
    /// The provider's words.
    pub reason: String,
}

/// What a provider says of a message.
#[derive(Clone, PartialEq, Eq)]
pub enum Said {
    /// It has it: an answer that got lost is made good.
    Taken,
    /// The receiver's side has it.
    Delivered,
    /// The receiver's side will not have it.
    Failed {
        /// The address and why, if no further message should go there.
        suppress: Option<(String, StopReason)>,
    },
}

impl Said {
    /// One word for metrics: `taken`, `delivered` or `failed`.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Delivered => "delivered",
            Self::Failed { .. } => "failed",
        }
    }
}

impl std::fmt::Debug for Said {
    /// Masked: addresses never reach a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Failed { suppress: Some(_) } => "failed, suppress",
            said => said.label(),
        })
    }
}

/// Why a request is no report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// The provider reports nothing, or what proves its word is not set.
    #[error("this channel takes no reports")]
    NotTaken,
    /// It is not signed by the provider.
    #[error("the signature is missing or does not fit")]
    Unsigned,
    /// It is signed, and makes no sense.
    #[error("{0}")]
    Malformed(String),
}
