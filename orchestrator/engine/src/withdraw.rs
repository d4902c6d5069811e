//! A transaction that is too large for the store: taken back, before anybody has seen it.

use crate::codec;
use crate::note::Note;
use crate::partition::{Effect, Partition};

/// Largest transaction, in bytes of its rows and its note: what the store takes. Limits of events,
/// traits and enrollments keep turns far below it.
pub const TRANSACTION_BYTES_MAX: usize = 8 * 1024 * 1024;

impl Partition {
    /// Takes back the newest transaction, by its note: nothing of it has happened. Gives back the
    /// note of an empty transaction to be written in its place, since sequences have no gaps, and
    /// what waited for the old one. The customer must be loaded again. Sends that it closed stay
    /// open in the store; they are settled at the next start.
    pub fn withdraw(&mut self, note: &[u8]) -> (Vec<u8>, Vec<Effect>) {
        let seq = self.seq();
        if let Ok(note) = codec::decode::<Note>("note", note) {
            for opened in &note.opened {
                self.forget_open(opened.send);
            }
            for (key, delta) in &note.deltas {
                self.counters.add(*key, -i64::from(*delta));
            }
        }
        while self.fresh.pop_back_if(|(at, _)| *at == seq).is_some() {}
        let mut effects = Vec::new();
        while let Some((_, effect)) = self.pending.pop_back_if(|(at, _)| *at == seq) {
            effects.push(effect);
        }
        (codec::encode(&Note { at: self.latest, ..Note::default() }), effects)
    }
}
