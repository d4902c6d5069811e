//! Which recorded events and aliases were taken in before, as far as the store knows: for what an
//! import says of itself. It changes nothing; whether an event is a repeat is decided in its turn.

use std::collections::{HashMap, HashSet};

use domain::event::{Alias, Recorded};
use domain::ids::CustomerId;
use engine::Loaded;

use super::Admin;
use crate::actors::load::{LoadError, load_spilled, load_who_goes_on};

impl Admin {
    /// How many of these events and aliases are new.
    pub(super) fn new_among(&self, all: &[Recorded]) -> u64 {
        let mut loaded: HashMap<CustomerId, Option<Loaded>> = HashMap::new();
        let mut counted: HashSet<(&CustomerId, &str)> = HashSet::new();
        let mut aliases: HashSet<(&CustomerId, &CustomerId)> = HashSet::new();
        for one in all {
            let event = match one {
                Recorded::Event(event) => event,
                Recorded::Alias(alias) if self.are_one(alias) => continue,
                Recorded::Alias(alias) => {
                    aliases.insert((&alias.previous, &alias.into));
                    continue;
                }
            };
            let customer = &event.customer;
            let known =
                loaded.entry(customer.clone()).or_insert_with(|| known(self.seen(customer)));
            let (id, _) = event.identity();
            if !known.as_ref().is_some_and(|known| known.has_seen(id, event.received_at)) {
                counted.insert((customer, id));
            }
        }
        (counted.len() + aliases.len()) as u64
    }

    /// Whether somebody has become part of whom the alias says already.
    fn are_one(&self, alias: &Alias) -> bool {
        let id = |id: &CustomerId| {
            let found = load_who_goes_on(&self.app.store, self.app.directory.count(), id);
            known(found).map(|(_, loaded)| loaded.customer.id)
        };
        let into = id(&alias.into);
        into.is_some() && into == id(&alias.previous)
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

/// Whose rows make no sense has seen nothing: the turn says what is wrong.
fn known<T>(found: Result<Option<T>, LoadError>) -> Option<T> {
    match found {
        Ok(found) => found,
        Err(LoadError::Decode(_) | LoadError::TooLarge { .. }) => None,
        Err(LoadError::Read(error)) => crate::fatal::store_failed(&error),
    }
}
