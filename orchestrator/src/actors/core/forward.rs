//! What customers of a partition tell customers of any: inputs on their way from a tombstone to
//! whoever went on, and words of merges.

use domain::ids::CustomerId;
use engine::{Input, Ticket};
use runtime::Lane;

use super::{Core, Following};
use crate::actors::{Addressed, Settled, Work};

/// Inputs on their way from tombstones to the customers that went on. At it events are dropped
/// unanswered, and their sender repeats them; merges and outcomes are kept.
const FORWARDED_MAX: usize = 8_192;

impl Core {
    /// An input as work for another customer; who waits for it goes along, and a slot.
    pub(super) fn work(&mut self, input: Input) -> Option<Work> {
        let mut ack = |ticket: Option<Ticket>| self.acks.remove(&ticket?.0);
        Some(match input {
            Input::Event { event, ticket } => Work::Event { event, ack: ack(ticket) },
            Input::Recorded { event, ticket } => Work::Recorded { event, ack: ack(ticket) },
            Input::Enroll { journey, key, payload, ticket } => {
                Work::Enroll { journey, key, payload, ack: ack(ticket) }
            }
            Input::Redrive { send, even_if_arrived, ticket } => {
                Work::Redrive { send, even_if_arrived, ack: ack(ticket) }
            }
            Input::Report { send, report, ticket } => {
                Work::Report { send, report, ack: ack(ticket) }
            }
            Input::Merge { word, ticket } => Work::Merge { word, ack: ack(ticket) },
            Input::Outcome { send, outcome, ticket } => {
                let Following { permit, trace } = self.following.remove(&ticket?.0)?;
                Work::Outcome(Settled { send, outcome, permit, trace })
            }
            Input::Timer
            | Input::Slot(_)
            | Input::Retry(_)
            | Input::Tick { .. }
            | Input::Refresh => return None,
        })
    }

    pub(super) fn forward(&mut self, to: CustomerId, work: Option<Work>) {
        let Some(work) = work else {
            return;
        };
        let repeatable = matches!(
            work,
            Work::Event { .. }
                | Work::Recorded { .. }
                | Work::Enroll { .. }
                | Work::Redrive { .. }
                | Work::Report { .. }
        );
        if repeatable && self.forwarded.len() >= FORWARDED_MAX {
            return;
        }
        let key = to.key();
        self.forwarded.push_back(Addressed { key, id: Some(to), lane: Lane::Live, work });
    }
}
