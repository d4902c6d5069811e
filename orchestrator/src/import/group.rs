//! Holds groups of lines until they are complete, and lets events out in the order of their
//! first lines.

use std::collections::{HashMap, HashSet, VecDeque};

use domain::event::Event;
use domain::hash;

use super::record::Draft;
use super::{HELD_MAX, KEYS_MAX, ReadError};

/// What stands in the queue.
#[derive(Debug)]
pub(super) enum Held {
    /// Ready to go.
    Event(Event),
    /// A group that may still grow.
    Group(GroupState),
}

/// A group that may still grow.
#[derive(Debug)]
pub(super) struct GroupState {
    /// Index of its record in the mapping.
    pub(super) record: usize,
    pub(super) key: String,
    pub(super) first_line: u64,
    pub(super) last_line: u64,
    pub(super) content: GroupContent,
}

/// A group adds up to an event unless one of its lines was bad.
#[derive(Debug)]
pub(super) enum GroupContent {
    Draft(Draft),
    /// The line that was rejected: without it the event would be wrong.
    Spoiled(u64),
}

/// Events and groups in the order of their first lines.
#[derive(Debug, Default)]
pub(super) struct Queue {
    held: VecDeque<Held>,
    /// Number of the element at the front; numbers never come back.
    front: u64,
    /// Open groups by (record, key), with their number in the queue.
    open: HashMap<(usize, String), u64>,
    closed: HashSet<u128>,
}

impl Queue {
    pub(super) fn push_event(&mut self, event: Event) -> Result<(), ReadError> {
        self.push(Held::Event(event)).map(drop)
    }

    /// The open group of this key, if there is one. A group that was closed must not come back.
    pub(super) fn group(
        &mut self,
        record: usize,
        key: &str,
        line: u64,
    ) -> Result<Option<&mut GroupState>, ReadError> {
        if let Some(number) = self.open.get(&(record, key.to_owned())) {
            let at = (number - self.front) as usize;
            return Ok(match self.held.get_mut(at) {
                Some(Held::Group(group)) => Some(group),
                Some(Held::Event(_)) | None => None,
            });
        }
        if self.closed.contains(&hash_of(record, key)) {
            return Err(ReadError::GroupCameBack { key: key.to_owned(), line });
        }
        Ok(None)
    }

    pub(super) fn open(&mut self, group: GroupState) -> Result<(), ReadError> {
        let key = (group.record, group.key.clone());
        let number = self.push(Held::Group(group))?;
        self.open.insert(key, number);
        Ok(())
    }

    /// The element at the front, if nothing more can come for it. `within` gives the window of a
    /// record; without a `line` the file has ended and everything is complete.
    pub(super) fn pop(
        &mut self,
        line: Option<u64>,
        within: impl Fn(usize) -> u64,
    ) -> Result<Option<Held>, ReadError> {
        if let (Some(Held::Group(group)), Some(line)) = (self.held.front(), line)
            && line.saturating_sub(group.last_line) <= within(group.record)
        {
            return Ok(None);
        }
        let Some(held) = self.held.pop_front() else { return Ok(None) };
        self.front += 1;
        if let Held::Group(group) = &held {
            self.open.remove(&(group.record, group.key.clone()));
            if self.closed.len() >= KEYS_MAX {
                return Err(ReadError::TooManyKeys);
            }
            self.closed.insert(hash_of(group.record, &group.key));
        }
        Ok(Some(held))
    }

    fn push(&mut self, held: Held) -> Result<u64, ReadError> {
        if self.held.len() >= HELD_MAX {
            return Err(ReadError::TooManyHeld);
        }
        self.held.push_back(held);
        Ok(self.front + self.held.len() as u64 - 1)
    }
}

/// A key of a record, as 16 bytes.
pub(super) fn hash_of(record: usize, key: &str) -> u128 {
    hash::parts(&[&(record as u64).to_le_bytes(), key.as_bytes()])
}
