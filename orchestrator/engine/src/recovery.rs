//! A partition across a restart: the snapshot it leaves, and what it takes in again.

use std::sync::Arc;

use domain::ids::CustomerKey;
use domain::time::Instant;

use crate::codec;
use crate::counters::Counters;
use crate::ledger::{self, INTERRUPTED, Open, Outcome, SendRow};
use crate::merge::{Parcel, Word};
use crate::note::{Note, OpenedSend};
use crate::partition::{Effect, Partition};
use crate::snapshot::Snapshot;
use crate::transaction::{Table, Transaction, Write};
use crate::turn::Input;

impl Partition {
    /// After a restart: an open send as its row says. One that was in flight has an unknown
    /// outcome now; the transaction says what follows from its guarantee.
    pub fn recover_open(
        &mut self,
        customer: CustomerKey,
        row: SendRow,
        now: Instant,
    ) -> Option<Transaction> {
        let in_flight = row.info.open.as_ref().is_some_and(|open| open.retry_at.is_none());
        let send = row.ledger.send;
        self.set_open(Open::new(customer, row));
        if !in_flight {
            return None;
        }
        self.outcome(send, &Outcome::Unknown { reason: INTERRUPTED.to_owned() }, None, now)
    }

    /// After a restart: a parcel that was not confirmed is handed over again. What was in flight
    /// when the process ended has an unknown outcome now.
    pub fn recover_parcel(&mut self, mut parcel: Parcel, now: Instant) {
        for row in &mut parcel.sends {
            ledger::interrupt(row, now);
        }
        let to = parcel.into.clone();
        let word = Word::Absorb(Arc::new(parcel));
        let input = Input::Merge { word, ticket: None };
        self.pending.push_back((self.seq, Effect::Forward { to, input }));
    }

    /// The transaction that writes a snapshot of this partition as it is now. `commit` is a group
    /// commit that is durable already.
    pub fn snapshot(&mut self, commit: u64) -> Transaction {
        self.seq += 1;
        let open = self.open.iter().map(|(send, open)| {
            let retry_at = open.row.info.open.as_ref().and_then(|info| info.retry_at);
            let counted_at = open.row.ledger.counted_at;
            (*send, OpenedSend { send: *send, customer: open.customer, counted_at, retry_at })
        });
        let open = open.collect();
        let counters = self.counters.clone();
        let snapshot = Snapshot { seq: self.seq, commit, open, counters, at: self.latest };
        let key = codec::snapshot_key(self.id);
        let value = Some(codec::encode(&snapshot));
        let write = Write { table: Table::Meta, key, value };
        self.transaction(vec![write], &mut Note::default())
    }

    /// After a restart: counts as they were, and the newest instant that was seen.
    pub fn recover_memory(&mut self, counters: Counters, latest: Instant) {
        self.counters = counters;
        self.latest = latest;
    }
}
