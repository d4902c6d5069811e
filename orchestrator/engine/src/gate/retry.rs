//! Later attempts of an open send: each passes the gate again.

use domain::journey::steps::Step;
use domain::journey::steps::send::PRIORITY_DEFAULT;
use domain::time::Instant;
use domain::verdict::{Decision, Verdict};
use policies::CountState;

use super::{deciding_kind, hand_over, question};
use crate::catalog::{Catalog, Control};
use crate::counters::CounterKey;
use crate::ledger::{self, Open, SendRow};
use crate::partition::{Grant, Partition, Slots};
use crate::turn::{Begun, Loaded};
use crate::waiting::Waiting;

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
        let Some(open) = partition.open(send).cloned() else {
            continue;
        };
        let Some(info) = open.row.info.open.as_ref().filter(|info| info.retry_at.is_some()) else {
            continue;
        };
        let valid_until = info.valid_until;
        match catalog.control(&open.row.info.journey) {
            Control::Running => ask(partition, loaded, begun, slots, catalog, open),
            // Its validity goes on; the turn at its end finds it no longer valid.
            Control::Paused if begun.now < valid_until => partition.park_retry(send, valid_until),
            Control::Paused => end(partition, loaded, begun, open, "its journey was paused"),
            Control::Stopped => end(partition, loaded, begun, open, "its journey was stopped"),
        }
    }
}

fn ask(
    partition: &mut Partition,
    loaded: &mut Loaded,
    begun: &mut Begun,
    slots: &mut dyn Slots,
    catalog: &Catalog,
    mut open: Open,
) {
    let Some(verdict) = question::of_retry(loaded, begun.now, catalog, &open.row) else { return };
    match verdict.decision {
        Decision::Allow => {
            let channel = &open.row.info.channel;
            // It stands in line as every message does.
            let called = begun.slots.contains(channel) || !partition.others_wait(channel);
            if called && slots.take(channel) != Grant::None {
                open.row.info.attempts = open.row.info.attempts.saturating_add(1);
                retry_at(&mut open.row, None);
                hand_over::put(partition, loaded, begun, open.row);
            } else {
                wait(partition, catalog, &open);
            }
        }
        Decision::HoldUntil(until) => {
            retry_at(&mut open.row, Some(until));
            hand_over::put(partition, loaded, begun, open.row);
        }
        Decision::NextChannel | Decision::Refuse => {
            let info = &open.row.info;
            let kind = deciding_kind(&verdict);
            begun.deltas.push((CounterKey::Refused(info.version, info.node, kind), 1));
            let why = why(&verdict);
            end(partition, loaded, begun, open, &why);
        }
    }
}

/// Stands in line for a slot, in memory: after a restart it is due again.
pub(super) fn wait(partition: &mut Partition, catalog: &Catalog, open: &Open) {
    let (info, ledger) = (&open.row.info, &open.row.ledger);
    let journey = catalog.version(info.version);
    let node = journey.and_then(|journey| journey.nodes.get(usize::from(info.node)));
    let priority = match node.map(|node| &node.step) {
        Some(Step::Send(step)) => step.priority,
        _ => PRIORITY_DEFAULT,
    };
    partition.wait(Waiting::again(&info.channel, priority, ledger.counted_at, open.customer));
    let valid_until = info.open.as_ref().map_or(Instant::MAX, |open| open.valid_until);
    partition.park_retry(ledger.send, valid_until);
}

/// No attempt follows; the row says why, in place of what the provider said last.
fn end(
    partition: &mut Partition,
    loaded: &mut Loaded,
    begun: &mut Begun,
    mut open: Open,
    why: &str,
) {
    let said = std::mem::take(&mut open.row.info.reply);
    open.row.info.reply = ledger::cut(&format!("not tried again: {why}; before that: {said}"));
    partition.settle_open(begun, loaded, open, CountState::Released);
}

fn why(verdict: &Verdict) -> String {
    match verdict.deciding() {
        Some(rule) => format!("by rule {}: {}", rule.rule, rule.reason),
        None => "it is no longer valid".to_owned(),
    }
}

fn retry_at(row: &mut SendRow, at: Option<Instant>) {
    if let Some(open) = &mut row.info.open {
        open.retry_at = at;
    }
}
