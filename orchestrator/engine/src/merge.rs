//! Merges (semantics 28): what is said between the customers of an alias, and the side of the one
//! that goes.
//!
//! Two customers may live in two partitions, each with commits of its own. So the one that goes
//! leaves everything it has in a parcel, in the transaction that makes it a tombstone; the one
//! that stays takes it in exactly once; then the parcel is deleted. ADR 4 has the protocol.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use domain::consent::Consent;
use domain::customer::{
    CHAIN_MAX, Counter, Customer, EntryMemory, Merged, Tombstone, still_counts,
};
use domain::ids::{CustomerId, CustomerKey, EventName, SegmentName};
use domain::journey::enrollment::Enrollment;
use domain::membership::Membership;
use domain::suppression::Suppression;
use domain::time::{Instant, Zone};
use domain::value::Map;
use serde::{Deserialize, Serialize};

use crate::catalog::Catalog;
use crate::codec;
use crate::history::{HistoryItem, NotMerged};
use crate::ledger::SendRow;
use crate::partition::{Effect, Partition};
use crate::transaction::{Table, Write};
use crate::turn::{Begun, Input, Loaded, Ticket};

/// How long a customer stays where it is for one that is to be merged into it. Two turns are far
/// shorter; after it the alias is refused, and the sender repeats it.
pub const PROMISE_MS: i64 = 10_000;
/// Bytes of ledger rows that a parcel takes along, newest first, open ones always: half of what
/// a transaction of the store may hold. Older rows stay under their old key; no cap reaches them.
pub const PARCEL_LEDGER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most dedupe rows deleted with a merge; what is older does not count any more.
const SPILLED_ROWS_DELETED_MAX: u32 = 1_024;

/// What is said on the way of an alias.
#[derive(Clone, Debug)]
pub enum Word {
    /// To the one that stays: another one is to be merged into it.
    Ask {
        /// The other one, as the alias named it.
        previous: CustomerId,
        /// When the alias was said.
        at: Instant,
        /// It was said to a tombstone that led here.
        followed: bool,
    },
    /// The same of the past, from an import: the merge enters nobody.
    AskRecorded {
        /// The other one, as the alias named it.
        previous: CustomerId,
        /// When the alias was said.
        at: Instant,
        /// It was said to a tombstone that led here.
        followed: bool,
    },
    /// To the one that goes.
    Go(Offer),
    /// To the one that stays: nothing comes.
    Declined {
        /// The other one, as the alias named it.
        previous: CustomerId,
        /// Why not; `None` if it is so already.
        reason: Option<NotMerged>,
    },
    /// To the one that stays: all that the other one had.
    Absorb(Arc<Parcel>),
    /// To the one that went: its parcel is durable elsewhere.
    Absorbed,
}

/// An offer to be merged.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Who stays.
    pub into: CustomerId,
    /// The one that goes, as the alias named it.
    pub named: CustomerId,
    /// When the alias was said.
    pub at: Instant,
    /// Until when `into` promises to stay where it is: without it, two aliases at once could
    /// merge two customers into each other.
    pub until: Instant,
    /// It went through the tombstone of an anonymous customer: a device that two people use must
    /// not make one of them.
    pub anonymous: bool,
    /// It comes from an import that is to set off nothing.
    pub recorded: bool,
}

/// All that a customer leaves to the one that goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parcel {
    /// Whose it was. A customer is merged once, so this names the parcel too.
    pub source: CustomerId,
    /// As the alias named it.
    pub named: CustomerId,
    /// Who goes on.
    pub into: CustomerId,
    /// When the alias was said.
    pub at: Instant,
    pub(crate) created_at: Instant,
    pub(crate) traits: Map,
    pub(crate) zone: Option<Zone>,
    pub(crate) consent: Consent,
    pub(crate) suppressions: Vec<Suppression>,
    pub(crate) counters: BTreeMap<EventName, Counter>,
    pub(crate) seen: Vec<(u64, u32)>,
    pub(crate) segments: Vec<SegmentName>,
    pub(crate) enrollments: Vec<Enrollment>,
    pub(crate) memberships: Vec<Membership>,
    pub(crate) entries: Vec<EntryMemory>,
    pub(crate) merged: Vec<Merged>,
    pub(crate) chain: u8,
    pub(crate) sends: Vec<SendRow>,
    pub(crate) recorded: bool,
}

impl Parcel {
    /// The enrollments that go along.
    pub fn enrollments(&self) -> &[Enrollment] {
        &self.enrollments
    }

    /// Whether it has been taken in by this customer, or would be sent on by it.
    pub fn is_nothing_to(&self, customer: &Customer) -> bool {
        let known = |merged: &Merged| merged.customer == self.source;
        customer.tombstone.is_some() || customer.merged.iter().any(known)
    }
}

/// Who stays where it is for whom (as named), and until when. Memory only: a restart ends every
/// alias that was on its way without a parcel.
#[derive(Debug, Default)]
pub(crate) struct Promises(HashMap<(CustomerKey, CustomerKey), Instant>);

impl Promises {
    fn make(&mut self, target: CustomerKey, named: CustomerKey, now: Instant) -> Instant {
        self.0.retain(|_, until| *until > now);
        let until = now.plus_ms(PROMISE_MS);
        self.0.insert((target, named), until);
        until
    }

    fn bind(&self, target: CustomerKey, now: Instant) -> bool {
        self.0.iter().any(|((known, _), until)| *known == target && *until > now)
    }

    pub(crate) fn release(&mut self, target: CustomerKey, named: CustomerKey) {
        self.0.remove(&(target, named));
    }
}

fn is_anonymous(id: &CustomerId) -> bool {
    id.as_str().starts_with("anon:")
}

/// Sends an input for a tombstone on to whom it points at; gives back what is for itself.
pub(crate) fn pass_on(loaded: &Loaded, input: Input, begun: &mut Begun) -> Option<Input> {
    let Some(tombstone) = &loaded.customer.tombstone else {
        return Some(input);
    };
    match input {
        Input::Event { .. }
        | Input::Recorded { .. }
        | Input::Enroll { .. }
        | Input::Redrive { .. }
        | Input::Report { .. }
        | Input::Outcome { .. } => {
            begun.forwards.push(Effect::Forward { to: tombstone.into.clone(), input });
            None
        }
        Input::Merge { .. } => Some(input),
        // They are about enrollments and open sends, which are elsewhere now.
        Input::Timer | Input::Slot(_) | Input::Retry(_) | Input::Tick { .. } | Input::Refresh => {
            None
        }
    }
}

/// A word of a merge.
pub(crate) fn take(
    partition: &mut Partition,
    loaded: &mut Loaded,
    word: Word,
    ticket: Option<Ticket>,
    catalog: &Catalog,
    begun: &mut Begun,
) {
    match word {
        Word::Ask { previous, at, followed } => {
            let asked = Asked { previous, at, followed, recorded: false };
            let answer = ask(partition, loaded, asked, begun);
            say(begun, answer, ticket);
        }
        Word::AskRecorded { previous, at, followed } => {
            let asked = Asked { previous, at, followed, recorded: true };
            let answer = ask(partition, loaded, asked, begun);
            say(begun, answer, ticket);
        }
        Word::Go(offer) => go(partition, loaded, offer, ticket, begun),
        Word::Declined { previous, reason } => {
            begun.tickets.extend(ticket);
            let key = loaded.customer.key();
            partition.promises.release(key, previous.key());
            if let Some(reason) = reason {
                begun.record(HistoryItem::NotMerged { previous, reason });
            }
        }
        Word::Absorb(parcel) => {
            crate::absorb::absorb(partition, loaded, &parcel, ticket, catalog, begun);
        }
        Word::Absorbed => absorbed(partition, loaded, begun),
    }
}

fn say(begun: &mut Begun, answer: Option<(CustomerId, Word)>, ticket: Option<Ticket>) {
    match answer {
        Some((to, word)) => {
            let input = Input::Merge { word, ticket };
            begun.forwards.push(Effect::Forward { to, input });
        }
        None => begun.tickets.extend(ticket),
    }
}

/// What an alias asks of the one that stays.
struct Asked {
    previous: CustomerId,
    at: Instant,
    followed: bool,
    recorded: bool,
}

impl Asked {
    /// The same to whoever went on in place of the one that was asked.
    fn passed_on(self) -> Word {
        let Self { previous, at, recorded, .. } = self;
        match recorded {
            true => Word::AskRecorded { previous, at, followed: true },
            false => Word::Ask { previous, at, followed: true },
        }
    }
}

/// The one that stays promises to do so, or says who went on in its place.
fn ask(
    partition: &mut Partition,
    loaded: &Loaded,
    asked: Asked,
    begun: &mut Begun,
) -> Option<(CustomerId, Word)> {
    let customer = &loaded.customer;
    if let Some(tombstone) = &customer.tombstone {
        return Some((tombstone.into.clone(), asked.passed_on()));
    }
    let Asked { previous, at, followed, recorded } = asked;
    if previous == customer.id {
        if followed {
            begun.record(HistoryItem::NotMerged { previous, reason: NotMerged::Circle });
        }
        return None;
    }
    let until = partition.promises.make(customer.key(), previous.key(), begun.now);
    let into = customer.id.clone();
    let offer = Offer { into, named: previous.clone(), at, until, anonymous: false, recorded };
    Some((previous, Word::Go(offer)))
}

/// The one that goes: it goes, or says why not, or who is to go in its place.
fn go(
    partition: &mut Partition,
    loaded: &mut Loaded,
    mut offer: Offer,
    ticket: Option<Ticket>,
    begun: &mut Begun,
) {
    let customer = &loaded.customer;
    let id = customer.id.clone();
    let busy = partition.promises.bind(id.key(), begun.now) && id != offer.into;
    if busy || offer.until <= begun.now {
        let word = Word::Declined { previous: offer.named, reason: None };
        say(begun, Some((offer.into, word)), None);
        begun.forwards.extend(ticket.map(Effect::Refuse));
        return;
    }
    let known = loaded.recorded || begun.changed;
    let unknown = customer.tombstone.as_ref().map_or(!known, |tombstone| tombstone.unknown);
    if id == offer.into {
        decline(begun, offer, None, ticket);
    } else if unknown && !is_anonymous(&id) {
        // What comes for it later is forwarded; what there is stands under the anonymous id.
        if customer.tombstone.is_none() {
            let into = offer.into.clone();
            loaded.customer.tombstone =
                Some(Tombstone { into, at: offer.at, unknown, open: false });
            begun.record(HistoryItem::Merged { into: offer.into.clone() });
        }
        say(begun, Some((CustomerId::anonymous(id.as_str()), Word::Go(offer))), ticket);
    } else if let Some(tombstone) = &customer.tombstone {
        offer.anonymous |= is_anonymous(&id);
        say(begun, Some((tombstone.into.clone(), Word::Go(offer))), ticket);
    } else if offer.anonymous {
        decline(begun, offer, Some(NotMerged::AlreadyMerged), ticket);
    } else if customer.chain >= CHAIN_MAX {
        decline(begun, offer, Some(NotMerged::ChainTooLong), ticket);
    } else {
        let parcel = leave(partition, loaded, offer, begun);
        let answer = (parcel.into.clone(), Word::Absorb(Arc::new(parcel)));
        say(begun, Some(answer), ticket);
    }
}

fn decline(begun: &mut Begun, offer: Offer, reason: Option<NotMerged>, ticket: Option<Ticket>) {
    let word = Word::Declined { previous: offer.named, reason };
    say(begun, Some((offer.into, word)), ticket);
}

/// The customer becomes a tombstone, and all that it had a parcel.
fn leave(
    partition: &mut Partition,
    loaded: &mut Loaded,
    offer: Offer,
    begun: &mut Begun,
) -> Parcel {
    debug_assert!(loaded.sends.is_some(), "the sends are loaded before the turn");
    let Offer { into, named, at, recorded, .. } = offer;
    begun.record(HistoryItem::Merged { into: into.clone() });
    let sends = take_sends(partition, loaded, begun);
    let key = loaded.customer.key();
    let next_spill = loaded.customer.seen.next_spill;
    for number in next_spill.saturating_sub(SPILLED_ROWS_DELETED_MAX)..next_spill {
        let key = codec::spill_key(partition.id(), key, number);
        begun.writes.push(Write { table: Table::Meta, key, value: None });
    }
    let mut seen: Vec<(u64, u32)> = loaded.spilled.drain().collect();
    seen.extend(loaded.customer.seen.ring());
    seen.retain(|(_, seen)| still_counts(*seen, begun.now));
    seen.sort_unstable();
    loaded.ledger = Some(Vec::new());

    let stone = Customer::new(loaded.customer.id.clone(), loaded.customer.created_at);
    let was = std::mem::replace(&mut loaded.customer, stone);
    let stone = &mut loaded.customer;
    stone.tombstone = Some(Tombstone { into: into.clone(), at, unknown: false, open: true });
    stone.history_head = was.history_head;
    stone.entries_made = was.entries_made;
    stone.chain = was.chain;
    stone.merged.clone_from(&was.merged);
    let left = was.memberships.iter().map(|known| known.audience.clone());
    begun.audiences.extend(left);
    let mut merged = was.merged;
    // The row of this very turn is its last before the merge.
    let history_head = partition.seq() + 1;
    merged.push(Merged { customer: was.id.clone(), at, history_head });
    let parcel = Parcel {
        source: was.id,
        named,
        into,
        at,
        created_at: was.created_at,
        traits: was.traits,
        zone: was.zone,
        consent: was.consent,
        suppressions: was.suppressions,
        counters: was.counters,
        seen,
        segments: was.segments,
        enrollments: was.enrollments,
        memberships: was.memberships,
        entries: was.entries,
        merged,
        chain: was.chain + 1,
        sends,
        recorded,
    };
    let key = codec::parcel_key(partition.id(), key);
    begun.writes.push(Write { table: Table::Meta, key, value: Some(codec::encode(&parcel)) });
    parcel
}

/// Takes the customer's sends out of this partition.
fn take_sends(partition: &mut Partition, loaded: &mut Loaded, begun: &mut Begun) -> Vec<SendRow> {
    let customer = loaded.customer.key();
    let mut bytes = 0;
    let mut taken = Vec::new();
    for row in loaded.sends.take().unwrap_or_default().into_iter().rev() {
        let ledger = &row.ledger;
        bytes += row.encode().len();
        if bytes > PARCEL_LEDGER_BYTES_MAX && row.info.open.is_none() {
            continue;
        }
        let key = codec::send_key(partition.id(), customer, ledger.counted_at, ledger.send);
        begun.writes.push(Write { table: Table::Sends, key, value: None });
        if partition.forget_open(ledger.send) {
            begun.closed.push(ledger.send);
        }
        taken.push(row);
    }
    taken.reverse();
    taken
}

fn absorbed(partition: &Partition, loaded: &mut Loaded, begun: &mut Begun) {
    let customer = &mut loaded.customer;
    let key = customer.key();
    if let Some(tombstone) = &mut customer.tombstone
        && tombstone.open
    {
        tombstone.open = false;
        let key = codec::parcel_key(partition.id(), key);
        begun.writes.push(Write { table: Table::Meta, key, value: None });
        begun.changed = true;
    }
}
