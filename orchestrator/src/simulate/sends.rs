//! Intended sends in little memory: each is packed when its life is done, and becomes a record
//! again when its line is written. Every thread has its own; `drive` puts them together.

use domain::ids::{ChannelName, CustomerId, JourneyName, SendId, StepId};
use domain::time::Instant;
use domain::value::Text;
use domain::verdict::Verdict;

use super::life::{Held, SendOutcome, SendRecord};
use super::pieces::{Pieces, Place};

/// Intended sends, by (created at, customer, send id) once all are there.
#[derive(Debug, Default)]
pub struct Sends {
    entries: Vec<Entry>,
    pieces: Pieces,
}

/// A packed send. The order of the fields is the order of the sends.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    created_at: Instant,
    customer: CustomerId,
    send: SendId,
    place: Place,
}

/// What is packed of a send: everything else than its entry says.
type Rest = (JourneyName, Text, StepId, ChannelName, Instant, SendOutcome, Vec<Held>, Verdict);

impl Sends {
    pub(super) fn add(&mut self, record: SendRecord) {
        let SendRecord { send, customer, journey, key, step, channel, .. } = record;
        let SendRecord { created_at, settled_at, outcome, holds, verdict, .. } = record;
        let rest: Rest = (journey, key, step, channel, settled_at, outcome, holds, verdict);
        let place = self.pieces.keep(&rest);
        self.entries.push(Entry { created_at, customer, send, place });
    }

    /// Takes in what another thread left.
    pub(super) fn append(&mut self, other: Self) {
        let by = self.pieces.append(other.pieces);
        let moved = |entry: Entry| Entry { place: entry.place.moved(by), ..entry };
        self.entries.extend(other.entries.into_iter().map(moved));
    }

    pub(super) fn sort(&mut self) {
        // No two are equal, so the sort need not be stable.
        self.entries.sort_unstable();
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.entries.len()
    }

    /// All of them, each unpacked when it is asked for.
    pub fn iter(&self) -> impl Iterator<Item = SendRecord> {
        self.entries.iter().map(|Entry { created_at, customer, send, place }| {
            let rest: Rest = self.pieces.open(*place);
            let (journey, key, step, channel, settled_at, outcome, holds, verdict) = rest;
            SendRecord {
                send: *send,
                customer: customer.clone(),
                journey,
                key,
                step,
                channel,
                created_at: *created_at,
                settled_at,
                outcome,
                holds,
                verdict,
            }
        })
    }
}
