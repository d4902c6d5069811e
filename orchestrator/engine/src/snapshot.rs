//! Snapshots of a partition: what a restart starts from before it replays the notes.

use std::collections::BTreeMap;

use domain::ids::SendId;
use domain::time::Instant;
use serde::{Deserialize, Serialize};

use crate::counters::Counters;
use crate::note::{Note, OpenedSend};

/// A partition's open sends and counts at one sequence: a restart replays the notes after it.
/// Who is due and who waits for a slot stands in the headers of the customers' records.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The partition's sequence at which it was taken.
    pub seq: u64,
    /// A group commit that was durable then: group rows before it are not needed any more.
    pub commit: u64,
    /// Open sends.
    pub open: BTreeMap<SendId, OpenedSend>,
    /// Counts.
    pub counters: Counters,
    /// The newest instant that the partition had seen.
    pub at: Instant,
}

impl Snapshot {
    /// Takes in the note of one transaction, in the order of their sequences. One that the
    /// snapshot contains already changes nothing.
    pub fn replay(&mut self, seq: u64, note: Note) {
        if seq <= self.seq {
            return;
        }
        self.seq = seq;
        self.at = self.at.max(note.at);
        for opened in note.opened {
            self.open.insert(opened.send, opened);
        }
        for send in note.closed {
            self.open.remove(&send);
        }
        for (key, delta) in note.deltas {
            self.counters.add(key, i64::from(delta));
        }
    }
}
