//! Open sends of a partition: which there are, when they are tried again, and how an outcome
//! settles them.

use std::collections::BTreeMap;

use domain::ids::{ChannelName, CustomerKey, SendId};
use domain::time::Instant;
use policies::CountState;

use crate::codec;
use crate::gate;
use crate::ledger::{self, Open, Outcome, SendRow, Settled};
use crate::note::{Note, OpenedSend};
use crate::partition::Partition;
use crate::transaction::Transaction;
use crate::turn::{Begun, Loaded};

impl Partition {
    /// Sends whose outcome is not known yet.
    pub fn open_sends(&self) -> usize {
        self.open.len()
    }

    /// Attempts that are under way.
    pub fn in_flight(&self) -> usize {
        let open = self.open.values().filter_map(|open| open.row.info.open.as_ref());
        open.filter(|open| open.retry_at.is_none()).count()
    }

    /// A send that is open, as it stands.
    pub fn open(&self, send: SendId) -> Option<&Open> {
        self.open.get(&send)
    }

    pub(crate) fn set_open(&mut self, mut open: Open) {
        let send = open.row.ledger.send;
        self.forget_retry(send);
        let at = open.row.info.open.as_ref().and_then(|info| info.retry_at);
        open.set_wake(at);
        self.retry_at.extend(at.map(|at| (at, send)));
        self.open.insert(send, open);
    }

    /// A retry that is due has to wait, for a slot or for its journey: it is asked again when its
    /// customer hears of one, or at an instant. Nothing is written; after a restart it is due.
    pub(crate) fn park_retry(&mut self, send: SendId, until: Instant) {
        self.forget_retry(send);
        if let Some(open) = self.open.get_mut(&send) {
            open.set_wake(Some(until));
            self.retry_at.insert((until, send));
            self.parked.insert((open.customer, send));
        }
    }

    /// Retries of a customer that wait.
    pub(crate) fn parked_retries(&self, customer: CustomerKey) -> Vec<SendId> {
        let all = (customer, SendId(0))..=(customer, SendId(u128::MAX));
        self.parked.range(all).map(|(_, send)| *send).collect()
    }

    /// Lets go of an open send. False if it was not open.
    pub(crate) fn forget_open(&mut self, send: SendId) -> bool {
        self.forget_retry(send);
        self.open.remove(&send).is_some()
    }

    /// Whether the outcome of a send is not known yet, and is settled here.
    pub fn is_open(&self, send: SendId) -> bool {
        self.open.contains_key(&send)
    }

    /// A customer's rows of sends by their keys: those found in the store, with what is not
    /// durable yet.
    pub fn with_fresh_sends(
        &self,
        customer: CustomerKey,
        found: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>,
    ) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let prefix = codec::sends_prefix(self.id, customer);
        let mut rows: BTreeMap<Vec<u8>, Vec<u8>> = found.into_iter().collect();
        for (_, write) in self.fresh.iter().filter(|(_, write)| write.key.starts_with(&prefix)) {
            match &write.value {
                Some(value) => rows.insert(write.key.clone(), value.clone()),
                None => rows.remove(&write.key),
            };
        }
        rows
    }

    /// How many sends of each channel ended in which state since this was last asked, for metrics:
    /// one that is tried again has not ended.
    pub fn take_ended(&mut self) -> Vec<(ChannelName, CountState, u64)> {
        std::mem::take(&mut self.ended)
    }

    fn count_ended(&mut self, row: &SendRow) {
        let (channel, state) = (&row.info.channel, row.ledger.state);
        match self.ended.iter_mut().find(|known| known.0 == *channel && known.1 == state) {
            Some((_, _, count)) => *count += 1,
            None => self.ended.push((channel.clone(), state, 1)),
        }
    }

    fn forget_retry(&mut self, send: SendId) {
        let Some(open) = self.open.get(&send) else { return };
        if let Some(at) = open.wake() {
            self.retry_at.remove(&(at, send));
        }
        self.parked.remove(&(open.customer, send));
    }

    /// When the next retry of an open send is due.
    pub fn next_retry(&self) -> Instant {
        self.retry_at.first().map_or(Instant::MAX, |(at, _)| *at)
    }

    /// Retries that are due: the driver gives each customer its [`Input::Retry`].
    pub fn due_retries(&mut self, now: Instant) -> Vec<(CustomerKey, SendId)> {
        let mut due = Vec::new();
        while let Some((at, send)) = self.retry_at.first().copied().filter(|(at, _)| *at <= now) {
            self.retry_at.remove(&(at, send));
            if let Some(open) = self.open.get(&send) {
                due.push((open.customer, send));
            }
        }
        due
    }

    /// Whose an open send is: an outcome that stops an address needs its customer loaded.
    pub fn customer_of(&self, send: SendId) -> Option<CustomerKey> {
        self.open.get(&send).map(|open| open.customer)
    }

    /// Takes in what a channel said of an open send, at once and before whatever waits for its
    /// customer. `loaded` must be given if the customer is active, or if the outcome stops an
    /// address. Of a send that is not open the outcome changes nothing here: it is a repeat, or the
    /// send has gone with its customer to another one, and [`Input::Outcome`] follows it.
    ///
    /// [`Input::Outcome`]: crate::Input::Outcome
    pub fn outcome(
        &mut self,
        send: SendId,
        outcome: &Outcome,
        mut loaded: Option<&mut Loaded>,
        now: Instant,
    ) -> Option<Transaction> {
        if !self.is_open(send) {
            return None;
        }
        self.latest = self.latest.max(now);
        let mut begun = Begun::new(now);
        self.take_outcome(send, outcome, loaded.as_deref_mut(), &mut begun);
        match loaded {
            Some(loaded) if ledger::stops_address(outcome) => {
                begun.changed = true;
                self.commit(loaded, begun)
            }
            _ => {
                self.seq += 1;
                self.count(&begun);
                let (opened, closed, deltas) = (begun.opened, begun.closed, begun.deltas);
                let mut note = Note { opened, closed, deltas, ..Note::default() };
                Some(self.transaction(begun.writes, &mut note))
            }
        }
    }

    /// An outcome inside its customer's turn: the input before it may have brought its send.
    pub(crate) fn outcome_in_turn(
        &mut self,
        send: SendId,
        outcome: &Outcome,
        loaded: &mut Loaded,
        begun: &mut Begun,
    ) {
        let row = self.take_outcome(send, outcome, Some(&mut *loaded), begun);
        begun.changed |= row.is_some();
        let moving = loaded.sends.iter_mut().flatten();
        if let (Some(row), Some(known)) =
            (row, moving.rev().find(|known| known.ledger.send == send))
        {
            // A later input of this very turn moves it on, as it is now.
            *known = row;
        }
    }

    /// What an outcome does to an open send; the row that it leaves.
    fn take_outcome(
        &mut self,
        send: SendId,
        outcome: &Outcome,
        mut loaded: Option<&mut Loaded>,
        begun: &mut Begun,
    ) -> Option<SendRow> {
        let mut open = self.open.get(&send).cloned()?;
        let now = begun.now;
        open.row.info.reply = ledger::reply_text(outcome);
        if let (Outcome::Rejected { suppress: Some(reason), .. }, Some(loaded), Some(info)) =
            (outcome, loaded.as_deref_mut(), &open.row.info.open)
        {
            let (customer, channel) = (&mut loaded.customer, &open.row.info.channel);
            ledger::suppress(customer, channel, &info.address, *reason, now);
        }
        let (counted_at, customer) = (open.row.ledger.counted_at, open.customer);
        match ledger::settle(&open.row.info, outcome, now) {
            Settled::Final(state) => {
                if let Outcome::Accepted { parts, .. } = outcome {
                    self.settle_cost(begun, &mut open.row, *parts);
                }
                let state = open.settle(state);
                if let Some(rows) = loaded.and_then(|loaded| loaded.ledger.as_mut()) {
                    ledger::update_cached(rows, send, state);
                }
                Some(self.close(begun, &open, now))
            }
            Settled::RetryAt(at) => {
                if let Some(info) = &mut open.row.info.open {
                    info.retry_at = Some(at);
                    info.maybe_sent |= matches!(outcome, Outcome::Unknown { .. });
                }
                begun.opened.push(OpenedSend { send, customer, counted_at, retry_at: Some(at) });
                self.write_send(begun, customer, &open.row);
                let row = open.row.clone();
                self.set_open(open);
                Some(row)
            }
        }
    }

    /// What was reserved is settled at what it did cost, by the price of now: never at more.
    fn settle_cost(&self, begun: &mut Begun, row: &mut SendRow, parts: u16) {
        let info = self.catalog.channel(&row.info.channel);
        let Some(cost) = info.and_then(|info| info.cost.as_ref()) else { return };
        let settled = cost.of(parts).min(row.ledger.cost_micros);
        gate::spend(begun, row, settled - row.ledger.cost_micros);
        row.ledger.cost_micros = settled;
    }

    fn close(&mut self, begun: &mut Begun, open: &Open, now: Instant) -> SendRow {
        let mut row = open.row.clone();
        if matches!(row.ledger.state, CountState::Rejected | CountState::Released) {
            gate::spend(begun, &row, -row.ledger.cost_micros);
            row.ledger.cost_micros = 0;
        }
        row.info.close(row.ledger.state, now);
        let send = row.ledger.send;
        self.count_ended(&row);
        self.write_send(begun, open.customer, &row);
        self.forget_retry(send);
        self.open.remove(&send);
        begun.closed.push(send);
        row
    }

    /// Settles an open send inside its customer's turn.
    pub(crate) fn settle_open(
        &mut self,
        begun: &mut Begun,
        loaded: &mut Loaded,
        mut open: Open,
        state: CountState,
    ) -> SendRow {
        begun.changed = true;
        let state = open.settle(state);
        if let Some(rows) = &mut loaded.ledger {
            ledger::update_cached(rows, open.row.ledger.send, state);
        }
        self.close(begun, &open, begun.now)
    }
}
