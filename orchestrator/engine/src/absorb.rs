//! The other side of a merge: the customer that goes on takes in, exactly once, what the other
//! one left (semantics 28).

use std::collections::{HashMap, HashSet};

use domain::customer::{COUNTED_EVENTS_MAX, Customer, EntryMemory, MERGED_MAX, Merged};
use domain::ids::SendId;
use domain::journey::definition::Reentry;
use domain::journey::enrollment::{Enrollment, ExitReason, State};
use domain::value::Map;

use crate::catalog::Catalog;
use crate::codec;
use crate::history::HistoryItem;
use crate::ledger::Open;
use crate::merge::{Parcel, Word};
use crate::note::OpenedSend;
use crate::partition::{Effect, Partition};
use crate::profile::SegmentEdges;
use crate::transaction::{Table, Write};
use crate::turn::{Begun, Input, Loaded, Ticket};
use crate::waiting::is_planned;
use crate::{audience, enroll, journeys, profile};

/// Takes a parcel in, unless that was done before; a tombstone sends it on.
pub(crate) fn absorb(
    partition: &mut Partition,
    loaded: &mut Loaded,
    parcel: &std::sync::Arc<Parcel>,
    ticket: Option<Ticket>,
    catalog: &Catalog,
    begun: &mut Begun,
) {
    let customer = &loaded.customer;
    partition.promises.release(customer.key(), parcel.named.key());
    // Asked before the tombstone: a parcel takes the same way again, and whoever took it in the
    // first time knows it for ever.
    let known = customer.merged.iter().any(|merged| merged.customer == parcel.source);
    if !known && let Some(tombstone) = &customer.tombstone {
        let input = Input::Merge { word: Word::Absorb(parcel.clone()), ticket };
        begun.forwards.push(Effect::Forward { to: tombstone.into.clone(), input });
        return;
    }
    begun.tickets.extend(ticket);
    let confirmation = Input::Merge { word: Word::Absorbed, ticket: None };
    begun.forwards.push(Effect::Forward { to: parcel.source.clone(), input: confirmation });
    if known {
        return;
    }
    begun.record(HistoryItem::Absorbed { from: parcel.source.clone() });
    let mut edges = profile::baseline(loaded, catalog, begun.now);
    unite(&mut loaded.customer, parcel, begun);
    unite_seen(partition, loaded, parcel, begun);
    unite_sends(partition, loaded, parcel, begun);
    unite_enrollments(loaded, parcel, catalog, begun);
    audience::unite(&mut loaded.customer, &parcel.memberships, begun);
    if parcel.recorded {
        // She is a member by now, but did not become one now.
        profile::edges(loaded, catalog, None, begun, &mut SegmentEdges::default());
    } else {
        profile::edges(loaded, catalog, None, begun, &mut edges);
    }
    enroll::by_segments(loaded, &edges, catalog, begun);
}

fn unite(customer: &mut Customer, parcel: &Parcel, begun: &mut Begun) {
    customer.created_at = customer.created_at.min(parcel.created_at);
    let news = parcel.traits.iter().filter(|(name, _)| !customer.traits.contains_key(name));
    let news: Map = news.map(|(name, value)| (name.clone(), value.clone())).collect();
    let zone = customer.zone.clone();
    let set = customer.set_traits(&news);
    // Which zone counts is decided with the enrollments.
    customer.zone = zone;
    if !set.not_kept.is_empty() {
        begun.record(HistoryItem::TraitsNotKept(set.not_kept));
    }
    customer.consent.unite(parcel.source.key(), parcel.consent.clone(), parcel.at);
    for stop in &parcel.suppressions {
        let same = customer
            .suppressions
            .iter_mut()
            .find(|known| known.channel == stop.channel && known.address == stop.address);
        match same {
            Some(known) => known.since = known.since.min(stop.since),
            None => customer.suppressions.push(stop.clone()),
        }
    }
    for (name, counter) in &parcel.counters {
        if let Some(known) = customer.counters.get_mut(name) {
            known.count += counter.count;
            known.first = known.first.min(counter.first);
            known.last = known.last.max(counter.last);
        } else if customer.counters.len() < COUNTED_EVENTS_MAX {
            customer.counters.insert(name.clone(), *counter);
        } else {
            begun.record(HistoryItem::NotCounted);
        }
    }
    // Who was a member already does not become one by the merge.
    customer.segments.extend(parcel.segments.iter().cloned());
    customer.segments.sort_unstable();
    customer.segments.dedup();
    for merged in &parcel.merged {
        remember(&mut customer.merged, merged);
    }
    customer.chain = customer.chain.max(parcel.chain);
}

fn remember(known: &mut Vec<Merged>, merged: &Merged) {
    if known.len() >= MERGED_MAX {
        known.remove(0);
    }
    known.push(merged.clone());
}

fn unite_seen(partition: &Partition, loaded: &mut Loaded, parcel: &Parcel, begun: &mut Begun) {
    if let Some(block) = loaded.customer.seen.unite(parcel.seen.clone()) {
        let key = codec::spill_key(partition.id(), loaded.customer.key(), block.number);
        begun.writes.push(Write { table: Table::Meta, key, value: Some(codec::encode(&block)) });
        loaded.add_spilled(&block);
    }
}

/// The rows move; what is still open is settled here from now on.
fn unite_sends(partition: &mut Partition, loaded: &mut Loaded, parcel: &Parcel, begun: &mut Begun) {
    debug_assert!(loaded.ledger.is_some(), "the ledger is loaded before the turn");
    let customer = loaded.customer.key();
    let rows = loaded.ledger.get_or_insert_default();
    // Both ledgers may have as many rows as are ever loaded: looked up and put in order at once.
    let mut known: HashSet<SendId> = rows.iter().map(|row| row.send).collect();
    for row in &parcel.sends {
        if !known.insert(row.ledger.send) {
            continue;
        }
        rows.push(row.ledger);
        partition.write_send(begun, customer, row);
        if let Some(sends) = &mut loaded.sends {
            // A later input of this very turn moves them on.
            sends.push(row.clone());
        }
        if let Some(open) = &row.info.open {
            let (send, counted_at) = (row.ledger.send, row.ledger.counted_at);
            let retry_at = open.retry_at;
            begun.opened.push(OpenedSend { send, customer, counted_at, retry_at });
            partition.set_open(Open::new(customer, row.clone()));
        }
    }
    rows.sort_by_key(|row| row.counted_at);
    if let Some(sends) = &mut loaded.sends {
        sends.sort_by_key(|row| row.ledger.counted_at);
    }
}

/// Both customers' enrollments go on. Where one journey does not allow two of one key, that of the
/// customer that stays goes on and the other one is withdrawn.
fn unite_enrollments(loaded: &mut Loaded, parcel: &Parcel, catalog: &Catalog, begun: &mut Begun) {
    unite_entries(&mut loaded.customer.entries, &parcel.entries);
    let zone = loaded.customer.zone.clone();
    loaded.customer.zone = zone.clone().or_else(|| parcel.zone.clone());
    let doubles: Vec<_> = parcel
        .enrollments
        .iter()
        .filter(|other| loaded.customer.enrollments.iter().any(|own| excludes(own, other, catalog)))
        .map(|other| other.id)
        .collect();
    let enrollments = &mut loaded.customer.enrollments;
    enrollments.extend(parcel.enrollments.iter().cloned());
    enrollments.sort_by_key(|enrollment| enrollment.entered_at);
    let now = &loaded.customer.zone;
    if *now != zone || *now != parcel.zone {
        profile::follow_zone(loaded, catalog);
    }
    // An exit is remembered as the entry's end, but the enrollment that stays has not ended.
    let entries = loaded.customer.entries.clone();
    for id in &doubles {
        if let Some(at) = journeys::position(loaded, *id) {
            journeys::end(loaded, at, ExitReason::Withdrawn, catalog, begun);
        }
    }
    if !doubles.is_empty() {
        loaded.customer.entries = entries;
    }
    let sends = |one: &Enrollment| matches!(one.state, State::Sending(_));
    begun.wants_gate |= loaded.customer.enrollments.iter().any(sends);
    // They stood in the line of another partition.
    begun.line_up |= is_planned(loaded);
}

fn excludes(own: &Enrollment, other: &Enrollment, catalog: &Catalog) -> bool {
    let (Some(journey), Some(same)) =
        (catalog.version(own.version), catalog.version(other.version))
    else {
        return false;
    };
    let parallel = matches!(journey.reentry, Reentry::Parallel);
    journey.name == same.name && own.key == other.key && !parallel
}

fn unite_entries(known: &mut Vec<EntryMemory>, others: &[EntryMemory]) {
    let name = |entry: &EntryMemory| (entry.journey.clone(), entry.key);
    let places: HashMap<_, _> =
        known.iter().enumerate().map(|(at, entry)| (name(entry), at)).collect();
    for entry in others {
        match places.get(&name(entry)) {
            // An enrollment that has not ended has the last word.
            Some(at) => {
                let both = known[*at].exited_at.zip(entry.exited_at);
                known[*at].exited_at = both.map(|(one, other)| one.max(other));
            }
            None => known.push(entry.clone()),
        }
    }
}
