//! Lives that aliases tie together: run side by side, instant by instant, with the engine's own
//! words between them (semantics 28). A family is run as a whole by one thread, so what is said
//! between its members has one order, whatever the number of threads.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::iter::Peekable;
use std::sync::{Arc, Mutex};

use domain::event::Alias;
use domain::ids::{CustomerId, VersionNo};
use domain::time::Instant;
use engine::counters::Counters;
use engine::ledger::SendRow;
use engine::merge::Word;
use engine::{Catalog, Effect, Input, Loaded, Partition, Table, codec};

use super::life::{AlwaysAccepted, Life, Ticks};
use super::recording::{Customers, Events, Sorted};

/// The one partition of a family: it never leaves the thread that runs it.
const PARTITION: u16 = 0;

/// Customers that aliases tie together, before their lives are run.
#[derive(Debug, Default)]
pub(super) struct Family<'a> {
    members: Customers<'a>,
    /// In the order in which they were said.
    aliases: Vec<Alias>,
}

/// Takes the families out of the customers: those that an alias names, as it is and as an
/// anonymous id.
pub(super) fn families<'a>(
    customers: &mut Customers<'a>,
    mut aliases: Vec<Alias>,
) -> Vec<Mutex<Option<Family<'a>>>> {
    if aliases.is_empty() {
        return Vec::new();
    }
    // Stable: aliases of one instant keep their order.
    aliases.sort_by_key(|alias| alias.at);
    let mut ties = Ties::default();
    for alias in &aliases {
        let into = ties.number(&alias.into);
        for id in [alias.previous.clone(), CustomerId::anonymous(alias.previous.as_str())] {
            let previous = ties.number(&id);
            ties.tie(into, previous);
        }
    }
    let mut families: BTreeMap<usize, Family<'a>> = BTreeMap::new();
    for alias in aliases {
        let root = ties.number(&alias.into);
        families.entry(ties.root(root)).or_default().aliases.push(alias);
    }
    let tied = customers.extract_if(.., |(id, _)| ties.numbers.contains_key(*id));
    for (id, own) in tied.collect::<Vec<_>>() {
        let number = ties.number(id);
        families.entry(ties.root(number)).or_default().members.push((id, own));
    }
    families.into_values().map(|family| Mutex::new(Some(family))).collect()
}

/// Who is tied to whom: each points at another one of its family, up to one that points at itself.
#[derive(Debug, Default)]
struct Ties {
    numbers: HashMap<CustomerId, usize>,
    towards: Vec<usize>,
}

impl Ties {
    fn number(&mut self, id: &CustomerId) -> usize {
        let next = self.towards.len();
        let number = *self.numbers.entry(id.clone()).or_insert(next);
        if number == next {
            self.towards.push(next);
        }
        number
    }

    fn root(&mut self, mut at: usize) -> usize {
        while self.towards[at] != at {
            // Halves the way for whoever comes next.
            self.towards[at] = self.towards[self.towards[at]];
            at = self.towards[at];
        }
        at
    }

    fn tie(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        self.towards[one.max(other)] = one.min(other);
    }
}

impl Family<'_> {
    /// Runs all lives to the horizon.
    pub(super) fn run(
        self,
        recorded: &Sorted,
        catalog: &Arc<Catalog>,
        ticks: &Ticks,
        until: Instant,
    ) -> (Life, Counters) {
        let mut living = Living::new(recorded, &self.members, catalog, ticks);
        let mut aliases = self.aliases.into_iter().peekable();
        loop {
            let first = living.agenda.first().map_or(Instant::MAX, |(at, _)| *at);
            let said = aliases.peek().map_or(Instant::MAX, |alias| alias.at);
            let now = first.min(said);
            if now > until || now == Instant::MAX {
                break;
            }
            living.now = now;
            if first == now {
                living.next();
            } else if let Some(Alias { previous, into, at }) = aliases.next() {
                // Behind everything else of its instant, as behind the other items of a batch.
                let word = Word::Ask { previous, at, followed: false };
                living.words.push_back((into, Input::Merge { word, ticket: None }));
            }
            living.carry();
        }
        (living.life, living.partition.counters().clone())
    }
}

/// A member in the middle of its life.
struct Member<'a> {
    loaded: Loaded,
    events: Peekable<Events<'a>>,
    /// None before anybody knew of it.
    ticks: Option<Peekable<std::slice::Iter<'a, (Instant, VersionNo)>>>,
    /// Where it stands in the agenda.
    next: Instant,
}

/// A family in the middle of its life.
struct Living<'a> {
    partition: Partition,
    recorded: &'a Sorted,
    ticks: &'a Ticks,
    members: BTreeMap<CustomerId, Member<'a>>,
    /// Who has something to do next, and when; at one instant by id.
    agenda: BTreeSet<(Instant, CustomerId)>,
    /// What members tell each other, in order.
    words: VecDeque<(CustomerId, Input)>,
    /// Rows of sends: a merge moves them.
    sends: BTreeMap<Vec<u8>, Vec<u8>>,
    now: Instant,
    life: Life,
}

impl<'a> Living<'a> {
    fn new(
        recorded: &'a Sorted,
        members: &Customers<'a>,
        catalog: &Arc<Catalog>,
        ticks: &'a Ticks,
    ) -> Self {
        let mut living = Self {
            partition: Partition::new(PARTITION, catalog.clone(), 0),
            recorded,
            ticks,
            members: BTreeMap::new(),
            agenda: BTreeSet::new(),
            words: VecDeque::new(),
            sends: BTreeMap::new(),
            now: Instant::MIN,
            life: Life::default(),
        };
        for (id, own) in members {
            let mut events = recorded.events(own).peekable();
            let start = events.peek().map_or(Instant::MAX, |event| event.received_at);
            let mut member = Member::new(id, start, events);
            member.next = start;
            living.agenda.insert((start, (*id).clone()));
            living.members.insert((*id).clone(), member);
        }
        living
    }

    /// The turn of whoever is first in the agenda: everything of this instant (semantics 20).
    fn next(&mut self) {
        let Some((_, id)) = self.agenda.first().cloned() else { return };
        let Some(member) = self.members.get_mut(&id) else { return };
        let now = self.now;
        let due = self.partition.next_due(&member.loaded) <= now;
        let mut inputs = Vec::new();
        while let Some(event) = member.events.next_if(|event| event.received_at == now) {
            inputs.push(Input::Event { event: Arc::new(event), ticket: None });
        }
        // Nobody knew of the customer before its first event.
        let ticks = member.ticks.get_or_insert_with(|| from(self.ticks, now));
        while let Some((instant, version)) = ticks.next_if(|(at, _)| *at == now) {
            inputs.push(Input::Tick { version: *version, instant: *instant });
        }
        if due {
            inputs.push(Input::Timer);
        }
        self.life.handled += inputs.len() as u64;
        self.turn(&id, inputs);
    }

    /// Hands over what members tell each other, until nobody says anything any more.
    fn carry(&mut self) {
        while let Some((to, input)) = self.words.pop_front() {
            self.turn(&to, vec![input]);
        }
    }

    fn turn(&mut self, id: &CustomerId, inputs: Vec<Input>) {
        let now = self.now;
        let member = self.members.entry(id.clone()).or_insert_with(|| {
            // Known only from what others say of it.
            Member::new(id, now, self.recorded.events(&[]).peekable())
        });
        let loaded = &mut member.loaded;
        if inputs.iter().any(Input::wants_sends) {
            loaded.sends = Some(rows(&self.sends, id));
        }
        let mut begun = self.partition.begin(loaded, inputs, now);
        self.partition.gate(loaded, &mut begun, &mut AlwaysAccepted);
        self.life.observe(&begun, id, now);
        let transaction = self.partition.commit(loaded, begun);
        loaded.sends = None;
        let written = transaction.into_iter().flat_map(|transaction| transaction.writes);
        for write in written.filter(|write| write.table == Table::Sends) {
            match write.value {
                Some(row) => self.sends.insert(write.key, row),
                None => self.sends.remove(&write.key),
            };
        }
        for effect in self.partition.on_durable(self.partition.seq()) {
            match effect {
                Effect::Forward { to, input } => self.words.push_back((to, input)),
                // Nobody waits for an answer, and no message is under way.
                Effect::Acknowledge(_) | Effect::Refuse(_) | Effect::Attempt(_) => {}
            }
        }
        self.plan(id);
    }

    /// Takes note of when a member has something to do next.
    fn plan(&mut self, id: &CustomerId) {
        let (now, all) = (self.now, self.ticks);
        let Some(member) = self.members.get_mut(id) else { return };
        if member.loaded.customer.tombstone.is_some() {
            // What is still to come for it is forwarded; nothing of its own goes on.
            member.ticks = Some([].iter().peekable());
        } else if member.ticks.is_none() && member.loaded.recorded {
            member.ticks = Some(from(all, now.plus_ms(1)));
        }
        let event = member.events.peek().map_or(Instant::MAX, |event| event.received_at);
        let tick = member.ticks.as_mut().and_then(Peekable::peek).map_or(Instant::MAX, |it| it.0);
        // A change of zone can move a timer into the past: it fires at once, not back then.
        let due = self.partition.next_due(&member.loaded).max(now);
        let next = event.min(tick).min(due);
        let before = std::mem::replace(&mut member.next, next);
        self.agenda.remove(&(before, id.clone()));
        self.agenda.insert((next, id.clone()));
    }
}

impl<'a> Member<'a> {
    fn new(id: &CustomerId, now: Instant, events: Peekable<Events<'a>>) -> Self {
        Self { loaded: Loaded::new(id.clone(), now), events, ticks: None, next: Instant::MAX }
    }
}

/// Ticks from an instant on.
fn from(ticks: &Ticks, start: Instant) -> Peekable<std::slice::Iter<'_, (Instant, VersionNo)>> {
    ticks[ticks.partition_point(|(at, _)| *at < start)..].iter().peekable()
}

/// A member's rows of sends, oldest first.
fn rows(sends: &BTreeMap<Vec<u8>, Vec<u8>>, id: &CustomerId) -> Vec<SendRow> {
    let prefix = codec::sends_prefix(PARTITION, id.key());
    let own = sends.range(prefix.clone()..).take_while(|(key, _)| key.starts_with(&prefix));
    own.map(|(_, row)| SendRow::decode(row).expect("this very process wrote it")).collect()
}
