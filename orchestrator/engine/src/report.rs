//! What providers report of sends that they took: the state of a row moves forward by it, never
//! back (semantics 32).

use domain::ids::SendId;
use domain::suppression::StopReason;
use domain::time::Instant;
use domain::value::Text;
use policies::CountState;

use crate::history::HistoryItem;
use crate::ledger::{self, SendRow};
use crate::partition::Partition;
use crate::redrive;
use crate::turn::{Begun, Loaded};

/// What a provider says of a send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What it says.
    pub said: Said,
    /// Its words.
    pub reason: String,
}

/// What a provider says of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It has it.
    Taken,
    /// The receiver's side has it.
    Delivered,
    /// The receiver's side will not have it.
    Failed {
        /// The address and why, if no further message may go there.
        suppress: Option<(Text, StopReason)>,
    },
}

impl Said {
    fn state(&self) -> CountState {
        match self {
            Self::Taken => CountState::Accepted,
            Self::Delivered => CountState::Delivered,
            Self::Failed { .. } => CountState::Bounced,
        }
    }
}

/// How a send had ended: its state, since when, and by which words.
type Ended = (CountState, Instant, String);

/// Takes a report in. What it says of a send that is known to be further already, or that is not
/// there, changes nothing.
pub(crate) fn take(
    partition: &mut Partition,
    loaded: &mut Loaded,
    begun: &mut Begun,
    send: SendId,
    report: &Report,
) {
    let taken = match partition.open(send) {
        Some(_) => of_open(partition, loaded, begun, send, report).map(|row| (row, None)),
        None => of_ended(partition, loaded, begun, send, report),
    };
    let Some((row, before)) = taken else { return };
    if let Said::Failed { suppress: Some((address, reason)) } = &report.said {
        let (customer, channel) = (&mut loaded.customer, &row.info.channel);
        ledger::suppress(customer, channel, address, *reason, begun.now);
    }
    let (state, reason) = (row.ledger.state, row.info.reply.clone());
    let enrollment = row.info.enrollment;
    begun.record(HistoryItem::Reported { send, enrollment, state, reason, before });
    if let Some(rows) = &mut loaded.ledger {
        ledger::update_cached(rows, send, state);
    }
    let known = loaded.sends.iter_mut().flatten();
    if let Some(known) = known.into_iter().find(|known| known.ledger.send == send) {
        // The next report of this very turn moves it on, as it is now.
        *known = row;
    }
}

/// The provider was faster than its own answer, or the answer got lost: no attempt follows. That it
/// failed ends a first attempt only: of several nobody can say which one is meant, and a later one
/// may yet arrive.
fn of_open(
    partition: &mut Partition,
    loaded: &mut Loaded,
    begun: &mut Begun,
    send: SendId,
    report: &Report,
) -> Option<SendRow> {
    let mut open = partition.open(send).cloned()?;
    let info = open.row.info.open.as_ref()?;
    let only_one = info.retry_at.is_none() && !info.maybe_sent && open.row.info.attempts == 1;
    if matches!(report.said, Said::Failed { suppress: None }) && !only_one {
        return None;
    }
    open.row.info.reply = ledger::cut(&report.reason);
    Some(partition.settle_open(begun, loaded, open, report.said.state()))
}

fn of_ended(
    partition: &Partition,
    loaded: &Loaded,
    begun: &mut Begun,
    send: SendId,
    report: &Report,
) -> Option<(SendRow, Option<Ended>)> {
    let state = report.said.state();
    // Without its rows the customer went into another one in this very turn.
    let rows = loaded.sends.as_deref().unwrap_or_default();
    let mut row = rows.iter().find(|row| row.ledger.send == send).cloned()?;
    if !row.ledger.state.may_become(state) {
        return None;
    }
    let reply = std::mem::replace(&mut row.info.reply, ledger::cut(&report.reason));
    let before = (row.ledger.state, row.info.settled_at, reply);
    row.ledger.state = state;
    row.info.settled_at = begun.now;
    row.info.kept = row.info.kept.take().filter(|_| redrive::is_for(state));
    partition.write_send(begun, loaded.customer.key(), &row);
    Some((row, Some(before)))
}

/// Whether no further message may go to the address.
pub fn stops_address(report: &Report) -> bool {
    matches!(report.said, Said::Failed { suppress: Some(_) })
}
