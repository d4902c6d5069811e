//! Messages that an operator sends again: new sends, which pass the whole gate (semantics 31).

use domain::ids::SendId;
use domain::verdict::{Decision, Verdict};
use policies::{CountState, LedgerRow, Marks};

use super::{deciding_kind, hand_over, question, retry};
use crate::catalog::Catalog;
use crate::counters::CounterKey;
use crate::history::HistoryItem;
use crate::ledger::{OpenInfo, SendInfo, SendRow};
use crate::partition::{Grant, Partition, Slots};
use crate::redrive::{self, REDRIVE_VALID_MS};
use crate::turn::{Begun, Loaded};

/// Decides each at once: what is held is not remembered, the operator asks again. One that has been
/// sent again already is left as it is.
pub(super) fn run(
    partition: &mut Partition,
    loaded: &mut Loaded,
    begun: &mut Begun,
    slots: &mut dyn Slots,
    catalog: &Catalog,
) {
    for (of, even_if_arrived) in std::mem::take(&mut begun.redrives) {
        let send = of.redrive();
        // Without its rows the customer went into another one in this very turn.
        let rows = loaded.sends.as_deref().unwrap_or_default();
        let find = |send| rows.iter().find(|row| row.ledger.send == send);
        let (Some(ended), None) = (find(of).cloned(), find(send)) else { continue };
        let Ok(kept) = redrive::of(&ended, even_if_arrived, catalog) else { continue };
        let valid_until = begun.now.plus_ms(REDRIVE_VALID_MS);
        let verdict = question::of_redrive(loaded, begun.now, catalog, &ended, send, valid_until);
        let allowed = verdict.decision == Decision::Allow;
        // Whoever waits for a slot was there before.
        let free = allowed && !partition.others_wait(&ended.info.channel);
        let grant = if free { slots.take(&ended.info.channel) } else { Grant::None };
        record(begun, &ended, kept, send, verdict, grant);
        if allowed {
            let row = repeated(loaded, begun, &ended, kept, send, grant, catalog);
            if let Some(rows) = &mut loaded.sends {
                rows.push(row.clone());
            }
            follow(loaded, &ended, send);
            hand_over::reserve(partition, loaded, begun, row);
            if grant == Grant::None
                && let Some(open) = partition.open(send).cloned()
            {
                retry::wait(partition, catalog, &open);
            }
        }
    }
}

/// The row of the new send. Where no slot is free it waits as a retry does.
fn repeated(
    loaded: &Loaded,
    begun: &Begun,
    ended: &SendRow,
    kept: &OpenInfo,
    send: SendId,
    grant: Grant,
    catalog: &Catalog,
) -> SendRow {
    let policy = catalog.policy();
    let counts = policy.class(ended.ledger.class).counts_toward_caps;
    let accepted = grant == Grant::Accepted;
    let ledger = LedgerRow {
        send,
        counted_at: begun.now,
        cost_micros: catalog.most_cost(&ended.info.channel),
        policy: policy.version(),
        state: if accepted { CountState::Accepted } else { CountState::Reserved },
        marks: Marks::new(counts, ended.ledger.marks.shadow()),
        ..ended.ledger
    };
    let no_slot = grant == Grant::None;
    let open = OpenInfo {
        address: question::address(loaded, catalog, &ended.info.channel).unwrap_or_default(),
        valid_until: begun.now.plus_ms(REDRIVE_VALID_MS),
        retry_at: no_slot.then_some(begun.now),
        maybe_sent: false,
        ..kept.clone()
    };
    let info = SendInfo {
        attempts: u16::from(!no_slot),
        reply: String::new(),
        settled_at: if accepted { begun.now } else { domain::time::Instant::MIN },
        open: (!accepted).then_some(open),
        kept: None,
        ..ended.info.clone()
    };
    SendRow { ledger, info }
}

fn record(
    begun: &mut Begun,
    ended: &SendRow,
    kept: &OpenInfo,
    send: SendId,
    verdict: Verdict,
    grant: Grant,
) {
    let info = &ended.info;
    let count = match verdict.decision {
        Decision::Allow => CounterKey::Sent(info.version, info.node, ended.ledger.channel),
        Decision::HoldUntil(_) => {
            CounterKey::Held(info.version, info.node, deciding_kind(&verdict))
        }
        Decision::NextChannel | Decision::Refuse => {
            CounterKey::Refused(info.version, info.node, deciding_kind(&verdict))
        }
    };
    begun.deltas.push((count, 1));
    begun.record(HistoryItem::Redriven { of: ended.ledger.send, send });
    begun.record(HistoryItem::Decided {
        send,
        enrollment: info.enrollment,
        journey: info.journey.clone(),
        step: kept.step.clone(),
        channel: info.channel.clone(),
        verdict,
        sent: grant != Grant::None,
    });
}

/// Engagement with the new send is engagement with the one that it repeats (semantics 9).
fn follow(loaded: &mut Loaded, ended: &SendRow, send: SendId) {
    for enrollment in &mut loaded.customer.enrollments {
        if enrollment.last_send == Some(ended.ledger.send) {
            enrollment.last_send = Some(send);
        }
    }
}
