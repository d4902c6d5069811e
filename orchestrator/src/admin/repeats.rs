//! Which recorded events were taken in before, as far as the store knows: for what an import says
//! of itself. It changes nothing; whether an event is a repeat is decided in its turn.

use std::collections::{HashMap, HashSet};

use domain::event::Event;
use domain::ids::CustomerId;
use engine::Loaded;

use super::Admin;
use crate::actors::load::{LoadError, load_spilled, load_who_goes_on};

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
        let found = load_who_goes_on(store, self.app.directory.count(), id)?;
        let Some((partition, mut loaded)) = found else {
            return Ok(None);
        };
        load_spilled(store, partition, &mut loaded)?;
        Ok(Some(loaded))
    }
}
