//! Which sends an operator may send again (semantics 31). The gate decides whether they go.

use policies::CountState;

use domain::journey::steps::Delivery;

use crate::catalog::{Catalog, Control};
use crate::ledger::{OpenInfo, SendRow};

/// How long a message that is sent again may be tried, from the operator's word on: a day covers
/// all attempts of a message, and what an operator wants now is stale after it.
pub const REDRIVE_VALID_MS: i64 = 24 * 3_600_000;

/// Why a send is not sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotRedriven {
    /// It has not ended, or it was accepted.
    Went(CountState),
    /// It may have arrived, its guarantee is at most once, and nobody said that this does not
    /// matter.
    MayHaveArrived,
    /// Its journey is paused or was stopped.
    JourneyStands,
    /// It was recorded before redrives were.
    NothingKept,
}

impl std::fmt::Display for NotRedriven {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Went(CountState::Reserved) => "it is still under way",
            Self::Went(_) => "it was accepted",
            Self::MayHaveArrived => "it may have arrived",
            Self::JourneyStands => "its journey is paused or stopped",
            Self::NothingKept => "nothing was kept of it that it could be made from again",
        })
    }
}

/// Whether a send that ended so can be sent again.
pub fn is_for(state: CountState) -> bool {
    matches!(state, CountState::Unknown | CountState::Rejected | CountState::Released)
}

/// What of a send is needed to send it again, or why it is not.
///
/// # Errors
/// Why it is not.
pub fn of<'a>(
    row: &'a SendRow,
    even_if_arrived: bool,
    catalog: &Catalog,
) -> Result<&'a OpenInfo, NotRedriven> {
    let state = row.ledger.state;
    if row.info.open.is_some() || !is_for(state) {
        return Err(NotRedriven::Went(state));
    }
    let kept = row.info.kept.as_ref().ok_or(NotRedriven::NothingKept)?;
    let may_have_arrived = state == CountState::Unknown;
    if may_have_arrived && kept.delivery == Delivery::AtMostOnce && !even_if_arrived {
        return Err(NotRedriven::MayHaveArrived);
    }
    if catalog.control(&row.info.journey) != Control::Running {
        return Err(NotRedriven::JourneyStands);
    }
    Ok(kept)
}
