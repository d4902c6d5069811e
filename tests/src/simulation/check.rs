//! The checkers: what must be true of the durable rows, of what the mail server took, and of what
//! the client was told, once everything has drained.

use std::collections::{BTreeMap, BTreeSet};

use domain::customer::Customer;
use domain::event::EventBody;
use domain::ids::{CustomerKey, EnrollmentId, SendId, StepId};
use domain::time::Instant;
use domain::verdict::Decision;
use engine::codec;
use engine::counters::CounterKey;
use engine::history::{HistoryItem, HistoryRow};
use engine::ledger::{ATTEMPTS_MAX, SendRow};
use policies::{CountState, Counts};
use store::Range;

use super::part::{rows, table};
use super::scenario::{CAP_LIMIT, CAP_WINDOW_MS, ENTERED_BY, WAITS};
use super::world::{PARTITIONS, World};
use super::{recovery, scenario};
use crate::engine::given::AUDIENCE;

/// No pause between two attempts is longer.
const PAUSE_MAX_MS: i64 = 2 * 3_600_000;

/// All that is durable, decoded.
struct Durable {
    customers: BTreeMap<CustomerKey, Customer>,
    history: BTreeMap<(u16, u64), HistoryRow>,
    sends: BTreeMap<SendId, (CustomerKey, SendRow)>,
}

impl Durable {
    fn read(world: &World) -> Self {
        let store = &world.store;
        let customers = rows(store, table(engine::Table::Customers), Range::all());
        let history = rows(store, table(engine::Table::History), Range::all());
        let sends = rows(store, table(engine::Table::Sends), Range::all());
        let key = |key: &[u8]| CustomerKey(key[2..18].try_into().expect("18 bytes"));
        Self {
            customers: customers
                .iter()
                .map(|(at, row)| {
                    let key = key(at);
                    (key, codec::decode_customer(key, row).expect("a sound record"))
                })
                .collect(),
            history: history
                .iter()
                .map(|(key, row)| {
                    let partition = u16::from_be_bytes([key[0], key[1]]);
                    let seq = u64::from_be_bytes(key[2..10].try_into().expect("10 bytes"));
                    ((partition, seq), codec::decode("history", row).expect("a sound row"))
                })
                .collect(),
            sends: sends
                .iter()
                .map(|(at, row)| {
                    let row = SendRow::decode(row).expect("a sound row");
                    (row.ledger.send, (key(at), row))
                })
                .collect(),
        }
    }

    /// The timeline of one customer, by the chain of her rows, oldest first.
    fn timeline(&self, key: CustomerKey, customer: &Customer) -> Vec<&HistoryRow> {
        let mut rows = Vec::new();
        let mut seq = customer.history_head;
        while let Some(row) = self.history.get(&(key.partition(PARTITIONS), seq)) {
            rows.push(row);
            seq = row.previous;
        }
        rows.reverse();
        rows
    }
}

/// Runs every checker.
pub(crate) fn all(world: &mut World) {
    let durable = Durable::read(world);
    let mut problems = Vec::new();
    events(world, &durable, &mut problems);
    for (key, customer) in &durable.customers {
        let timeline = durable.timeline(*key, customer);
        enrollments(customer, &timeline, &mut problems);
        sends_of(*key, &timeline, &durable, &mut problems);
        redrives(&timeline, &durable, &mut problems);
    }
    members(world, &durable, &mut problems);
    let chained: usize = durable
        .customers
        .iter()
        .map(|(key, customer)| durable.timeline(*key, customer).len())
        .sum();
    if chained != durable.history.len() {
        problems.push(format!("{chained} of {} history rows are chained", durable.history.len()));
    }
    deliveries(world, &durable, &mut problems);
    guaranteed(world, &durable, &mut problems);
    caps(&durable, &mut problems);
    spent(world, &durable, &mut problems);
    replayed(world, &mut problems);
    for problem in problems {
        world.problem(problem);
    }
}

/// Who is a member of the audience, by her record, stands in its rows, and nobody else; and that is
/// what her timeline says.
fn members(world: &World, durable: &Durable, problems: &mut Vec<String>) {
    let meta = rows(&world.store, table(engine::Table::Meta), Range::prefix(b"R"));
    let key = |key: &[u8]| CustomerKey(key[5..21].try_into().expect("21 bytes"));
    let written: BTreeSet<CustomerKey> = meta.iter().map(|(at, _)| key(at)).collect();
    let mut recorded = BTreeSet::new();
    for (key, customer) in &durable.customers {
        let mut member = false;
        for item in durable.timeline(*key, customer).iter().flat_map(|row| &row.items) {
            match item {
                HistoryItem::Decided { channel, sent, .. } if channel.as_str() == AUDIENCE => {
                    member |= sent;
                }
                HistoryItem::AudienceLeft { .. } => member = false,
                _ => {}
            }
        }
        if member == customer.memberships.is_empty() {
            problems.push(format!("{}: her timeline says member: {member}", customer.id));
        }
        recorded.extend(member.then_some(*key));
    }
    if written != recorded {
        problems.push(format!("members by rows {written:?}, by records {recorded:?}"));
    }
}

/// No event is lost, and each is applied exactly once.
fn events(world: &World, durable: &Durable, problems: &mut Vec<String>) {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for item in durable.history.values().flat_map(|row| &row.items) {
        if let HistoryItem::Event(event) = item {
            *seen.entry(&event.message_id).or_default() += 1;
        }
    }
    let mut counted: BTreeMap<(CustomerKey, &str), u64> = BTreeMap::new();
    for posted in &world.client.events {
        let message = &posted.event.message_id;
        let times = seen.get(&**message).copied().unwrap_or(0);
        if times != 1 {
            problems.push(format!("{message} is in the history {times} times"));
        }
        if let EventBody::Track { name, .. } = &posted.event.body {
            *counted.entry((posted.event.customer.key(), name.as_str())).or_default() += 1;
        }
    }
    for ((key, name), expected) in counted {
        let customer = durable.customers.get(&key);
        let count = customer.and_then(|customer| customer.counters.get(name)).map(|c| c.count);
        if count != Some(expected) {
            problems.push(format!("{key:?} counts {count:?} of {expected} `{name}`"));
        }
    }
}

/// Each trigger entered once; each enrollment passed each step once, and ended once.
fn enrollments(customer: &Customer, timeline: &[&HistoryRow], problems: &mut Vec<String>) {
    let who = &customer.id;
    let mut steps: BTreeMap<(EnrollmentId, &StepId), Instant> = BTreeMap::new();
    let mut entered: BTreeMap<&str, u64> = BTreeMap::new();
    let mut active: BTreeSet<EnrollmentId> = BTreeSet::new();
    for row in timeline {
        // A first step counts from the receipt of its trigger, others from their turn.
        let (mut received, mut first) = (row.at, false);
        for item in &row.items {
            let is_first = std::mem::take(&mut first);
            match item {
                HistoryItem::Event(event) => received = event.received_at,
                HistoryItem::Entered { journey, enrollment, .. } => {
                    *entered.entry(journey.as_str()).or_default() += 1;
                    first = true;
                    if !active.insert(*enrollment) {
                        problems.push(format!("{who}: {enrollment} entered twice"));
                    }
                }
                HistoryItem::NotEntered { journey, .. } => {
                    *entered.entry(journey.as_str()).or_default() += 1;
                }
                HistoryItem::Step { enrollment, step } => {
                    let at = if is_first { received } else { row.at };
                    if steps.insert((*enrollment, step), at).is_some() {
                        problems.push(format!("{who}: {enrollment} came to {step} twice"));
                    }
                }
                HistoryItem::Exited { enrollment, .. } if !active.remove(enrollment) => {
                    problems.push(format!("{who}: {enrollment} ended, and was not active"));
                }
                _ => {}
            }
        }
    }
    if !active.is_empty() || !customer.enrollments.is_empty() {
        problems.push(format!("{who}: enrollments never ended: {active:?}"));
    }
    for (event, journey) in ENTERED_BY {
        let triggers = customer.counters.get(event).map_or(0, |counter| counter.count);
        let decided = entered.get(journey).copied().unwrap_or(0);
        if triggers != decided {
            problems.push(format!("{who}: {triggers} times `{event}`, {decided} times {journey}"));
        }
    }
    waits(&steps, problems);
}

/// No timer fires early.
fn waits(steps: &BTreeMap<(EnrollmentId, &StepId), Instant>, problems: &mut Vec<String>) {
    for ((enrollment, step), left) in steps {
        for (wait, next, length) in WAITS {
            let wait = StepId::from(wait);
            let entered = steps.get(&(*enrollment, &wait));
            let waited = entered.map(|entered| left.ms_since(*entered));
            if step.as_str() == next && waited.is_none_or(|waited| waited < length) {
                problems.push(format!("{enrollment} waited {waited:?} ms in {wait}"));
            }
        }
    }
}

/// Every decision to send has its row, and was made once.
fn sends_of(
    key: CustomerKey,
    timeline: &[&HistoryRow],
    durable: &Durable,
    problems: &mut Vec<String>,
) {
    let mut decided = BTreeSet::new();
    for item in timeline.iter().flat_map(|row| &row.items) {
        // What is sent again may have its place before it has a slot.
        if let HistoryItem::Decided { send, verdict, .. } = item
            && verdict.decision == Decision::Allow
            && !decided.insert(*send)
        {
            problems.push(format!("{send} was reserved twice"));
        }
    }
    let of = durable.sends.values().filter(|(customer, _)| *customer == key);
    let rows: BTreeSet<SendId> = of.map(|(_, row)| row.ledger.send).collect();
    if rows != decided {
        let (rows, decided) = (rows.len(), decided.len());
        problems.push(format!("{key:?}: {decided} sends decided, {rows} in the ledger"));
    }
}

/// How many messages that were sent again were taken.
pub(super) fn sent_again(world: &World) -> usize {
    let durable = Durable::read(world);
    let repeats: BTreeSet<SendId> = durable.sends.keys().map(|send| send.redrive()).collect();
    world.sink.delivered.keys().filter(|send| repeats.contains(send)).count()
}

/// Only what ended without being accepted is sent again, as a send of its own (semantics 31).
fn redrives(timeline: &[&HistoryRow], durable: &Durable, problems: &mut Vec<String>) {
    let items: Vec<&HistoryItem> = timeline.iter().flat_map(|row| &row.items).collect();
    for (at, item) in items.iter().enumerate() {
        let HistoryItem::Redriven { of, send } = item else { continue };
        // A later report may have moved it on.
        let then = items[at..].iter().find_map(|item| match item {
            HistoryItem::Reported { send, before, .. } if send == of => {
                before.as_ref().map(|(state, ..)| *state)
            }
            _ => None,
        });
        let state = then.or_else(|| durable.sends.get(of).map(|(_, row)| row.ledger.state));
        let ended = matches!(
            state,
            Some(CountState::Unknown | CountState::Rejected | CountState::Released)
        );
        if !ended || *send != of.redrive() {
            problems.push(format!("{of}, which is {state:?}, was sent again as {send}"));
        }
    }
}

/// What the server took against what the ledger says.
fn deliveries(world: &World, durable: &Durable, problems: &mut Vec<String>) {
    for (send, delivered) in &world.sink.delivered {
        let Some((customer, row)) = durable.sends.get(send) else {
            problems.push(format!("{send} was delivered and has no row"));
            continue;
        };
        let marketing = delivered[0].class == "marketing";
        if marketing && delivered.len() > 1 {
            problems.push(format!("{send} was delivered {} times", delivered.len()));
        }
        if delivered.iter().any(|one| one.customer != *customer) {
            problems.push(format!("{send} was delivered for somebody else"));
        }
        let reserved = row.ledger.counted_at.plus_ms(-world.set_back_ms);
        if delivered.iter().any(|one| one.at < reserved) {
            problems.push(format!("{send} was delivered before it was reserved"));
        }
        let state = row.ledger.state;
        let so = match state {
            CountState::Accepted | CountState::Unknown => true,
            CountState::Delivered => world.sink.arrives[send],
            CountState::Bounced => !world.sink.arrives[send],
            _ => false,
        };
        if !so {
            problems.push(format!("{send} was delivered, and the ledger says {state:?}"));
        }
    }
    for (send, (_, row)) in &durable.sends {
        // Who joins an audience is a member with the commit: nothing is handed over.
        let joined = row.info.channel.as_str() == AUDIENCE;
        let taken = joined || world.sink.delivered.contains_key(send);
        match row.ledger.state {
            CountState::Accepted if !taken => {
                problems.push(format!("{send} counts as accepted, and nobody took it"));
            }
            CountState::Reserved => problems.push(format!("{send} has no outcome")),
            _ => {}
        }
        if row.info.open.is_some() {
            problems.push(format!("{send} is still open"));
        }
    }
}

/// A message that is promised at least once is tried until it is taken, refused for good, tried
/// often enough or no longer valid.
fn guaranteed(world: &World, durable: &Durable, problems: &mut Vec<String>) {
    let class = scenario::definitions().catalog().name("transactional");
    for (send, (customer, row)) in &durable.sends {
        let state = row.ledger.state;
        // A refusal for good ends it too, and leaves in doubt what an earlier attempt left so.
        let refused = row.info.reply.starts_with('5');
        let by_state = matches!(
            state,
            CountState::Accepted
                | CountState::Delivered
                | CountState::Bounced
                | CountState::Rejected
        );
        let settled = refused || by_state;
        // A webhook, which has no template here, is tried for as long as it is valid.
        let is_message = !row.info.template.as_str().is_empty();
        let tried = is_message && row.info.attempts >= ATTEMPTS_MAX;
        let suppressed =
            durable.customers.get(customer).is_some_and(|known| !known.suppressions.is_empty());
        if row.ledger.class != class || settled || tried || suppressed {
            continue;
        }
        let Some(valid_until) = world.valid_until.get(send) else { continue };
        if row.info.settled_at.plus_ms(PAUSE_MAX_MS) < *valid_until {
            problems.push(format!("{send} was given up as {state:?}, valid until {valid_until}"));
        }
    }
}

/// The counts of what was spent say what the rows say.
fn spent(world: &World, durable: &Durable, problems: &mut Vec<String>) {
    let counters = world.parts.iter().flat_map(|part| part.partition.counters().iter());
    let counted: i64 = counters
        .filter(|(key, _)| matches!(key, CounterKey::Spent(..)))
        .map(|(_, micros)| micros)
        .sum();
    let rows: i64 = durable.sends.values().map(|(_, row)| row.ledger.cost_micros).sum();
    if counted != rows {
        problems.push(format!("{counted} counts as spent, the rows say {rows}"));
    }
}

/// No rolling window holds more than the cap, counted by reservation.
fn caps(durable: &Durable, problems: &mut Vec<String>) {
    let class = scenario::definitions().catalog().name("marketing");
    let mut counted: BTreeMap<CustomerKey, Vec<Instant>> = BTreeMap::new();
    for (customer, row) in durable.sends.values() {
        if Counts::Accepted.counts(row.ledger.state) && row.ledger.class == class {
            counted.entry(*customer).or_default().push(row.ledger.counted_at);
        }
    }
    for (customer, mut instants) in counted {
        instants.sort_unstable();
        for window in instants.windows(CAP_LIMIT + 1) {
            if window[CAP_LIMIT].ms_since(window[0]) < CAP_WINDOW_MS {
                problems.push(format!("{customer:?} has {window:?} within one window of the cap"));
            }
        }
    }
}

/// A restart would know what the process knows: no open sends, and the same counts.
fn replayed(world: &World, problems: &mut Vec<String>) {
    let snapshots = recovery::snapshots(&world.store, PARTITIONS, true);
    for (part, snapshot) in world.parts.iter().zip(snapshots) {
        let partition = &part.partition;
        let id = partition.id();
        if partition.open_sends() > 0 || !snapshot.open.is_empty() {
            problems.push(format!("partition {id} has open sends at the end"));
        }
        if *partition.counters() != snapshot.counters {
            problems.push(format!("partition {id} counts otherwise than its notes"));
        }
    }
}
