//! Recorded events in little memory: each is packed when it is read, and becomes an event again
//! when its customer is run. Filled by whoever reads, then put in order once for `drive`. It must
//! never know what an event means.

use std::collections::HashMap;

use domain::event::{Event, EventBody};
use domain::ids::CustomerId;
use domain::time::Instant;

use super::pieces::{Pieces, Place, number};

/// Recorded events, in any order; those of one instant keep theirs.
#[derive(Debug, Default)]
pub struct Recording {
    /// Numbers of customers, in the order of their first events here.
    numbers: HashMap<CustomerId, u32>,
    entries: Vec<Entry>,
    pieces: Pieces,
    /// Falls with each call of [`Recording::earlier`].
    round: i32,
}

/// A packed event. The order of the fields is the order in which events are run: of each customer
/// by instant, of one instant as they were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    customer: u32,
    at: Instant,
    round: i32,
    place: Place,
}

impl Recording {
    /// Adds an event. It counts as received when it happened (semantics 3).
    pub fn add(&mut self, event: Event) {
        let Event { customer, message_id, occurred_at, received_at: _, body } = event;
        let next = number(self.numbers.len());
        let customer = *self.numbers.entry(customer).or_insert(next);
        let place = self.pieces.keep(&(message_id, body));
        self.entries.push(Entry { customer, at: occurred_at, round: self.round, place });
    }

    /// Events that are added from now on come before those of the same instant that are here.
    pub fn earlier(&mut self) {
        self.round -= 1;
    }

    /// How many events there are.
    pub fn count(&self) -> usize {
        self.entries.len()
    }

    /// When the first one happened.
    pub fn first(&self) -> Option<Instant> {
        self.entries.iter().map(|entry| entry.at).min()
    }

    /// When the last one happened.
    pub fn last(&self) -> Option<Instant> {
        self.entries.iter().map(|entry| entry.at).max()
    }

    /// In the order in which it is run.
    pub(super) fn in_order(mut self) -> Sorted {
        // No two are equal, so the sort need not be stable.
        self.entries.sort_unstable();
        let mut ids: Vec<(u32, CustomerId)> =
            self.numbers.into_iter().map(|(id, number)| (number, id)).collect();
        ids.sort_unstable_by_key(|(number, _)| *number);
        let ids = ids.into_iter().map(|(_, id)| id).collect();
        Sorted { ids, entries: self.entries, pieces: self.pieces }
    }
}

impl FromIterator<Event> for Recording {
    fn from_iter<I: IntoIterator<Item = Event>>(events: I) -> Self {
        let mut recording = Self::default();
        events.into_iter().for_each(|event| recording.add(event));
        recording
    }
}

/// Customers, each with its own events in the order of receipt.
pub(super) type Customers<'a> = Vec<(&'a CustomerId, &'a [Entry])>;

/// A recording in the order in which it is run.
#[derive(Debug)]
pub(super) struct Sorted {
    ids: Vec<CustomerId>,
    entries: Vec<Entry>,
    pieces: Pieces,
}

impl Sorted {
    /// All customers, in the order of their first events in the recording.
    pub(super) fn customers(&self) -> Customers<'_> {
        let own = self.entries.chunk_by(|one, next| one.customer == next.customer);
        self.ids.iter().zip(own).collect()
    }

    /// A customer's events, each unpacked when it is asked for.
    pub(super) fn events<'a>(&'a self, own: &'a [Entry]) -> Events<'a> {
        Events { recorded: self, own: own.iter() }
    }
}

/// A customer's events.
#[derive(Debug)]
pub(super) struct Events<'a> {
    recorded: &'a Sorted,
    own: std::slice::Iter<'a, Entry>,
}

impl Iterator for Events<'_> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let Entry { customer, at, place, .. } = *self.own.next()?;
        let customer = self.recorded.ids[customer as usize].clone();
        let (message_id, body): (String, EventBody) = self.recorded.pieces.open(place);
        Some(Event { customer, message_id, occurred_at: at, received_at: at, body })
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::EventName;
    use domain::value::{Map, Value};

    use super::*;

    fn event(customer: &str, message: &str, at: i64) -> Event {
        let properties = Map::from([("price".into(), Value::Float(at as f64))]);
        Event {
            customer: customer.into(),
            message_id: message.to_owned(),
            occurred_at: Instant(at),
            received_at: Instant(at),
            body: EventBody::Track { name: EventName::from("Added"), properties },
        }
    }

    #[test]
    fn events_come_by_customer_and_instant_then_as_they_were_added() {
        let added = [("b", "1", 7), ("a", "2", 7), ("b", "3", 5), ("b", "4", 7)];
        let mut recording: Recording =
            added.into_iter().map(|(customer, message, at)| event(customer, message, at)).collect();
        recording.earlier();
        recording.add(event("b", "5", 7));
        recording.add(event("b", "6", 7));
        recording.add(event("c", "7", 9));
        assert_eq!(recording.count(), 7);
        assert_eq!((recording.first(), recording.last()), (Some(Instant(5)), Some(Instant(9))));
        let recorded = recording.in_order();
        let customers = recorded.customers();
        let read = customers.iter().flat_map(|(_, own)| recorded.events(own));
        let expected = [
            ("b", "3", 5),
            ("b", "5", 7),
            ("b", "6", 7),
            ("b", "1", 7),
            ("b", "4", 7),
            ("a", "2", 7),
            ("c", "7", 9),
        ];
        let expected = expected.map(|(customer, message, at)| event(customer, message, at));
        assert_eq!(read.collect::<Vec<_>>(), expected);
        assert!(customers.iter().map(|(id, _)| id.as_str()).eq(["b", "a", "c"]));
    }
}
