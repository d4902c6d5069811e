//! What the online-retail campaign must send, computed straight from its rules.
//!
//! One customer after the other, with nothing in common with the product but the rules: no
//! journeys, no policies as data, just the three messages and the two limits of this campaign.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDateTime;
use chrono_tz::Tz;

use super::clock::{hour, instant, later, local, loud};
use super::log::{Entry, What};

/// The cap: so many messages in any window of so many milliseconds (`P7D` is 168 h here).
const CAP: usize = 2;
const WINDOW: i64 = 168 * 3_600_000;
/// A message id is remembered for 7 days.
const MEMORY: i64 = 7 * 24 * 3_600_000;
/// The zone of a customer without one.
const FALLBACK: Tz = chrono_tz::Europe::London;
/// The event-free time after the last event that is looked at by default.
const TAIL: i64 = 120 * 24 * 3_600_000;

/// A kind of message: a journey of one wait and one send.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// Name of the journey.
    pub journey: &'static str,
    /// Id of its send.
    pub step: &'static str,
    priority: u8,
    valid_days: u64,
    refused_by_cap: bool,
}

/// On the fifth order, next 09:00, once in a life.
pub const HERO: Kind =
    Kind { journey: "hero", step: "hero", priority: 80, valid_days: 2, refused_by_cap: false };
/// Three days after each order at 10:00.
pub const THANK_YOU: Kind = Kind {
    journey: "thank-you",
    step: "thanks",
    priority: 60,
    valid_days: 1,
    refused_by_cap: true,
};
/// Sixty days after the last order at 11:00.
pub const WIN_BACK: Kind = Kind {
    journey: "win-back",
    step: "come-back",
    priority: 40,
    valid_days: 7,
    refused_by_cap: false,
};

/// A message that came up, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Customer id.
    pub customer: String,
    /// Name of the journey.
    pub journey: &'static str,
    /// Id of the send.
    pub step: &'static str,
    /// The invoice, or empty.
    pub key: String,
    /// When the send was reached, in milliseconds.
    pub created_at: i64,
    /// How often it was held.
    pub holds: u32,
    /// How many messages of the customer were decided at the instant at which this one was.
    pub rivals: usize,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Sent at this instant.
    Sent(i64),
    /// Refused at this instant by this rule.
    Refused(i64, &'static str),
    /// Withdrawn by an order at this instant, while it was held.
    Withdrawn(i64),
    /// Still held at the end, until this instant.
    Held(i64),
}

/// All messages of a log in the order of processing; what happens later than `until` is not looked
/// at. Sorted by customer, then by the instant at which the send was reached.
pub fn expected(log: &[Entry], until: Option<i64>) -> Vec<Expected> {
    let end = log.iter().map(|entry| entry.at).max().unwrap_or_default().saturating_add(TAIL);
    let mut customers: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in log {
        customers.entry(&entry.customer).or_default().push(entry);
    }
    let run = |(id, entries)| Customer::new(id).run(entries, until.unwrap_or(end));
    customers.into_iter().flat_map(run).collect()
}

/// One enrollment: waiting for its time, or held at the gate.
struct Active {
    kind: &'static Kind,
    key: String,
    /// What it waits for on the customer's wall clock; it moves with the zone.
    local: NaiveDateTime,
    next: i64,
    held: Option<Held>,
}

#[derive(Clone, Copy)]
struct Held {
    created_at: i64,
    deadline: i64,
    holds: u32,
}

struct Customer {
    id: String,
    zone: Tz,
    consent: bool,
    orders: u32,
    seen: HashMap<String, i64>,
    active: Vec<Active>,
    sent: Vec<i64>,
    done: Vec<Expected>,
}

impl Customer {
    fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            zone: FALLBACK,
            consent: false,
            orders: 0,
            seen: HashMap::new(),
            active: Vec::new(),
            sent: Vec::new(),
            done: Vec::new(),
        }
    }

    fn run(mut self, entries: Vec<&Entry>, until: i64) -> Vec<Expected> {
        let mut entries = entries.into_iter().peekable();
        loop {
            let timer = self.active.iter().map(|active| active.next).min().unwrap_or(i64::MAX);
            let event = entries.peek().map_or(i64::MAX, |entry| entry.at);
            if event.min(timer) > until || event.min(timer) == i64::MAX {
                break;
            }
            // At equal instants events come before timers.
            match entries.next_if(|entry| entry.at <= timer) {
                Some(entry) => self.event(entry),
                None => self.timers(timer),
            }
        }
        for active in std::mem::take(&mut self.active) {
            if let Some(held) = active.held {
                self.end(&active, held, 1, Outcome::Held(active.next));
            }
        }
        self.done.sort_by(|a, b| {
            (a.created_at, a.journey, &a.key).cmp(&(b.created_at, b.journey, &b.key))
        });
        self.done
    }

    fn event(&mut self, entry: &Entry) {
        let now = entry.at;
        if self.seen.get(&entry.id).is_some_and(|first| now < first + MEMORY) {
            return;
        }
        self.seen.insert(entry.id.clone(), now);
        match &entry.what {
            What::Other => {}
            What::Consent(granted) => self.consent = *granted,
            What::Zone(zone) => {
                self.zone = *zone;
                // A wait follows the wall clock; a time that has passed fires at once. A held
                // message is looked at again when its hold ends.
                for active in self.active.iter_mut().filter(|active| active.held.is_none()) {
                    active.next = instant(*zone, active.local).max(now);
                }
            }
            What::Order(order) => self.order(order, now),
        }
    }

    fn order(&mut self, order: &str, now: i64) {
        self.orders += 1;
        let (gone, stay) = std::mem::take(&mut self.active)
            .into_iter()
            .partition(|active: &Active| active.kind == &WIN_BACK);
        self.active = stay;
        for active in gone {
            if let Some(held) = active.held {
                self.end(&active, held, 1, Outcome::Withdrawn(now));
            }
        }
        let today = local(self.zone, now).date();
        if self.orders == 5 {
            let mut day = today;
            while instant(self.zone, day.and_time(hour(9))) <= now {
                day = later(day, 1);
            }
            self.enter(&HERO, "", day.and_time(hour(9)));
        }
        self.enter(&THANK_YOU, order, later(today, 3).and_time(hour(10)));
        self.enter(&WIN_BACK, "", later(today, 60).and_time(hour(11)));
    }

    fn enter(&mut self, kind: &'static Kind, key: &str, local: NaiveDateTime) {
        let next = instant(self.zone, local);
        self.active.push(Active { kind, key: key.to_owned(), local, next, held: None });
    }

    /// Everything that is due now competes, then asks the gate one after the other.
    fn timers(&mut self, now: i64) {
        let (due, stay): (Vec<_>, _) =
            std::mem::take(&mut self.active).into_iter().partition(|active| active.next <= now);
        self.active = stay;
        let zone = self.zone;
        let reached = |active: Active| {
            let wall = local(zone, now);
            let end = later(wall.date(), active.kind.valid_days).and_time(wall.time());
            let new = Held { created_at: now, deadline: instant(zone, end), holds: 0 };
            let held = active.held.unwrap_or(new);
            (active, held)
        };
        let mut due: Vec<(Active, Held)> = due.into_iter().map(reached).collect();
        due.sort_by(|(a, x), (b, y)| {
            let rank = |kind: &Kind| std::cmp::Reverse(kind.priority);
            let order = |kind: &'static Kind| (kind.journey, kind.step);
            (rank(a.kind), x.deadline, order(a.kind), &a.key).cmp(&(
                rank(b.kind),
                y.deadline,
                order(b.kind),
                &b.key,
            ))
        });
        let rivals = due.len();
        for (active, held) in due {
            self.decide(active, held, rivals, now);
        }
    }

    fn decide(&mut self, active: Active, held: Held, rivals: usize, now: i64) {
        let earliest = self.earliest(now);
        let outcome = if !self.consent {
            Outcome::Refused(now, "consent")
        } else if active.kind.refused_by_cap && self.room(now) > now {
            Outcome::Refused(now, "frequency_cap")
        } else if earliest >= held.deadline {
            Outcome::Refused(now, "validity")
        } else if earliest > now {
            let held = Some(Held { holds: held.holds + 1, ..held });
            self.active.push(Active { next: earliest, held, ..active });
            return;
        } else {
            self.sent.push(now);
            Outcome::Sent(now)
        };
        self.end(&active, held, rivals, outcome);
    }

    /// The first instant, from now on, that neither the cap nor the quiet hours forbid.
    fn earliest(&self, now: i64) -> i64 {
        let mut at = now;
        loop {
            let next = self.room(loud(self.zone, at));
            if next == at {
                return at;
            }
            at = next;
        }
    }

    /// The first instant, from `at` on, at which the cap has room. A message counts in
    /// [t, t + window); messages are in the order in which they went.
    fn room(&self, at: i64) -> i64 {
        match self.sent.len().checked_sub(CAP) {
            Some(oldest) => at.max(self.sent[oldest] + WINDOW),
            None => at,
        }
    }

    fn end(&mut self, active: &Active, held: Held, rivals: usize, outcome: Outcome) {
        self.done.push(Expected {
            customer: self.id.clone(),
            journey: active.kind.journey,
            step: active.kind.step,
            key: active.key.clone(),
            created_at: held.created_at,
            holds: held.holds,
            rivals,
            outcome,
        });
    }
}
