//! One customer on one partition, with all that a driver does for her: rows, notes, slots, timers
//! and the outcomes of her messages. What happens is written down as lines.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::event::{Event, EventBody};
use domain::ids::{ChannelName, CustomerId, EnrollmentId, SendId};
use domain::time::Instant;
use domain::verdict::{Decision, RuleResult};
use engine::audience::MemberRow;
use engine::history::{HistoryItem, HistoryRow};
use engine::ledger::{Outcome, SendRow, decode_ledger};
use engine::note::Note;
use engine::partition::{Attempt, Effect, Grant, Slots, Snapshot};
use engine::{Input, Loaded, Partition, Table, Transaction, codec};

use super::given::{self, Given};

/// When every script begins: a Monday, 10:00 in Madrid.
pub(crate) const BEGINNING: &str = "2026-03-02T09:00:00Z";

struct FreeSlots<'a>(&'a mut usize);

impl Slots for FreeSlots<'_> {
    fn take(&mut self, _: &ChannelName) -> Grant {
        match self.0.checked_sub(1) {
            Some(left) => {
                *self.0 = left;
                Grant::Slot
            }
            None => Grant::None,
        }
    }
}

/// The customer and her surroundings.
#[derive(Debug)]
pub(crate) struct One {
    pub(crate) given: Given,
    pub(crate) partition: Partition,
    pub(crate) loaded: Loaded,
    pub(crate) now: Instant,
    begun: Instant,
    pub(crate) free: usize,
    /// Whether outcomes come by the script only; else every message is accepted at once.
    pub(crate) by_hand: bool,
    rows: BTreeMap<(Table, Vec<u8>), Vec<u8>>,
    notes: Vec<(u64, Vec<u8>)>,
    pub(crate) in_flight: Vec<Arc<Attempt>>,
    lines: Vec<String>,
    names: BTreeMap<EnrollmentId, String>,
    messages: u64,
}

impl One {
    /// A customer with an address on each channel, consent to everything, and Madrid's time.
    pub(crate) fn new(given: Given) -> Self {
        let mut one = Self::unknown(given);
        let traits = serde_json::json!({
            "email": "ana@example.com", "phone": "+34600000001", "timezone": "Europe/Madrid"});
        let identify = one.identify(&traits);
        let consent = one.event(EventBody::Consent(given::granted()), None, 0);
        one.turn(vec![identify, consent]);
        one.lines.clear();
        one
    }

    /// A customer of whom nothing is known.
    pub(crate) fn unknown(given: Given) -> Self {
        let now = Instant::parse(BEGINNING).expect("a sound instant");
        let partition = Partition::new(0, given.catalog(), 0);
        Self {
            loaded: Loaded::new(CustomerId::from("ana"), now),
            partition,
            given,
            now,
            begun: now,
            free: usize::MAX,
            by_hand: false,
            rows: BTreeMap::new(),
            notes: Vec::new(),
            in_flight: Vec::new(),
            lines: Vec::new(),
            names: BTreeMap::new(),
            messages: 0,
        }
    }

    /// The rows of audiences, as they are written.
    pub(crate) fn members(&self) -> Vec<MemberRow> {
        let audience = self.partition.catalog().name(given::AUDIENCE);
        let prefix = codec::members_prefix(self.partition.id(), audience);
        let rows = self.rows.iter();
        let rows =
            rows.filter(|((table, key), _)| *table == Table::Meta && key.starts_with(&prefix));
        rows.map(|(_, row)| codec::decode("member", row).expect("a sound row")).collect()
    }

    /// The rule that refused last.
    pub(crate) fn last_refusal(&self) -> Option<RuleResult> {
        let rows = self.rows.iter().filter(|((table, _), _)| *table == Table::History);
        let rows = rows.map(|(_, row)| codec::decode("history", row).expect("a sound row"));
        let items = rows.flat_map(|row: HistoryRow| row.items);
        let verdicts = items.filter_map(|item| match item {
            HistoryItem::Decided { verdict, .. } => Some(verdict),
            _ => None,
        });
        let refused = verdicts.filter(|verdict| verdict.decision == Decision::Refuse).last();
        refused?.deciding().cloned()
    }

    /// What happened so far.
    pub(crate) fn lines(&self) -> &[String] {
        &self.lines
    }

    pub(crate) fn event(&mut self, body: EventBody, id: Option<&str>, ago_ms: i64) -> Input {
        self.messages += 1;
        let message_id = id.map_or_else(|| format!("m{}", self.messages), str::to_owned);
        let event = Event {
            customer: CustomerId::from("ana"),
            message_id,
            occurred_at: self.now.plus_ms(-ago_ms),
            received_at: self.now,
            body,
        };
        Input::Event { event: Arc::new(event), ticket: None }
    }

    pub(crate) fn identify(&mut self, traits: &serde_json::Value) -> Input {
        let traits = given::map(traits);
        self.event(EventBody::Identify { traits }, None, 0)
    }

    /// One turn; then slots and answers, until nothing more happens at this instant.
    pub(crate) fn turn(&mut self, inputs: Vec<Input>) {
        if inputs.iter().any(Input::wants_sends) {
            self.loaded.sends = Some(self.sends());
        }
        let begun = self.partition.begin(&mut self.loaded, inputs, self.now);
        if begun.needs_ledger(&self.loaded) {
            let rows = self.rows.iter().filter(|((table, _), _)| *table == Table::Sends);
            let rows = rows.map(|(_, row)| decode_ledger(row).expect("a sound row")).collect();
            self.loaded.ledger = Some(rows);
        }
        let decided =
            self.partition.finish(&mut self.loaded, begun, &mut FreeSlots(&mut self.free));
        self.loaded.sends = None;
        self.take(decided);
        self.answer();
    }

    fn answer(&mut self) {
        while !self.by_hand && !self.in_flight.is_empty() {
            self.outcome(&Outcome::Accepted { reply: "250 ok".to_owned(), parts: 1 });
        }
    }

    /// The outcome of the message that was handed over first.
    pub(crate) fn outcome(&mut self, outcome: &Outcome) {
        let attempt = self.in_flight.remove(0);
        self.free = self.free.saturating_add(1);
        let loaded = Some(&mut self.loaded);
        let decided = self.partition.outcome(attempt.send, outcome, loaded, self.now);
        self.take(decided);
        self.wake();
    }

    /// Gives free slots to whoever waits.
    pub(crate) fn wake(&mut self) {
        let channels = ["email", "sms"].map(ChannelName::from);
        for channel in channels {
            while self.free > 0 && self.partition.next_waiting(&channel).is_some() {
                self.turn(vec![Input::Slot(channel.clone())]);
            }
        }
    }

    fn take(&mut self, transaction: Option<Transaction>) {
        if let Some(Transaction { seq, writes, note, .. }) = transaction {
            for write in writes {
                let history = write.table == Table::History;
                if let (true, Some(row)) = (history, &write.value) {
                    self.tell(row);
                }
                match write.value {
                    Some(value) => self.rows.insert((write.table, write.key), value),
                    None => self.rows.remove(&(write.table, write.key)),
                };
            }
            self.notes.push((seq, note));
        }
        let seq = self.partition.seq();
        for effect in self.partition.on_durable(seq) {
            if let Effect::Attempt(attempt) = effect {
                if attempt.number > 1 {
                    self.line(&format!("attempt {} of {}", attempt.number, attempt.step));
                }
                self.in_flight.push(attempt);
            }
        }
    }

    /// Moves the clock to an instant; timers and retries on the way fire when they are due.
    pub(crate) fn wait_until(&mut self, until: Instant) {
        loop {
            let next = self.loaded.customer.due_at.min(self.partition.next_retry());
            if next > until {
                break;
            }
            self.now = self.now.max(next);
            self.fire();
        }
        self.now = until;
    }

    /// What is due now fires.
    pub(crate) fn fire(&mut self) {
        if self.loaded.customer.due_at <= self.now {
            self.turn(vec![Input::Timer]);
        }
        let retries = self.partition.due_retries(self.now);
        let retries: Vec<Input> = retries.into_iter().map(|(_, send)| Input::Retry(send)).collect();
        if !retries.is_empty() {
            self.turn(retries);
        }
    }

    /// The customer leaves memory and comes back from her rows.
    pub(crate) fn passivate(&mut self) {
        let key = self.loaded.customer.key();
        let record = &self.rows[&(Table::Customers, codec::customer_key(0, key))];
        let customer = codec::decode_customer(key, record).expect("a sound record");
        let mut loaded = Loaded::from_record(customer);
        if loaded.customer.seen.has_spilled(self.now) {
            let prefix = codec::spill_prefix(0, key);
            for ((table, key), row) in &self.rows {
                if *table == Table::Meta && key.starts_with(&prefix) {
                    loaded.add_spilled(&codec::decode("dedupe row", row).expect("a sound row"));
                }
            }
        }
        self.loaded = loaded;
    }

    /// A snapshot of the partition is written.
    pub(crate) fn snapshot(&mut self) {
        let transaction = self.partition.snapshot(0);
        self.take(Some(transaction));
    }

    /// What a restart would read: the snapshot, with the notes after it.
    pub(crate) fn replayed(&self) -> Snapshot {
        let row = self.rows.get(&(Table::Meta, codec::snapshot_key(0)));
        let mut snapshot = row.map_or_else(Snapshot::default, |row| {
            codec::decode("snapshot", row).expect("a sound snapshot")
        });
        for (seq, note) in &self.notes {
            let note: Note = codec::decode("note", note).expect("a sound note");
            snapshot.replay(*seq, note);
        }
        snapshot
    }

    /// The process dies and starts again; everything was durable.
    pub(crate) fn restart(&mut self) {
        self.in_flight.clear();
        let snapshot = self.replayed();
        let mut partition = Partition::new(0, self.given.catalog(), self.partition.seq());
        partition.recover_memory(snapshot.counters, snapshot.at);
        self.passivate();
        partition.recover_planned(&self.loaded);
        self.partition = partition;
        for opened in snapshot.open.values() {
            let row = self.send(opened.send).expect("an open send has a row");
            let decided = self.partition.recover_open(opened.customer, row, self.now);
            self.take(decided);
        }
    }

    /// The row of a send.
    pub(crate) fn send(&self, send: SendId) -> Option<SendRow> {
        self.sends().into_iter().find(|row| row.ledger.send == send)
    }

    /// All rows of sends, by counted instant.
    pub(crate) fn sends(&self) -> Vec<SendRow> {
        let rows = self.rows.iter().filter(|((table, _), _)| *table == Table::Sends);
        rows.map(|(_, row)| SendRow::decode(row).expect("a sound row")).collect()
    }

    pub(crate) fn line(&mut self, text: &str) {
        let elapsed = elapsed(self.now.ms_since(self.begun));
        self.lines.push(format!("{elapsed} {text}"));
    }

    fn tell(&mut self, row: &[u8]) {
        let row: HistoryRow = codec::decode("history", row).expect("a sound row");
        for item in row.items {
            if let HistoryItem::Entered { journey, enrollment, .. } = &item {
                self.names.insert(*enrollment, journey.to_string());
            }
            let text = super::script::describe(&item, self.begun, |enrollment| {
                self.names.get(&enrollment).cloned().unwrap_or_default()
            });
            if let Some(text) = text {
                self.line(&text);
            }
        }
    }
}

/// A stretch of time as `1d2h3m4s`.
pub(crate) fn elapsed(ms: i64) -> String {
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let (mut rest, mut text) = (ms, String::new());
    for (unit, length) in units {
        if rest >= length {
            text.push_str(&format!("{}{unit}", rest / length));
            rest %= length;
        }
    }
    if text.is_empty() { "0".to_owned() } else { text }
}
