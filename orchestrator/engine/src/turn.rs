//! One turn: what comes in, what is loaded for it, and the work on the way to a transaction.
//!
//! A turn has three plain calls, so that rows can be loaded between them without an `.await`
//! inside: [`Partition::begin`] takes the inputs of one customer at one instant; if
//! [`Begun::needs_ledger`], the driver loads the ledger; [`Partition::finish`] passes what the
//! inputs want to send through the gate and makes the transaction.
//!
//! [`Partition::begin`]: crate::Partition::begin
//! [`Partition::finish`]: crate::Partition::finish

use std::collections::HashMap;
use std::sync::Arc;

use domain::customer::{Customer, SpilledBlock, still_counts};
use domain::event::Event;
use domain::hash;
use domain::ids::{ChannelName, CustomerId, EnrollmentId, JourneyName, SendId, VersionNo};
use domain::journey::machine::Effect as Moved;
use domain::membership::LeftBecause;
use domain::time::Instant;
use domain::value::{Map, Text};
use policies::LedgerRow;

use crate::counters::{CounterKey, exit_index};
use crate::history::HistoryItem;
use crate::ledger::{Outcome, SendRow};
use crate::merge::{Parcel, Word};
use crate::note::OpenedSend;
use crate::partition::{Attempt, Effect};
use crate::report::Report;
use crate::transaction::Write;

/// Who waits for an answer: given back in [`crate::Effect::Acknowledge`] once all is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// What a customer is told.
#[derive(Clone, Debug)]
pub enum Input {
    /// An event came in.
    Event {
        /// The event.
        event: Arc<Event>,
        /// Who waits for it.
        ticket: Option<Ticket>,
    },
    /// An event of the past, from an import: remembered and counted, but it sets off nothing.
    Recorded {
        /// The event.
        event: Arc<Event>,
        /// Who waits for it.
        ticket: Option<Ticket>,
    },
    /// Everything that is due by now.
    Timer,
    /// A connection slot of this channel is free.
    Slot(ChannelName),
    /// The next attempt of an open send is due.
    Retry(SendId),
    /// What a channel said of a send that is not open here (yet): it has gone with its customer to
    /// another one, and this follows it, behind the parcel.
    Outcome {
        /// The send.
        send: SendId,
        /// What the channel said.
        outcome: Outcome,
        /// Who keeps the send's slot until this is durable.
        ticket: Option<Ticket>,
    },
    /// An operator wants a message sent again (semantics 31).
    Redrive {
        /// The send that ended.
        send: SendId,
        /// Also if it may have arrived.
        even_if_arrived: bool,
        /// Who waits for it.
        ticket: Option<Ticket>,
    },
    /// A provider reports what became of a send that it took (semantics 32).
    Report {
        /// The send.
        send: SendId,
        /// What it says.
        report: Report,
        /// Who waits for it.
        ticket: Option<Ticket>,
    },
    /// A schedule ticked.
    Tick {
        /// The journey version that the schedule belongs to.
        version: VersionNo,
        /// The instant of the tick: a repeat is recognised by it.
        instant: Instant,
    },
    /// The API enrolls.
    Enroll {
        /// The journey.
        journey: JourneyName,
        /// The entry key.
        key: Text,
        /// What `event.properties` will say.
        payload: Map,
        /// Who waits for it.
        ticket: Option<Ticket>,
    },
    /// A word of a merge.
    Merge {
        /// What is said.
        word: Word,
        /// Who waits for the end of it.
        ticket: Option<Ticket>,
    },
    /// The catalog changed: migrations, stops and backfills are looked at.
    Refresh,
}

impl Input {
    /// Whether [`Loaded::sends`] must be there before the turn begins.
    pub fn wants_sends(&self) -> bool {
        matches!(
            self,
            Self::Merge { word: Word::Go(_), .. } | Self::Redrive { .. } | Self::Report { .. }
        )
    }

    /// Whether [`Loaded::ledger`] must be there before the turn begins.
    pub fn wants_ledger(&self) -> bool {
        matches!(self, Self::Merge { word: Word::Absorb(_), .. })
    }
}

/// Everything of one instant is one turn, so that what is due competes with what an event asks for
/// (semantics 20): what was due before the first event comes first, else events do (semantics 2).
/// The timer that brings it later finds nothing to do.
pub fn with_what_is_due(inputs: &mut Vec<Input>, due: Instant, now: Instant) {
    if due > now || inputs.iter().any(|input| matches!(input, Input::Timer)) {
        return;
    }
    let first = inputs.iter().find_map(|input| match input {
        Input::Event { event, .. } => Some(event.received_at),
        _ => None,
    });
    match first {
        Some(received_at) if due < received_at => inputs.insert(0, Input::Timer),
        _ => inputs.push(Input::Timer),
    }
}

/// What has been loaded of a customer, and stays loaded while its actor is active.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The customer.
    pub customer: Customer,
    /// Its ledger rows, in the order of their counted instants; `None` until a turn needs them.
    pub ledger: Option<Vec<LedgerRow>>,
    /// Its sends with all that they were, oldest first; only for a turn that moves or repeats them.
    pub sends: Option<Vec<SendRow>>,
    /// Spilled dedupe rows: hashes of messages, with the second of the last receipt.
    pub spilled: HashMap<u64, u32>,
    /// Whether all spilled rows are loaded, those of imported messages included.
    pub spilled_loaded: bool,
    /// Whether the customer has a durable record, or one on its way.
    pub recorded: bool,
}

impl Loaded {
    /// A customer that has no record.
    pub fn new(id: CustomerId, now: Instant) -> Self {
        Self {
            customer: Customer::new(id, now),
            ledger: Some(Vec::new()),
            sends: None,
            spilled: HashMap::new(),
            spilled_loaded: true,
            recorded: false,
        }
    }

    /// A customer from its record.
    pub fn from_record(customer: Customer) -> Self {
        Self {
            customer,
            ledger: None,
            sends: None,
            spilled: HashMap::new(),
            spilled_loaded: false,
            recorded: true,
        }
    }

    /// Adds a spilled dedupe row that was loaded.
    pub fn add_spilled(&mut self, block: &SpilledBlock) {
        for (hash, seen) in &block.hashes {
            let known = self.spilled.entry(*hash).or_default();
            *known = (*known).max(*seen);
        }
    }

    /// Whether spilled rows must be loaded before these inputs, to know a repeat: a new message is
    /// looked for among those of the last days, an imported one among all.
    pub fn needs_spilled(&self, inputs: &[Input], now: Instant) -> bool {
        let seen = &self.customer.seen;
        let events = || {
            inputs.iter().filter_map(|input| match input {
                Input::Event { event, .. } | Input::Recorded { event, .. } => Some(event),
                _ => None,
            })
        };
        let imported = || events().any(|event| event.identity().1);
        // Whoever goes takes all of it along.
        let going = |input: &Input| matches!(input, Input::Merge { word: Word::Go(_), .. });
        let goes = || inputs.iter().any(going);
        !self.spilled_loaded
            && (goes()
                || (seen.has_spilled(now) && events().next().is_some())
                || (seen.spilled_for_good && imported()))
    }

    /// Whether a message that is received at `at` was seen before.
    pub fn has_seen(&self, message_id: &str, at: Instant) -> bool {
        let spilled = || {
            let seen = self.spilled.get(&hash::text(message_id));
            seen.is_some_and(|seen| still_counts(*seen, at))
        };
        self.customer.seen.contains(message_id, at) || (!self.spilled.is_empty() && spilled())
    }
}

/// Most items, counts and moves that room is kept for: most turns have fewer of each.
const ROOM_MAX: usize = 16;
/// Rows of a turn that sends: its own, the history's, the customer's.
const WRITES_USUAL: usize = 3;

/// A turn on its way: what the inputs have changed so far.
#[derive(Debug)]
pub struct Begun {
    /// The instant of the turn: what the gate goes by.
    pub(crate) now: Instant,
    /// The instant that counts for the input at hand: an event's receipt, else `now`.
    pub(crate) at: Instant,
    pub(crate) items: Vec<HistoryItem>,
    pub(crate) deltas: Vec<(CounterKey, i32)>,
    pub(crate) writes: Vec<Write>,
    pub(crate) tickets: Vec<Ticket>,
    pub(crate) attempts: Vec<Arc<Attempt>>,
    pub(crate) forwards: Vec<Effect>,
    pub(crate) opened: Vec<OpenedSend>,
    pub(crate) closed: Vec<SendId>,
    /// Channels that have a slot for a message of this customer's.
    pub(crate) slots: Vec<ChannelName>,
    /// Messages that wait for a slot ask again: their place in the line may be lost.
    pub(crate) line_up: bool,
    pub(crate) retries: Vec<SendId>,
    /// Audiences whose row of this customer must be written.
    pub(crate) audiences: Vec<ChannelName>,
    /// Sends to be repeated, with whether also if they may have arrived.
    pub(crate) redrives: Vec<(SendId, bool)>,
    pub(crate) changed: bool,
    pub(crate) wants_gate: bool,
    pub(crate) moves: Vec<Moved>,
}

/// Room that turns of one partition hand on to each other.
#[derive(Debug, Default)]
pub(crate) struct Room {
    items: Vec<HistoryItem>,
    deltas: Vec<(CounterKey, i32)>,
    moves: Vec<Moved>,
}

impl Begun {
    pub(crate) fn new(now: Instant) -> Self {
        Self::within(now, Room::default())
    }

    pub(crate) fn within(now: Instant, room: Room) -> Self {
        Self {
            now,
            at: now,
            items: room.items,
            deltas: room.deltas,
            writes: Vec::with_capacity(WRITES_USUAL),
            tickets: Vec::new(),
            attempts: Vec::new(),
            forwards: Vec::new(),
            opened: Vec::new(),
            closed: Vec::new(),
            slots: Vec::new(),
            line_up: false,
            retries: Vec::new(),
            audiences: Vec::new(),
            redrives: Vec::new(),
            changed: false,
            wants_gate: false,
            moves: room.moves,
        }
    }

    /// Gives the room back; what a long turn needed is not kept.
    pub(crate) fn room(&mut self) -> Room {
        fn emptied<T>(used: &mut Vec<T>) -> Vec<T> {
            let mut room = std::mem::take(used);
            room.clear();
            room.shrink_to(ROOM_MAX);
            room
        }
        Room {
            items: emptied(&mut self.items),
            deltas: emptied(&mut self.deltas),
            moves: emptied(&mut self.moves),
        }
    }

    /// Whether the ledger must be loaded before [`crate::Partition::finish`].
    pub fn needs_ledger(&self, loaded: &Loaded) -> bool {
        self.wants_gate && loaded.ledger.is_none()
    }

    /// What happened so far.
    pub fn items(&self) -> &[HistoryItem] {
        &self.items
    }

    /// Hand-overs to channels that follow once all is durable.
    pub fn attempts(&self) -> &[Arc<Attempt>] {
        &self.attempts
    }

    /// All that this customer leaves, where this turn made it part of another one.
    pub fn left(&self, whose: &CustomerId) -> Option<&Parcel> {
        self.forwards.iter().find_map(|effect| match effect {
            // A tombstone also sends on what others left.
            Effect::Forward { input: Input::Merge { word: Word::Absorb(parcel), .. }, .. } => {
                (parcel.source == *whose).then_some(&**parcel)
            }
            _ => None,
        })
    }

    pub(crate) fn record(&mut self, item: HistoryItem) {
        self.items.push(item);
        self.changed = true;
    }

    /// Takes over what the machine did to one enrollment.
    pub(crate) fn moved(
        &mut self,
        enrollment: EnrollmentId,
        version: VersionNo,
        journey: &domain::journey::definition::Journey,
    ) {
        let mut moves = std::mem::take(&mut self.moves);
        for effect in moves.drain(..) {
            match effect {
                Moved::Entered(node) => {
                    self.deltas.push((CounterKey::StepEntered(version, node), 1));
                    let step = journey.nodes[usize::from(node)].id.clone();
                    self.record(HistoryItem::Step { enrollment, step });
                }
                Moved::Left(node) => {
                    self.deltas.push((CounterKey::StepLeft(version, node), 1));
                    self.changed = true;
                }
                Moved::Exited(reason) => {
                    let index = exit_index(reason.as_str());
                    self.deltas.push((CounterKey::Exited(version, index), 1));
                    let journey = journey.name.clone();
                    self.record(HistoryItem::Exited { enrollment, journey, reason });
                }
                Moved::TraitsNotKept(names) => self.record(HistoryItem::TraitsNotKept(names)),
                Moved::LeftAudience(audience) => {
                    self.audiences.push(audience.clone());
                    let reason = LeftBecause::Step;
                    self.record(HistoryItem::AudienceLeft { audience, reason });
                }
            }
        }
        self.moves = moves;
    }
}
