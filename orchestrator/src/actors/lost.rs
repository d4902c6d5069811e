//! Stops that are lost because their customer's rows cannot be read: what an operator is told of
//! them, and how many there are.

use domain::consent::Permission;
use domain::event::EventBody;
use domain::ids::{CustomerKey, SendId};
use domain::verdict::RuleKind;
use engine::{ledger, report};

use super::Work;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::{CustomerHash, SealedId};

/// What stops messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// A hard bounce of this send, on its address. Nobody repeats it.
    Bounce(SendId),
    /// Consent that was withdrawn. Whoever did so hears that it was not taken in.
    Withdrawal,
}

impl Stop {
    /// The stop in a customer's work, if there is one.
    pub fn of(work: &Work) -> Option<Self> {
        match work {
            Work::Outcome(settled) => {
                ledger::stops_address(&settled.outcome).then_some(Self::Bounce(settled.send))
            }
            Work::Report { send, report, .. } => {
                report::stops_address(report).then_some(Self::Bounce(*send))
            }
            Work::Event { event, .. } | Work::Recorded { event, .. } => {
                withdraws(&event.body).then_some(Self::Withdrawal)
            }
            Work::Timer { .. }
            | Work::Slot(..)
            | Work::Retry(_)
            | Work::Tick { .. }
            | Work::Enroll { .. }
            | Work::Redrive { .. }
            | Work::Merge { .. }
            | Work::Refresh { .. } => None,
        }
    }
}

/// A stop that no rule will know of.
#[derive(Clone, Copy, Debug)]
pub struct LostStop {
    /// Whose.
    pub customer: CustomerKey,
    /// Which.
    pub stop: Stop,
}

impl LostStop {
    /// Counts it, and says what is to be done.
    pub fn tell(self, metrics: &Metrics) {
        let customer = self.customer;
        match self.stop {
            Stop::Bounce(send) => {
                metrics.stop_lost(RuleKind::Suppression.as_str());
                tracing::error!(
                    customer.hash = %CustomerHash(customer),
                    send.id = %SealedId(send.0),
                    "a stop on an address is lost: rows of its customer cannot be read (CAD-3005). \
                     Restore a backup, then withdraw the consent of whoever has the address that \
                     the mail server's log shows with this send (`cadencia telemetry-id` says \
                     which it is)"
                );
            }
            Stop::Withdrawal => {
                metrics.stop_lost(RuleKind::Consent.as_str());
                tracing::error!(
                    customer.hash = %CustomerHash(customer),
                    "a withdrawal of consent was refused: rows of its customer cannot be read \
                     (CAD-3005) or have grown too large (CAD-3010). Restore a backup, or see to \
                     who sends so much, then see to it that the withdrawal is sent again"
                );
            }
        }
    }
}

fn withdraws(body: &EventBody) -> bool {
    match body {
        EventBody::Consent(change) => change.permission == Permission::Denied,
        EventBody::Identify { .. } | EventBody::Track { .. } | EventBody::StopsLifted(_) => false,
    }
}
