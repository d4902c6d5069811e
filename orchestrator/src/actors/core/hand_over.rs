//! What was decided, on its way to the committer.

use engine::Ticket;
use engine::partition::Effect;
use engine::withdraw::TRANSACTION_BYTES_MAX;

use super::Core;
use crate::actors::load::LoadError;
use crate::rows;

const _: () = assert!(TRANSACTION_BYTES_MAX <= store::TRANSACTION_BYTES_MAX);

impl Core {
    /// Leaves it for the committer, unless it is too large for the store: then nothing of it has
    /// happened, whoever waits for it hears so, and its customer must be loaded again.
    pub(super) fn hand_over(
        &mut self,
        decided: Option<engine::Transaction>,
    ) -> Result<(), LoadError> {
        let Some(mut transaction) = decided.map(rows::to_store) else { return Ok(()) };
        let bytes = transaction.bytes();
        if bytes <= TRANSACTION_BYTES_MAX {
            self.undelivered.push(transaction);
            return Ok(());
        }
        let (note, effects) = self.partition.withdraw(&transaction.note);
        transaction.writes.clear();
        transaction.note = note;
        self.undelivered.push(transaction);
        self.too_large += 1;
        for effect in effects {
            match effect {
                Effect::Acknowledge(Ticket(ticket)) | Effect::Refuse(Ticket(ticket)) => {
                    self.acks.remove(&ticket);
                    self.following.remove(&ticket);
                }
                // The slot that it took is free again.
                Effect::Attempt(attempt) => drop(self.slots.taken(&attempt.channel)),
                Effect::Forward { input, .. } => drop(self.work(input)),
            }
        }
        Err(LoadError::TooLarge { bytes })
    }
}
