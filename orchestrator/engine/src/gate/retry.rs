//! Later attempts of an open send: each passes the gate again.

use domain::time::Instant;
use domain::verdict::Decision;
use policies::CountState;

use super::{hand_over, question};
use crate::catalog::Catalog;
use crate::ledger::SendRow;
use crate::partition::{Grant, Partition, Slots};
use crate::turn::{Begun, Loaded};

/// Pause before a retry asks again for a connection slot.
pub(super) const NO_SLOT_PAUSE_MS: i64 = 1_000;

/// Open sends whose next attempt is due: the policy is asked again in the commit that sends them
/// (DESIGN "Sending"), and their own reservation does not count against them.
pub(super) fn run(
    partition: &mut Partition,
    loaded: &mut Loaded,
    begun: &mut Begun,
    slots: &mut dyn Slots,
    catalog: &Catalog,
) {
    for send in std::mem::take(&mut begun.retries) {
        let Some(mut open) = partition.open(send).cloned() else {
            continue;
        };
        if open.row.info.open.as_ref().is_none_or(|open| open.retry_at.is_none()) {
            continue;
        }
        let decision = question::of_retry(loaded, begun.now, catalog, &open.row);
        let again = match decision {
            Decision::Allow => slots.take(&open.row.info.channel) != Grant::None,
            Decision::HoldUntil(until) => {
                retry_at(&mut open.row, Some(until));
                hand_over::put(partition, loaded, begun, open.row);
                continue;
            }
            Decision::NextChannel | Decision::Refuse => {
                partition.settle_open(begun, loaded, open, CountState::Released);
                continue;
            }
        };
        if again {
            open.row.info.attempts = open.row.info.attempts.saturating_add(1);
            retry_at(&mut open.row, None);
        } else {
            retry_at(&mut open.row, Some(begun.now.plus_ms(NO_SLOT_PAUSE_MS)));
        }
        hand_over::put(partition, loaded, begun, open.row);
    }
}

fn retry_at(row: &mut SendRow, at: Option<Instant>) {
    if let Some(open) = &mut row.info.open {
        open.retry_at = at;
    }
}
