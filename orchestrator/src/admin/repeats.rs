//! Which recorded events were taken in before, as far as the store knows: for what an import says
//! of itself. It changes nothing; whether an event is a repeat is decided in its turn.

use std::collections::{HashMap, HashSet};

use domain::customer::CHAIN_MAX;
use domain::event::Event;
use domain::ids::CustomerId;
use engine::{Loaded, codec};

use super::Admin;
use crate::actors::load::{LoadError, load_spilled};
use crate::rows::Rows;

impl Admin {
    /// How many of these events are new.
    pub(super) fn new_among(&self, events: &[Event]) -> u64 {
        let mut loaded: HashMap<CustomerId, Option<Loaded>> = HashMap::new();
        let mut counted: HashSet<(&CustomerId, &str)> = HashSet::new();
        for event in events {
            let customer = &event.customer;
            let known =
                loaded.entry(customer.clone()).or_insert_with(|| match self.seen(customer) {
                    Ok(seen) => seen,
                    // Whose rows make no sense has seen nothing: the turn says what is wrong.
                    Err(LoadError::Decode(_)) => None,
                    Err(LoadError::Read(error)) => crate::fatal::store_failed(&error),
                });
            let (id, _) = event.identity();
            if !known.as_ref().is_some_and(|known| known.has_seen(id, event.received_at)) {
                counted.insert((customer, id));
            }
        }
        counted.len() as u64
    }

    /// A customer with all messages that it remembers, or the one that it became part of.
    fn seen(&self, id: &CustomerId) -> Result<Option<Loaded>, LoadError> {
        let store = &self.app.store;
        let mut key = id.key();
        for _ in 0..=CHAIN_MAX {
            let partition = key.partition(self.app.directory.count());
            let Some(record) = Rows(store).customers(partition, &[key])?.pop().flatten() else {
                break;
            };
            let mut loaded = Loaded::from_record(codec::decode_customer(key, &record)?);
            let Some(tombstone) = &loaded.customer.tombstone else {
                load_spilled(store, partition, &mut loaded)?;
                return Ok(Some(loaded));
            };
            key = tombstone.into.key();
        }
        Ok(None)
    }
}
